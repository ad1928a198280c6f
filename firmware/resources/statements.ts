// Resource `s`: registers signed by the meter's own key, for whoever was not there.
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { Identity } from "../identity/identity.ts";
import type { Meter } from "../meter.ts";
import { bareAnswer, CODE, type CoapContent } from "../protocol/coap/message.ts";
import { signSign1 } from "../protocol/cose/sign1.ts";
import { encodeStatement, STATEMENT_CONTEXT, statedEntry } from "../protocol/readings/statement.ts";
import { decodeStatementRequest, type StatementRequest } from "../protocol/readings/statement-request.ts";
import type { StatementChain } from "../statement-chain.ts";
import {
  type AnswerParts,
  badRequest,
  cborAnswer,
  durablyChanged,
  type Resource,
  readable,
  statusOf,
} from "./resource.ts";

type StatingMeter = Pick<Meter, "configuration" | "register" | "monthEnd">;

/** What a meter states with. */
export interface StatementParts {
  /** The alias of its credential. */
  readonly id: string;
  readonly clockStatus: () => number;
  readonly chain: Pick<StatementChain, "next">;
  /** A COSE_Sign1 over a payload, by the meter's signing key. */
  readonly sign: (payload: Uint8Array) => Uint8Array;
}

/** By this meter's key that signs, which stays when the other one is rotated. */
export function statedBy(
  crypto: CryptoEngine,
  { credential, signingSecretKey }: Identity,
  chain: StatementParts["chain"],
  clockStatus: StatementParts["clockStatus"],
): StatementParts {
  const sign = (payload: Uint8Array) => signSign1(crypto, signingSecretKey, STATEMENT_CONTEXT, payload);
  return { id: credential.id, clockStatus, chain, sign };
}

/**
 * FETCH: a statement of registers as they are, or as they were at the end of a month. Without `statements` there is no
 * storage, and so nothing that a second statement would have to agree with. It takes the session of one meter and one
 * head-end, never a group's: in a group anybody could ask in the name of others.
 */
export function statementResource(
  meter: StatingMeter,
  statements: StatementParts | undefined,
  parts: AnswerParts,
): Resource {
  const fetch = (body: Uint8Array): CoapContent => {
    const request = decodeStatementRequest(body);
    if (request === undefined) return badRequest("no statement request");
    if (statements === undefined)
      return bareAnswer(CODE.serviceUnavailable, "a meter without storage makes no statements");
    return durablyChanged(parts, () => state(meter, statements, parts, request));
  };
  return readable([[CODE.fetch, fetch]]);
}

function state(
  meter: StatingMeter,
  { id, clockStatus, chain, sign }: StatementParts,
  parts: AnswerParts,
  { challenge, registers, month }: StatementRequest,
): CoapContent {
  const past = month && meter.monthEnd(month, registers);
  if (month !== undefined && past === undefined)
    return bareAnswer(CODE.notFound, "the end of that month is not kept here");
  const entries = past?.entries ?? registers.map((register) => meter.register(register));
  const { serialNumber } = meter.configuration;
  const payload = chain.next((link) =>
    encodeStatement({
      ...{ serialNumber, id, ...link, challenge, clockStatus: clockStatus() },
      timeSeconds: parts.utcSeconds(),
      status: statusOf(parts),
      month: month && past && { ...month, ...past.found, endSeconds: past.endSeconds },
      entries: entries.map(statedEntry),
    }),
  );
  return cborAnswer(sign(payload));
}
