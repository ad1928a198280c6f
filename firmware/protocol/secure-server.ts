// The serving end: EDHOC as responder, then OSCORE, for the few peers on a trust list.
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { LinkTraits, Station } from "../../hal/ports/link.ts";
import type { Random } from "../../hal/ports/random.ts";
import type { Identity } from "../identity/identity.ts";
import type { TrustList } from "../identity/trust.ts";
import { equal, fromText } from "./bytes.ts";
import { decodeCbor, firstItemLength } from "./cbor.ts";
import { CoapEndpoint, type CoapEvent } from "./coap/exchange.ts";
import {
  answerWith,
  bareAnswer,
  CODE,
  type CoapContent,
  FORMAT,
  findOption,
  OPTION,
  pathOf,
} from "./coap/message.ts";
import type { Credential } from "./cose/credential.ts";
import { decodeIdentifier } from "./edhoc/identifiers.ts";
import { EdhocResponder } from "./edhoc/responder.ts";
import type { Endpoint, OutgoingDatagram } from "./endpoint.ts";
import { readOscoreOption } from "./oscore/option.ts";
import { protectResponse, unprotectRequest } from "./oscore/protect.ts";
import { HalfOpenTable, newSession, type Session, SessionTable } from "./sessions.ts";

/** A request whose sender has proved who it is. */
export interface ServedRequest {
  readonly peer: Credential;
  readonly content: CoapContent;
}

/** What a server serves. */
export interface Resources {
  /** The links of .well-known/core (RFC 6690), which anybody may read. */
  readonly links: string;
  serve(request: ServedRequest): CoapContent;
}

/** `session`: a peer completed a handshake; `refused`: a message was, for the reason given. */
export type ServerEvent =
  | { readonly kind: "session"; readonly from: Station; readonly peer: Credential }
  | { readonly kind: "refused"; readonly from: Station; readonly reason: string };

export interface SecureServerParts {
  readonly crypto: CryptoEngine;
  readonly random: Random;
  readonly traits: LinkTraits;
  readonly identity: Identity;
  readonly trust: TrustList;
  readonly resources: Resources;
}

/** EDHOC cipher suites and methods that a P-256 identity takes part in (RFC 9528 3.2, 3.6). */
const SUITES = [2];
const METHODS = [3];
/** One-byte connection identifiers: the CBOR integers -24 to 23 (RFC 9528 3.3.2). */
const CONNECTION_IDS: readonly number[] = Array.from({ length: 48 }, (_, n) => (n < 24 ? n : 0x20 + n - 24));
/** Events that nobody took: more are dropped, oldest first. */
const EVENTS_MAX = 64;
/** To a stranger every failure looks alike. */
const REFUSED: CoapContent = bareAnswer(CODE.unauthorized);

/** One party's serving half. Whatever comes in that is not right is refused and counted, never thrown. */
export class SecureServer implements Endpoint<ServerEvent> {
  readonly #parts: SecureServerParts;
  readonly #coap: CoapEndpoint;
  readonly #edhocRandom: Random;
  readonly #connectionIdRandom: Random;
  readonly #sessions = new SessionTable();
  readonly #halfOpen = new HalfOpenTable();
  readonly #events: ServerEvent[] = [];
  #refusedMessages = 0;

  constructor(parts: SecureServerParts) {
    this.#parts = parts;
    this.#coap = new CoapEndpoint({ random: parts.random.fork("coap"), traits: parts.traits });
    this.#edhocRandom = parts.random.fork("edhoc");
    this.#connectionIdRandom = parts.random.fork("connection-id");
  }

  /** Messages that protection or EDHOC refused since the start. */
  get refusedMessages(): number {
    return this.#refusedMessages;
  }

  receive(nowMs: number, from: Station, datagram: Uint8Array): void {
    this.#coap.receive(nowMs, from, datagram);
    this.#serveAll(nowMs);
  }

  wake(nowMs: number): void {
    this.#coap.wake(nowMs);
    this.#serveAll(nowMs);
  }

  nextDatagram(): OutgoingDatagram | undefined {
    return this.#coap.nextDatagram();
  }

  nextEvent(): ServerEvent | undefined {
    return this.#events.shift();
  }

  nextWakeMs(): number | undefined {
    return this.#coap.nextWakeMs();
  }

