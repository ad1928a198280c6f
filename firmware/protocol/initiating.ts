// Whom an asking end runs EDHOC with, and by which suites.
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { LinkTraits } from "../../hal/ports/link.ts";
import type { Random } from "../../hal/ports/random.ts";
import type { Identity } from "../identity/identity.ts";
import { commonGround } from "../identity/proving.ts";
import type { TrustList } from "../identity/trust.ts";
import type { ClientKeeping } from "./asking-sessions.ts";
import {
  type HandshakeRequest,
  isMessage2,
  MESSAGE_2_BY_VALUE_BYTES,
  MESSAGE_2_BYTES,
  type PendingAsk,
  sizeOf,
} from "./asks.ts";
import { concat, equal } from "./bytes.ts";
import { encodeCbor } from "./cbor.ts";
import type { RequestOptions } from "./coap/client.ts";
import { CODE, type CoapContent, type CoapMessage, FORMAT, resourceRequest } from "./coap/message.ts";
import type { Credential } from "./cose/credential.ts";
import { EdhocInitiator } from "./edhoc/initiator.ts";
import type { EpochMemory } from "./epochs.ts";
import { routed } from "./forwarders.ts";
import type { KeyLimits } from "./oscore/key-use.ts";
import type { PresetContext } from "./sessions.ts";
import { toleranceLeft, untilOfHandshakeMs } from "./tolerance.ts";

export interface InitiatingParts {
  readonly crypto: CryptoEngine;
  readonly identity: Identity;
  readonly trust: TrustList;
}

export interface SecureClientParts extends InitiatingParts {
  readonly random: Random;
  readonly traits: LinkTraits;
  /** A context that needs no EDHOC, in place of handshakes; development only. */
  readonly preset?: PresetContext;
  /** What a session's keys may do, where it is not the usual. */
  readonly keyLimits?: Partial<KeyLimits>;
  /** Where sessions outlive this process; without it they end with it. */
  readonly keeping?: ClientKeeping | undefined;
  /** Remembers which starts peers have told of; without it, as long as this process lives. */
  readonly epochs?: EpochMemory | undefined;
}

/** What one handshake has of its own. */
export interface Initiating {
  readonly random: Random;
  /** Without it, any on the trust list. */
  readonly expect: string | undefined;
  /** Nothing but this credential will do, which the peer proves to who asks it for its next key. */
  readonly nextKey: Credential | undefined;
  readonly connectionId: Uint8Array;
  /** What the responder asked for, where it turned the first down. */
  readonly selectedSuite: number | undefined;
}

/** Undefined where nobody is known that could answer, or no suite fits both keys. */
function initiatorOf(
  { crypto, identity, trust }: InitiatingParts,
  { random, expect, nextKey, connectionId, selectedSuite }: Initiating,
): EdhocInitiator<Credential> | undefined {
  const isExpected = ({ id, bytes }: Credential): boolean =>
    (expect === undefined || id === expect) && (nextKey === undefined || equal(bytes, nextKey.bytes));
  const { kind } = identity.credential.key;
  // Of a meter that only its issuer knows nothing is known before message_2: it is taken to have a key like ours.
  const peerKind = trust.credentials.find(isExpected)?.key.kind ?? (trust.believesIssuers ? kind : undefined);
  if (peerKind === undefined) return undefined;
  const ground = commonGround(kind, peerKind, identity.suite);
  if (ground.suites.length === 0) return undefined;
  return new EdhocInitiator<Credential>({
    ...{ crypto, random, identity, connectionId },
    resolve: (idCred) => trust.candidates(idCred).filter(isExpected),
    ...ground,
    ...(selectedSuite !== undefined && { selectedSuite }),
  });
}

/** The request for message_2: `true` stands where later messages have a connection identifier (RFC 9528 appendix A.2). */
function message1Request(message1: Uint8Array, isForNextKey: boolean): CoapContent {
  const payload = concat(encodeCbor(true), message1);
  return resourceRequest(CODE.post, isForNextKey ? "x" : "k", payload, FORMAT.connectionIdAndEdhoc);
}

/** Message_1 for an ask, with what its answer is judged by; undefined where {@link initiatorOf} is. */
export function handshakeRequest(
  nowMs: number,
  parts: InitiatingParts & Pick<SecureClientParts, "traits">,
  own: Initiating,
  key: string,
  ask: PendingAsk,
): { message: CoapContent; purpose: HandshakeRequest; options: RequestOptions } | undefined {
  const initiator = initiatorOf(parts, own);
  if (initiator === undefined) return undefined;
  const message1 = message1Request(initiator.message1(), own.nextKey !== undefined);
  const message = routed(message1, ask, toleranceLeft(nowMs, ask));
  const handshake = { key, initiator, waiting: [ask] };
  const purpose: HandshakeRequest = { kind: "message-1", handshake, bytes: sizeOf(message) };
  const options = {
    untilMs: untilOfHandshakeMs(nowMs, parts.traits, ask),
    answerBytes: parts.trust.believesIssuers ? MESSAGE_2_BY_VALUE_BYTES : MESSAGE_2_BYTES,
    isGenuine: (answer: CoapMessage) => isMessage2(purpose, answer),
  };
  return { message, purpose, options };
}

/** Our Recipient ID only marks answers, which their token finds: it may repeat among peers. */
export function connectionIdOf(count: number): Uint8Array {
  const n = count % 48;
  return encodeCbor(n < 24 ? n : 23 - n);
}
