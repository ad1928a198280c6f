// Resource `c`: what the meter knows of its time, and who may set it.
import type { WallClock } from "../clock/wall-clock.ts";
import { EMPTY } from "../protocol/bytes.ts";
import { bareAnswer, CODE, type CoapContent } from "../protocol/coap/message.ts";
import {
  decodeClockSet,
  encodeClockReading,
  encodeClockSetOutcome,
} from "../protocol/readings/clock-reading.ts";
import {
  type AnswerParts,
  badRequest,
  cborAnswer,
  durablyChanged,
  type Resource,
  statusOf,
} from "./resource.ts";

/** What the resource asks of the clock. */
type SettableClock = Pick<WallClock, "state" | "status" | "driftPpm" | "challenge" | "propose">;

/** GET: time, state, zone, and for who may set it a challenge. PUT: a time with that challenge. */
export function clockResource(clock: SettableClock, zone: string, parts: AnswerParts): Resource {
  return new Map([
    [
      CODE.get,
      { right: "read", answer: (_, { rights }) => readingOf(clock, zone, parts, rights.has("clock")) },
    ],
    [CODE.put, { right: "clock", answer: (body) => durablyChanged(parts, () => setBy(clock, body)) }],
  ]);
}

function readingOf(clock: SettableClock, zone: string, parts: AnswerParts, maySet: boolean): CoapContent {
  const { state, status, driftPpm } = clock;
  const ageMs = state.kind === "invalid" ? undefined : state.ageMs;
  return cborAnswer(
    encodeClockReading({
      timeSeconds: parts.utcSeconds(),
      status: statusOf(parts),
      clockStatus: status,
      source: state.kind === "invalid" ? "none" : state.source,
      ageSeconds: ageMs === undefined ? undefined : ageMs / 1000,
      driftPartsPerBillion: driftPpm === undefined ? undefined : driftPpm * 1000,
      zone,
      challenge: maySet ? clock.challenge() : EMPTY,
    }),
  );
}

/** A time that the rules do not allow is a conflict with the meter's own, and says by which rule. */
function setBy(clock: SettableClock, body: Uint8Array): CoapContent {
  const set = decodeClockSet(body);
  if (set === undefined) return badRequest("no time to set");
  const result = clock.propose({ role: "head-end", ...set });
  if (result.kind === "refused") return bareAnswer(CODE.conflict, result.reason);
  const byMs = result.kind === "started" ? 0 : result.byMs;
  return { ...cborAnswer(encodeClockSetOutcome({ kind: result.kind, byMs })), code: CODE.changed };
}
