// What a reading shows of when it is, where its reader was ready to wait for it.
import { expect, test } from "vitest";
import { STATUS } from "../../../firmware/protocol/readings/answer-fields.ts";
import { ageSecondsOf, readingDocument, readingLines } from "../../../host-tools/cli/reading-output.ts";

const NOW_SECONDS = 1_780_000_000;
const reading = (timeSeconds: number | undefined, status = 0) => ({
  meter: "M1",
  body: { timeSeconds, status, entries: [] },
});

test("a late answer says how old it is, by the meter's own time", () => {
  const late = reading(NOW_SECONDS - 200);
  const age = ageSecondsOf(late, NOW_SECONDS + 0.4);
  expect(readingDocument(late, age)).toMatchObject({ ageSeconds: 200 });
  expect(readingLines(late, age)[0]).toMatch(/, 3 min ago$/);
});

test("no age is told of an answer that is not late, nor one below none where the meter's clock is ahead", () => {
  expect(readingLines(reading(NOW_SECONDS - 4), 4)[0]).not.toContain("ago");
  expect(readingDocument(reading(NOW_SECONDS))).not.toHaveProperty("ageSeconds");
  expect(ageSecondsOf(reading(NOW_SECONDS + 3), NOW_SECONDS)).toBe(0);
});

test("nobody knows the age of a reading of a meter whose clock is not set, or runs as it likes", () => {
  expect(ageSecondsOf(reading(undefined), NOW_SECONDS)).toBeUndefined();
  expect(ageSecondsOf(reading(NOW_SECONDS - 200, STATUS.simulatedTime), NOW_SECONDS)).toBeUndefined();
});
