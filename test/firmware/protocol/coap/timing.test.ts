import { describe, expect, test } from "vitest";
import {
  ackTimeoutMs,
  answerWindowMs,
  exchangeLifetimeMs,
  firstTimeoutMs,
  processingDelayMs,
} from "../../../../firmware/protocol/coap/timing.ts";
import { SeededRandom } from "../../../../hal/emulated/seeded-random.ts";
import { serialisationMs } from "../../../../hal/ports/link.ts";
import { IP, LINE_9600 } from "./helpers.ts";

describe("timers that follow from the link", () => {
  test("on an IP link a request waits 1 s for its acknowledgement, whatever its size", () => {
    expect(ackTimeoutMs(IP, 30)).toBe(1000);
    expect(ackTimeoutMs(IP, 1024)).toBe(1000);
  });

  test("on a line the wait covers the bytes of the request and of an answer, twice", () => {
    // (30 + 5 + 256 + 5 bytes) at 9600 baud are 308.3 ms, and 20 ms of turnaround.
    expect(ackTimeoutMs(LINE_9600, 30)).toBeCloseTo(656.67, 1);
    expect(ackTimeoutMs(LINE_9600, 286) - ackTimeoutMs(LINE_9600, 30)).toBeCloseTo(533.33, 1);
  });

  test("where the length of the answer is known, the wait is for that", () => {
    expect(ackTimeoutMs(LINE_9600, 30, 32)).toBeCloseTo(2 * (36.46 + 38.54 + 20), 1);
  });

  test("no answer is presumed longer than the link can carry", () => {
    expect(ackTimeoutMs({ ...LINE_9600, mtuBytes: 51 }, 30)).toBeCloseTo(2 * (36.46 + 58.33 + 20), 1);
  });

  test("a link without any delay still leaves the computers time", () => {
    expect(ackTimeoutMs({ ...IP, roundTripMs: 0 }, 30)).toBe(100);
  });

  test("the first wait is drawn between once and one and a half times the timeout", () => {
    const random = new SeededRandom(1);
    const waits = Array.from({ length: 1000 }, () => firstTimeoutMs(IP, random, 30));
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(1000);
    expect(Math.min(...waits)).toBeLessThan(1010);
    expect(Math.max(...waits)).toBeLessThan(1500);
    expect(Math.max(...waits)).toBeGreaterThan(1490);
  });

  test("an empty ACK after the processing delay arrives before the client repeats, at any rate", () => {
    for (const bitsPerSecond of [300, 1200, 9600, 115200, undefined]) {
      for (const roundTripMs of [0, 20, 500, 3000]) {
        const traits = { ...LINE_9600, bitsPerSecond, roundTripMs };
        for (const bytes of [4, 30, 1024]) {
          const thereAndBackMs = serialisationMs(traits, bytes) + roundTripMs + serialisationMs(traits, 4);
          expect(thereAndBackMs + processingDelayMs(traits)).toBeLessThanOrEqual(ackTimeoutMs(traits, bytes));
        }
      }
    }
  });

  test("an exchange is remembered for longer than all its repetitions take", () => {
    for (const traits of [IP, LINE_9600]) {
      const lastCopyMs = ackTimeoutMs(traits, 256) * 1.5 * 15;
      expect(exchangeLifetimeMs(traits)).toBeGreaterThan(lastCopyMs + 100 * ackTimeoutMs(traits, 256));
    }
    expect(exchangeLifetimeMs(IP)).toBe(122_750);
  });

  test("an answer may be on the line until the longest one has come in", () => {
    expect(answerWindowMs({ ...LINE_9600, mtuBytes: 512 }, 30)).toBeCloseTo(36.46 + 20 + 538.54, 1);
  });
});
