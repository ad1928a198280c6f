// `npm run timings [-- --samples N]`: does the time of a refusal tell why? JSON; exit 1 where it does.
import { nobleEngine } from "../../hal/crypto/noble.ts";
import { integerBelow, SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import { bestArea } from "./classifier.ts";
import { CAUSES, type Cause, RefusingMeter } from "./refusals.ts";

/** What a classifier may reach at the most: 0.5 is a coin. */
const AREA_MAX = 0.55;
const WARM_UP = 20_000;

const at = process.argv.indexOf("--samples");
const samples = at < 0 ? 10_000 : Number(process.argv[at + 1]);
if (!Number.isInteger(samples) || samples < 100) {
  process.stderr.write("--samples takes a number of 100 or more.\n");
  process.exit(2);
}
const figures = { openssl: measure(opensslEngine), noble: measure(nobleEngine) };
process.stdout.write(`${JSON.stringify({ samples, areaMax: AREA_MAX, ...figures }, null, 2)}\n`);
const areas = Object.values(figures).flatMap(({ areas }) => Object.values(areas));
process.exitCode = areas.every((area) => area <= AREA_MAX) ? 0 : 1;

/** Microseconds of `samples` refusals of each cause, in shuffled order, and how well they are told apart. */
function measure(crypto: CryptoEngine) {
  const meter = new RefusingMeter(crypto);
  for (const cause of shuffled(WARM_UP / CAUSES.length)) time(meter, cause);
  const times: Record<Cause, number[]> = { "wrong tag": [], "unknown kid": [], replay: [] };
  for (const cause of shuffled(samples)) times[cause].push(time(meter, cause));
  const pairs = [
    ["wrong tag", "unknown kid"],
    ["wrong tag", "replay"],
    ["unknown kid", "replay"],
  ] as const;
  const rounded = (value: number): number => Number(value.toFixed(3));
  return {
    medianMicroseconds: Object.fromEntries(CAUSES.map((cause) => [cause, rounded(median(times[cause]))])),
    areas: Object.fromEntries(
      pairs.map(([one, other]) => [`${one} / ${other}`, rounded(bestArea(times[one], times[other]))]),
    ),
  };
}

function time(meter: RefusingMeter, cause: Cause): number {
  const datagram = meter.datagram(cause);
  const start = process.hrtime.bigint();
  meter.reply(datagram);
  const microseconds = Number(process.hrtime.bigint() - start) / 1000;
  while (meter.server.nextEvent() !== undefined);
  return microseconds;
}

/** `each` of every cause, in an order that follows from nothing that was measured. */
function shuffled(each: number): Cause[] {
  const random = new SeededRandom("order");
  const causes = CAUSES.flatMap((cause) => new Array<Cause>(Math.floor(each)).fill(cause));
  for (let i = causes.length - 1; i > 0; i--) {
    const j = integerBelow(random, i + 1);
    [causes[i], causes[j]] = [causes[j] as Cause, causes[i] as Cause];
  }
  return causes;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
