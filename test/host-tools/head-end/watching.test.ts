// Watches of a head-end whose registry others change meanwhile.
import { writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Registry } from "../../../host-tools/head-end/registry.ts";
import { RotatingMeter } from "../../support/rotating-meter.ts";
import { MINUTE_MS } from "../../support/whole-meter.ts";

let meter: RotatingMeter;
beforeEach(() => {
  meter = new RotatingMeter();
});
afterEach(() => meter.close());

/** Watches for some minutes, and for as many more after `change`: readings before and after it, and how it ended. */
function watchedOver(change: () => void) {
  const { clock, headEnd, target } = meter.world;
  const ends: string[] = [];
  let readings = 0;
  headEnd.watchRegisters(target, [], {
    onReading: () => readings++,
    onEnd: ({ message }) => ends.push(message),
  });
  clock.advanceBy(2.5 * MINUTE_MS);
  const before = readings;
  change();
  clock.advanceBy(3 * MINUTE_MS);
  return { before, after: readings - before, ends };
}

test("a meter that is revoked while it is watched is believed nothing more, and the watch says so", () => {
  const { before, after, ends } = watchedOver(() => new Registry(meter.registry.path).revoke("M1"));
  expect([before, after]).toEqual([3, 0]);
  expect(ends).toEqual([expect.stringContaining("did not prove to be an enrolled meter")]);
});

test("a watch goes on over changes of the registry that are not its meter's", () => {
  const { after, ends } = watchedOver(() => {
    meter.registry.accept("M1");
    meter.registry.addIssuer(meter.made.credential);
  });
  expect([after, ends]).toEqual([3, []]);
});

test("a watch ends where its registry is damaged", () => {
  const { after, ends } = watchedOver(() => writeFileSync(meter.registry.path, "{"));
  expect(after).toBe(0);
  expect(ends).toEqual([expect.stringContaining("is damaged")]);
});
