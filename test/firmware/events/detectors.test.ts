import { describe, expect, test } from "vitest";
import { CONDITIONS, ConditionWatch } from "../../../firmware/events/condition-watch.ts";
import { PartWatch } from "../../../firmware/events/part-watch.ts";
import { ReverseWatch } from "../../../firmware/events/reverse-watch.ts";
import { type VoltageLimits, VoltageWatch } from "../../../firmware/events/voltage-watch.ts";
import { integerBelow, SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import type { PhaseReading } from "../../../hal/ports/metering-ic.ts";

/** Volts once a second; what was found, with the second. */
function voltages(volts: readonly (number | undefined)[], limits: Partial<VoltageLimits> = {}): string[] {
  const watch = new VoltageWatch(limits);
  return volts.flatMap((volt, second) =>
    watch.take(1000 * second, [phase(volt)]).map(({ name, details }) => `${second} ${name} ${details}`),
  );
}

function phase(volts: number | undefined): PhaseReading {
  if (volts === undefined) return {};
  return { voltageMillivolts: { value: Math.round(1000 * volts), quality: "measured" } };
}

describe("voltage", () => {
  test("below 90 % for a second is a sag, which ends above 92 % with its depth and length", () => {
    expect(voltages([230, 206, 180, 190, 209, 211, 212, 213, 230])).toEqual([
      "2 undervoltage-l1 180000",
      "7 voltage-normal-l1 180000,6",
    ]);
  });

  test("above 110 % is a swell, which ends below 108 %", () => {
    expect(voltages([230, 254, 260, 250, 248, 247])).toEqual([
      "2 overvoltage-l1 260000",
      "5 voltage-normal-l1 260000,4",
    ]);
  });

  test("below 5 % is a lost phase, which may come back low", () => {
    expect(voltages([230, 3, 0, 12, 180, 180, 225, 226])).toEqual([
      "2 voltage-missing-l1 0",
      "5 undervoltage-l1 180000",
      "7 voltage-normal-l1 180000,3",
    ]);
  });

  test("beyond a limit for less than the minimum is nothing", () => {
    expect(voltages([230, 180, 230, 180, 260, 180, 230], { minimumMs: 1001 })).toEqual([]);
  });

  test("on a limit is normal", () => {
    expect(voltages([207, 207, 253, 253])).toEqual([]);
  });

  test("that the part does not give changes nothing", () => {
    expect(voltages([230, 180, 180, undefined, undefined, 180, 230, 230])).toHaveLength(2);
  });

  test("of another nominal value is judged by it", () => {
    expect(voltages([120, 107, 107], { nominalMillivolts: 120_000 })).toEqual(["2 undervoltage-l1 107000"]);
  });

  test("of each phase is judged apart; a fourth one is none", () => {
    const watch = new VoltageWatch();
    const phases = [phase(230), phase(180), phase(270), phase(0)];
    watch.take(0, phases);
    expect(watch.take(1000, phases).map(({ name }) => name)).toEqual(["undervoltage-l2", "overvoltage-l3"]);
  });

  test("in 200 runs never gives the same state twice in a row, nor normal first", () => {
    for (let seed = 0; seed < 200; seed++) {
      const random = new SeededRandom(`voltage ${seed}`);
      const names = voltages(Array.from({ length: 100 }, () => integerBelow(random, 300))).map(
        (found) => found.split(" ")[1],
      );
      const repeats = names.filter((name, i) => name === (names[i - 1] ?? "voltage-normal-l1"));
      expect(repeats, `seed ${seed}`).toEqual([]);
    }
  });
});

describe("a condition", () => {
  const magnet = (sensed: readonly ("holds" | "clear" | "unknown")[]) => {
    const watch = new ConditionWatch(CONDITIONS.magnet);
    return sensed.flatMap((each, i) => {
      const name = watch.take(10_000 * i, each);
      return name === undefined ? [] : [`${10 * i} ${name}`];
    });
  };

  test("is believed after its hold time, and its end likewise", () => {
    expect(magnet([..."chhhhhcccchc"].map((sign) => (sign === "h" ? "holds" : "clear")))).toEqual([
      "40 magnet-present",
      "90 magnet-gone",
    ]);
  });

  test("that is not sensed, or comes and goes, is not believed", () => {
    expect(magnet(["holds", "holds", "clear", "holds", "holds", "unknown", "holds", "holds"])).toEqual([]);
  });

  test("that was believed before a restart is not told again", () => {
    const watch = new ConditionWatch(CONDITIONS.cover, "holds");
    expect([watch.take(0, "holds"), watch.take(9000, "holds"), watch.believed]).toEqual([
      undefined,
      undefined,
      "holds",
    ]);
  });
});

describe("reverse energy", () => {
  /** Milliwatt-hours exported in each minute. */
  function reverse(minutes: readonly number[]): string[] {
    const watch = new ReverseWatch();
    return minutes.flatMap((milliwattHours, minute) => {
      const found = watch.take(60_000 * minute, milliwattHours);
      return found === undefined ? [] : [`${minute} ${found.name} ${found.details}`];
    });
  }
  const quiet = (minutes: number): number[] => Array(minutes).fill(0);

  test("is told once from 10 Wh on, and ends after a quarter-hour without any", () => {
    expect(reverse([4000, 4000, 2000, 5000, ...quiet(14), 1000, ...quiet(16)])).toEqual([
      "2 reverse-energy 10",
      "33 reverse-energy-end 16,1080",
    ]);
  });

  test("of a few watt-hours now and then is nothing", () => {
    expect(reverse([9999, ...quiet(15), 9999, ...quiet(15), 9999])).toEqual([]);
  });
});

describe("a metering part that falls silent", () => {
  test("with the line up is its own fault, after half a minute", () => {
    const watch = new PartWatch();
    expect([watch.silent(0, "up"), watch.silent(20_000, "up")]).toEqual([undefined, undefined]);
    expect(watch.silent(30_000, "unknown")).toEqual({ name: "metering-part-silent", details: [30] });
    expect(watch.silent(40_000, "down")).toBeUndefined();
    expect(watch.answered(50_000)).toEqual({ name: "metering-part-back", details: [50] });
    expect(watch.answered(60_000)).toBeUndefined();
  });

  test("with the line down is a power failure, at once and once", () => {
    const watch = new PartWatch();
    watch.silent(0, "up");
    expect(watch.silent(5000, "down")).toEqual({ name: "power-down", details: [] });
    expect(watch.silent(90_000, "up")).toBeUndefined();
    expect(watch.answered(100_000)).toEqual({ name: "power-up", details: [100] });
  });

  test("for a poll or two is the bus, and nothing", () => {
    const watch = new PartWatch();
    watch.silent(0, "up");
    expect([watch.answered(10_000), watch.silent(20_000, "up"), watch.answered(30_000)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});
