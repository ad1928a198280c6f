// Processes as a user starts them, on real lines: PTYs, TCP and UDP.
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { emptyFolder, meterbench, startMeterbench, stopAll } from "../../support/command.ts";
import { freePort } from "../../support/free-port.ts";

let folder: ReturnType<typeof emptyFolder>;
let cwd: string;

beforeAll(() => {
  folder = emptyFolder();
  cwd = folder.path;
});
afterEach(stopAll);
afterAll(() => folder.remove());

/** Reads, and reads the profile, from another process. */
async function readAndProfile(address: string, more: readonly string[] = []): Promise<void> {
  const read = await meterbench(["read", address, "1.8.0", "1.7.0", "--json", ...more], { cwd });
  expect(read).toMatchObject({ code: 0, stderr: "" });
  const reading = JSON.parse(read.stdout);
  expect(reading.registers).toMatchObject([
    { obis: "1-0:1.8.0*255", unit: "Wh", quality: "measured" },
    { obis: "1-0:1.7.0*255", value: 1200, unit: "W", quality: "measured" },
  ]);
  expect(Number.isInteger(reading.registers[0].value)).toBe(true);
  const fromSeconds = Date.parse(reading.time) / 1000 - 6 * 3600;
  const span = ["--from", iso(fromSeconds), "--to", iso(fromSeconds + 24 * 900)];
  const profile = await meterbench(["profile", address, ...span, "--json", ...more], { cwd });
  expect(profile).toMatchObject({ code: 0, stderr: "" });
  const { meter, register, interval, intervals } = JSON.parse(profile.stdout);
  expect({ meter, register, interval }).toEqual({
    meter: reading.meter,
    register: "1-0:1.8.0*255",
    interval: 900,
  });
  expect([24, 25]).toContain(intervals.length);
  // The meter has just been started: what it did not measure is missing, never zero.
  expect(intervals[0]).toMatchObject({ value: null, flags: ["missing"] });
}

function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}

describe("a meter is read and profiled from another process", () => {
  test("over UDP", async () => {
    const at = `udp:127.0.0.1:${await freePort()}`;
    const { ready } = await startMeterbench(["serve", "--at", at, "--load", "watts:1200"], { cwd });
    expect(ready).toEqual({ ready: true, id: "M1", address: at });
    await readAndProfile(at);
  });

  test("over serial bytes on TCP, where it is taken for no recovery console", async () => {
    const at = `tcp:127.0.0.1:${await freePort()}`;
    await startMeterbench(["serve", "--at", at, "--load", "watts:1200"], { cwd });
    await readAndProfile(at);
    expect(await meterbench(["slots", "--on", at], { cwd })).toMatchObject({
      code: 2,
      stderr: `A meter runs at ${at}, and takes nothing unprotected: write coap:${at}, or start its board with its recovery flag.\n`,
    });
  });

  test("over a PTY, with its chip in a third process on a second PTY", async () => {
    await startMeterbench(["ic", "emulate", "bl0942", "--at", "pty:./chip", "--load", "watts:1200"], { cwd });
    const meter = ["serve", "--id", "M2", "--chip", "bl0942@serial:./chip", "--at", "pty:./meter"];
    await startMeterbench(meter, { cwd });
    await readAndProfile("pty:./meter", ["--meter", "M2"]);
    expect(await stopAll()).toBeUndefined();
    expect(existsSync(join(cwd, "meter"))).toBe(false);
  });
});

