import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { systemRandom } from "../../../hal/node/system-random.ts";
import type { NamedContext } from "../../../host-tools/oscore-context/context-file.ts";
import { writeContextFile } from "../../../host-tools/oscore-context/context-file.ts";
import { holdNumbers, NumberFileError } from "../../../host-tools/oscore-context/number-file.ts";
import { emptyFolder } from "../../support/command.ts";
import { testProgram } from "../../support/programs.ts";
import { until } from "../../support/real-time.ts";

const HOLDER = testProgram("host-tools/oscore-context/holder");
const ROUNDS = 4;

let folder: ReturnType<typeof emptyFolder>;
let context: NamedContext;
let path: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = emptyFolder();
  path = join(folder.path, "a.context.json");
  context = {
    masterSecret: systemRandom.bytes(16),
    senderId: Uint8Array.of(1),
    recipientId: new Uint8Array(0),
    aead: "AES-CCM-16-64-128",
  };
  writeFileSync(path, writeContextFile(context), { mode: 0o600 });
});
afterEach(() => {
  vi.unstubAllGlobals();
  for (const child of children.splice(0)) child.kill("SIGKILL");
  folder.remove();
});

/** Another process that holds the context; what it wrote, line by line. */
function holder(file = path) {
  const child = spawn(process.execPath, [HOLDER, file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  let text = "";
  child.stdout.on("data", (data: Buffer) => {
    text += data.toString();
  });
  const closed = once(child, "close");
  return {
    /** Whole lines so far. */
    lines: () => text.split("\n").slice(0, -1),
    closed,
    async kill(): Promise<void> {
      child.kill("SIGKILL");
      await closed;
    },
  };
}

describe("a preset context in use", () => {
  test("is refused to a second process, also by a symbolic link and as a copy, until the first is killed", async () => {
    const first = holder();
    expect(await until(() => first.lines().length > 100)).toBe(true);
    mkdirSync(join(folder.path, "elsewhere"));
    const [link, copy] = ["link.json", "copy.json"].map((name) => join(folder.path, "elsewhere", name));
    symlinkSync(path, link as string);
    copyFileSync(path, copy as string);
    for (const file of [path, link, copy] as string[]) {
      await expect(holdNumbers(file, context)).rejects.toThrow(
        /^The context is in use by another process, .*: end it or make another context\.$/,
      );
    }
    const third = holder();
    await third.closed;
    expect(third.lines()).toEqual([expect.stringMatching(/^The context is in use by another process/)]);
    await first.kill();
    const { sequence, release } = await holdNumbers(link as string, context);
    expect(sequence.next()).toBeGreaterThan(Number(first.lines().at(-1)));
    release();
  });

  test("leaves one that differs in sender, salt or ID context alone, and not one that differs by an empty salt", async () => {
    const { release } = await holdNumbers(path, context);
    const others = [
      { senderId: Uint8Array.of(2) },
      { masterSalt: Uint8Array.of(1) },
      { idContext: new Uint8Array(0) },
    ];
    for (const other of others) (await holdNumbers(path, { ...context, ...other })).release();
    const same = { ...context, masterSalt: new Uint8Array(0) };
    await expect(holdNumbers(path, same)).rejects.toThrow(NumberFileError);
    release();
  });

  test("never gives a number twice, however often and whenever its process is killed", async () => {
    const used: number[] = [];
    let next = holder();
    for (let round = 0; round < ROUNDS; round++) {
      const current = next;
      expect(await until(() => current.lines().length > 0)).toBe(true);
      const seen = current.lines().length;
      await until(() => current.lines().length > seen + ((round * 37) % 300));
      await current.kill();
      next = holder();
      used.push(...current.lines().map(Number));
    }
    await next.kill();
    expect(used.length).toBeGreaterThan(ROUNDS);
    expect(used.every((number, i) => number > (used[i - 1] ?? -1))).toBe(true);
  });
});

describe("a preset context's numbers", () => {
  test("go on after a release, beside the file that a link leads to", async () => {
    const link = join(folder.path, "link.json");
    symlinkSync(path, link);
    const first = await holdNumbers(link, context);
    expect([first.sequence.next(), first.sequence.next()]).toEqual([0, 1]);
    expect(readFileSync(`${path}.seq`, "utf8")).toBe("64\n");
    expect(existsSync(`${link}.seq`)).toBe(false);
    first.release();
    const second = await holdNumbers(path, context);
    expect(second.sequence.next()).toBe(64);
    second.release();
  });

  test("are not guessed where their file holds none, and the context is free again then", async () => {
    writeFileSync(`${path}.seq`, "many\n");
    await expect(holdNumbers(path, context)).rejects.toThrow(/holds no number: .*\.$/);
    writeFileSync(`${path}.seq`, "100\n");
    const { sequence, release } = await holdNumbers(path, context);
    expect(sequence.next()).toBe(100);
    release();
  });

  test("are refused with a sentence where no process can hold them alone", async () => {
    vi.stubGlobal("process", Object.create(process, { platform: { value: "darwin" } }));
    await expect(holdNumbers(path, context)).rejects.toThrow(/only on Linux: use EDHOC here/);
  });
});
