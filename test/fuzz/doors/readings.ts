import { newIdentity } from "../../../firmware/identity/identity.ts";
import { concat } from "../../../firmware/protocol/bytes.ts";
import { GROUP_ALGORITHMS } from "../../../firmware/protocol/group/algorithms.ts";
import {
  decodeClockReading,
  decodeClockSet,
  decodeClockSetOutcome,
  encodeClockReading,
  encodeClockSet,
  encodeClockSetOutcome,
} from "../../../firmware/protocol/readings/clock-reading.ts";
import {
  decodeEventReading,
  decodeEventRequest,
  encodeEventReading,
  encodeEventRequest,
} from "../../../firmware/protocol/readings/event-reading.ts";
import {
  decodeKeyState,
  decodeRotationStep,
  encodeKeyState,
  encodeRotationStep,
} from "../../../firmware/protocol/readings/key-rotation.ts";
import {
  decodeLeaving,
  decodeMembership,
  encodeLeaving,
  encodeMembership,
} from "../../../firmware/protocol/readings/membership.ts";
import { decodeNameplate, encodeNameplate } from "../../../firmware/protocol/readings/nameplate.ts";
import {
  decodeProfileReading,
  decodeProfileRequest,
  encodeProfileReading,
  encodeProfileRequest,
  type ProfileReading,
} from "../../../firmware/protocol/readings/profile-reading.ts";
import {
  decodeRegisterReading,
  decodeRegisterRequest,
  encodeRegisterReading,
  encodeRegisterRequest,
  type RegisterReading,
} from "../../../firmware/protocol/readings/register-reading.ts";
import {
  decodeRelayReading,
  decodeSignedOrder,
  encodeRelayReading,
  encodeSignedOrder,
} from "../../../firmware/protocol/readings/relay-reading.ts";
import { decodeSenml, encodeSenmlReading } from "../../../firmware/protocol/readings/senml-reading.ts";
import { decodeTariffPlan, encodeTariffPlan } from "../../../firmware/protocol/readings/tariff-table.ts";
import {
  decodeImagePart,
  decodeInstalled,
  decodeInstallOrder,
  decodeReceived,
  encodeImagePart,
  encodeInstalled,
  encodeInstallOrder,
  encodeReceived,
} from "../../../firmware/protocol/readings/update-part.ts";
import {
  decodeUpdateRefusal,
  decodeUpdateState,
  encodeUpdateRefusal,
  encodeUpdateState,
} from "../../../firmware/protocol/readings/update-state.ts";
import { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { HOUSEHOLD } from "../../support/tariffs.ts";
import { type Door, must, mustEqual } from "./door.ts";

const TIME = 1_764_028_800;
const REGISTERS = ["1-0:1.8.0*255", "1-0:5.8.0*255", "1-0:1.6.0*255"];
const EVENTS = { log: "fraud", from: 3, count: 3 } as const;

/** A body, what reads it, and what writes what was read; requests and blocks may be written in more than one way. */
interface Body<Value> {
  readonly decode: (body: Uint8Array) => Value | undefined;
  readonly encode: (value: Value) => Uint8Array;
  readonly forms: "one" | "many";
  readonly sample: Value;
}

function body<Value>(
  forms: "one" | "many",
  decode: Body<Value>["decode"],
  encode: Body<Value>["encode"],
  sample: Value,
): { sample: Uint8Array; check: (input: Uint8Array) => void } {
  return {
    sample: encode(sample),
    check(input) {
      const value = decode(input);
      if (value === undefined) return;
      const written = encode(value);
      if (forms === "one") return mustEqual("the body written again", written, input);
      must("something else when written again", JSON.stringify(decode(written)) === JSON.stringify(value));
    },
  };
}

const EVENT = { code: 40, utcSeconds: TIME, clockStatus: 1, details: [7, -70_000] };
const DIGEST = new Uint8Array(8);
const SHA256 = new Uint8Array(32).fill(7);
const FACTS = {
  ...{ board: "node-gateway", arch: "arm64", nodeVersion: "20.19.6" },
  libc: { kind: "glibc", version: "2.36" },
} as const;
const COUNTERS = {
  meteringReadings: 1,
  meteringFaults: 2,
  receivedDatagrams: 3,
  rejectedFrames: 4,
  refusedMessages: 5,
};

const METER = newIdentity(opensslEngine, new SeededRandom("readings"), {
  ...{ role: "meter", id: "M1", development: true },
});

const READING: RegisterReading = {
  timeSeconds: TIME,
  status: 0,
  entries: [
    { register: REGISTERS[0] as string, quality: "measured", value: 1_234_567 },
    { register: REGISTERS[1] as string, quality: "not-in-meter" },
    { register: REGISTERS[2] as string, quality: "derived", value: 400, atSeconds: TIME - 900 },
  ],
};

/** A pack is written in one way only by a meter; others may write it in theirs. */
function checkSenml(input: Uint8Array): void {
  const values = decodeSenml(input)?.map(({ v }) => v ?? 0) ?? [];
  must("a value that is no number", values.every(Number.isFinite));
}

/** Not on the grid: the answer names its start. */
const DAY = { profile: 0, register: REGISTERS[0] as string, startSeconds: TIME + 7, count: 5, step: 1 };

/** One padding of those that may be: what has another is written in another length. */
function encodeDay(reading: ProfileReading): Uint8Array {
  return encodeProfileReading(reading, DAY, 14) ?? new Uint8Array(0);
}

/** New ones come at the end: the corpus names them by their place. */
const BODIES = [
  body("many", decodeRegisterRequest, encodeRegisterRequest, REGISTERS),
  body("one", (bytes) => decodeRegisterReading(bytes, REGISTERS), encodeRegisterReading, READING),
  body("many", decodeProfileRequest, encodeProfileRequest, {
    ...{ profile: 0, register: REGISTERS[0] as string, startSeconds: TIME, count: 24, step: 1 },
  }),
  body("one", decodeEventRequest, encodeEventRequest, EVENTS),
  body(
    "one",
    (bytes) => decodeEventReading(bytes, EVENTS),
    (value) => encodeEventReading(value, EVENTS),
    {
      ...{ timeSeconds: TIME, status: 0, oldest: 1, next: 6 },
      events: [3, 4, 5].map((sequence) => ({
        sequence,
        ...EVENT,
        utcSeconds: sequence === 4 ? undefined : TIME,
      })),
    },
  ),
  body("one", decodeNameplate, encodeNameplate, {
    ...{ serialNumber: "M1", type: "t", block: "b", configurationDigest: DIGEST, chargingPolicyId: "" },
    ...{ firmwareVersion: "1", firmwareDigest: DIGEST, chip: "bl0942", accuracyClass: "B" },
    ...{ impulsesPerKilowattHour: 1000, maxLossWattHours: 96, clockStatus: 0, counters: COUNTERS },
  }),
  body("one", decodeClockReading, encodeClockReading, {
    ...{ timeSeconds: TIME, status: 0, clockStatus: 0, source: "board", ageSeconds: 60 },
    ...{ driftPartsPerBillion: -4000, zone: "CET-1CEST,M3.5.0,M10.5.0/3", challenge: new Uint8Array(8) },
  }),
  body("one", decodeClockSet, encodeClockSet, {
    utcMs: TIME * 1000,
    challenge: Uint8Array.of(8, 7, 6, 5, 4, 3, 2, 1),
  }),
  body("one", decodeTariffPlan, encodeTariffPlan, {
    active: HOUSEHOLD,
    passive: { table: HOUSEHOLD, fromSeconds: TIME },
  }),
  body("many", (bytes) => decodeProfileReading(bytes, DAY), encodeDay, {
    ...{ timeSeconds: undefined, startSeconds: DAY.startSeconds - (DAY.startSeconds % 900) },
    intervals: Array.from({ length: DAY.count }, (_, i) => ({ value: i, flags: 0 })),
  }),
  body("one", decodeClockReading, encodeClockReading, {
    ...{ timeSeconds: undefined, status: 1, clockStatus: 1, source: "none", ageSeconds: undefined },
    ...{ driftPartsPerBillion: undefined, zone: "", challenge: new Uint8Array(0) },
  }),
  body("one", decodeClockSetOutcome, encodeClockSetOutcome, { kind: "set", byMs: -12_000 }),
  { sample: encodeSenmlReading(READING, "urn:dev:m1:"), check: checkSenml },
  body("one", decodeRelayReading, encodeRelayReading, {
    ...{ timeSeconds: TIME, status: 0, state: "ready", position: "open", mode: 3 },
    limit: { watts: 2000, seconds: 30 },
    lastOrder: { kind: "connect", operator: "op", timeSeconds: undefined },
    challenge: new Uint8Array(8),
  }),
  body("one", decodeSignedOrder, encodeSignedOrder, {
    order: { kind: "limit", limit: { watts: 2000, seconds: 30 } },
    ...{ meter: "M1", challenge: new Uint8Array(8), notAfterSeconds: TIME },
  }),
  body("one", decodeSignedOrder, encodeSignedOrder, {
    order: { kind: "connect" },
    ...{ meter: "M1", challenge: new Uint8Array(8), notAfterSeconds: TIME },
  }),
  body("one", decodeRelayReading, encodeRelayReading, {
    ...{ timeSeconds: undefined, status: 1, state: "disconnected", position: "unknown", mode: 0 },
    ...{ limit: undefined, lastOrder: undefined, challenge: new Uint8Array(0) },
  }),
  body("one", decodeKeyState, encodeKeyState, { currentHash: new Uint8Array(32), next: undefined }),
  body("one", decodeKeyState, encodeKeyState, { currentHash: new Uint8Array(32), next: METER.credential }),
  body("one", decodeRotationStep, encodeRotationStep, "confirm"),
  body("one", decodeMembership, encodeMembership, {
    ...{ gid: Uint8Array.of(0x0b, 7), masterSecret: new Uint8Array(16), masterSalt: new Uint8Array(8) },
    ...{ algorithms: GROUP_ALGORITHMS, senderId: Uint8Array.of(1), headEndSenderId: new Uint8Array(0) },
    headEndCredential: METER.credential.bytes,
    ...{ keyGeneration: 300, validUntilSeconds: TIME, group: "B7" },
  }),
  body("one", decodeLeaving, encodeLeaving, Uint8Array.of(0x0b, 7)),
  body("one", decodeUpdateState, encodeUpdateState, {
    ...{ facts: FACTS, floor: 7, floorDigest: SHA256, runningSchema: { reads: [1, 2], writes: 2 } },
    ...{ current: "a", trial: { slot: "b", left: 3 } },
    slots: {
      a: { sequence: 7, version: "0.1.0", digest: SHA256, state: "confirmed" },
      b: { sequence: 8, version: "0.2.0", digest: SHA256, state: "trial" },
    },
    incoming: { digest: SHA256, imageBytes: 200_000, received: 16_320 },
    outcome: { kind: "rolled-back", sequence: 7, why: "It did not confirm itself." },
  }),
  body("one", decodeUpdateState, encodeUpdateState, {
    facts: { ...FACTS, libc: { kind: "musl" } },
    ...{ floor: 0, slots: { b: { sequence: 0, version: "", digest: new Uint8Array(0), state: "broken" } } },
  }),
  body("one", decodeImagePart, encodeImagePart, {
    ...{ digest: SHA256, imageBytes: 200_000, offset: 16_320, bytes: new Uint8Array(40) },
  }),
  body("one", decodeReceived, encodeReceived, 16_320),
  body("one", decodeInstallOrder, encodeInstallOrder, SHA256),
  body("one", decodeInstalled, encodeInstalled, { slot: "b", sequence: 8, armed: true }),
  body("one", decodeUpdateRefusal, encodeUpdateRefusal, { refusal: "gap", received: 16_320 }),
  body("one", decodeUpdateRefusal, encodeUpdateRefusal, { refusal: "arch", why: "It is for arm." }),
];

/** The first byte says which kind of body the rest is taken for. It is what writing it again gives. */
export const readings: Door = {
  name: "readings",
  decoders: /\/firmware\/protocol\/readings\/(?!interval|bit-stream|leb128|value-codes)/,
  bytesMax: 600,
  samples: () => BODIES.map(({ sample }, kind) => concat(Uint8Array.of(kind), sample)),
  check(input) {
    BODIES[(input[0] ?? 0) % BODIES.length]?.check(input.subarray(1));
  },
};
