// What can go wrong for a head-end, in sentences for people.

import type { Peer } from "../../firmware/protocol/sessions.ts";

/**
 * Why a question got no answer: `timeout` nobody answered in time; `identity` one end did not prove
 * who it is, or is not wanted; `not-there` the meter has not what was asked; `answer` it answered
 * otherwise, but not what was asked.
 */
export type HeadEndErrorKind = "timeout" | "identity" | "not-there" | "answer";

/** One sentence: what, where, what to do. */
export class HeadEndError extends Error {
  readonly kind: HeadEndErrorKind;
  /** Who proved to be there, and had not what was asked. */
  readonly peer: Peer | undefined;
  /** True where the same question may well be answered when it is asked again. */
  readonly mayPass: boolean;

  constructor(kind: HeadEndErrorKind, sentence: string, peer?: Peer, mayPass = kind === "timeout") {
    super(sentence);
    this.kind = kind;
    this.peer = peer;
    this.mayPass = mayPass;
  }
}

/** A registry that cannot be read or written: one sentence, fit for people. */
export class RegistryError extends Error {}
