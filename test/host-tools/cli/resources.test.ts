// Events, clock, tariff and windows of days, as a user reads them from a meter that runs.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EMPTY_TARIFF_TABLE } from "../../../firmware/protocol/readings/tariff.ts";
import { readTariffFile } from "../../../host-tools/tariff-file.ts";
import { emptyFolder, meterbench, startMeterbench, stopAll } from "../../support/command.ts";
import { freePort } from "../../support/free-port.ts";

const DAY_SECONDS = 86_400;

let folder: ReturnType<typeof emptyFolder>;
let cwd: string;
let at: string;

beforeAll(async () => {
  folder = emptyFolder();
  cwd = folder.path;
  at = `udp:127.0.0.1:${await freePort()}`;
  await startMeterbench(["serve", "--at", at, "--load", "watts:1200", "--history", "4d"], { cwd });
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
    ]);
    const [{ oldest, next, events }] = logs;
    expect(oldest).toBe(1);
    expect(events.map(({ sequence }: { sequence: number }) => sequence)).toEqual(
      Array.from({ length: next - 1 }, (_, i) => i + 1),
    );
    expect(await json(["events", at, "--log", "fraud"])).toMatchObject({ logs: [{ log: "fraud" }] });
  });

  test("tells its time, and how far that is from ours", async () => {
    const clock = await json(["clock", at]);
    expect(clock).toMatchObject({ meter: "M1", zone: "", status: ["simulated"] });
    expect(Math.abs(clock.differenceSeconds)).toBeLessThan(20);
    expect(clock.uncertaintySeconds).toBeLessThan(5);
    expect(clock).not.toHaveProperty("challenge");
  });

  test("tells its tariff, which goes into a new file and into none that is there", async () => {
    const tariff = await json(["tariff", at, "--out", "M1.tariff.json"]);
    expect(tariff).toMatchObject({ meter: "M1", rate: 1, passive: null, file: "M1.tariff.json" });
    const file = readFileSync(join(cwd, "M1.tariff.json"), "utf8");
    expect(readTariffFile(file)).toEqual(EMPTY_TARIFF_TABLE);
    expect(JSON.parse(file)).toEqual(tariff.active);
    expect(await meterbench(["tariff", at, "--out", "M1.tariff.json"], { cwd })).toEqual({
      code: 2,
      stdout: "",
      stderr: "The file M1.tariff.json exists and a tariff file is never replaced: name a new file.\n",
    });
  });

  test("is asked for the windows of days alone, and people see a line for each day", async () => {
    const daily = ["profile", at, "--daily", "22:00-06:00", "--days", "2"];
    const { interval, intervals, days } = await json(daily);
    expect(interval).toBe(900);
    expect(intervals).toHaveLength(64);
    for (const { value } of intervals) expect(Math.abs(value - 300)).toBeLessThanOrEqual(1);
    for (const [i, { date, from, to, total, missing }] of days.entries()) {
      expect([from, (Date.parse(to) - Date.parse(from)) / 1000]).toEqual([`${date}T22:00:00Z`, 8 * 3600]);
      expect(intervals[i * 32].start).toBe(from);
      expect(Math.abs(total - 9600)).toBeLessThanOrEqual(1);
      expect(missing).toBe(0);
    }
    const [before, last] = days.map(({ date }: { date: string }) => Date.parse(date) / 1000);
    expect(last - before).toBe(DAY_SECONDS);
    const { stdout } = await meterbench(daily, { cwd });
    expect(stdout.match(/^ {2}\d{4}-\d\d-\d\d {2}(9599|9600|9601) {2}█+/gm)).toHaveLength(2);
  });

  test("that does not keep a period says so, and mixed options are refused before it is asked", async () => {
    const finished = await Promise.all([
      meterbench(["profile", at, "--daily", "22:00-06:00", "--days", "1", "--interval", "60"], { cwd }),
      meterbench(["profile", at, "--days", "1"], { cwd }),
      meterbench(["events", at, "--from", "1"], { cwd }),
    ]);
    expect(finished).toEqual([
      {
        code: 2,
        stdout: "",
        stderr: `The meter at ${at} answered 4.04 (no profile of that register): ask for something that it has.\n`,
      },
      { code: 2, stdout: "", stderr: "--days needs the window of each day: add --daily 14:00-20:00.\n" },
      {
        code: 2,
        stdout: "",
        stderr: "Numbers are each log's own: name the log that --from is for with --log.\n",
      },
    ]);
  });
});
