// What a power cut may take, and what it may not.
import { INTERVAL_FLAG } from "../../../firmware/protocol/readings/interval.ts";
import { HeadEndError } from "../../head-end/errors.ts";
import { allEvents, expect, lasting, namesOf, registerValue, test } from "../index.ts";
import type { RigHeadEnd, RigMeter } from "../rig.ts";
import { dailyRates } from "./daily-rates.ts";

const IMPORT = "1.8.0";
const SECOND_MS = 1000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const QUARTER_SECONDS = 900;

const importOf = async (headEnd: RigHeadEnd, meter: RigMeter): Promise<number> =>
  registerValue(await headEnd.readRegisters(meter, [IMPORT]), IMPORT);

test(
  "what was read before a cut is there after it",
  lasting(120, "power"),
  async ({ meter, headEnd, power, clock }) => {
    const before = await importOf(headEnd, meter);
    await clock.pass(10 * SECOND_MS);
    await power.cut();
    await meter.ready();
    expect(await importOf(headEnd, meter)).toBeGreaterThanOrEqual(before);
  },
);

test(
  "what was read survives a cut at any write",
  lasting(300, "power"),
  async ({ rig, meter, headEnd, power, clock }) => {
    let acknowledged = await importOf(headEnd, meter);
    for (let round = 0; round < (rig.kind === "emulated" ? 8 : 3); round++) {
      let isUp = false;
      const cut = power.cut({ at: "any-write", offMs: SECOND_MS }).then(() => {
        isUp = true;
      });
      while (!isUp) {
        try {
          acknowledged = Math.max(acknowledged, await importOf(headEnd, meter));
        } catch (error) {
          if (!(error instanceof HeadEndError)) throw error;
        }
        await clock.pass(SECOND_MS);
      }
      await cut;
      await meter.ready();
      expect(await importOf(headEnd, meter)).toBeGreaterThanOrEqual(acknowledged);
    }
  },
);

test("no cut makes energy", lasting(180, "power", "load"), async ({ meter, headEnd, power, clock }) => {
  await meter.load?.set(3600);
  await clock.pass(3 * SECOND_MS);
  const before = await importOf(headEnd, meter);
  const startMs = clock.monotonicMs();
  for (let i = 0; i < 3; i++) {
    await clock.pass(7 * SECOND_MS);
    await power.cut({ offMs: 2 * SECOND_MS });
    await meter.ready();
  }
  const seconds = (clock.monotonicMs() - startMs) / SECOND_MS;
  // 3600 W are a watt-hour a second, if the supply had never been off.
  expect((await importOf(headEnd, meter)) - before).toBeLessThanOrEqual(seconds * 1.02 + 1);
});

test(
  "a cut takes no more than the nameplate says",
  lasting(180, "power", "load"),
  async ({ meter, headEnd, power, clock }) => {
    const { maxLossWattHours } = await headEnd.readNameplate(meter);
    if (maxLossWattHours === null)
      throw new Error("a meter that keeps nothing says so, and is none for a household");
    await meter.load?.set(3600);
    await clock.pass(3 * SECOND_MS);
    const before = await importOf(headEnd, meter);
    const startMs = clock.monotonicMs();
    await clock.pass(47 * SECOND_MS);
    const used = (clock.monotonicMs() - startMs) / SECOND_MS;
    await power.cut();
    await meter.ready();
    expect(await importOf(headEnd, meter)).toBeGreaterThanOrEqual(
      before + Math.floor(used * 0.98) - maxLossWattHours - 1,
    );
  },
);

test(
  "a cut is logged as power down and power up",
  lasting(120, "power"),
  async ({ meter, headEnd, power }) => {
    const before = await allEvents(headEnd, meter, "standard");
    await power.cut();
    await meter.ready();
    const after = await allEvents(headEnd, meter, "standard");
    const last = before.at(-1)?.sequence ?? 0;
    const names = namesOf(after.filter(({ sequence }) => sequence > last));
    expect(names.filter((name) => name.startsWith("power-"))).toEqual(["power-down", "power-up"]);
  },
);

test(
  "a supply that flutters leaves a meter that works",
  lasting(300, "power"),
  async ({ meter, headEnd, power }) => {
    const before = await importOf(headEnd, meter);
    for (let i = 0; i < 5; i++) await power.cut({ offMs: 300 });
    await meter.ready();
    expect(await importOf(headEnd, meter)).toBeGreaterThanOrEqual(before);
  },
);

