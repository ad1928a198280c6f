// Events, clock, tariff and windows of days, as a user reads them from a meter that runs.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readTariffFile, writeTariffFile } from "../../../host-tools/tariff-file.ts";
import { emptyFolder, meterbench, startMeterbench, stopAll } from "../../support/command.ts";
import { freePort } from "../../support/free-port.ts";
import { HOUSEHOLD, LARGEST } from "../../support/tariffs.ts";
import { hostClock } from "../../support/zones.ts";

const BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3";
/** What a constant load of 1200 W uses in a quarter-hour. */
const QUARTER_WATT_HOURS = 300;

let folder: ReturnType<typeof emptyFolder>;
let cwd: string;
let at: string;

beforeAll(async () => {
  folder = emptyFolder();
  cwd = folder.path;
  at = `udp:127.0.0.1:${await freePort()}`;
  writeFileSync(join(cwd, "household.json"), writeTariffFile(HOUSEHOLD));
  const billing = ["--zone", BERLIN, "--tariff", "household.json", "--interval", "15", "60"];
  await startMeterbench(
    ["serve", "--at", at, "--load", "watts:1200", "--history", "4d", "--relay", "4", ...billing],
    {
      cwd,
    },
  );
});
afterAll(async () => {
  await stopAll();
  folder.remove();
});

async function json(args: readonly string[]) {
  const finished = await meterbench([...args, "--json"], { cwd });
  expect(finished).toMatchObject({ code: 0, stderr: "" });
  return JSON.parse(finished.stdout);
}

