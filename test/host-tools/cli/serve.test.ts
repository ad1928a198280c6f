// What a meter is served with: a load of one's own, a past, and many of its kind.
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { emptyFolder, meterbench, startMeterbench, stopAll } from "../../support/command.ts";
import { freePort } from "../../support/free-port.ts";
import { sleep, until } from "../../support/real-time.ts";

const HOUR_MS = 3_600_000;
const DAY_SECONDS = 86_400;

let folder: ReturnType<typeof emptyFolder>;
let cwd: string;

beforeAll(() => {
  folder = emptyFolder();
  cwd = folder.path;
});
afterEach(stopAll);
afterAll(() => folder.remove());

async function json(args: readonly string[]) {
  const finished = await meterbench([...args, "--json"], { cwd });
  expect(finished).toMatchObject({ code: 0, stderr: "" });
  return JSON.parse(finished.stdout);
}

async function power(target: string): Promise<number> {
  return (await json(["read", target, "1.7.0"])).registers[0].value;
}

/** Reads until the import register tells more than so many watt-hours. */
async function wattHoursAbove(target: string, least: number): Promise<number> {
  for (;;) {
    const [{ value }] = (await json(["read", target, "1.8.0"])).registers;
    if (value > least) return value;
    // Each read is a process of its own.
    await sleep(700);
  }
}

test("a meter measures what a CSV file says of this hour", async () => {
  const now = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
  const rows = [-1, 0, 1, 2].map(
    (hour) => `${new Date(now + hour * HOUR_MS).toISOString()};${hour < 0 ? 1 : "0,75"}`,
  );
  writeFileSync(join(cwd, "house.csv"), ["timestamp;Energy (kWh)", ...rows].join("\r\n"));
  const at = `udp:127.0.0.1:${await freePort()}`;
  await startMeterbench(["serve", "--at", at, "--load", "csv:house.csv?scale=2"], { cwd });
  expect(await power(at)).toBe(1500);
});

test("a meter with a past of thirty days has them in its profile at once, and goes on from there", async () => {
  const at = `udp:127.0.0.1:${await freePort()}`;
  const startedMs = performance.now();
  await startMeterbench(["serve", "--at", at, "--load", "watts:1200", "--history", "30d"], { cwd });
  expect(performance.now() - startedMs).toBeLessThan(10_000);
  const { time, status, registers } = await json(["read", at, "1.8.0", "1.7.0"]);
  const nowSeconds = Date.parse(time) / 1000;
  expect(Math.abs(nowSeconds - Date.now() / 1000)).toBeLessThan(20);
  expect(status).toEqual(["simulated"]);
  const beginSeconds = Math.floor((nowSeconds - 30 * DAY_SECONDS) / 900) * 900;
  expect(Math.abs(registers[0].value - (nowSeconds - beginSeconds) / 3)).toBeLessThan(10);
  expect(registers[1]).toMatchObject({ value: 1200, quality: "measured" });
  const span = [beginSeconds, beginSeconds + 30 * DAY_SECONDS].map((s) => new Date(s * 1000).toISOString());
  const { intervals } = await json(["profile", at, "--from", span[0] as string, "--to", span[1] as string]);
  expect(intervals).toHaveLength(2880);
  for (const { value, flags } of intervals) {
    expect(Math.abs(value - 300)).toBeLessThanOrEqual(1);
    expect(flags).toEqual([]);
  }
});

test("a meter that keeps its state has after kill -9 all that it told, and its sessions; its folder is one process's, and without it the meter is not believed", async () => {
  const at = `udp:127.0.0.1:${await freePort()}`;
  const serve = ["serve", "--at", at, "--load", "watts:12000", "--state", "kept"];
  const before = await startMeterbench(serve, { cwd });
  const told = await wattHoursAbove(at, 5);
  const other = ["serve", "--at", `udp:127.0.0.1:${await freePort()}`, "--state", "kept"];
  expect(await meterbench(other, { cwd })).toEqual({
    code: 2,
    stdout: "",
    stderr: "The folder kept/M1 is in use by another process: end it or choose another folder.\n",
  });
  const { requestBytes } = await json(["read", at]);
  await before.kill();
  const second = await startMeterbench(serve, { cwd });
  const after = await json(["read", at]);
  expect(after.registers[0].value).toBeGreaterThanOrEqual(told);
  // In the session of before: a request that is challenged, and the same again with the challenge's Echo.
  expect(after).not.toHaveProperty("handshake");
  expect(after.requestBytes).toBeGreaterThan(2 * requestBytes);
  expect(await json(["read", at])).toMatchObject({ requestBytes });
  await second.stop();
  // A state that somebody deletes is a meter that has forgotten: it is said, and can be meant.
  rmSync(join(cwd, "kept"), { recursive: true });
  await startMeterbench(serve, { cwd });
  const forgetful = await meterbench(["read", at], { cwd });
  expect(forgetful).toMatchObject({ code: 4, stdout: "" });
  expect(forgetful.stderr).toMatch(
    /^The meter M1 at udp:[\d.:]+ has forgotten .*'meterbench enrol accept M1'\.\n$/,
  );
  const [listed] = (await json(["enrol", "list"])).meters;
  expect(listed).toMatchObject({ id: "M1", forgetful: true, starts: 2 });
  expect(await json(["enrol", "accept", "M1"])).toEqual({ id: "M1", outcome: "accepted" });
  expect(await json(["read", at])).toHaveProperty("handshake");
});

