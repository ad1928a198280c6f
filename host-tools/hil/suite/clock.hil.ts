// Time, what hangs on it, and what a meter tells by itself.
import { INTERVAL_FLAG } from "../../../firmware/protocol/readings/interval.ts";
import type { LoggedEvent } from "../../../firmware/protocol/readings/logged-event.ts";
import {
  allEvents,
  expect,
  lasting,
  namesOf,
  needs,
  type RigClock,
  type RigHeadEnd,
  type RigMeter,
  registerValue,
  test,
} from "../index.ts";
import { dailyRates } from "./daily-rates.ts";
import { isToldOf } from "./told-of.ts";

const IMPORT = "1.8.0";
const SECOND_MS = 1000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const QUARTER_SECONDS = 900;
const DAY_SECONDS = 86_400;

test("the meter's time is the bench's", async ({ meter, headEnd, clock }) => {
  const { timeSeconds } = await headEnd.readClock(meter);
  // Who keeps a clock right to ten seconds at the ends of intervals satisfies those who bill by them.
  expect(Math.abs((timeSeconds ?? Number.NaN) - clock.utcMs() / SECOND_MS)).toBeLessThanOrEqual(10);
});

test(
  "a few seconds are caught up without a jump, and without an event",
  lasting(60, "clock-set"),
  async ({ meter, headEnd }) => {
    const before = await allEvents(headEnd, meter, "standard");
    expect(await headEnd.setClock(meter, 4 * SECOND_MS)).toMatchObject({ kind: "slewing" });
    const after = await allEvents(headEnd, meter, "standard");
    expect(namesOf(newOf(before, after)).filter((name) => name.startsWith("clock-set"))).toEqual([]);
    await headEnd.setClock(meter, 0);
  },
);

test(
  "a time hours away is refused, and told of",
  lasting(60, "clock-set"),
  async ({ meter, headEnd, clock }) => {
    await expect(headEnd.setClock(meter, 5 * HOUR_MS)).rejects.toMatchObject({ kind: "answer" });
    const { timeSeconds } = await headEnd.readClock(meter);
    expect(Math.abs((timeSeconds ?? Number.NaN) - clock.utcMs() / SECOND_MS)).toBeLessThanOrEqual(10);
    expect(await isToldOf("clock-set-refused", { headEnd, meter, clock })).toBe(true);
  },
);

// A meter is set once a day at the most, and would stay wrong: only where days pass at once.
test(
  "a clock that was set by a minute tells both times and flags the interval",
  needs("clock-set", "time"),
  async ({ meter, headEnd, clock }) => {
    await atQuarter(clock);
    const startSeconds = (await headEnd.readClock(meter)).timeSeconds ?? 0;
    const before = await allEvents(headEnd, meter, "standard");
    await clock.pass(3 * MINUTE_MS);
    expect(await headEnd.setClock(meter, MINUTE_MS)).toMatchObject({ kind: "set" });
    const [oldTime, newTime] = newOf(before, await allEvents(headEnd, meter, "standard"));
    expect(namesOf([oldTime, newTime].filter((event) => event !== undefined))).toEqual([
      "clock-set-old-time",
      "clock-set-new-time",
    ]);
    expect((newTime?.utcSeconds ?? 0) - (oldTime?.utcSeconds ?? 0)).toBe(60);
    await clock.pass(15 * MINUTE_MS);
    const [interval] = await headEnd.readProfile(meter, { register: IMPORT, startSeconds, count: 1 });
    expect((interval?.flags ?? 0) & INTERVAL_FLAG.clockAdjusted).not.toBe(0);
  },
);

test(
  "a clock that is set over the end of an interval flags both that it is in, and no other",
  needs("clock-set", "time"),
  async ({ meter, headEnd, clock }) => {
    const startSeconds = await atQuarter(clock);
    await clock.pass(14.5 * MINUTE_MS);
    expect(await headEnd.setClock(meter, MINUTE_MS)).toMatchObject({ kind: "set" });
    await clock.pass(31 * MINUTE_MS);
    const intervals = await headEnd.readProfile(meter, { register: IMPORT, startSeconds, count: 3 });
    const adjusted = intervals.map(({ flags }) => (flags & INTERVAL_FLAG.clockAdjusted) !== 0);
    expect(adjusted).toEqual([true, true, false]);
  },
);

test(
  "a clock is set once a day at the most",
  needs("clock-set", "time"),
  async ({ meter, headEnd, clock }) => {
    await headEnd.setClock(meter, MINUTE_MS);
    await clock.pass(HOUR_MS);
    await expect(headEnd.setClock(meter, 0)).rejects.toThrow(/too-often|conflict|4\.09/);
  },
);

test(
  "energy goes to the rate of its hour",
  lasting(30, "tariff", "load", "time"),
  async ({ meter, headEnd, clock }) => {
    await meter.load?.set(4000);
    const seconds = await atQuarter(clock);
    const minute = (Math.floor((seconds % DAY_SECONDS) / 60) + 15) % 1440;
    await headEnd.setTariff(meter, dailyRates(minute));
    const rates = ["1.8.1", "1.8.2", IMPORT];
    const before = await headEnd.readRegisters(meter, rates);
    await clock.pass(30 * MINUTE_MS);
    const after = await headEnd.readRegisters(meter, rates);
    const rise = rates.map((register) => registerValue(after, register) - registerValue(before, register));
    // A quarter of an hour of 4 kW each, and together what the meter counted.
    expect(rise.map((wattHours) => Math.round(wattHours / 50) * 50)).toEqual([1000, 1000, 2000]);
    expect(Math.abs((rise[0] ?? 0) + (rise[1] ?? 0) - (rise[2] ?? 0))).toBeLessThanOrEqual(2);
  },
);

