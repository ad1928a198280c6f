import { expect, test } from "vitest";
import { concat, equal, toHex } from "../../firmware/protocol/bytes.ts";
import {
  type CborValue,
  decodeCborSequence,
  encodeCborSequence,
  firstItemLength,
} from "../../firmware/protocol/cbor.ts";
import { integerBelow, SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { FUZZ_INPUTS } from "../support/fuzz.ts";

const SEED = 8949;
const RUNS = FUZZ_INPUTS;

/** Bodies as ours are, and heads that claim much or are not ours at all. */
const SAMPLES: Uint8Array[] = [
  encodeCborSequence([0, [0, Uint8Array.of(1, 0, 1, 8, 0, 255)], null, true]),
  encodeCborSequence([[1_764_028_800, 0, 2 ** 33, -5, Uint8Array.of(0, 0)]]),
  encodeCborSequence([
    new Map<number | string, CborValue>([
      [2, "42-50-31-FF-EF-37-32-39"],
      [
        8,
        new Map([
          [
            1,
            new Map<number, CborValue>([
              [1, 2],
              [-1, 1],
              [-2, new Uint8Array(32)],
            ]),
          ],
        ]),
      ],
    ]),
  ]),
  encodeCborSequence([Array.from({ length: 24 }, (_, i) => i * 37)]),
];
const HEADS = "18 19 1a 1b 38 3b 58 5a 5b 5f 78 7b 7f 98 9a 9b 9f b8 bb bf c0 c2 d8 d9 f7 f8 f9 fb ff".split(
  " ",
);

function changed(random: SeededRandom, sample: Uint8Array): Uint8Array {
  const way = integerBelow(random, 8);
  const at = integerBelow(random, sample.length);
  if (way === 0) return sample.slice(0, at);
  if (way === 1) return random.bytes(integerBelow(random, 24));
  if (way === 2)
    return concat(sample.slice(0, at), random.bytes(1 + integerBelow(random, 4)), sample.slice(at));
  if (way === 3) return concat(sample.slice(0, at), sample.slice(integerBelow(random, sample.length)));
  const bytes = sample.slice();
  for (let changes = 1 + integerBelow(random, 3); changes > 0; changes--) {
    const head = HEADS[integerBelow(random, HEADS.length)] as string;
    const value = way < 6 ? Number.parseInt(head, 16) : integerBelow(random, 256);
    bytes[integerBelow(random, bytes.length)] = value;
  }
  return bytes;
}

test(`of ${RUNS} changed inputs (seed ${SEED}) each is refused, or is what writing its items gives`, () => {
  const random = new SeededRandom(SEED);
  let taken = 0;
  for (let run = 0; run < RUNS; run++) {
    const bytes = changed(random, SAMPLES[run % SAMPLES.length] as Uint8Array);
    const items = decodeCborSequence(bytes);
    const first = firstItemLength(bytes);
    if (items === undefined) continue;
    taken++;
    const written = encodeCborSequence(items);
    const firstWritten = items.length === 0 ? undefined : encodeCborSequence(items.slice(0, 1)).length;
    if (!equal(written, bytes) || first !== firstWritten) throw new Error(`run ${run}: ${toHex(bytes)}`);
  }
  expect(taken).toBeGreaterThan(RUNS / 20);
  expect(taken).toBeLessThan(RUNS / 2);
});
