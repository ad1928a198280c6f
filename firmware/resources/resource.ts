// What every resource of a meter has in common: methods by code, and answers that are CBOR.
import type { StorageResult } from "../../hal/ports/storage.ts";
import type { ClockState } from "../clock/clock-state.ts";
import type { Right } from "../identity/trust.ts";
import { answerWith, bareAnswer, CODE, type CoapContent, FORMAT } from "../protocol/coap/message.ts";
import type { Observed } from "../protocol/observe/observers.ts";
import { STATUS } from "../protocol/readings/answer-fields.ts";
import type { ServedRequest } from "../protocol/served-request.ts";

/** Who asks: what he may do, and which credential of ours his session has proved. */
export interface AskedBy extends Pick<ServedRequest, "peer" | "own"> {
  readonly rights: ReadonlySet<Right>;
}

/** What answers a request's body, and the right that it takes. */
export interface Method {
  readonly right: Right;
  readonly answer: (body: Uint8Array, by: AskedBy) => CoapContent;
  /** Makes what an observer with this request is told from then on, where the method can be observed. */
  readonly observe?: (body: Uint8Array) => Observed | undefined;
}

/** Methods by their codes. */
export type Resource = ReadonlyMap<number, Method>;

/** A resource that everybody who may read reads. */
export function readable(methods: readonly (readonly [code: number, answer: Method["answer"]])[]): Resource {
  return new Map(methods.map(([code, answer]) => [code, { right: "read", answer }]));
}

/** What each answer says of its meter, and what it must wait for. */
export interface AnswerParts {
  /** UTC, whole seconds; undefined where the meter does not know it. */
  readonly utcSeconds: () => number | undefined;
  readonly clockState: () => ClockState;
  /** True where time or load is played. */
  readonly simulated: boolean;
  /** Makes durable what was measured and logged; nothing is told that a power cut could take back. */
  readonly makeDurable: () => StorageResult;
}

/** What nothing can be told or changed with, as it could not be kept. */
export const NOT_STORED = bareAnswer(CODE.serviceUnavailable, "nothing can be stored");

export function cborAnswer(body: Uint8Array): CoapContent {
  return answerWith(CODE.content, FORMAT.cbor, body);
}

export function badRequest(why: string): CoapContent {
  return bareAnswer(CODE.badRequest, why);
}

/** The answer, once all that it can show is durable; before it is made, so that nothing comes in between. */
export function durably({ makeDurable }: AnswerParts, answer: () => CoapContent): CoapContent {
  return makeDurable() === "done" ? answer() : NOT_STORED;
}

/** What a change is answered with, once it is durable; where nothing can be, nothing is changed. */
export function durablyChanged({ makeDurable }: AnswerParts, change: () => CoapContent): CoapContent {
  if (makeDurable() !== "done") return NOT_STORED;
  const answer = change();
  return makeDurable() === "done" ? answer : NOT_STORED;
}

/** Bits of {@link STATUS}. */
export function statusOf({ clockState, simulated }: AnswerParts): number {
  const state = clockState();
  const invalid = state.kind === "invalid" ? STATUS.clockInvalid : 0;
  const doubtful = state.kind === "holdover" && state.trust === "doubtful" ? STATUS.clockDoubtful : 0;
  return invalid | doubtful | (simulated ? STATUS.simulatedTime : 0);
}
