import { expect, test } from "vitest";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { type Load, loadWattHours, parseLoad } from "../../../host-tools/loads/index.ts";
import { playPast } from "../../../host-tools/world/past.ts";
import { settle, singleLine } from "../../../host-tools/world/single-line.ts";
import { configuration } from "../../support/configuration.ts";

const DAY_MS = 86_400_000;
const START = Date.parse("2026-11-23T00:00:00Z");
const LENGTH_MS = 2 * DAY_MS + 5 * 60_000;
const ONE_PER_SECOND = 1000;

function load(text: string): Load {
  const parsed = parseLoad(text, { annualKilowattHours: 3500 });
  if ("error" in parsed) throw new Error(parsed.error);
  return parsed;
}

function meter(text = "h25", pollIntervalMs = ONE_PER_SECOND) {
  const world = singleLine({
    seed: 1,
    load: load(text),
    startUtcMs: START,
    crypto: opensslEngine,
    baud: 115_200,
    pollIntervalMs,
    configuration,
  });
  const { clock, headEnd, target } = world;
  return {
    ...world,
    async intervals() {
      const values = [];
      for (const day of [0, 1]) {
        const startSeconds = START / 1000 + day * 86_400;
        const request = { profile: 0, register: "1-0:1.8.0*255", startSeconds, count: 96, step: 1 };
        values.push(...(await settle(clock, headEnd.readProfile(target, request))).body);
      }
      return values;
    },
  };
}

/** Plays two days and five minutes; the part allows a poll interval. */
function play({ clock, runtime }: ReturnType<typeof meter>, maxPollIntervalMs: number): number[] {
  const played: number[] = [];
  playPast({
    clock,
    runtimes: [runtime],
    meteringIc: { maxPollIntervalMs },
    lengthMs: LENGTH_MS,
    pollIntervalMs: ONE_PER_SECOND,
    onPlayed: (ms) => played.push(ms),
  });
  return played;
}

test.each(["h25", "uk"])(
  "a past of %s is in the profile as if it had been lived: whole, unflagged, the load's energy",
  async (name) => {
    const lived = meter(name, 60_000);
    lived.clock.advanceBy(LENGTH_MS);
    const played = meter(name);
    play(played, Number.POSITIVE_INFINITY);
    const intervals = await played.intervals();
    expect(intervals).toEqual(await lived.intervals());
    expect(intervals.map(({ flags }) => flags)).toEqual(new Array(192).fill(0));
    const wattHours = intervals.reduce((sum, { value = 0 }) => sum + value, 0);
    expect(Math.abs(wattHours - loadWattHours(load(name), START, START + 2 * DAY_MS))).toBeLessThan(2);
  },
);

test("the clock is at the past's end to the millisecond, and told of each day on the way", () => {
  const played = meter();
  expect(play(played, Number.POSITIVE_INFINITY)).toEqual([DAY_MS, 2 * DAY_MS, LENGTH_MS - 3000, LENGTH_MS]);
  expect(played.clock.monotonicMs()).toBe(LENGTH_MS);
});

test.each([
  ["each boundary", Number.POSITIVE_INFINITY, 192],
  ["each minute", 200_000, 2 * 1440 + 4],
  ["each ten seconds", 59_999, 2 * 8640 + 29],
])("the part is asked at %s where it allows that, and each second at the end", async (_, allowed, polls) => {
  const played = meter();
  play(played, allowed);
  const { headEnd, target, clock } = played;
  const { body } = await settle(clock, headEnd.readNameplate(target));
  const fine = 5;
  expect(body.counters.meteringReadings).toBeGreaterThanOrEqual(polls);
  expect(body.counters.meteringReadings).toBeLessThanOrEqual(polls + fine);
});

test("instant values are there at once, and registers are of now and not of the last boundary", async () => {
  const played = meter("watts:1200");
  play(played, Number.POSITIVE_INFINITY);
  const { headEnd, target, clock } = played;
  const { body } = await settle(clock, headEnd.readRegisters(target, ["1-0:1.7.0*255", "1-0:1.8.0*255"]));
  const wattHours = Math.floor((1200 * (LENGTH_MS - 1500)) / 3_600_000);
  expect(body.entries).toMatchObject([
    { value: 1200, quality: "measured" },
    { value: wattHours, quality: "measured" },
  ]);
});

test("a poll interval at which the counter could wrap unseen is refused at any time", () => {
  const { runtime } = meter();
  expect(() => runtime.pollEvery(7 * DAY_MS)).toThrow("must be polled every");
});
