import { describe, expect, test } from "vitest";
import { toHex } from "../../../firmware/protocol/bytes.ts";
import type { ClockReading } from "../../../firmware/protocol/readings/clock-reading.ts";
import { type ClockRead, clockDocument, clockLines } from "../../../host-tools/cli/clock-output.ts";

/** 2026-07-01T12:00:00Z. */
const TIME = 1_782_907_200;

function read(more: Partial<ClockReading> = {}, askedUtcMs = TIME * 1000): ClockRead {
  return {
    meter: "M1",
    askedUtcMs,
    body: {
      timeSeconds: TIME,
      status: 4,
      clockStatus: 0x82,
      source: "head-end",
      ageSeconds: 7500,
      driftPartsPerBillion: 1200,
      zone: "CET-1CEST,M3.5.0,M10.5.0/3",
      challenge: new Uint8Array(8).fill(0xa7),
      ...more,
    },
    size: { requestBytes: 10, responseBytes: 20, milliseconds: 400 },
  };
}

describe("a meter's clock", () => {
  test("is told in the meter's own zone, with what it knows of itself", () => {
    expect(clockLines(read())).toEqual([
      "Meter M1, 2026-07-01 14:00:00+02:00, simulated",
      "  difference  0.3 s ahead of this machine's clock, give or take 0.7 s",
      "  state       doubtful, daylight saving",
      "  source      head-end",
      "  last sync   2 h 5 min ago",
      "  drift       the crystal is 1.2 ppm slow",
      "  zone        CET-1CEST,M3.5.0,M10.5.0/3",
      "10 bytes asked, 20 bytes answered, 400 ms",
    ]);
  });

  test("is a document in UTC", () => {
    expect(clockDocument(read())).toEqual({
      meter: "M1",
      time: "2026-07-01T12:00:00Z",
      status: ["simulated"],
      clockStatus: ["doubtful", "daylight saving"],
      differenceSeconds: 0.3,
      uncertaintySeconds: 0.7,
      source: "head-end",
      syncAgeSeconds: 7500,
      driftPpm: 1.2,
      zone: "CET-1CEST,M3.5.0,M10.5.0/3",
      requestBytes: 10,
      responseBytes: 20,
      milliseconds: 400,
    });
  });

  test("that is not set, was never synced and has no zone says so", () => {
    const blank = read({
      timeSeconds: undefined,
      status: 1,
      clockStatus: 0x09,
      source: "none",
      ageSeconds: undefined,
      driftPartsPerBillion: undefined,
      zone: "",
    });
    expect(clockLines(blank).slice(0, 7)).toEqual([
      "Meter M1, its clock is not set, clock invalid",
      "  difference  not known",
      "  state       invalid, invalid status",
      "  source      none",
      "  last sync   never",
      "  drift       not known yet",
      "  zone        UTC, as it was given none",
    ]);
    expect(clockDocument(blank)).toMatchObject({
      time: null,
      differenceSeconds: null,
      uncertaintySeconds: null,
      syncAgeSeconds: null,
      driftPpm: null,
    });
  });

  test("that is right may be told as much as its uncertainty from the truth, and no more", () => {
    for (const answeredMs of [0, 1, 200, 399, 400]) {
      for (const askedMs of [0, 250, 500, 999]) {
        const askedUtcMs = TIME * 1000 + askedMs;
        const timeSeconds = Math.floor((askedUtcMs + answeredMs) / 1000);
        const { differenceSeconds, uncertaintySeconds } = clockDocument(read({ timeSeconds }, askedUtcMs));
        expect(Math.abs(differenceSeconds as number)).toBeLessThanOrEqual(uncertaintySeconds as number);
      }
    }
  });

  test.each([
    [10_000, "9.7 s behind this machine's clock, give or take 0.7 s"],
    [-300_000_000, "3 d 11 h ahead of this machine's clock, give or take 0.7 s"],
  ])("%i ms away is told in words", (awayMs, text) => {
    expect(clockLines(read({}, TIME * 1000 + awayMs))[1]).toBe(`  difference  ${text}`);
  });

  test("with a crystal that is fast, and a zone that cannot be used, is told in UTC", () => {
    const lines = clockLines(read({ driftPartsPerBillion: -500, zone: "CET" }));
    expect(lines[0]).toBe("Meter M1, 2026-07-01 12:00:00+00:00, simulated");
    expect(lines[5]).toBe("  drift       the crystal is 0.5 ppm fast");
    expect(clockLines(read({ driftPartsPerBillion: 0 }))[5]).toBe("  drift       0 ppm");
    expect(lines[6]).toBe(
      "  zone        CET cannot be used: At character 4: the offset such as -1 or 5:30 is missing.",
    );
  });

  test("has a challenge that nobody sees", () => {
    const shown = JSON.stringify([clockDocument(read()), clockLines(read())]);
    expect(shown).not.toMatch(new RegExp(`challenge|${toHex(Uint8Array.of(0xa7, 0xa7))}|167`));
  });
});
