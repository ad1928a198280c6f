import { describe, expect, test } from "vitest";
import { enumerateUpdates, repeatUpdateCase } from "../../power-loss/update/enumerate.ts";
import { UPDATE_MUTANTS } from "../../power-loss/update/mutants.ts";

describe("cuts in an update", () => {
  test("a sample of all: never without an image, never an unconfirmed one, never an older one", () => {
    const tally = enumerateUpdates({ every: 29, everySecond: 31 });
    expect(tally).toMatchObject({ bricked: 0, unconfirmed: 0, downgraded: 0, lost: 0, failures: [] });
    expect(tally.cases).toBeGreaterThan(100);
  });

  test.each(["files-not-synced", "floor-before-link", "starts-counted-without-sync"])(
    "the checker finds that '%s' fails, and a case is repeated by its name",
    (mutant) => {
      const make = UPDATE_MUTANTS.get(mutant);
      const tally = enumerateUpdates({ ...(make && { make }), lives: ["healthy"], untilFailure: true });
      const [verdict, name] = (tally.failures[0] ?? "").split(" ");
      expect(verdict).toMatch(/bricked|lost/);
      expect(repeatUpdateCase(name ?? "", make)).toBe(verdict);
    },
  );
});
