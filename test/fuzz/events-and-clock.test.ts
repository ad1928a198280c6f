import { expect, test } from "vitest";
import { clockMemoryFromCbor, clockMemoryToCbor } from "../../firmware/clock/clock-memory.ts";
import {
  eventLogState,
  journalEventFromCbor,
  journalEventToCbor,
  logCountersToCbor,
  recordOf,
} from "../../firmware/events/event-log-state.ts";
import { EVENT_LOGS } from "../../firmware/events/event-table.ts";
import { concat, equal, toHex } from "../../firmware/protocol/bytes.ts";
import { type CborValue, decodeCbor, encodeCbor } from "../../firmware/protocol/cbor.ts";
import {
  decodeClockReading,
  decodeClockSet,
  encodeClockReading,
  encodeClockSet,
} from "../../firmware/protocol/readings/clock-reading.ts";
import {
  decodeEventReading,
  decodeEventRequest,
  encodeEventReading,
  encodeEventRequest,
} from "../../firmware/protocol/readings/event-reading.ts";
import { integerBelow, SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { FUZZ_INPUTS } from "../support/fuzz.ts";

const SEED = "events and clock";
const RUNS = FUZZ_INPUTS;
const TIME = 1_764_028_800;
const REQUEST = { log: "fraud", from: 3, count: 3 } as const;
const CHALLENGE = Uint8Array.of(8, 7, 6, 5, 4, 3, 2, 1);

const EVENTS = [3, 4, 5].map((sequence) => ({
  sequence,
  code: 40 + sequence,
  utcSeconds: sequence === 4 ? undefined : TIME,
  clockStatus: sequence,
  details: [sequence, -70_000].slice(0, sequence - 3),
}));

/** A body, and what comes of it when it is read and written again; undefined where it is refused. */
type Door = readonly [sample: Uint8Array, again: (body: Uint8Array) => Uint8Array | undefined];

function door<T>(
  sample: Uint8Array,
  decode: (body: Uint8Array) => T | undefined,
  encode: (value: T) => Uint8Array,
): Door {
  return [
    sample,
    (body) => {
      const value = decode(body);
      return value === undefined ? undefined : encode(value);
    },
  ];
}

const stored = <T>(
  value: CborValue,
  from: (value: CborValue | undefined) => T | undefined,
  to: (value: T) => CborValue,
) =>
  door(
    encodeCbor(value),
    (body) => from(decodeCbor(body)),
    (each: T) => encodeCbor(to(each)),
  );

const DOORS: readonly Door[] = [
  door(encodeEventRequest(REQUEST), decodeEventRequest, encodeEventRequest),
  door(
    encodeEventReading({ timeSeconds: TIME, status: 0, oldest: 2, next: 6, events: EVENTS }, REQUEST),
    (body) => decodeEventReading(body, REQUEST),
    (reading) => encodeEventReading(reading, REQUEST),
  ),
  door(
    encodeClockReading({
      timeSeconds: TIME,
      status: 0,
      clockStatus: 0x80,
      source: "board",
      ageSeconds: 100,
      driftPartsPerBillion: -20_000,
      zone: "EST5EDT,M3.2.0,M11.1.0",
      challenge: CHALLENGE,
    }),
    decodeClockReading,
    encodeClockReading,
  ),
  door(encodeClockSet({ utcMs: TIME * 1000, challenge: CHALLENGE }), decodeClockSet, encodeClockSet),
  stored(
    clockMemoryToCbor({ lastUtcMs: TIME * 1000, setUtcMs: TIME * 999, driftPpm: 3 }),
    clockMemoryFromCbor,
    clockMemoryToCbor,
  ),
  stored(journalEventToCbor(EVENTS[2] as (typeof EVENTS)[number]), journalEventFromCbor, journalEventToCbor),
];

function damaged(random: SeededRandom, sample: Uint8Array): Uint8Array {
  const way = integerBelow(random, 5);
  const at = integerBelow(random, sample.length);
  if (way === 0) return sample.slice(0, at);
  if (way === 1)
    return concat(sample.slice(0, at), random.bytes(1 + integerBelow(random, 4)), sample.slice(at));
  const bytes = sample.slice();
  for (let flips = 1 + integerBelow(random, 3); flips > 0; flips--) {
    const place = integerBelow(random, bytes.length);
    bytes[place] =
      way === 2 ? integerBelow(random, 256) : (bytes[place] as number) ^ (1 << integerBelow(random, 8));
  }
  return bytes;
}

test(`of ${RUNS} damaged bodies (seed ${SEED}) each is refused, or is what writing it again gives`, () => {
  for (const [sample, again] of DOORS) expect(toHex(again(sample) ?? sample.slice(0, 0))).toBe(toHex(sample));
  const random = new SeededRandom(SEED);
  let taken = 0;
  for (let run = 0; run < RUNS; run++) {
    const [sample, again] = DOORS[run % DOORS.length] as Door;
    const body = damaged(random, sample);
    const written = again(body);
    if (written === undefined) continue;
    taken++;
    if (!equal(written, body)) throw new Error(`run ${run}: ${toHex(body)}`);
  }
  expect(taken).toBeGreaterThan(RUNS / 20);
  expect(taken).toBeLessThan(RUNS / 2);
});

test(`of ${RUNS} damaged counters of the logs each gives logs that can be used (seed ${SEED})`, () => {
  const counters = [1, EVENT_LOGS.map(() => [6, 2, true]), [[50, 4, 1]]];
  const random = new SeededRandom(`${SEED} counters`);
  for (let run = 0; run < RUNS; run++) {
    const value = decodeCbor(damaged(random, encodeCbor(counters)));
    const { logs, counts } = eventLogState(value, { ...recordOf(() => []), fraud: EVENTS });
    const { next, readUpTo } = logs.fraud;
    if (next < 6 || readUpTo >= next) throw new Error(`run ${run}: ${next}, ${readUpTo}`);
    encodeCbor(logCountersToCbor({ logs, counts }));
  }
});
