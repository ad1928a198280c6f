// How keys prove their owners: which EDHOC methods and cipher suites go with which kinds of key.
import type { KeyKind } from "../protocol/cose/credential.ts";
import {
  type Authentication,
  CIPHER_SUITES,
  type CipherSuite,
  keyKindFor,
  METHODS,
} from "../protocol/edhoc/suites.ts";

/** Our keys each do one thing: Ed25519 signs, the others agree (RFC 9528 3.2 asks not to mix). */
function authenticationOf(kind: KeyKind): Authentication {
  return kind === "Ed25519" ? "signature" : "static-dh";
}

/** The suites that a key of this kind can prove itself in, the preferred one first. */
export function suitesOf(kind: KeyKind, preferred: number): number[] {
  const fitting = CIPHER_SUITES.filter((suite) => fits(suite, kind)).map(({ number }) => number);
  return fitting.includes(preferred)
    ? [preferred, ...fitting.filter((number) => number !== preferred)]
    : fitting;
}

/** The method of an initiator and a responder with such keys, and the suites that both fit. */
export function commonGround(
  initiator: KeyKind,
  responder: KeyKind,
  preferred: number,
): { readonly method: number; readonly suites: readonly number[] } {
  const shared = suitesOf(responder, preferred);
  return {
    method: methodOf(authenticationOf(initiator), authenticationOf(responder)),
    suites: suitesOf(initiator, preferred).filter((number) => shared.includes(number)),
  };
}

/** The methods that a responder with such a key takes part in. */
export function responderMethods(kind: KeyKind): number[] {
  return METHODS.filter(({ responder }) => responder === authenticationOf(kind)).map(({ number }) => number);
}

function fits(suite: CipherSuite, kind: KeyKind): boolean {
  return keyKindFor(suite, authenticationOf(kind)) === kind;
}

function methodOf(initiator: Authentication, responder: Authentication): number {
  const found = METHODS.find((method) => method.initiator === initiator && method.responder === responder);
  if (found === undefined) throw new Error(`no method for ${initiator} and ${responder}`);
  return found.number;
}