  #serveAll(nowMs: number): void {
    for (let event = this.#coap.nextEvent(); event !== undefined; event = this.#coap.nextEvent()) {
      if (event.kind === "request") this.#coap.respond(nowMs, event.exchange, this.#answer(nowMs, event));
    }
  }

  #answer(nowMs: number, { from, message }: Extract<CoapEvent, { kind: "request" }>): CoapContent {
    if (findOption(message, OPTION.proxyUri) ?? findOption(message, OPTION.proxyScheme)) {
      return bareAnswer(CODE.proxyingNotSupported);
    }
    if (findOption(message, OPTION.oscore) !== undefined) return this.#answerProtected(nowMs, from, message);
    const path = pathOf(message);
    if (path === ".well-known/core" && message.code === CODE.get) {
      return answerWith(CODE.content, FORMAT.linkFormat, fromText(this.#parts.resources.links));
    }
    if ((path === "k" || path === ".well-known/edhoc") && message.code === CODE.post) {
      return this.#answerHandshake(nowMs, from, message.payload);
    }
    return this.#refuse(from, "unprotected");
  }

  #answerProtected(nowMs: number, from: Station, message: CoapContent): CoapContent {
    const option = readOscoreOption(message);
    if (option === undefined || "refused" in option || option.kid === undefined)
      return this.#refuse(from, "option");
    let content = message;
    if (findOption(message, OPTION.edhoc) !== undefined && this.#halfOpen.has(option.kid)) {
      const length = firstItemLength(message.payload);
      const error = this.#completeHandshake(nowMs, from, option.kid, message.payload.slice(0, length ?? 0));
      if (error !== undefined) return error;
      content = { ...message, payload: message.payload.slice(length) };
    }
    const session = this.#sessions.find(option.kid);
    if (session === undefined) return this.#refuse(from, "unknown-kid");
    return this.#serveProtected(from, session, withoutOption(content, OPTION.edhoc));
  }

  #serveProtected(from: Station, session: Session, message: CoapContent): CoapContent {
    const request = unprotectRequest(session.context, session.window, message);
    if ("refused" in request) return this.#refuse(from, request.refused);
    const answer = this.#parts.resources.serve({ peer: session.peer, content: request.content });
    return protectResponse(session.context, request.binding, answer);
  }

  /** `true, message_1` or `C_R, message_3`, as EDHOC travels over CoAP (RFC 9528 appendix A.2). */
  #answerHandshake(nowMs: number, from: Station, payload: Uint8Array): CoapContent {
    const length = firstItemLength(payload);
    if (length === undefined) return this.#refuse(from, "malformed");
    const prefix = decodeCbor(payload.slice(0, length));
    const message = payload.slice(length);
    if (prefix === true) return this.#answerMessage1(nowMs, from, message);
    const connectionId = decodeIdentifier(prefix);
    if (connectionId === undefined) return this.#refuse(from, "malformed");
    return this.#completeHandshake(nowMs, from, connectionId, message) ?? bareAnswer(CODE.changed);
  }

  #answerMessage1(nowMs: number, from: Station, message1: Uint8Array): CoapContent {
    const { crypto, identity, trust } = this.#parts;
    const responder = new EdhocResponder<Credential>({
      crypto,
      random: this.#edhocRandom,
      identity,
      resolve: (idCred) => trust.candidates(idCred),
      suites: SUITES,
      methods: METHODS,
      chooseConnectionId: (theirs) => this.#freeConnectionId(theirs),
    });
    const answer = responder.receiveMessage1(message1);
    if ("error" in answer) return this.#refuseHandshake(from, answer.reason, answer.error);
    this.#halfOpen.add(nowMs, answer.connectionId, responder);
    return answerWith(CODE.changed, FORMAT.edhoc, answer.message2);
  }

  /** Takes message_3: undefined where it proved a trusted peer, else what to answer. */
  #completeHandshake(
    nowMs: number,
    from: Station,
    connectionId: Uint8Array,
    message3: Uint8Array,
  ): CoapContent | undefined {
    const responder = this.#halfOpen.take(nowMs, connectionId);
    if (responder === undefined) return this.#refuse(from, "no-handshake");
    const outcome = responder.receiveMessage3(message3);
    if ("error" in outcome) return this.#refuseHandshake(from, outcome.reason, outcome.error);
    this.#sessions.add(newSession(this.#parts.crypto, outcome.peer, responder.exportOscore()));
    this.#tell({ kind: "session", from, peer: outcome.peer });
    return undefined;
  }

  /** Sixteen half-open handshakes and four sessions of each of four peers leave some of 48 free. */
  #freeConnectionId(theirs: Uint8Array): Uint8Array {
    const [start = 0] = this.#connectionIdRandom.bytes(1);
    for (let i = 0; i < CONNECTION_IDS.length; i++) {
      const id = Uint8Array.of(CONNECTION_IDS[(start + i) % CONNECTION_IDS.length] as number);
      if (!equal(id, theirs) && !this.#halfOpen.has(id) && this.#sessions.find(id) === undefined) return id;
    }
    throw new Error("more sessions than their limits allow");
  }

  #refuse(from: Station, reason: string): CoapContent {
    this.#tell({ kind: "refused", from, reason });
    return REFUSED;
  }

  #refuseHandshake(from: Station, reason: string, error: Uint8Array): CoapContent {
    this.#tell({ kind: "refused", from, reason });
    return answerWith(CODE.badRequest, FORMAT.edhoc, error);
  }

  #tell(event: ServerEvent): void {
    if (event.kind === "refused") this.#refusedMessages++;
    if (this.#events.length === EVENTS_MAX) this.#events.shift();
    this.#events.push(event);
  }
}

function withoutOption(content: CoapContent, number: number): CoapContent {
  return { ...content, options: content.options.filter((option) => option.number !== number) };
}