test(
  "a tariff that was set is read back as it was, and told of",
  lasting(60, "tariff"),
  async ({ meter, headEnd }) => {
    const before = await headEnd.readTariff(meter);
    await headEnd.setTariff(meter, dailyRates(360));
    expect(await headEnd.readTariff(meter)).toEqual(dailyRates(360));
    await headEnd.setTariff(meter, before);
    expect(await headEnd.readTariff(meter)).toEqual(before);
  },
);

test("events of all logs are numbered without a gap", async ({ meter, headEnd }) => {
  const stranger = await headEnd.stranger();
  await expect(stranger.readRegisters(meter)).rejects.toThrow();
  for (const log of [
    "standard",
    "power-quality",
    "fraud",
    "security",
    "communication",
    "disconnector",
  ] as const) {
    const numbers = (await allEvents(headEnd, meter, log)).map(({ sequence }) => sequence);
    expect(numbers).toEqual(numbers.map((_, i) => (numbers[0] ?? 0) + i));
  }
});

test(
  "cuts leave events in their order, and none is lost",
  lasting(240, "power"),
  async ({ meter, headEnd, power }) => {
    const before = await allEvents(headEnd, meter, "standard");
    const cuts = 4;
    for (let i = 0; i < cuts; i++) {
      await power.cut({ at: i % 2 === 0 ? "once" : "any-write", offMs: SECOND_MS });
      await meter.ready();
    }
    const events = newOf(before, await allEvents(headEnd, meter, "standard"));
    const names = namesOf(events).filter((name) => name.startsWith("power-"));
    expect(names).toEqual(Array.from({ length: cuts }, () => ["power-down", "power-up"]).flat());
    const times = events.map(({ utcSeconds }) => utcSeconds ?? 0);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  },
);

test(
  "who watches registers is told of them, also after the meter has started again",
  lasting(900, "power"),
  async ({ meter, headEnd, power, clock }) => {
    const told: number[] = [];
    let end: Error | undefined;
    const stop = headEnd.watchRegisters(meter, [IMPORT], {
      onReading: ({ body }) => told.push(registerValue(body, IMPORT)),
      onEnd: (why) => {
        end = why;
      },
    });
    expect(await clock.until(() => told.length >= 2, 3 * MINUTE_MS)).toBe(true);
    await power.cut();
    const before = told.length;
    expect(await clock.until(() => told.length >= before + 2, 10 * MINUTE_MS), end?.message ?? "").toBe(true);
    stop();
    expect(told).toEqual(told.toSorted((a, b) => a - b));
  },
);

test(
  "who watches events hears each once and in order, as they come",
  lasting(120, "tariff"),
  async ({ meter, headEnd, clock }) => {
    const tariff = await headEnd.readTariff(meter);
    const { heard, next, stop } = await listening(headEnd, meter);
    for (const minute of [360, 720]) await headEnd.setTariff(meter, dailyRates(minute));
    expect(await clock.until(() => heard.length >= 2, MINUTE_MS)).toBe(true);
    stop();
    await headEnd.setTariff(meter, tariff);
    expect(heard.map(({ sequence }) => sequence)).toEqual(heard.map((_, i) => next + i));
  },
);

test(
  "who watches events hears of each power cut, though each ends the watch",
  needs("power", "time"),
  async ({ meter, headEnd, power, clock }) => {
    const { heard, next, stop } = await listening(headEnd, meter);
    for (let cuts = 1; cuts <= 2; cuts++) {
      await power.cut();
      const isHeard = (): boolean => namesOf(heard).filter((name) => name === "power-up").length === cuts;
      // Whoever watches looks after its watch when it has heard nothing for some minutes.
      expect(await clock.until(isHeard, 20 * MINUTE_MS)).toBe(true);
    }
    stop();
    expect(heard.map(({ sequence }) => sequence)).toEqual(heard.map((_, i) => next + i));
  },
);

/** Events of the standard log as they are told from now on, and the number that the first of them has. */
async function listening(headEnd: RigHeadEnd, meter: RigMeter) {
  const log = "standard";
  const { next } = await headEnd.readEvents(meter, { log, from: 0, count: 0 });
  const heard: LoggedEvent[] = [];
  const onReading = ({ body }: { body: { events: readonly LoggedEvent[] } }): unknown =>
    heard.push(...body.events);
  const stop = headEnd.watchEvents(meter, { log, from: next }, { onReading, onEnd: () => {} });
  return { heard, next, stop };
}

function newOf(before: readonly LoggedEvent[], after: readonly LoggedEvent[]): readonly LoggedEvent[] {
  const last = before.at(-1)?.sequence ?? 0;
  return after.filter(({ sequence }) => sequence > last);
}

/** Lets time pass until a quarter of an hour has just ended; gives which second that was. */
async function atQuarter(clock: RigClock): Promise<number> {
  const seconds = (Math.floor(clock.utcMs() / SECOND_MS / QUARTER_SECONDS) + 1) * QUARTER_SECONDS;
  await clock.pass(seconds * SECOND_MS - clock.utcMs() + SECOND_MS / 2);
  return seconds;
}
