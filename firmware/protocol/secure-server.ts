// The serving end: EDHOC as responder, then OSCORE, for the few peers on a trust list.
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { LinkTraits, Station } from "../../hal/ports/link.ts";
import type { Random } from "../../hal/ports/random.ts";
import type { Identity } from "../identity/identity.ts";
import { responderMethods, suitesOf } from "../identity/proving.ts";
import type { TrustList } from "../identity/trust.ts";
import { EMPTY, equal, fromText } from "./bytes.ts";
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
import {
  type BoundRequest,
  protectNumberedResponse,
  protectResponse,
  unprotectRequest,
} from "./oscore/protect.ts";
import { ReplayWindow } from "./oscore/replay-window.ts";
import {
  HalfOpenTable,
  newSession,
  type Peer,
  type PresetContext,
  presetSession,
  type Session,
  SessionTable,
} from "./sessions.ts";

/** A request whose sender has proved who it is. */
export interface ServedRequest {
  readonly peer: Peer;
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
  /** Contexts that need no EDHOC; development only. */
  readonly presets?: readonly PresetContext[];
}

/** One-byte connection identifiers: the CBOR integers -24 to 23 (RFC 9528 3.3.2). */
const CONNECTION_IDS: readonly number[] = Array.from({ length: 48 }, (_, n) => (n < 24 ? n : 0x20 + n - 24));
/** RFC 9175 2.2.1 lets the server choose; eight bytes cannot be guessed in a session's life. */
const ECHO_BYTES = 8;
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
  /** Sessions of before this start, and what an Echo must repeat before they are served. */
  readonly #challenges = new Map<Session, Uint8Array>();
  readonly #events: ServerEvent[] = [];
  #refusedMessages = 0;

  constructor(parts: SecureServerParts) {
    this.#parts = parts;
    this.#coap = new CoapEndpoint({ random: parts.random.fork("coap"), traits: parts.traits });
    this.#edhocRandom = parts.random.fork("edhoc");
    this.#connectionIdRandom = parts.random.fork("connection-id");
    const echoRandom = parts.random.fork("echo");
    for (const preset of parts.presets ?? []) {
      const session = presetSession(parts.crypto, preset);
      this.#sessions.add(session);
      this.#challenges.set(session, echoRandom.bytes(ECHO_BYTES));
    }
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
    const challenge = this.#challenges.get(session);
    const window = challenge === undefined ? session.window : new ReplayWindow();
    const request = unprotectRequest(session.context, window, message);
    if ("refused" in request) return this.#refuse(from, request.refused);
    if (challenge !== undefined) {
      const echo = findOption(request.content, OPTION.echo);
      if (echo === undefined || !equal(echo, challenge))
        return this.#challenge(from, session, request, challenge);
      session.window.beginAt(request.number);
      this.#challenges.delete(session);
    }
    const answer = this.#parts.resources.serve({ peer: session.peer, content: request.content });
    return protectResponse(session.context, request.binding, answer);
  }

  /**
   * Asks for proof that a request is no copy of one served before the start (RFC 8613 appendix B.1.2).
   * As it may be one, its nonce may be spent: the answer has a number of its own.
   */
  #challenge(from: Station, session: Session, { binding }: BoundRequest, value: Uint8Array): CoapContent {
    const answer = { code: CODE.unauthorized, options: [{ number: OPTION.echo, value }], payload: EMPTY };
    const sealed = protectNumberedResponse(session.context, session.sequence, binding, answer);
    return sealed ?? this.#refuse(from, "exhausted");
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
    const { kind } = identity.credential.key;
    const responder = new EdhocResponder<Credential>({
      crypto,
      random: this.#edhocRandom,
      identity,
      resolve: (idCred) => trust.candidates(idCred),
      suites: suitesOf(kind, identity.suite),
      methods: responderMethods(kind),
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