test("a meter whose state is in the way of a file says so, and one that is damaged tells of it and goes on", async () => {
  const at = `udp:127.0.0.1:${await freePort()}`;
  writeFileSync(join(cwd, "file"), "");
  const inTheWay = await meterbench(["serve", "--at", at, "--state", "file"], { cwd });
  expect(inTheWay).toEqual({
    code: 2,
    stdout: "",
    stderr: "Cannot use the folder file/M1: a file is in the way; choose another folder.\n",
  });
  const serve = ["serve", "--at", at, "--id", "D1", "--load", "watts:12000", "--state", "damaged"];
  const before = await startMeterbench(serve, { cwd });
  // Each read makes a record, and the last of them could only be told from one that was cut off by a later one.
  await wattHoursAbove(at, 2);
  await before.stop();
  const folder = join(cwd, "damaged", "D1");
  for (const name of readdirSync(folder)) {
    const bytes = readFileSync(join(folder, name));
    bytes.writeUInt8(bytes.readUInt8(40) ^ 1, 40);
    writeFileSync(join(folder, name), bytes);
  }
  const after = await startMeterbench(serve, { cwd });
  expect(await until(() => after.output.stderr.includes("The state of D1 is damaged"))).toBe(true);
  await json(["read", at]);
});

test("many meters of one process have identities, lines and loads of their own", async () => {
  const port = await freePorts(4);
  const many = [
    "serve",
    "--at",
    `udp:127.0.0.1:${port}`,
    "--count",
    "4",
    "--load",
    "watts:1000",
    "--history",
    "1h",
    "--home",
    "many",
  ];
  const { output } = await startMeterbench(many, { cwd });
  const meters = [1, 2, 3, 4].map((n) => ({ id: `M${n}`, address: `udp:127.0.0.1:${port + n - 1}` }));
  expect(await until(() => output.stdout.split("\n").length > meters.length)).toBe(true);
  const lines = output.stdout.trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toEqual(meters.map((meter) => ({ ready: true, ...meter })));
  const readings = await Promise.all(
    meters.map(({ address }) => json(["read", address, "1.7.0", "--home", "many"])),
  );
  expect(readings.map(({ meter }) => meter)).toEqual(meters.map(({ id }) => id));
  const watts = readings.map(({ registers }) => registers[0].value);
  expect(watts[0]).toBe(1000);
  expect(new Set(watts).size).toBe(4);
  for (const share of watts) {
    expect(share).toBeGreaterThanOrEqual(500);
    expect(share).toBeLessThanOrEqual(1000);
  }
  const { registers } = await json(["read", "meter:M3", "1.7.0", "--home", "many"]);
  expect(registers[0].value).toBe(watts[2]);
});

test("options that make no sense together, or at all, are one sentence and exit 2", async () => {
  const wrong = [
    [["--history", "30d", "--chip", "bl0942@pty:./chip"], "leave --history out"],
    [["--count", "2", "--chip", "bl0942@pty:./chip"], "leave --count out"],
    [["--count", "2", "--keys", "M1.key.json"], "leave --count or --keys out"],
    [["--count", "100", "--speed", "60"], "give at most --speed 36."],
    [["--count", "1000", "--history", "30d"], "give at most --history 10d."],
    [["--history", "191d"], "a duration such as 12h or 30d, up to 190d."],
    [["--count", "1001"], "a whole number from 1 to 1000."],
    [["--load", "csv:nothing.csv"], "The file nothing.csv does not exist"],
  ] as const;
  const serve = ["serve", "--at", "udp:127.0.0.1:9"];
  const finished = await Promise.all(wrong.map(([args]) => meterbench([...serve, ...args], { cwd })));
  finished.forEach(({ code, stdout, stderr }, i) => {
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(wrong[i]?.[1]);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });
});

/** The first of so many UDP ports in a row that nobody had a moment ago. */
async function freePorts(count: number): Promise<number> {
  for (;;) {
    const first = await freePort();
    const taken = await Promise.all(Array.from({ length: count }, (_, i) => isTaken(first + i)));
    if (!taken.includes(true)) return first;
  }
}

async function isTaken(port: number): Promise<boolean> {
  if (port > 65_535) return true;
  const socket = createSocket("udp4");
  try {
    socket.bind(port, "127.0.0.1");
    await once(socket, "listening");
    return false;
  } catch {
    return true;
  } finally {
    socket.close();
  }
}
