// Signed statements of meters, checked without the meter: by its credential, and by each other.
import { equal } from "../../firmware/protocol/bytes.ts";
import type { Credential } from "../../firmware/protocol/cose/credential.ts";
import { decodeSign1, verifySign1 } from "../../firmware/protocol/cose/sign1.ts";
import {
  decodeStatement,
  STATEMENT_CONTEXT,
  type Statement,
} from "../../firmware/protocol/readings/statement.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";

/** A statement, and the bytes that prove it. */
export interface SignedStatement {
  readonly statement: Statement;
  /** The COSE_Sign1 as the meter made it, and what in it is signed. */
  readonly bytes: Uint8Array;
  readonly payload: Uint8Array;
}

/** Why bytes prove nothing, as the end of a sentence. */
export interface StatementFault {
  readonly fault: string;
}

/** What the bytes claim, which nothing proves yet: for finding whose credential it takes. */
export function readStatement(bytes: Uint8Array): SignedStatement | StatementFault {
  const sign1 = decodeSign1(bytes);
  if (sign1 === undefined) return { fault: "is no signed statement" };
  const statement = decodeStatement(sign1.payload);
  return statement === undefined
    ? { fault: "holds no statement of a form that this version knows" }
    : { statement, bytes, payload: sign1.payload };
}

/** The statement, where it is the meter's of this credential and nobody has changed it since. */
export function verifyStatement(
  crypto: CryptoEngine,
  bytes: Uint8Array,
  { id, signingKey }: Credential,
): SignedStatement | StatementFault {
  const read = readStatement(bytes);
  const sign1 = decodeSign1(bytes);
  if ("fault" in read || sign1 === undefined) return read;
  if (read.statement.id !== id)
    return { fault: `says that it is of ${read.statement.id}, and this credential is of ${id}` };
  if (signingKey === undefined) return { fault: `is of ${id}, whose credential has no key that signs` };
  if (!verifySign1(crypto, signingKey, STATEMENT_CONTEXT, sign1))
    return { fault: `is not signed by the key of ${id}: it was altered, or made by somebody else` };
  return read;
}

/** Numbers of statements that were made and are not at hand, both included. */
export interface Gap {
  readonly from: number;
  readonly to: number;
}

/**
 * How verified statements of one meter hang together. A gap is no fault by itself: others may have asked. What cannot
 * be of one meter's one life is.
 */
export function checkChain(
  crypto: Pick<CryptoEngine, "sha256">,
  statements: readonly SignedStatement[],
): { readonly gaps: readonly Gap[] } | StatementFault {
  const inOrder = [...statements].sort((a, b) => a.statement.sequence - b.statement.sequence);
  const gaps: Gap[] = [];
  for (const [i, { statement, payload }] of inOrder.entries()) {
    const before = inOrder[i - 1];
    if (before === undefined) continue;
    const [last, now] = [before.statement.sequence, statement.sequence];
    if (now > last + 1) gaps.push({ from: last + 1, to: now - 1 });
    else if (now === last && !equal(before.payload, payload))
      return { fault: `number ${now} is on two statements that differ` };
    else if (now === last + 1 && !equal(crypto.sha256(before.payload), statement.previous))
      return { fault: `number ${now} does not follow the number ${last} that is at hand` };
  }
  return { gaps };
}
