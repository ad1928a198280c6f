// Whose orders a relay obeys: an operator's signature over this meter and its newest challenge, beside all that the
// session of the head-end proves.
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { Random } from "../../hal/ports/random.ts";
import { SetChallenge } from "../clock/set-challenge.ts";
import type { Identity } from "../identity/identity.ts";
import { EMPTY, fromText } from "../protocol/bytes.ts";
import type { Credential } from "../protocol/cose/credential.ts";
import { decodeSign1, signSign1, verifySign1 } from "../protocol/cose/sign1.ts";
import {
  decodeSignedOrder,
  encodeSignedOrder,
  type SignedOrder,
} from "../protocol/readings/relay-reading.ts";
import type { ControlMode } from "./control-state.ts";
import type { RelayOrder } from "./relay-control.ts";

/** What makes a meter switch at all, and how its disconnector goes on. */
export interface Switching {
  readonly mode: Exclude<ControlMode, 0>;
  /** Those of them that have a key that signs: one to {@link OPERATORS_MAX}. */
  readonly operators: readonly Credential[];
}

/** As many as head-ends: each is a signature more to verify for an order that is none's. */
export const OPERATORS_MAX = 4;

/** What an operator's signature over an order is for (external_aad): no statement of his serves as one. */
const ORDER_CONTEXT = fromText("meterbench relay order");

/** Why an order is void; their places are in the events. */
export const ORDER_REFUSALS = [
  /** No COSE_Sign1, or none over an order. */
  "malformed",
  /** None of this meter's operators signed it. */
  "not-signed",
  /** It is for another meter. */
  "other-meter",
  /** Its time is over by the meter's clock. */
  "late",
  /** Its challenge is not the one given out last, was used before, or is too old: a replay, or an order held back. */
  "stale",
] as const;
export type OrderRefusal = (typeof ORDER_REFUSALS)[number];

/** What an operator sends, by way of a head-end. */
export function signOrder(crypto: CryptoEngine, operator: Identity, order: SignedOrder): Uint8Array {
  return signSign1(crypto, operator.signingSecretKey, ORDER_CONTEXT, encodeSignedOrder(order));
}

export interface SwitchingParts {
  readonly crypto: CryptoEngine;
  readonly random: Random;
  /** This meter's. */
  readonly id: string;
  /** Of the clock that sessions live by. */
  readonly monotonicMs: () => number;
  readonly utcSeconds: () => number | undefined;
}

/** An order that is to be carried out, and who signed it. */
export interface Authorized {
  readonly order: RelayOrder;
  readonly operator: string;
}

/** Gives challenges, and judges what comes signed with them. Nothing of it outlives a restart, and so no order does. */
export class SwitchingGate {
  readonly mode: ControlMode;
  readonly #operators: readonly Credential[];
  readonly #parts: SwitchingParts;
  readonly #challenge: SetChallenge;

  /** Without `switching` there is no challenge, and no order is good. */
  constructor(parts: SwitchingParts, switching: Switching | undefined) {
    this.mode = switching?.mode ?? 0;
    this.#operators = switching?.operators ?? [];
    this.#parts = parts;
    this.#challenge = new SetChallenge(parts.random);
  }

  get isOff(): boolean {
    return this.mode === 0;
  }

  challenge(): Uint8Array {
    return this.isOff ? EMPTY : this.#challenge.give(this.#parts.monotonicMs());
  }

  /** The order that the body is, once: the same body again is void. Where the time is not known, its challenge says all. */
  judge(body: Uint8Array): Authorized | OrderRefusal {
    const { crypto, id, monotonicMs, utcSeconds } = this.#parts;
    const sign1 = decodeSign1(body);
    const signed = sign1 && decodeSignedOrder(sign1.payload);
    if (sign1 === undefined || signed === undefined) return "malformed";
    const operator = this.#operators.find(
      ({ signingKey }) => signingKey !== undefined && verifySign1(crypto, signingKey, ORDER_CONTEXT, sign1),
    );
    if (operator === undefined) return "not-signed";
    if (signed.meter !== id) return "other-meter";
    if ((utcSeconds() ?? 0) > signed.notAfterSeconds) return "late";
    if (!this.#challenge.isMet(monotonicMs(), signed.challenge)) return "stale";
    return { order: signed.order, operator: operator.id };
  }
}
