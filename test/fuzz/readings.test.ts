import { describe, expect, test } from "vitest";
import type { Interval } from "../../firmware/protocol/readings/interval.ts";
import { decodeBlock, encodeBlock, padBlock } from "../../firmware/protocol/readings/interval-block.ts";
import { decodeNameplate, encodeNameplate } from "../../firmware/protocol/readings/nameplate.ts";
import {
  decodeProfileReading,
  decodeProfileRequest,
  encodeProfileReading,
  encodeProfileRequest,
} from "../../firmware/protocol/readings/profile-reading.ts";
import {
  decodeRegisterReading,
  decodeRegisterRequest,
  encodeRegisterReading,
  encodeRegisterRequest,
} from "../../firmware/protocol/readings/register-reading.ts";
import { FUZZ_INPUTS } from "../support/fuzz.ts";

const SEED = 20251124;
const RUNS = FUZZ_INPUTS;

/** Marsaglia's xorshift32: 0 to below `limit`. */
function chance(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

const REGISTER = "1-0:1.8.0*255";
const REGISTERS = [REGISTER, "1-0:5.8.0*255", "1-0:16.7.0*255"];
const REQUEST = { profile: 0, register: REGISTER, startSeconds: 1764028800, count: 24, step: 1 };
const INTERVALS: Interval[] = Array.from({ length: 24 }, (_, i) =>
  i === 7 ? { value: undefined, flags: 0x90 } : { value: (i * 7919) % 300, flags: i === 20 ? 0x20 : 0 },
);

function samples(): Uint8Array[] {
  const digest = new Uint8Array(8);
  const block = encodeBlock(INTERVALS);
  const nameplate = encodeNameplate({
    serialNumber: "M1",
    type: "t",
    block: "b",
    configurationDigest: digest,
    chargingPolicyId: "",
    firmwareVersion: "1",
    firmwareDigest: digest,
    chip: "bl0942",
    accuracyClass: "B",
    impulsesPerKilowattHour: 1000,
    maxLossWattHours: 96,
    clockStatus: 0,
    counters: {
      meteringReadings: 1,
      meteringFaults: 2,
      receivedDatagrams: 3,
      rejectedFrames: 4,
      refusedMessages: 5,
    },
  });
  const reading = encodeRegisterReading({
    timeSeconds: 1764028800,
    status: 0,
    entries: [
      { register: REGISTER, quality: "measured", value: 1234567 },
      { register: "1-0:5.8.0*255", quality: "not-in-meter" },
      { register: "1-0:16.7.0*255", quality: "derived", value: -400 },
    ],
  });
  const profile = encodeProfileReading(
    { timeSeconds: 1764028800, startSeconds: 1764028800, intervals: INTERVALS },
    REQUEST,
    14,
  );
  const padded = padBlock(block, 24, 14);
  if (profile === undefined || padded === undefined) throw new Error("the samples fit their padding");
  return [
    encodeRegisterRequest(REGISTERS),
    reading,
    encodeProfileRequest(REQUEST),
    profile,
    nameplate,
    block,
    padded,
  ];
}

function damaged(sample: Uint8Array, random: (limit: number) => number): Uint8Array {
  const kind = random(4);
  if (kind === 0) return Uint8Array.from({ length: random(80) }, () => random(256));
  if (kind === 1) return sample.slice(0, random(sample.length + 1));
  if (kind === 2)
    return Uint8Array.from([...sample, ...Array.from({ length: 1 + random(4) }, () => random(256))]);
  const bytes = Uint8Array.from(sample);
  for (let flips = 1 + random(3); flips > 0; flips--) {
    const at = random(bytes.length);
    bytes[at] = (bytes[at] as number) ^ (1 << random(8));
  }
  return bytes;
}

describe("bodies with readings", () => {
  test(`${RUNS} damaged or random ones never throw, and what is taken is well formed (seed ${SEED})`, () => {
    const random = chance(SEED);
    const all = samples();
    let taken = 0;
    for (let run = 0; run < RUNS; run++) {
      const body = damaged(all[run % all.length] as Uint8Array, random);
      const found = [
        decodeRegisterRequest(body),
        decodeRegisterReading(body, REGISTERS)?.entries,
        decodeProfileRequest(body),
        decodeProfileReading(body, REQUEST)?.intervals,
        decodeNameplate(body),
      ];
      const intervals = decodeBlock(body, 24);
      if (intervals !== undefined) expect(encodeBlock(intervals).length).toBeLessThanOrEqual(body.length);
      taken += [...found, intervals].filter((each) => each !== undefined).length;
    }
    expect(taken).toBeGreaterThan(RUNS / 100);
    expect(taken).toBeLessThan(RUNS);
  });
});
