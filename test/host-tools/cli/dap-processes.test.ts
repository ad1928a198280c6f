// A DAP over processes, before three meters on an RS-485 line and three on the network: `npm run test:commands` has this.
import { readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  emptyFolder,
  type Finished,
  meterbench,
  type Running,
  startMeterbench,
  stopAll,
} from "../../support/command.ts";
import { freePort } from "../../support/free-port.ts";
import { INSTALLED_HELPERS } from "../../support/pty-pair.ts";

const BUS = "rs485:pty:./bus?baud=57600";
const ON_BUS = ["M1", "M2", "M3"];
const ON_NETWORK = ["U-1", "U-2", "U-3"];
const ALL = [...ON_BUS, ...ON_NETWORK];

let folder: ReturnType<typeof emptyFolder>;
let cwd: string;
let at: string;
let networkPort: number;
let bus: Running;

const run = (...args: readonly string[]): Promise<Finished> => meterbench([...args, "--json"], { cwd });

async function json(...args: readonly string[]) {
  const { code, stdout, stderr } = await run(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
}

/** Each line that a group read prints, and its last one. */
async function groupRead(...args: readonly string[]) {
  const { code, stdout, stderr } = await run("group", ...args);
  const lines = stdout.split("\n").filter((line) => line !== "");
  const told = lines.map((line) => JSON.parse(line));
  return { code, stderr, members: told.slice(0, -1), tally: told.at(-1) };
}

function startDap(...more: readonly string[]): Promise<Running> {
  const own = ["--at", at, "--routes", "routes.yaml", "--state", "held"];
  return startMeterbench(["dap", ...own, ...more], { cwd });
}

const readThrough = (id: string, ...more: readonly string[]) =>
  json("read", `meter:${id}`, "1.8.0", "--via", at, ...more);

async function until(what: () => Promise<boolean> | boolean): Promise<void> {
  const deadlineMs = Date.now() + 20_000;
  while (!(await what())) {
    if (Date.now() > deadlineMs) throw new Error("it did not come to that");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const isHeld = () => readdirSync(join(cwd, "held")).some((name) => name.startsWith("held-"));

async function isUnderWay(): Promise<boolean> {
  const { lines } = await json("dap-status", at);
  return lines[0].underWay > 0;
}

/** The line's meters say nothing meanwhile, as in a power cut. */
async function whileBusIsAway(work: () => Promise<void>): Promise<void> {
  bus.child.kill("SIGSTOP");
  try {
    await work();
  } finally {
    bus.child.kill("SIGCONT");
  }
}

describe.skipIf(INSTALLED_HELPERS.length === 0)("a DAP between processes", () => {
  beforeAll(async () => {
    folder = emptyFolder();
    cwd = folder.path;
    at = `udp:127.0.0.1:${await freePort()}`;
    networkPort = await freePort();
    bus = await startMeterbench(["serve", "--at", BUS, "--count", "3", "--history", "2d"], { cwd });
    const network = ["--at", `udp:127.0.0.1:${networkPort}`, "--id", "U", "--count", "3"];
    await startMeterbench(["serve", ...network, "--history", "2d"], { cwd });
    const places = [
      ...ON_BUS.map((id) => `  ${id}: { link: bus }`),
      ...ON_NETWORK.map((id, i) => `  ${id}: udp:127.0.0.1:${networkPort + i}`),
    ];
    const routes = [`links: { bus: "${BUS}" }`, "meters:", ...places, `groups: { B7: [${ALL.join(", ")}] }`];
    writeFileSync(join(cwd, "routes.yaml"), routes.join("\n"));
    const dap = await startDap("--distribute", "fan-out");
    expect(await json("group", "create", "B7", ...ALL, "--via", at)).toMatchObject({ group: "B7" });
    await dap.stop();
  }, 60_000);
  afterAll(async () => {
    await stopAll();
    folder.remove();
  }, 30_000);

  test.each([
    ["per-meter", "forward"],
    ["per-meter", "hold"],
    ["per-meter", "bundle"],
    ["fan-out", "forward"],
    ["fan-out", "hold"],
    ["fan-out", "bundle"],
  ])(
    "with distribution %s and return %s each meter is read, and all of the group",
    async (distribute, how) => {
      const dap = await startDap("--distribute", distribute, "--return", how);
      for (const id of ["M1", "U-1"]) expect(await readThrough(id)).toMatchObject({ meter: id });
      const before = (await json("dap-status", at)).counters;
      const { code, members, tally } = await groupRead("read", "B7", "1.8.0");
      expect({ code, tally }).toMatchObject({ code: 0, tally: { missing: 0, refused: 0, late: 0 } });
      expect(members.map(({ meter }) => meter).toSorted()).toEqual(ALL);
      const after = (await json("dap-status", at)).counters;
      expect(after.requests - before.requests).toBe(distribute === "fan-out" ? 1 : 6);
      await dap.stop();
    },
    60_000,
  );

  test("a third party's gives one request to all and passes each answer on; holding and bundling are refused by name, and groups to whom it does not know", async () => {
    for (const how of ["hold", "bundle"]) {
      const refused = await run(
        "dap",
        "--at",
        at,
        "--routes",
        "routes.yaml",
        "--third-party",
        "--return",
        how,
      );
      expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("third-party") });
    }
    const dap = await startDap("--third-party", "--distribute", "fan-out");
    const { code, members, tally } = await groupRead("read", "B7", "1.8.0");
    expect({ code, tally }).toMatchObject({ code: 0, tally: { answered: 6 } });
    expect(members).toHaveLength(6);
    const bundled = await groupRead("read", "B7", "1.8.0", "--return", "bundle");
    expect(bundled).toMatchObject({ code: 2, stderr: expect.stringContaining("third-party") });
    renameSync(join(cwd, ".meterbench/daps"), join(cwd, "daps"));
    for (const option of ["--distribute fan-out", "--return bundle"]) {
      const unproved = await groupRead("read", "B7", ...option.split(" "));
      expect(unproved).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(`does ${option} for its operator`),
      });
    }
    renameSync(join(cwd, "daps"), join(cwd, ".meterbench/daps"));
    expect(await json("group", "add", "B7", "M1")).toMatchObject({
      members: [{ meter: "M1", outcome: "joined" }],
    });
    const [from, to] = [new Date(Date.now() - 6 * 3_600_000), new Date(Date.now() - 3_600_000)];
    const span = ["--from", from.toISOString(), "--to", to.toISOString()];
    const profiles = await groupRead("profile", "B7", ...span);
    expect(profiles).toMatchObject({ code: 0, tally: { answered: 6 } });
    for (const { intervals } of profiles.members) expect(intervals.length).toBeGreaterThanOrEqual(20);
    await dap.stop();
  }, 60_000);

  test.each(["forward", "bundle"])(
    "one with return %s that is killed while reads and a group read wait for meters loses none of them",
    async (how) => {
      const settings = ["--distribute", "fan-out", "--return", how];
      let dap = await startDap(...settings);
      let reads: Promise<unknown>[] = [];
      let all: ReturnType<typeof groupRead> | undefined;
      await whileBusIsAway(async () => {
        reads = ["M1", "M2"].map((id) => readThrough(id));
        await until(isUnderWay);
        all = groupRead("read", "B7", "1.8.0", "--within", "8");
        // The request for all was acknowledged by then.
        if (how === "bundle") await until(isHeld);
        else await until(async () => (await json("dap-status", at)).counters.answers >= 3);
        await dap.kill();
      });
      dap = await startDap(...settings);
      expect(await Promise.all(reads)).toMatchObject([{ meter: "M1" }, { meter: "M2" }]);
      expect(await all).toMatchObject({ code: 0, tally: { missing: 0, refused: 0 } });
      expect((await all)?.members).toHaveLength(6);
      await dap.stop();
    },
    90_000,
  );

  test("one that is killed with a request that it has acknowledged asks its meter when it is back, and hands the answer over", async () => {
    let dap = await startDap("--return", "hold");
    let read: Promise<unknown> | undefined;
    await whileBusIsAway(async () => {
      read = readThrough("M3", "--delay-tolerance", "120");
      await until(isHeld);
      await dap.kill();
      dap = await startDap("--return", "hold");
    });
    expect(await read).toMatchObject({ meter: "M3" });
    const { counters } = await json("dap-status", at);
    expect(counters).toMatchObject({ delivered: 1 });
    await until(() => !isHeld());
    await dap.stop();
  }, 90_000);

  test("with it down a meter is read directly by the same session, later through it again, and no number is used twice", async () => {
    const direct: Readonly<Record<string, readonly string[]>> = {
      M1: [BUS, "--meter", "M1"],
      "U-1": [`udp:127.0.0.1:${networkPort}`, "--meter", "U-1"],
    };
    const files: string[] = [];
    const read = async (id: string, way: readonly string[]) => {
      const file = `${id}-${files.length}.pcapng`;
      files.push(file);
      return json("read", ...way, "1.8.0", "--capture", file);
    };
    const through = (id: string) => read(id, [`meter:${id}`, "--via", at]);
    let dap = await startDap();
    for (const id of ["M1", "U-1"]) await through(id);
    await dap.kill();
    for (const id of ["M1", "U-1"]) expect(await read(id, direct[id] ?? [])).not.toHaveProperty("handshake");
    dap = await startDap();
    for (const id of ["M1", "U-1"]) expect(await through(id)).not.toHaveProperty("handshake");
    await dap.stop();
    for (const id of ["M1", "U-1"]) {
      const requests = [];
      for (const file of files.filter((name) => name.startsWith(id)))
        requests.push(...(await sealedIn(file)));
      expect(new Set(requests.map(({ kid }) => kid)).size).toBe(1);
      const numbers = [...new Set(requests.map((request) => request["partial IV"]))];
      expect(numbers).toHaveLength(3);
      expect(numbers).toEqual(numbers.toSorted((one, other) => one - other));
      // A number that comes again is a datagram that was sent again.
      expect(new Set(requests.map(({ ciphertext }) => ciphertext)).size).toBe(3);
    }
  }, 60_000);

  test.each([
    ["asked through a third party's DAP, which keeps nothing", "passed", ["--third-party"]],
    ["asked by its head-end's DAP, which keeps the request", "kept", ["--return", "hold"]],
  ])(
    "a meter that is away when it is wanted is %s, until it is back",
    async (_, name, settings) => {
      const id = `late-${name}`;
      const port = await freePort();
      const serve = () => startMeterbench(["serve", "--at", `udp:127.0.0.1:${port}`, "--id", id], { cwd });
      await (await serve()).stop();
      writeFileSync(join(cwd, "late.yaml"), `meters: { ${id}: "udp:127.0.0.1:${port}" }`);
      const own = ["--at", at, "--routes", "late.yaml", "--state", "held"];
      const dap = await startMeterbench(["dap", ...own, ...settings], { cwd });
      const read = readThrough(id, "--delay-tolerance", "120");
      await until(isUnderWay);
      // The first copies of the request are lost.
      await new Promise((resolve) => setTimeout(resolve, 4000));
      const late = await serve();
      expect(await read).toMatchObject({ meter: id });
      expect((await json("dap-status", at)).counters.kept > 0).toBe(name === "kept");
      await late.stop();
      await dap.stop();
    },
    120_000,
  );

  test("without a DAP it is asked again and again by its head-end, until it is back", async () => {
    const port = await freePort();
    const direct = `udp:127.0.0.1:${port}`;
    const serve = () => startMeterbench(["serve", "--at", direct, "--id", "late"], { cwd });
    await (await serve()).stop();
    const read = json("read", direct, "--meter", "late", "1.8.0", "--delay-tolerance", "120");
    await new Promise((resolve) => setTimeout(resolve, 4000));
    const late = await serve();
    expect(await read).toMatchObject({ meter: "late" });
    await late.stop();
  }, 120_000);
});

/** What was asked in a capture, as anybody sees it. */
async function sealedIn(file: string): Promise<{ kid: string; "partial IV": number; ciphertext: string }[]> {
  const { frames } = await json("decode", file);
  return frames.flatMap(({ direction, layers, hex }: Frame) => {
    const oscore = layers.find(({ layer }) => layer === "oscore")?.fields;
    return direction === "outbound" && oscore ? [{ ...oscore, ciphertext: hex.slice(-32) }] : [];
  });
}

interface Frame {
  readonly direction: string;
  readonly hex: string;
  readonly layers: readonly { readonly layer: string; readonly fields: object }[];
}
