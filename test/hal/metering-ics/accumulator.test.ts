import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CounterAccumulator,
  type CounterPolicy,
  maxPollIntervalMs,
} from "../../../hal/metering-ics/accumulator.ts";

/** 16 bits of 100 mWh, at most 3.6 kW: 10 counts a second. */
const POLICY: CounterPolicy = {
  widthBits: 16,
  nanowattHoursPerCount: 100_000_000,
  largestPowerMilliwatts: 3_600_000,
  adds: "absolute",
};

/** Feeds (seconds, count) pairs and gives `verdict import/export` for each. */
function play(
  policy: CounterPolicy,
  ...samples: readonly (readonly [number, number, "reverse"?])[]
): string[] {
  const accumulator = new CounterAccumulator(policy);
  return samples.map(([seconds, count, direction]) => {
    const step = accumulator.accept({ atMs: seconds * 1000, count, isReverse: direction === "reverse" });
    if (step.verdict === "implausible") return step.verdict;
    return `${step.verdict} ${step.energy.importMilliwattHours}/${step.energy.exportMilliwattHours}`;
  });
}

describe("the accumulator of a wrapping counter", () => {
  test("the first sample is the baseline, whatever it is", () => {
    expect(play(POLICY, [0, 40_000])).toEqual(["advanced 0/0"]);
  });

  test("a step is believed up to what the largest power gives in the time and a late second, and not one count more", () => {
    expect(play(POLICY, [0, 100], [10, 211])).toEqual(["advanced 0/0", "advanced 11100/0"]);
    expect(play(POLICY, [0, 100], [10, 212])).toEqual(["advanced 0/0", "implausible"]);
  });

  test("a drop is a wrap where that much can have been drawn", () => {
    expect(play(POLICY, [0, 65_530], [10, 4])).toEqual(["advanced 0/0", "advanced 1000/0"]);
  });

  test("a drop is a reset where it cannot, and only what was counted since is booked", () => {
    expect(play(POLICY, [0, 40_000], [10, 4], [11, 6])).toEqual([
      "advanced 0/0",
      "reset 400/0",
      "advanced 200/0",
    ]);
  });

  test("a drop to a count that cannot have been reached since is neither", () => {
    expect(play(POLICY, [0, 40_000], [10, 2000])).toEqual(["advanced 0/0", "implausible"]);
  });

  test("a sample that was wrong once changes nothing, and the energy comes with the next", () => {
    expect(play(POLICY, [0, 100], [10, 9000], [20, 150])).toEqual([
      "advanced 0/0",
      "implausible",
      "advanced 5000/0",
    ]);
  });

  test("three samples that agree become the new start; samples that do not agree never do", () => {
    const agreeing = play(POLICY, [0, 100], [1, 9000], [2, 9005], [3, 9012], [4, 9013]);
    expect(agreeing.slice(1)).toEqual(["implausible", "implausible", "rebased 1200/0", "advanced 100/0"]);
    const wild = play(POLICY, [0, 100], [1, 9000], [2, 20_000], [3, 9000], [4, 30_000], [5, 130]);
    expect(wild.slice(1)).toEqual([...Array<string>(4).fill("implausible"), "advanced 3000/0"]);
  });

  test("after any silence at most half the counter is taken for a step, so that a drop is still seen as a reset", () => {
    expect(play(POLICY, [0, 30_000], [1e6, 20_000])).toEqual(["advanced 0/0", "reset 2000000/0"]);
  });

  test("an absolute counter's steps go where the last energy went", () => {
    expect(play(POLICY, [0, 100], [10, 110, "reverse"], [20, 115])).toEqual([
      "advanced 0/0",
      "advanced 0/1000",
      "advanced 500/0",
    ]);
  });

  test("an algebraic counter's steps back are export, over 0 too, and a drop to 0 is still a reset", () => {
    const policy: CounterPolicy = { ...POLICY, adds: "algebraic" };
    const exported = play(policy, [0, 5], [10, 65_531, "reverse"], [20, 2], [30, 65_535, "reverse"]);
    expect(exported).toEqual(["advanced 0/0", "advanced 0/1000", "advanced 700/0", "advanced 0/300"]);
    expect(play(policy, [0, 20_000], [10, 65_530, "reverse"])).toEqual(["advanced 0/0", "reset 0/600"]);
  });

  test("energy is derived from the first reverse sample to the one after the last, else measured", () => {
    const accumulator = new CounterAccumulator(POLICY);
    const quality = [false, false, true, false, false].map((isReverse, index) => {
      const step = accumulator.accept({ atMs: index * 1000, count: index, isReverse });
      return step.verdict === "implausible" ? step.verdict : step.energy.quality;
    });
    expect(quality).toEqual(["measured", "measured", "derived", "derived", "measured"]);
  });

  test("the sums are the floor of all counts' energy, over any steps", () => {
    const steps = fc.array(fc.record({ counts: fc.nat(300), isReverse: fc.boolean() }), { maxLength: 200 });
    fc.assert(
      fc.property(steps, fc.nat(65_535), (taken, start) => {
        const policy = { ...POLICY, nanowattHoursPerCount: 187_003_824, largestPowerMilliwatts: 18_687_500 };
        const accumulator = new CounterAccumulator(policy);
        const counts = { import: 0, export: 0 };
        const booked = { import: 0, export: 0 };
        let count = start;
        accumulator.accept({ atMs: 0, count, isReverse: false });
        taken.forEach((step, index) => {
          count = (count + step.counts) % 65_536;
          counts[step.isReverse ? "export" : "import"] += step.counts;
          const { isReverse } = step;
          const result = accumulator.accept({ atMs: (index + 1) * 60_000, count, isReverse });
          if (result.verdict !== "advanced") throw new Error(result.verdict);
          booked.import += result.energy.importMilliwattHours;
          booked.export += result.energy.exportMilliwattHours;
        });
        expect(booked).toEqual({
          import: Number((BigInt(counts.import) * 187_003_824n) / 1_000_000n),
          export: Number((BigInt(counts.export) * 187_003_824n) / 1_000_000n),
        });
      }),
      { seed: 942, numRuns: 200 },
    );
  });

  test("whatever counts come, no more is booked than the largest power gives in the time", () => {
    const samples = fc.array(fc.tuple(fc.integer({ min: 1, max: 600 }), fc.nat(65_535), fc.boolean()), {
      minLength: 2,
      maxLength: 100,
    });
    fc.assert(
      fc.property(samples, fc.constantFrom("absolute" as const, "algebraic" as const), (wild, adds) => {
        const accumulator = new CounterAccumulator({ ...POLICY, adds });
        let seconds = 0;
        let milliwattHours = 0;
        for (const [gap, count, isReverse] of wild) {
          seconds += gap;
          const step = accumulator.accept({ atMs: seconds * 1000, count, isReverse });
          if (step.verdict === "implausible") continue;
          milliwattHours += step.energy.importMilliwattHours + step.energy.exportMilliwattHours;
        }
        const eachReadingsSlack = (wild.length * (3600 + 360)) / 3.6;
        expect(milliwattHours).toBeLessThanOrEqual(seconds * 1000 + eachReadingsSlack);
      }),
      { seed: 942, numRuns: 300 },
    );
  });

  test("a drop is a reset where the part's carry bit stayed, and a wrap where it turned or is not known", () => {
    const verdict = (before: 0 | 1 | undefined, after: 0 | 1 | undefined) => {
      const accumulator = new CounterAccumulator(POLICY);
      const sample = (count: number, atMs: number, carry: 0 | 1 | undefined) =>
        accumulator.accept({ atMs, count, isReverse: false, ...(carry !== undefined && { carry }) });
      sample(65_530, 0, before);
      return sample(4, 10_000, after);
    };
    const wrap = { verdict: "advanced", energy: { importMilliwattHours: 1000 } };
    expect(verdict(0, 1)).toMatchObject(wrap);
    expect(verdict(undefined, 1)).toMatchObject(wrap);
    expect(verdict(undefined, undefined)).toMatchObject(wrap);
    expect(verdict(1, 1)).toMatchObject({ verdict: "reset", energy: { importMilliwattHours: 400 } });
  });

  test("after a restart the next sample is a baseline again, and a fraction of before is not lost", () => {
    const accumulator = new CounterAccumulator({ ...POLICY, nanowattHoursPerCount: 1_500_000 });
    const booked = [100, 101, undefined, 40_000, 40_001].map((count, index) => {
      if (count === undefined) return accumulator.restart();
      const step = accumulator.accept({ atMs: index * 1000, count, isReverse: false });
      return step.verdict === "advanced" && step.energy.importMilliwattHours;
    });
    expect(booked).toEqual([0, 1, undefined, 0, 2]);
  });

  test("the longest time between polls fills half the counter at the largest power", () => {
    expect(maxPollIntervalMs(POLICY)).toBe(3_276_800);
  });

  test("a counter that does not fit safe integers is refused", () => {
    for (const wrong of [{ widthBits: 64 }, { nanowattHoursPerCount: 0.5 }, { nanowattHoursPerCount: 0 }]) {
      expect(() => new CounterAccumulator({ ...POLICY, ...wrong })).toThrow("safe integers");
    }
  });
});
