import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  AUTHOR_KEYS,
  newIdentity,
  type Role,
  writeCredentialFile,
  writeKeyFile,
} from "../../../firmware/identity/identity.ts";
import { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { buildImage } from "../../../host-tools/image/build.ts";
import {
  boardPrograms,
  nativeModule,
  packageFacts,
  packageLicence,
} from "../../../host-tools/image/programs.ts";
import { TARGETS } from "../../../host-tools/image/targets.ts";
import { MAIN, meterbench, type Running, start, startMeterbench, stopAll } from "../../support/command.ts";
import { freePort } from "../../support/free-port.ts";
import { INSTALLED_HELPERS, temporaryFolder } from "../../support/pty-pair.ts";

const IMAGES = [
  ["first", "acme", 1],
  ["next", "acme", 2],
  ["third", "acme", 3],
  ["fourth", "acme", 4],
  ["strange", "mallory", 9],
] as const;
const TARGET = process.arch === "arm64" ? "linux-arm64" : "linux-x64";

let folder: ReturnType<typeof temporaryFolder>;
const at = (path: string): string => join(folder.path, path);

beforeAll(async () => {
  folder = temporaryFolder();
  const parties = [party("meter", "M1"), party("head-end", "utility"), party("author", "acme")];
  for (const { identity, id } of [...parties, party("author", "mallory")]) {
    writeFileSync(at(`${id}.key.json`), writeKeyFile(identity), { mode: 0o600 });
    writeFileSync(at(`${id}.json`), writeCredentialFile(identity.role, identity.credential));
  }
  const programs = await boardPrograms();
  for (const [name, author, sequence] of IMAGES) {
    const native = nativeModule(TARGETS[TARGET].native.glibc);
    const inputs = {
      target: TARGET,
      libc: "glibc",
      facts: packageFacts(),
      licence: packageLicence(),
    } as const;
    const { identity } = party("author", author);
    const built = buildImage(opensslEngine, identity, { ...inputs, programs, native, sequence });
    if ("error" in built) throw new Error(built.error);
    writeFileSync(at(`${name}.image`), built.bytes);
  }
}, 60_000);
afterAll(async () => {
  await stopAll();
  folder.remove();
});

function party(role: Role, id: string) {
  const keys = role === "author" ? AUTHOR_KEYS : {};
  const wanted = { role, id, development: false, ...keys };
  return { id, identity: newIdentity(opensslEngine, new SeededRandom(`${role} ${id}`), wanted) };
}

/** What the command printed; one that failed fails the test. */
async function done(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await meterbench(args, { cwd: folder.path });
  expect(stderr).toBe("");
  expect(code).toBe(0);
  return stdout;
}

function setUpArgs(): string[] {
  return [
    ...["--board-keys", at("M1.key.json"), "--trust", at("utility.json"), "--author", at("acme.json")],
    ...["--conf", at("meter.conf")],
  ];
}

/** Flashes, and kills the flasher as a power cut would, as soon as so many changes of names were seen below the folder. */
async function killedFlash(image: string, root: string, changes: number, more: readonly string[] = []) {
  const args = [MAIN, "flash", at(image), "--to", `dir:${root}`, ...more];
  const child = spawn(process.execPath, args, { cwd: folder.path, stdio: "ignore" });
  const ended = new Promise<NodeJS.Signals | null>((resolve) => {
    child.once("close", (_code, signal) => resolve(signal));
  });
  let seen = 0;
  let before = namesBelow(root);
  const looking = setInterval(() => {
    const names = namesBelow(root);
    if (names !== before && ++seen === changes) child.kill("SIGKILL");
    before = names;
  }, 1);
  const signal = await ended;
  clearInterval(looking);
  return signal;
}

/** By asking again and again: Node's own watching of folders below others throws where one goes as it is looked at. */
function namesBelow(root: string): string {
  try {
    return readdirSync(root, { recursive: true }).sort().join();
  } catch {
    return "in between";
  }
}

describe.skipIf(INSTALLED_HELPERS.length === 0)(
  "a board in a folder, from nothing to its next image",
  { timeout: 90_000 },
  () => {
    let root: string;
    let port: number;
    let board: Running;

    beforeAll(async () => {
      root = at("board");
      mkdirSync(root);
      port = await freePort();
      writeFileSync(
        at("meter.conf"),
        [
          "# a meter of these tests",
          `at udp:127.0.0.1:${port}`,
          `chip bl0942@serial:${at("chip")}`,
          "serial-number 4711",
          "allow utility=update",
          `recovery pty:${at("console")}`,
          "",
        ].join("\n"),
      );
    });

    async function slots(): Promise<Record<string, unknown>> {
      return JSON.parse(await done(["slots", "--on", `dir:${root}`, "--json"])) as Record<string, unknown>;
    }

    async function startBoard(): Promise<void> {
      board = await start("sh", [join(root, "opt/meterbench/start")], { cwd: folder.path });
    }

    async function read(): Promise<Record<string, unknown>> {
      const asked = [
        "read",
        `udp:127.0.0.1:${port}`,
        "--meter",
        "M1",
        "--keys",
        at("utility.key.json"),
        "--json",
      ];
      return JSON.parse(await done([...asked, "1.8.0"])) as Record<string, unknown>;
    }

    test("is set up and flashed, however often the flasher is killed in the middle of it", async () => {
      let killed = 0;
      for (const changes of [1, 3, 6, 9, 12, 16]) {
        if ((await killedFlash("first.image", root, changes, setUpArgs())) === "SIGKILL") killed++;
      }
      expect(killed).toBeGreaterThan(2);
      const last = await meterbench([
        "flash",
        at("first.image"),
        "--to",
        `dir:${root}`,
        ...setUpArgs(),
        "--json",
      ]);
      // One that was killed at its very end had done all already.
      if (last.code !== 0) expect(last.stderr).toMatch(/is set up already/);
      expect(await slots()).toMatchObject({
        ...{ board: true, current: "a", floor: 1 },
        slots: { a: { sequence: 1, state: "confirmed" } },
      });
    });

    test("starts from what was flashed, with a chip on a PTY, and answers a protected read", async () => {
      await startMeterbench(["ic", "emulate", "bl0942", "--at", `pty:${at("chip")}`, "--load", "watts:1200"]);
      await startBoard();
      expect(board.ready).toMatchObject({ ready: true, id: "M1" });
      await done(["enrol", at("M1.json")]);
      expect(await read()).toMatchObject({ meter: "M1", registers: [{ obis: "1-0:1.8.0*255" }] });
    });

    test("gets its next image by flashers that are killed, tries it at its next start, and confirms it", async () => {
      let killed = 0;
      for (const changes of [1, 2, 3, 4])
        if ((await killedFlash("next.image", root, changes)) === "SIGKILL") killed++;
      expect(killed).toBeGreaterThan(0);
      const flashed = JSON.parse(await done(["flash", at("next.image"), "--to", `dir:${root}`, "--json"]));
      expect(flashed).toMatchObject({ end: "armed", slot: "b", image: { sequence: 2 } });
      expect(await slots()).toMatchObject({ current: "a", trial: { slot: "b", left: 3 } });
      await board.stop();
      await startBoard();
      expect(await read()).toMatchObject({ meter: "M1" });
      await confirmed(2, "b");
    });

    /** The board has looked at itself by then. */
    async function confirmed(sequence: number, current: string): Promise<void> {
      await expect.poll(slots, { timeout: 20_000, interval: 500 }).toMatchObject({
        ...{ current, floor: sequence },
        outcome: { kind: "confirmed", sequence },
      });
    }

    test("gets another over its own protected line, starts anew by itself, and the flasher waits until it has confirmed", async () => {
      // Whoever supervises the board starts it again.
      board.child.once("close", () => void startBoard());
      const to = ["--to", `coap:udp:127.0.0.1:${port}`, "--meter", "M1", "--keys", at("utility.key.json")];
      expect(
        JSON.parse(await done(["flash", at("third.image"), ...to, "--dry-run", "--json"])),
      ).toMatchObject({
        ...{ end: "dry-run", slot: "a", sentBytes: 0 },
      });
      const flashed = JSON.parse(await done(["flash", at("third.image"), ...to, "--json"]));
      expect(flashed).toMatchObject({ end: "confirmed", slot: "a", image: { sequence: 3 }, resumedAt: 0 });
      expect(flashed.sentBytes).toBe(flashed.image.bytes);
      const asked = [
        "slots",
        "--on",
        `coap:udp:127.0.0.1:${port}`,
        "--meter",
        "M1",
        "--keys",
        at("utility.key.json"),
      ];
      expect(await done(asked)).toMatch(/slot a .* sequence 3 +confirmed\n/);
      await board.stop();
    });

    test("gets one over its recovery console, which its loader opens where it is asked to", async () => {
      writeFileSync(join(root, "var/lib/meterbench/recovery"), "");
      const loader = spawn("sh", [join(root, "opt/meterbench/start")], {
        stdio: ["ignore", "ignore", "pipe"],
      });
      const ended = new Promise<number | null>((resolve) => loader.once("close", resolve));
      await new Promise<void>((resolve) => {
        loader.stderr.on("data", (data: Buffer) => data.includes("console at") && resolve());
      });
      const to = ["--to", `pty:${at("console")}`];
      expect(JSON.parse(await done(["flash", at("fourth.image"), ...to, "--json"]))).toMatchObject({
        ...{ end: "armed", slot: "b", image: { sequence: 4 } },
      });
      // To be started again, with the new image.
      expect(await ended).toBe(75);
      await startBoard();
      await confirmed(4, "b");
      await board.stop();
    });

    test("refuses what it must, with the exit codes that scripts know and nothing of a key in any output", async () => {
      const to = ["--to", `dir:${root}`];
      const truncated = at("truncated.image");
      writeFileSync(truncated, readFileSync(at("next.image")).subarray(0, -1));
      const refused = [
        [4, /not signed by any author/, await meterbench(["flash", at("strange.image"), ...to])],
        [2, /rollback/, await meterbench(["flash", at("first.image"), ...to])],
        [2, /bytes of files in place of/, await meterbench(["flash", truncated, ...to])],
        [2, /does not begin as an image does/, await meterbench(["flash", at("meter.conf"), ...to])],
        [2, /is set up already/, await meterbench(["flash", at("next.image"), ...to, ...setUpArgs()])],
        [2, /mount the card/, await meterbench(["flash", at("next.image"), "--to", `dir:${at("nowhere")}`])],
        [
          2,
          /There is no board at/,
          await meterbench(["flash", at("next.image"), "--to", `dir:${folder.path}`]),
        ],
        [2, /none of the known forms/, await meterbench(["slots", "--on", "ftp:pi"])],
      ] as const;
      const secret = JSON.parse(readFileSync(at("M1.key.json"), "utf8")).secretKey as string;
      for (const [code, words, { stderr, stdout, ...ended }] of refused) {
        expect({ ...ended, stderr }).toEqual({ code, stderr: expect.stringMatching(words) });
        expect(stderr.trim().split("\n")).toHaveLength(1);
        expect(stdout + stderr).not.toContain(secret);
      }
      expect(await slots()).toMatchObject({ current: "b", floor: 4 });
    });
  },
);
