// The serving end's half of EDHOC, from message_1 to the session that message_3 gives.
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { Station } from "../../hal/ports/link.ts";
import type { Random } from "../../hal/ports/random.ts";
import type { Identity } from "../identity/identity.ts";
import { responderMethods, suitesOf } from "../identity/proving.ts";
import type { TrustList } from "../identity/trust.ts";
import { EMPTY, equal, toUint } from "./bytes.ts";
import { decodeCbor, firstItemLength } from "./cbor.ts";
import {
  answerWith,
  bareAnswer,
  CODE,
  type CoapContent,
  FORMAT,
  findOption,
  OPTION,
} from "./coap/message.ts";
import { freeConnectionId } from "./connection-ids.ts";
import type { Credential } from "./cose/credential.ts";
import { decodeIdentifier } from "./edhoc/identifiers.ts";
import { encodeUnspecifiedError } from "./edhoc/messages.ts";
import type { OscoreMaterial } from "./edhoc/output.ts";
import { EdhocResponder } from "./edhoc/responder.ts";
import { afterMessage3, type Reply, refusal } from "./replies.ts";
import { Budget, HalfOpenTable, type Session } from "./sessions.ts";

/** `session`: a peer completed a handshake; `refused`: a message was, for the reason given. */
export type HandshakeEvent =
  | { readonly kind: "session"; readonly from: Station; readonly peer: Credential }
  | { readonly kind: "refused"; readonly from: Station; readonly reason: string };

export interface RespondingParts {
  readonly crypto: CryptoEngine;
  readonly random: Random;
  /** Whom this end proves to be now; another key may take over. */
  readonly identity: () => Identity;
  readonly trust: TrustList;
  /** A station that nobody else can speak from: how many others begin is no matter to it. */
  readonly self?: Station | undefined;
  /** False for what a session goes by. */
  readonly isFree: (connectionId: Uint8Array) => boolean;
  /** Makes the session with a peer that has proved itself. */
  readonly begin: (nowMs: number, own: Credential, peer: Credential, material: OscoreMaterial) => Session;
  readonly tell: (event: HandshakeEvent) => void;
}

/** New handshakes that anybody can make this end compute, each some milliseconds on a small board. */
const HANDSHAKES_PER_SECOND = 20;
const HANDSHAKES_AT_ONCE = 16;

/** Takes EDHOC's messages. Whatever is not right is refused and told, never thrown. */
export class Responding {
  readonly #parts: RespondingParts;
  readonly #edhocRandom: Random;
  readonly #connectionIdRandom: Random;
  #halfOpen = new HalfOpenTable();
  /** Which of our credentials each handshake proves. */
  readonly #proving = new WeakMap<object, Credential>();
  readonly #budget = new Budget(HANDSHAKES_PER_SECOND, HANDSHAKES_AT_ONCE);

  constructor(parts: RespondingParts) {
    this.#parts = parts;
    this.#edhocRandom = parts.random.fork("edhoc");
    this.#connectionIdRandom = parts.random.fork("connection-id");
  }

  /** `true, message_1` or `C_R, message_3`, as EDHOC travels over CoAP (RFC 9528 appendix A.2). */
  reply(nowMs: number, from: Station, request: CoapContent, identity = this.#parts.identity()): Reply {
    const { payload } = request;
    if (payload.length === 0) return this.#refuseNothing(from);
    const length = firstItemLength(payload);
    const prefix = length === undefined ? undefined : decodeCbor(payload.slice(0, length));
    const message = payload.slice(length);
    if (prefix === true) return this.#replyMessage1(nowMs, from, message, identity);
    const connectionId = decodeIdentifier(prefix);
    if (connectionId === undefined) return this.#refuse(from, "malformed");
    const responder = this.#halfOpen.find(nowMs, connectionId)?.responder;
    const outcome = this.complete(nowMs, from, connectionId, message);
    if ("how" in outcome) return outcome;
    const isProofWanted = toUint(findOption(request, OPTION.accept) ?? EMPTY) === FORMAT.edhoc;
    const message4 = isProofWanted ? responder?.message4() : undefined;
    return { how: "answer", content: afterMessage3(message4) };
  }

  /** Ends all that are half open: they would prove a key that is no longer ours. */
  endAll(): void {
    this.#halfOpen = new HalfOpenTable();
  }

  #replyMessage1(nowMs: number, from: Station, message1: Uint8Array, identity: Identity): Reply {
    if (from !== this.#parts.self && !this.#budget.take(nowMs)) {
      this.#parts.tell({ kind: "refused", from, reason: "handshakes" });
      return { how: "silence" };
    }
    const { crypto, trust } = this.#parts;
    const { kind } = identity.credential.key;
    const responder = new EdhocResponder<Credential>({
      crypto,
      random: this.#edhocRandom,
      identity,
      resolve: (idCred) => trust.candidates(idCred),
      suites: suitesOf(kind, identity.suite),
      methods: responderMethods(kind),
      chooseConnectionId: (theirs) =>
        freeConnectionId(this.#connectionIdRandom, (id) => this.#isFree(id, theirs)),
    });
    const answer = responder.receiveMessage1(message1);
    if ("error" in answer) return this.#refuse(from, answer.reason, answer.error);
    this.#halfOpen.add(nowMs, from, answer.connectionId, responder);
    this.#proving.set(responder, identity.credential);
    return { how: "greet", content: answerWith(CODE.changed, FORMAT.edhoc, answer.message2) };
  }

  /** Takes message_3: the session with the trusted peer that it proved, else what to reply. */
  complete(nowMs: number, from: Station, connectionId: Uint8Array, message3: Uint8Array): Session | Reply {
    const halfOpen = this.#halfOpen.find(nowMs, connectionId);
    if (halfOpen === undefined) return this.#refuse(from, "no-handshake");
    const { responder } = halfOpen;
    // A guess from elsewhere does not end a handshake, as a few from its own station do.
    const by = halfOpen.from === from ? "the initiator" : "anybody";
    const outcome = responder.receiveMessage3(message3, by);
    if (!responder.isOpen) this.#halfOpen.remove(connectionId);
    if ("error" in outcome) return this.#refuse(from, outcome.reason, outcome.error);
    const own = this.#proving.get(responder) ?? this.#parts.identity().credential;
    const session = this.#parts.begin(nowMs, own, outcome.peer, responder.exportOscore());
    this.#parts.tell({ kind: "session", from, peer: outcome.peer });
    return session;
  }

  #isFree(id: Uint8Array, theirs: Uint8Array): boolean {
    return !equal(id, theirs) && !this.#halfOpen.has(id) && this.#parts.isFree(id);
  }

  #refuse(from: Station, reason: string, error: Uint8Array = encodeUnspecifiedError()): Reply {
    this.#parts.tell({ kind: "refused", from, reason });
    return refusal(answerWith(CODE.badRequest, FORMAT.edhoc, error));
  }

  /** An EDHOC error would be more than three times as long as a request without a message in it. */
  #refuseNothing(from: Station): Reply {
    this.#parts.tell({ kind: "refused", from, reason: "malformed" });
    return refusal(bareAnswer(CODE.badRequest));
  }
}
