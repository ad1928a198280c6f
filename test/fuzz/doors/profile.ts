import { concat } from "../../../firmware/protocol/bytes.ts";
import { encodeCbor } from "../../../firmware/protocol/cbor.ts";
import { INTERVALS_PER_BLOCK_MAX, type Interval } from "../../../firmware/protocol/readings/interval.ts";
import {
  decodeBlock,
  encodeBlock,
  PADDING_TENTHS,
  padBlock,
} from "../../../firmware/protocol/readings/interval-block.ts";
import { decodeProfileReading } from "../../../firmware/protocol/readings/profile-reading.ts";
import { type Door, must } from "./door.ts";

const REQUEST = { profile: 0, register: "1-0:1.8.0*255", startSeconds: 1_764_028_800, step: 1 } as const;

/** Runs of values that are short in each of the codings, with and without exceptions. */
const RUNS: readonly Interval[][] = [
  (i: number) => (i * 7919) % 300,
  () => 5,
  (i: number) => 100_000 + i,
  (i: number) => (i % 9 === 0 ? 40_000 : i),
  (i: number) => (i * 40_503) % 65_536,
  (i: number) => 1 << (i % 20),
].map((value) =>
  Array.from({ length: 24 }, (_, i) =>
    i === 7 ? { value: undefined, flags: 0x90 } : { value: value(i), flags: i === 20 ? 0x20 : 0 },
  ),
);

/** The first byte says how many intervals were asked for; the block is the rest. */
function inputOf(intervals: readonly Interval[], padding?: (typeof PADDING_TENTHS)[number]): Uint8Array {
  const block = encodeBlock(intervals);
  const padded = padding && padBlock(block, intervals.length, padding);
  return concat(Uint8Array.of(intervals.length - 1), padded ?? block);
}

/** A block that is taken has its intervals in range, and the shortest form of them is no longer and the same. */
export const profile: Door = {
  name: "profile",
  decoders: /\/firmware\/protocol\/readings\/(interval|bit-stream|leb128|value-codes|profile-reading)/,
  bytesMax: 500,
  samples: () => [
    ...RUNS.map((run) => inputOf(run)),
    ...PADDING_TENTHS.map((padding) => inputOf(RUNS[1] ?? [], padding)),
    inputOf(Array.from({ length: 96 }, () => ({ value: undefined, flags: 0x10 }))),
    inputOf([{ value: 0, flags: 0 }]),
  ],
  check(input) {
    const count = 1 + ((input[0] ?? 0) % INTERVALS_PER_BLOCK_MAX);
    const block = input.subarray(1);
    const intervals = decodeBlock(block, count);
    const body = encodeCbor([REQUEST.startSeconds, block]);
    const reading = decodeProfileReading(body, { ...REQUEST, count });
    must(
      "a reading where there is no block, or none where there is one",
      (reading === undefined) === (intervals === undefined),
    );
    if (intervals === undefined) return;
    must("as many intervals as asked for", intervals.length === count);
    const shortest = encodeBlock(intervals);
    must("a shortest form that is longer", shortest.length <= block.length);
    must("another run of values", JSON.stringify(decodeBlock(shortest, count)) === JSON.stringify(intervals));
  },
};
