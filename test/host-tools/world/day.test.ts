// What the demonstration shows must hold, with either crypto engine.
import { beforeAll, describe, expect, test } from "vitest";
import { toHex } from "../../../firmware/protocol/bytes.ts";
import { encodeCbor } from "../../../firmware/protocol/cbor.ts";
import { nobleEngine } from "../../../hal/crypto/noble.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { Explainer } from "../../../host-tools/decode/explain.ts";
import { parseLoad } from "../../../host-tools/loads/index.ts";
import { type Day, playDay } from "../../../host-tools/world/day.ts";
import { configuration } from "../../support/configuration.ts";

const START_UTC_MS = Date.UTC(2026, 10, 24);

function play(seed: number, crypto = opensslEngine): Promise<Day> {
  const load = parseLoad("h25", { annualKilowattHours: 3500 });
  if ("error" in load) throw new Error(load.error);
  return playDay({ seed, load, crypto, startUtcMs: START_UTC_MS, baud: 9600, configuration });
}

function registerOf({ reading }: Day): number {
  const [entry] = reading.entries;
  if (entry === undefined || !("value" in entry)) throw new Error("no register");
  return entry.value;
}

describe("a day of H25 on a 9600-baud line", () => {
  let day: Day;
  beforeAll(async () => {
    day = await play(1);
  });

  test("the register is the sum of the intervals, and the load within 0.5 % and one count", () => {
    const sum = day.intervals.reduce((total, { value = 0 }) => total + value, 0);
    expect(day.intervals).toHaveLength(96);
    expect(day.intervals.every(({ flags }) => flags === 0)).toBe(true);
    expect(sum).toBe(registerOf(day));
    expect(Math.abs(registerOf(day) - day.loadWattHours)).toBeLessThan(0.005 * day.loadWattHours + 1);
  });

  test("each interval follows the load of its own quarter-hour", () => {
    const peak = day.intervals.reduce((a, b) => ((b.value ?? 0) > (a.value ?? 0) ? b : a));
    // The evening peak of a November working day, 18:30 to 19:45 in Germany.
    const hour = (peak.startSeconds % 86_400) / 3600;
    expect(hour).toBeGreaterThanOrEqual(17);
    expect(hour).toBeLessThan(19);
  });

  test.each([
    ["edhoc", 68, 53],
    ["read-default", 24, 32],
    ["read-one", 28, 32],
    ["profile-24", 38, 70],
    ["profile-96", 38, 175],
  ])("%s takes at most %d bytes of CoAP asked and %d answered", (name, requestMax, responseMax) => {
    const exchange = day.exchanges.find((one) => one.name === name);
    expect(exchange?.requestBytes).toBeLessThanOrEqual(requestMax);
    expect(exchange?.responseBytes).toBeLessThanOrEqual(responseMax);
  });

  test("a round trip takes at most 1.05 times its bytes on the line and the stated turnaround", () => {
    // END, A9, CoAP, FCS, END; an escaped byte is one more, and of random bytes one in 128 is.
    const lineMs = (bytes: number): number => ((bytes + 5) * 10_000) / 9600;
    for (const { name, requestBytes, responseBytes, lineMilliseconds } of day.exchanges.slice(1)) {
      const bytesMs = lineMs(requestBytes) + lineMs(responseBytes);
      expect(lineMilliseconds, name).toBeGreaterThanOrEqual(bytesMs - 0.01);
      expect(lineMilliseconds, name).toBeLessThanOrEqual(1.05 * bytesMs + 20);
    }
  });

  test("an eavesdropper sees no reading, no interval, no register's name and no meter's name", () => {
    const body = toHex(encodeCbor(registerOf(day)));
    for (const { bytes } of day.tapped) {
      const hex = toHex(bytes);
      expect(hex).not.toContain(body);
      expect(hex).not.toContain(toHex(Uint8Array.of(1, 0, 1, 8, 0, 255)));
      expect(hex).not.toContain("4d31");
    }
    const seen = JSON.stringify(day.tapped.map(({ bytes }) => new Explainer().explain(bytes)));
    expect(seen).not.toContain(String(registerOf(day)));
    expect(seen).not.toContain("FETCH");
    expect(seen).not.toContain("/p");
  });

  test("all windows of one length answer with one length, whatever was used in them", () => {
    const profiles = day.tapped.filter(({ sender, bytes }) => sender === "meter" && bytes.length > 120);
    expect(profiles.map(({ bytes }) => bytes.length)).toEqual([171]);
  });

  test("the same seed gives the same bytes on the line with either engine, and another seed others", async () => {
    const bytesOf = ({ tapped }: Day): string[] =>
      tapped.map(({ sender, bytes }) => `${sender} ${toHex(bytes)}`);
    expect(bytesOf(await play(1, nobleEngine))).toEqual(bytesOf(day));
    expect(bytesOf(await play(2))).not.toEqual(bytesOf(day));
  });
});
