import { spawn } from "node:child_process";
import {
  closeSync,
  constants,
  existsSync,
  lstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { SlipmuxLink } from "../../../hal/modems/slipmux/driver.ts";
import { LineError } from "../../../hal/node/line-error.ts";
import { makePty } from "../../../hal/node/pty.ts";
import type { PtyHelper } from "../../../hal/node/pty-helper.ts";
import { openSerialUart } from "../../../hal/node/serial-uart.ts";
import { LINE } from "../../../hal/ports/link.ts";
import type { Uart } from "../../../hal/ports/uart.ts";
import { uartContract, uartInterruptionContract } from "../../contracts/uart.ts";
import {
  INSTALLED_HELPERS,
  PTY_SETTINGS,
  programPath,
  ptyPair,
  temporaryFolder,
} from "../../support/pty-pair.ts";
import { settle, sleep, until } from "../../support/real-time.ts";

/** One each, since a program is slow to start. */
const SIGNALS = { socat: ["SIGTERM"], python3: ["SIGINT"] } as const;

const toDo: (() => void)[] = [];

afterEach(() => {
  for (const clean of toDo.splice(0).reverse()) clean();
});

function folder(): string {
  const { path, remove } = temporaryFolder();
  toDo.push(remove);
  return path;
}

async function pair(helper: PtyHelper) {
  const made = await ptyPair(helper);
  toDo.push(made.close);
  return made;
}

/** Answers each byte n with n + 1. */
function answer(uart: Uart): void {
  uart.listen({ bytes: (bytes) => uart.write(bytes.map((byte) => byte + 1)) });
}

/** Opens the line, asks with byte n until n + 1 is heard, and closes; gives the milliseconds it took. */
async function askOnce(path: string, n: number): Promise<number> {
  const startMs = performance.now();
  const reader = await openSerialUart(path, PTY_SETTINGS);
  let heard = false;
  reader.listen({ bytes: (bytes) => (heard ||= bytes.includes(n + 1)) });
  reader.write(Uint8Array.of(n));
  await until(() => heard);
  reader.close();
  return heard ? performance.now() - startMs : Number.POSITIVE_INFINITY;
}

for (const helper of ["socat", "python3"] as const) {
  const installed = INSTALLED_HELPERS.includes(helper);
  describe.skipIf(!installed)(`a PTY by ${helper}${installed ? "" : " (not installed here)"}`, () => {
    uartContract("the end that is served", async () => {
      const { served, reached, close } = await ptyPair(helper);
      return { near: served, far: reached, settle, close };
    });

    uartInterruptionContract("the end that is opened", async () => {
      const { served, reached, close, helperPids } = await ptyPair(helper);
      const interrupt = () => void process.kill(helperPids().at(-1) as number, "SIGKILL");
      return { near: reached, far: served, settle, close, interrupt, restore: () => {} };
    });

    test("carries slipmux frames there and back", async () => {
      const { served, reached } = await pair(helper);
      const [near, far] = [new SlipmuxLink(reached), new SlipmuxLink(served)];
      const heard: Uint8Array[] = [];
      far.listen({ datagram: (from, datagram) => far.send(from, datagram.toReversed()) });
      near.listen({ datagram: (_, datagram) => heard.push(datagram) });
      const datagram = Uint8Array.from({ length: 1152 }, (_, i) => i);
      expect(near.send(LINE, datagram)).toBe("queued");
      await until(() => heard.length > 0);
      expect(heard).toEqual([datagram.toReversed()]);
    });

    test("does not mind readers that come and go 20 times", async () => {
      const { path, served, reached, helperPids } = await pair(helper);
      reached.close();
      answer(served);
      for (let i = 0; i < 20; i++) expect(await askOnce(path, i)).toBeLessThan(2000);
      expect(helperPids()).toHaveLength(1);
    });

    test("answers a new reader within 2 s after 100 kB were left unread", async () => {
      const { path, served, reached } = await pair(helper);
      reached.close();
      answer(served);
      const idler = openSync(path, constants.O_RDWR | constants.O_NOCTTY);
      for (let taken = 0; taken < 100_000; await sleep(1)) {
        if (served.write(new Uint8Array(1000).fill(100)) === "queued") taken += 1000;
      }
      closeSync(idler);
      expect(await askOnce(path, 7)).toBeLessThan(2000);
    });

    test("answers a new reader within 2 s when every buffer on the way is full", async () => {
      const { path, served, reached } = await pair(helper);
      reached.close();
      answer(served);
      let refused = 0;
      for (let turn = 0; turn < 150; turn++) {
        for (let i = 0; i < 8; i++) if (served.write(new Uint8Array(1000).fill(100)) === "busy") refused++;
        await sleep(1);
      }
      expect(refused).toBeGreaterThan(0);
      await sleep(100);
      expect(served.write(new Uint8Array(1000).fill(100))).toBe("queued");
      expect(await askOnce(path, 7)).toBeLessThan(2000);
    });

    test("is down when its helper is killed, and back under its name within 2 s", async () => {
      const { path, served, reached, helperPids } = await pair(helper);
      reached.close();
      const states: string[] = [];
      served.listen({
        bytes: (bytes) => served.write(bytes.map((byte) => byte + 1)),
        state: (state) => states.push(state),
      });
      const device = readlinkSync(path);
      const killedAtMs = performance.now();
      process.kill(helperPids().at(-1) as number, "SIGKILL");
      await until(() => states.includes("down"));
      expect(existsSync(path) && readlinkSync(path) === device).toBe(false);
      await until(() => states.includes("open"));
      await askOnce(path, 9);
      expect(performance.now() - killedAtMs).toBeLessThan(2000);
      expect(states).toEqual(["down", "open"]);
    });

    test("ends its helper and removes its link when it is closed", async () => {
      const { path, served, helperPids } = await pair(helper);
      const pid = helperPids().at(-1) as number;
      expect(isRunning(pid)).toBe(true);
      served.close();
      expect(() => lstatSync(path)).toThrow("ENOENT");
      expect(await until(() => !isRunning(pid))).toBe(true);
    });

    test.each(SIGNALS[helper])("a %s to its program ends its helper and link", async (signal) => {
      const { program, helperPid, link } = await startProgram(helper, folder());
      const ended = new Promise((resolve) => program.on("exit", (_, by) => resolve(by)));
      program.kill(signal);
      expect(await ended).toBe(signal);
      expect(await until(() => !isRunning(helperPid))).toBe(true);
      expect(() => lstatSync(link)).toThrow("ENOENT");
    });

    test("its helper ends when its program is killed, and the link left behind is replaced", async () => {
      const { program, helperPid, link } = await startProgram(
        helper,
        folder(),
        helper === "python3" ? 400 : 0,
      );
      program.kill("SIGKILL");
      // A socat that waits for a reader sees the end when one comes.
      const hasEnded = (): boolean => {
        if (helper === "socat") openBriefly(link);
        return !isRunning(helperPid);
      };
      expect(await until(hasEnded)).toBe(true);
      const served = await makePty(link, PTY_SETTINGS, [helper]);
      toDo.push(() => served.close());
      answer(served);
      expect(await askOnce(link, 1)).toBeLessThan(2000);
    });
  });
}

describe.skipIf(INSTALLED_HELPERS.length === 0)("the name of a PTY", () => {
  test("may be relative and hold any characters", async () => {
    const path = join(folder(), "a line, 1:2 (\"new\") 'x' !$HOME");
    const served = await makePty(path, PTY_SETTINGS);
    toDo.push(() => served.close());
    answer(served);
    expect(await askOnce(path, 3)).toBeLessThan(2000);
  });

  test("is refused where a file has it, and the file stays as it is", async () => {
    const path = join(folder(), "notes.txt");
    writeFileSync(path, "mine");
    await expect(makePty(path, PTY_SETTINGS)).rejects.toThrow(
      `Cannot make the line ${path}: the name is taken by something that is no PTY; remove it or choose another name.`,
    );
    expect(readFileSync(path, "utf8")).toBe("mine");
  });

  test("is refused where a link to something else has it, and the link stays", async () => {
    const path = join(folder(), "adapter");
    symlinkSync("/dev/ttyUSB0", path);
    await expect(makePty(path, PTY_SETTINGS)).rejects.toThrow("the name is taken");
    expect(readlinkSync(path)).toBe("/dev/ttyUSB0");
  });

  test("is refused in a folder that is not there, and no helper stays behind", async () => {
    const path = join(folder(), "nowhere", "line");
    await expect(makePty(path, PTY_SETTINGS)).rejects.toThrow(LineError);
    await expect(makePty(path, PTY_SETTINGS)).rejects.toThrow("check the folder and your rights in it.");
  });

  test("is refused while another line has it, and free again when that is closed", async () => {
    const path = join(folder(), "line");
    const older = await makePty(path, PTY_SETTINGS);
    await expect(makePty(path, PTY_SETTINGS)).rejects.toThrow("another meterbench serves it");
    answer(older);
    expect(await askOnce(path, 5)).toBeLessThan(2000);
    older.close();
    const newer = await makePty(path, PTY_SETTINGS);
    toDo.push(() => newer.close());
    answer(newer);
    expect(await askOnce(path, 5)).toBeLessThan(2000);
  });
});

test("without a helper on PATH, a PTY says what to install", async () => {
  const path = process.env["PATH"];
  process.env["PATH"] = folder();
  try {
    await expect(makePty("/tmp/line", PTY_SETTINGS)).rejects.toThrow(
      "Cannot make the line /tmp/line: socat is not installed and python3 is not installed; " +
        "install socat (apt install socat) or python3, or use tcp:HOST:PORT.",
    );
  } finally {
    process.env["PATH"] = path;
  }
});

test.skipIf(programPath("python3") === undefined)("a helper that is missing is passed over", async () => {
  const path = join(folder(), "line");
  const served = await makePty(path, PTY_SETTINGS, ["no-such-helper" as PtyHelper, "python3"]);
  toDo.push(() => served.close());
  expect(served.state).toBe("open");
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // One that has ended counts until it is waited for.
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** Another Node program that serves a PTY, leaves kilobytes unread on it, and prints its helper's process id. */
async function startProgram(helper: PtyHelper, within: string, unreadKilobytes = 0) {
  const link = join(within, "line");
  const source = `
    import { readFileSync } from "node:fs";
    import { makePty } from "${new URL("../../../dist/hal/node/pty.js", import.meta.url)}";
    const uart = await makePty(${JSON.stringify(link)}, ${JSON.stringify(PTY_SETTINGS)}, ["${helper}"]);
    for (let n = 0; n < ${unreadKilobytes}; n++) {
      uart.write(new Uint8Array(1000));
      await new Promise(setImmediate);
    }
    console.log(readFileSync("/proc/self/task/" + process.pid + "/children", "utf8"));
  `;
  const program = spawn(process.execPath, ["--input-type=module", "-e", source]);
  toDo.push(() => program.kill("SIGKILL"));
  let said = "";
  program.stdout.on("data", (text) => (said += text));
  program.stderr.on("data", (text) => (said += text));
  expect(await until(() => said.endsWith("\n"), 15_000)).toBe(true);
  return { program, link, helperPid: Number(said.trim().split(/\s+/).at(-1)) };
}

/** As a reader that comes and goes; a link that leads nowhere any more is no matter. */
function openBriefly(link: string): void {
  try {
    closeSync(openSync(link, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK));
  } catch {}
}
