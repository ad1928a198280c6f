import { expect, test } from "vitest";
import { TimeZone } from "../../firmware/calendar/time-zone.ts";
import { integerBelow, SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { FUZZ_INPUTS } from "../support/fuzz.ts";
import { ZONES } from "../support/zones.ts";

const SEED = 8536;
const RUNS = FUZZ_INPUTS / 2;
const SENTENCE = /^[A-Z][^\n]{1,160}\.$/;

test(`of ${RUNS} changed POSIX TZ strings (seed ${SEED}) each is a zone whose clock goes, or one sentence`, () => {
  const random = new SeededRandom(SEED);
  let zones = 0;
  for (let i = 0; i < RUNS; i++) {
    const text = changed(random, ZONES[i % ZONES.length]?.text ?? "");
    const zone = TimeZone.parse(text);
    if (zone instanceof TimeZone) zones++;
    const isSound = zone instanceof TimeZone ? goes(zone, random) : SENTENCE.test(zone.error);
    if (!isSound) throw new Error(JSON.stringify(text));
  }
  expect(zones).toBeGreaterThan(RUNS / 10);
  expect(zones).toBeLessThan(RUNS / 2);
});

/** At New Year, where rules of two years meet, and at any time, a reading leads back to its instant. */
function goes(zone: TimeZone, random: SeededRandom): boolean {
  const instants = [1_767_225_600 + integerBelow(random, 86_400), integerBelow(random, 2 ** 32)];
  return instants.every((at) => zone.instantsOf(zone.wallSeconds(at)).includes(at));
}

const PIECES = [
  "CET",
  "<+03>",
  "-1",
  "5:30",
  ",",
  "/",
  "M3.5.0",
  "M12.5.6",
  "J1",
  "J365",
  "0",
  "365",
  "-167",
  "167",
  ":59",
  "é",
  "\n",
];

function changed(random: SeededRandom, text: string): string {
  const at = integerBelow(random, text.length + 1);
  const end = at + integerBelow(random, 4);
  const piece = PIECES[integerBelow(random, PIECES.length)] as string;
  const way = integerBelow(random, 4);
  if (way === 0) return text.slice(0, at) + text.slice(end);
  if (way === 1) return text.slice(0, at) + piece + text.slice(at);
  if (way === 2) return text.slice(0, at) + String(integerBelow(random, 10)) + text.slice(at + 1);
  return Array.from(
    { length: integerBelow(random, 12) },
    () => PIECES[integerBelow(random, PIECES.length)],
  ).join("");
}