describe("identity", () => {
  test("a stranger is refused with exit 4 and told nothing, a wrong pin too, and nobody there is exit 3 in time", async () => {
    const port = await freePort();
    const at = `udp:127.0.0.1:${port}`;
    await startMeterbench(["serve", "--at", at], { cwd });
    const stranger = emptyFolder();
    const [unknown, pinned, nobody] = await Promise.all([
      meterbench(["read", at, "--home", stranger.path, "--json"], { cwd }),
      meterbench(["read", at, "--meter", "M9"], { cwd }),
      meterbench(["read", `udp:127.0.0.1:${port === 65535 ? port - 1 : port + 1}`, "--timeout", "2"], {
        cwd,
      }),
    ]);
    expect(unknown).toMatchObject({ code: 4, stdout: "" });
    expect(pinned).toMatchObject({ code: 4, stdout: "" });
    expect(nobody).toMatchObject({ code: 3, stdout: "" });
    for (const { stderr } of [unknown, pinned, nobody]) expect(stderr).toMatch(/^[A-Z][^\n]*[.)]\n$/);
    stranger.remove();
  });

  test("with real keys on both sides a meter is enrolled, pending, read, and then proved; revoked, it is not read", async () => {
    const { code } = await meterbench(["keys", "new", "meter", "--id", "B7", "--out", "B7.key.json"], {
      cwd,
    });
    expect(code).toBe(0);
    await meterbench(["keys", "new", "head-end", "--id", "H", "--out", "H.key.json"], { cwd });
    expect(statSync(join(cwd, "B7.key.json")).mode & 0o777).toBe(0o600);
    for (const name of ["B7", "H"]) {
      const { stdout } = await meterbench(["keys", "credential", `${name}.key.json`], { cwd });
      const file = JSON.parse(readFileSync(join(cwd, `${name}.key.json`), "utf8"));
      for (const secret of [file.secretKey, file.signingSecretKey]) expect(stdout).not.toContain(secret);
      writeFileSync(join(cwd, `${name}.credential.json`), stdout);
    }
    const registry = ["--registry", "utility"];
    expect(await meterbench(["enrol", "B7.credential.json", ...registry], { cwd })).toMatchObject({
      code: 0,
    });
    const listed = async () =>
      JSON.parse((await meterbench(["enrol", "list", ...registry, "--json"], { cwd })).stdout).meters;
    expect(await listed()).toMatchObject([{ id: "B7", state: "pending", development: false }]);
    const at = `udp:127.0.0.1:${await freePort()}`;
    const keys = ["--keys", "B7.key.json", "--trust", "H.credential.json"];
    await startMeterbench(["serve", "--at", at, ...keys], { cwd });
    const read = ["read", at, "--keys", "H.key.json", ...registry];
    expect(await meterbench(read, { cwd })).toMatchObject({ code: 0 });
    expect(await listed()).toMatchObject([{ id: "B7", state: "proved", address: at }]);
    expect(
      await meterbench(["read", "meter:B7", "--keys", "H.key.json", ...registry], { cwd }),
    ).toMatchObject({ code: 0 });
    await meterbench(["enrol", "revoke", "B7", ...registry], { cwd });
    expect(await meterbench(read, { cwd })).toMatchObject({ code: 4, stdout: "" });
  });
});

describe("misuse", () => {
  test.each([
    ["an address of no known form", ["read", "nonsense"], 2],
    ["a register that is no OBIS code", ["read", "udp:127.0.0.1:1", "one"], 2],
    [
      "a span that ends before it starts",
      ["profile", "udp:127.0.0.1:1", "--from", "2026-01-02", "--to", "2026-01-01"],
      2,
    ],
    [
      "a day that no calendar has",
      ["profile", "udp:127.0.0.1:1", "--from", "2026-02-30", "--to", "2026-03-02"],
      2,
    ],
    ["an unknown command", ["frobnicate"], 2],
    ["an unknown option", ["demo", "--frobnicate"], 2],
    ["an option that is nearly one", ["serve", "--at", "udp:127.0.0.1:1", "--stat", "x"], 2],
    ["no command at all", [], 2],
    ["a load that is none", ["serve", "--at", "udp:127.0.0.1:1", "--load", "sun"], 2],
    ["a file that is no key", ["keys", "show", "/etc/hostname"], 2],
    ["a serial port that is not there", ["serve", "--at", "serial:/dev/nothing-here"], 2],
    ["a development meter on a far address", ["serve", "--at", "udp:0.0.0.0:5683"], 4],
    ["a development head-end to a far address", ["read", "udp:192.0.2.1:5683"], 4],
  ])("%s is one clear sentence and its exit code, without a stack trace", async (_, args, code) => {
    const finished = await meterbench(args, { cwd });
    expect(finished.code).toBe(code);
    expect(finished.stderr).not.toMatch(/\n +at /);
    expect(finished.stderr).not.toContain("\\u{");
    if (args.length > 0) expect(finished.stderr.trim().split("\n")).toHaveLength(1);
  });
});