describe("a meter that runs", () => {
  test("tells its events, log by log, as often as it is asked", async () => {
    const { meter, logs, requestBytes } = await json(["events", at]);
    expect(meter).toBe("M1");
    expect(requestBytes).toBeGreaterThan(0);
    expect(logs.map(({ log }: { log: string }) => log)).toEqual([
      "standard",
      "power-quality",
      "fraud",
      "security",
      "communication",
      "disconnector",
    ]);
    const [{ oldest, next, events }] = logs;
    expect(oldest).toBe(1);
    expect(events).toContainEqual(expect.objectContaining({ event: "configuration-changed", alarm: false }));
    expect(events.map(({ sequence }: { sequence: number }) => sequence)).toEqual(
      Array.from({ length: next - 1 }, (_, i) => i + 1),
    );
    expect(await json(["events", at, "--log", "fraud"])).toMatchObject({ logs: [{ log: "fraud" }] });
  });

  test("tells its registers as SenML, alone or with what it took", async () => {
    const { code, stdout } = await meterbench(["read", at, "1.8.0", "32.7.0", "--senml"], { cwd });
    const pack = JSON.parse(stdout);
    expect({ code, units: pack.map(({ u }: { u: string }) => u) }).toEqual({ code: 0, units: ["J", "V"] });
    expect(pack[0]).toMatchObject({ bn: expect.stringMatching(/\/$/), n: "1-0:1.8.0" });
    expect(await json(["read", at, "--senml"])).toMatchObject({ meter: "M1", senml: [{ u: "J" }] });
  });

  test("tells its time, and how far that is from ours", async () => {
    const clock = await json(["clock", at]);
    expect(clock).toMatchObject({ meter: "M1", zone: BERLIN, status: ["simulated"] });
    expect(Math.abs(clock.differenceSeconds)).toBeLessThan(20);
    expect(clock.uncertaintySeconds).toBeLessThan(5);
    expect(clock).not.toHaveProperty("challenge");
  });

  test("tells its tariff, which goes into a new file and into none that is there", async () => {
    const tariff = await json(["tariff", at, "--out", "M1.tariff.json"]);
    expect(tariff).toMatchObject({ meter: "M1", zone: BERLIN, passive: null, file: "M1.tariff.json" });
    expect([1, 2, 3]).toContain(tariff.rate);
    const file = readFileSync(join(cwd, "M1.tariff.json"), "utf8");
    expect(readTariffFile(file)).toEqual(HOUSEHOLD);
    expect(JSON.parse(file)).toEqual(tariff.active);
    expect(await meterbench(["tariff", at, "--out", "M1.tariff.json"], { cwd })).toEqual({
      code: 2,
      stdout: "",
      stderr: "The file M1.tariff.json exists and a tariff file is never replaced: name a new file.\n",
    });
  });

  test("is asked for the windows of days alone, by its wall clock, and people see a line for each day", async () => {
    const wall = hostClock("Europe/Berlin");
    const daily = ["profile", at, "--daily", "22:00-06:00", "--days", "2"];
    const { interval, intervals, days } = await json(daily);
    expect(interval).toBe(900);
    let first = 0;
    for (const { date, from, to, total, missing } of days) {
      const [fromSeconds, toSeconds] = [Date.parse(from) / 1000, Date.parse(to) / 1000];
      expect([wall(fromSeconds), wall(toSeconds).slice(11)]).toEqual([`${date} 22:00:00`, "06:00:00"]);
      const count = (toSeconds - fromSeconds) / 900;
      expect([intervals[first].start, missing]).toEqual([from, 0]);
      expect(Math.abs(total - count * QUARTER_WATT_HOURS)).toBeLessThanOrEqual(1);
      first += count;
    }
    expect([days.length, intervals.length]).toEqual([2, first]);
    const { stdout } = await meterbench([...daily, "--interval", "60"], { cwd });
    const shown = [...stdout.matchAll(/^ {2}(\d{4}-\d\d-\d\d) {2}(\d+) {2}█+/gm)];
    expect(shown.map(([, date, total]) => [date, Number(total)])).toEqual(
      days.map(({ date, total }: { date: string; total: number }) => [date, total]),
    );
  });

  test("that does not keep a period says so, and mixed options are refused before it is asked", async () => {
    const finished = await Promise.all([
      meterbench(["profile", at, "--daily", "22:00-06:00", "--days", "1", "--interval", "5"], { cwd }),
      meterbench(["profile", at, "--days", "1"], { cwd }),
      meterbench(["events", at, "--from", "1"], { cwd }),
    ]);
    const sentences = [
      `The meter at ${at} answered 4.04 (no profile of that register): ask for something that it has.`,
      "--days needs the window of each day: add --daily 14:00-20:00.",
      "Numbers are each log's own: name the log that --from is for with --log.",
    ];
    expect(finished).toEqual(sentences.map((sentence) => ({ code: 2, stdout: "", stderr: `${sentence}\n` })));
  });

  test("has its relay switched by the operator of its folder, and a stranger's order refused", async () => {
    const off = await json(["relay", at, "disconnect"]);
    expect(off).toMatchObject({ state: "disconnected", position: "open", agrees: true, mode: 4 });
    expect(off.lastOrder).toMatchObject({ order: "disconnect", operator: "operator" });
    await meterbench(["keys", "new", "operator", "--id", "stranger", "--out", "stranger.json"], { cwd });
    const stranger = await meterbench(["relay", at, "connect", "--operator", "stranger.json"], { cwd });
    expect(stranger).toMatchObject({
      code: 4,
      stderr: expect.stringContaining("no operator has signed this"),
    });
    expect(await json(["relay", at, "connect"])).toMatchObject({ state: "connected", position: "closed" });
    const wrong = await meterbench(["relay", at, "limit"], { cwd });
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining("--watts") });
  });

  test("takes another key, which its head-end has enrolled by then, and answers by that", async () => {
    const { meters } = await json(["enrol", "list"]);
    const rotation = await json(["keys", "rotate", at]);
    expect(rotation).toMatchObject({ meter: "M1", outcome: "rotated" });
    expect(rotation.credentialHash).not.toBe(meters[0].credentialHash);
    const after = await json(["enrol", "list"]);
    expect(after.meters).toMatchObject([
      { id: "M1", state: "proved", credentialHash: rotation.credentialHash },
    ]);
    expect((await json(["read", at, "--meter", "M1"])).meter).toBe("M1");
  });

  test("takes the time and another tariff from a head-end that may give them", async () => {
    const { sync } = await json(["clock", at, "--sync"]);
    expect(["slewing", "set"]).toContain(sync.kind);
    expect(Math.abs((await json(["clock", at])).differenceSeconds)).toBeLessThan(20);
    writeFileSync(join(cwd, "largest.json"), writeTariffFile(LARGEST));
    const given = ["--set", "household.json", "--next-tariff", "largest.json"];
    const tariff = await json(["tariff", at, ...given, "--next-tariff-from", "2100-01-01T00:00:00Z"]);
    expect(tariff.passive.from).toBe("2100-01-01T00:00:00Z");
    expect(readTariffFile(JSON.stringify(tariff.passive.table))).toEqual(LARGEST);
  });
});
