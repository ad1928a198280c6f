import { describe, expect, test } from "vitest";
import { endedQuarantines, idleQuarantines, quarantined } from "../../../../host-tools/hil/run/quarantine.ts";
import { outcome } from "./outcomes.ts";

const entry = { test: "reads *", reason: "the chip drifts", issue: "12", until: "2027-01-31" };
const failed = outcome({ outcome: "failed", reasons: ["expected 1 to be 2"] });

describe("a quarantine", () => {
  test("makes a failure one that is told and not counted, until its last day, and no longer", () => {
    expect(quarantined(failed, [entry], "2027-01-31")).toMatchObject({
      outcome: "quarantined",
      reasons: ["In quarantine until 2027-01-31: the chip drifts, issue 12.", "expected 1 to be 2"],
    });
    expect(quarantined(failed, [entry], "2027-02-01")).toBe(failed);
  });

  test("holds for a test out of time, and never for one that the bench spoilt", () => {
    expect(quarantined(outcome({ outcome: "timeout" }), [entry], "2027-01-01").outcome).toBe("quarantined");
    expect(quarantined(outcome({ outcome: "infrastructure" }), [entry], "2027-01-01").outcome).toBe(
      "infrastructure",
    );
  });

  test("of a test that passes says that it may go", () => {
    const { outcome: what, reasons } = quarantined(outcome(), [entry], "2027-01-01");
    expect(what).toBe("passed");
    expect(reasons).toEqual(["It passed, and is in quarantine (the chip drifts, issue 12): take it out."]);
  });

  test("is of whole names only, with or without groups, and takes no pattern but *", () => {
    for (const name of ["reads a register", "group > reads *", "GROUP > READS A REGISTER", "*"])
      expect(quarantined(failed, [{ ...entry, test: name }], "2027-01-01").outcome).toBe("quarantined");
    for (const name of ["reads", "register", "reads . register", ".*"])
      expect(quarantined(failed, [{ ...entry, test: name }], "2027-01-01").outcome).toBe("failed");
  });

  test("that has ended is a failure which says so, where its test is among those that ran", () => {
    const place = { bench: "lab", today: "2027-02-01" };
    const [ended, ...more] = endedQuarantines([outcome()], [entry], place);
    expect(more).toEqual([]);
    expect(ended).toMatchObject({ outcome: "failed", name: 'quarantine of "reads *"' });
    expect(ended?.reasons[0]).toMatch(/^It ended on 2027-01-31 \(the chip drifts, issue 12\): mend the test/);
    expect(endedQuarantines([outcome({ name: "writes" })], [entry], place)).toEqual([]);
    expect(endedQuarantines([outcome()], [entry], { ...place, today: "2027-01-31" })).toEqual([]);
  });

  test("of no test is told, as its name may be wrong", () => {
    expect(idleQuarantines([outcome()], [entry])).toEqual([]);
    expect(idleQuarantines([outcome({ name: "writes" })], [entry])).toEqual([
      'No test of this run is named "reads *", which is in quarantine: check the name.',
    ]);
  });
});
