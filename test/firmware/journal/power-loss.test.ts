import { describe, expect, test } from "vitest";
import { enumerate, repeatCase } from "../../power-loss/enumerate.ts";
import { MUTANTS } from "../../power-loss/mutants.ts";

describe("cuts", () => {
  test("a sample of all: nothing acknowledged is lost, nothing is invented, all is readable", () => {
    const tally = enumerate({ every: 11, everySecond: 9 });
    expect(tally).toMatchObject({ lost: 0, invented: 0, unreadable: 0, falseAlarms: 0, failures: [] });
    expect(tally.cases).toBeGreaterThan(300);
  });

  test.each([...MUTANTS])(
    "the checker finds that '%s' loses records, and a case is repeated by its name",
    (_, wrap) => {
      const tally = enumerate({ wrap, every: 5, everySecond: 1000, untilLoss: true });
      expect(tally.lost).toBeGreaterThan(0);
      const [verdict, name] = (tally.failures[0] ?? "").split(" ");
      expect(repeatCase(name ?? "", wrap)).toBe(verdict);
    },
  );
});
