// What is kept of a request that waits for meters: whom it asks, and what came.
import type { Timed } from "../../../firmware/protocol/coap/due-queue.ts";
import type { CoapContent } from "../../../firmware/protocol/coap/message.ts";
import type { Station } from "../../../hal/ports/link.ts";
import { BUNDLE_ENTRIES_MAX, bundled, encodeBundle, type MissingReason } from "./bundle.ts";
import type { HeldRecord } from "./held-state.ts";
import type { Asked, Failure } from "./line.ts";
import type { Route } from "./routes.ts";

/** One meter that a held request asks; due when it is asked again. */
export interface HeldMember extends Timed {
  readonly held: Held;
  readonly alias: string;
  /** Undefined for an alias that nobody knows the way to. */
  readonly route: Route | undefined;
  asked: Asked | undefined;
  answer: CoapContent | undefined;
  failure: MissingReason;
  /** How long it waits before it is asked again, and when it was asked last. */
  pauseMs: number;
  lastEndMs: number;
}

/** Answers that are handed over together. */
export interface Collection {
  readonly key: string;
  /** Requests that belong to it; the first one's client and token get the answer. */
  readonly requests: Held[];
  /** How many there will be. */
  readonly expected: number;
  isClosed: boolean;
}

/** A held request; due when it is given up, or its collection closed. */
export interface Held extends Timed {
  readonly id: number;
  readonly key: string;
  readonly record: HeldRecord;
  readonly client: Station;
  /** When nobody waits for it any more. */
  readonly deadlineMs: number;
  readonly members: readonly HeldMember[];
  readonly collection: Collection | undefined;
  /** What gives up each delivery that is under way. */
  readonly deliveries: Set<() => void>;
}

/** A meter that was just heard of, or never, is asked anew at once; then less and less often. */
export const FIRST_PAUSE_MS = 5000;

const REASONS: Readonly<Record<Failure, MissingReason>> = {
  "no-answer": "no-answer",
  refused: "no-answer",
  "line-down": "line-down",
  "queue-full": "queue-full",
};

export function newMember(held: Held, alias: string, route: Route | undefined): HeldMember {
  return {
    ...{ held, alias, route, asked: undefined, answer: undefined },
    failure: route === undefined ? "no-route" : "no-answer",
    ...{ pauseMs: FIRST_PAUSE_MS, lastEndMs: Number.NEGATIVE_INFINITY },
    ...{ dueMs: Number.POSITIVE_INFINITY, place: -1 },
  };
}

/** What a try without an answer says of the meter. */
export function reasonOf(failure: Failure): MissingReason {
  return REASONS[failure];
}

/** True where nothing more can come for a collection. */
export function isComplete({ requests, expected }: Collection): boolean {
  if (requests.length < expected) return false;
  return membersOf(requests).every(({ answer, route }) => answer !== undefined || route === undefined);
}

/** The body of a collection as it is now. */
export function bundleOf({ requests }: Collection): Uint8Array {
  const members = membersOf(requests).slice(0, BUNDLE_ENTRIES_MAX);
  return encodeBundle({
    answers: members.flatMap(({ alias, answer }) => (answer === undefined ? [] : [bundled(alias, answer)])),
    missing: members.flatMap(({ alias, answer, failure }) =>
      answer === undefined ? [{ alias, reason: failure }] : [],
    ),
  });
}

function membersOf(requests: readonly Held[]): HeldMember[] {
  return requests.flatMap(({ members }) => members);
}