test(
  "the interval of a cut says so, and its energy is in the register",
  lasting(30, "power", "time"),
  async ({ meter, headEnd, power, clock }) => {
    const startSeconds = await atQuarter(clock);
    const before = await importOf(headEnd, meter);
    await clock.pass(5 * MINUTE_MS);
    await power.cut({ offMs: MINUTE_MS });
    await meter.ready();
    await atQuarter(clock);
    const rise = (await importOf(headEnd, meter)) - before;
    const [interval] = await headEnd.readProfile(meter, { register: IMPORT, startSeconds, count: 1 });
    expect((interval?.flags ?? 0) & INTERVAL_FLAG.powerDown).not.toBe(0);
    expect(Math.abs((interval?.value ?? Number.NaN) - rise)).toBeLessThanOrEqual(1);
  },
);

test(
  "intervals in the dark are missing, and none is made up",
  lasting(30, "power", "time"),
  async ({ meter, headEnd, power, clock }) => {
    const startSeconds = await atQuarter(clock);
    await clock.pass(MINUTE_MS);
    await power.cut({ offMs: HOUR_MS });
    await meter.ready();
    await atQuarter(clock);
    const intervals = await headEnd.readProfile(meter, { register: IMPORT, startSeconds, count: 5 });
    const missing = intervals.map(({ flags }) => (flags & INTERVAL_FLAG.missing) !== 0);
    expect(missing).toEqual([false, true, true, true, false]);
  },
);

test(
  "the intervals of a time add up to what the register rose",
  lasting(30, "time"),
  async ({ meter, headEnd, clock }) => {
    const startSeconds = await atQuarter(clock);
    const before = await importOf(headEnd, meter);
    await clock.pass(6 * HOUR_MS);
    const after = await importOf(headEnd, meter);
    const intervals = await headEnd.readProfile(meter, { register: IMPORT, startSeconds, count: 24 });
    const sum = intervals.reduce((total, { value }) => total + (value ?? Number.NaN), 0);
    expect(Math.abs(sum - (after - before))).toBeLessThanOrEqual(1);
  },
);

test(
  "a tariff that was taken is there after a cut at any write",
  lasting(240, "power", "tariff"),
  async ({ meter, headEnd, power }) => {
    const before = await headEnd.readTariff(meter);
    for (let minute = 60; minute < 240; minute += 60) {
      const cut = power.cut({ at: "any-write", offMs: SECOND_MS });
      const taken = await headEnd.setTariff(meter, dailyRates(minute)).then(
        () => true,
        () => false,
      );
      await cut;
      await meter.ready();
      if (taken) expect(await headEnd.readTariff(meter)).toEqual(dailyRates(minute));
    }
    await headEnd.setTariff(meter, before);
  },
);

test(
  "an order that was heard before a cut is not carried out again after it",
  lasting(120, "power", "tariff"),
  async ({ meter, headEnd, power, line, clock }) => {
    const before = await headEnd.readTariff(meter);
    const seen = line.frames.length;
    await headEnd.setTariff(meter, dailyRates(300));
    const heard = line.frames.slice(seen).filter(({ direction }) => direction === "outbound");
    await headEnd.setTariff(meter, dailyRates(600));
    await power.cut();
    await meter.ready();
    for (const { bytes } of heard) {
      line.inject(bytes);
      await clock.pass(SECOND_MS);
    }
    expect(await headEnd.readTariff(meter)).toEqual(dailyRates(600));
    await headEnd.setTariff(meter, before);
  },
);

// CoAP remembers messages for four minutes; after that it is the session that knows what it has seen.
test(
  "an order that somebody recorded is not carried out again, however late",
  lasting(400, "tariff"),
  async ({ meter, headEnd, line, clock }) => {
    const before = await headEnd.readTariff(meter);
    const seen = line.frames.length;
    await headEnd.setTariff(meter, dailyRates(300));
    const heard = line.frames.slice(seen).filter(({ direction }) => direction === "outbound");
    await headEnd.setTariff(meter, dailyRates(600));
    await clock.pass(5 * MINUTE_MS);
    const { counters } = await headEnd.readNameplate(meter);
    for (const { bytes } of heard) {
      line.inject(bytes);
      await clock.pass(SECOND_MS);
    }
    const refused = (await headEnd.readNameplate(meter)).counters.refusedMessages - counters.refusedMessages;
    expect(refused).toBeGreaterThanOrEqual(heard.length);
    expect(await headEnd.readTariff(meter)).toEqual(dailyRates(600));
    await headEnd.setTariff(meter, before);
  },
);

/** Lets time pass until a quarter of an hour has just ended; gives which second that was. */
async function atQuarter(clock: { utcMs(): number; pass(ms: number): Promise<void> }): Promise<number> {
  const seconds = (Math.floor(clock.utcMs() / SECOND_MS / QUARTER_SECONDS) + 1) * QUARTER_SECONDS;
  // The last reading of a quarter is on its way for a moment when it ends.
  await clock.pass(seconds * SECOND_MS - clock.utcMs() + SECOND_MS / 2);
  return seconds;
}
