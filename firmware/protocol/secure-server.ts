// The serving end: EDHOC as responder, then OSCORE, for the few peers on a trust list.
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { LinkTraits, Station } from "../../hal/ports/link.ts";
import type { Random } from "../../hal/ports/random.ts";
import type { StorageResult } from "../../hal/ports/storage.ts";
import type { Identity } from "../identity/identity.ts";
import type { TrustList } from "../identity/trust.ts";
import { firstItemLength } from "./cbor.ts";
import {
  bareAnswer,
  CODE,
  type CoapMessage,
  findOption,
  hasValidHopLimit,
  OPTION,
  pathOf,
  withoutOptions,
} from "./coap/message.ts";
import { type WholeEvent, WholeMessages } from "./coap/outer/whole-messages.ts";
import { selectorOf } from "./coap/selection.ts";
import type { Credential } from "./cose/credential.ts";
import type { Endpoint, OutgoingDatagram } from "./endpoint.ts";
import type { Memberships } from "./group/memberships.ts";
import { ServedGroups } from "./group/served-groups.ts";
import type { ServerKeeping } from "./kept-sessions.ts";
import { LastAnswers } from "./last-answers.ts";
import { asksForLinks, hasUnknownCritical, linksFor } from "./open-requests.ts";
import type { KeyLimits } from "./oscore/key-use.ts";
import { readOscoreOption } from "./oscore/option.ts";
import { type Reply, refusal } from "./replies.ts";
import { type HandshakeEvent, Responding } from "./responding.ts";
import type { Resources } from "./served-request.ts";
import { ServedSessions, type ServedSessionsParts } from "./served-sessions.ts";
import type { Peer, PresetContext } from "./sessions.ts";

/** `forgeries`: so many messages came in the name of a peer that its key did not open, told once for a session. */
export type ServerEvent =
  | HandshakeEvent
  | { readonly kind: "forgeries"; readonly from: Station; readonly peer: Peer; readonly count: number };

export interface SecureServerParts {
  readonly crypto: CryptoEngine;
  readonly random: Random;
  readonly traits: LinkTraits;
  readonly identity: Identity;
  /** The key that may take its place: who asks for it at `x` is shown that one. */
  readonly nextIdentity?: (() => Identity | undefined) | undefined;
  readonly trust: TrustList;
  /** A station that nobody else can speak from: it is never kept waiting by strangers. */
  readonly self?: Station | undefined;
  readonly resources: Resources;
  /** The longest body of a request in bytes, as far as it comes in blocks; 16384 unless given. */
  readonly bodyBytesMax?: number;
  /** Contexts that need no EDHOC; development only. */
  readonly presets?: readonly PresetContext[];
  /** What a session's keys may do, where it is not {@link KEY_LIMITS}. */
  readonly keyLimits?: Partial<KeyLimits>;
  /** Where sessions outlive this process; without it they end with it. */
  readonly keeping?: ServerKeeping | undefined;
  /** The groups that this end is in; none unless given. */
  readonly memberships?: Memberships | undefined;
}

/** Events that nobody took: more are dropped, oldest first. */
const EVENTS_MAX = 64;
/** A meter is nobody's proxy. */
const PROXY_OPTIONS: ReadonlySet<number> = new Set([OPTION.proxyUri, OPTION.proxyScheme]);

/** One party's serving half. Whatever comes in that is not right is refused and counted, never thrown. */
export class SecureServer implements Endpoint<ServerEvent> {
  readonly #parts: SecureServerParts;
  #identity: Identity;
  readonly #coap: WholeMessages;
  readonly #isForUs: (datagram: Uint8Array) => boolean;
  readonly #responding: Responding;
  readonly #sessions: ServedSessions;
  readonly #groups: ServedGroups;
  readonly #events: ServerEvent[] = [];
  #refusedMessages = 0;

  constructor(parts: SecureServerParts) {
    this.#parts = parts;
    this.#identity = parts.identity;
    this.#coap = new WholeMessages({ random: parts.random.fork("coap"), traits: parts.traits });
    this.#isForUs = selectorOf(parts.traits, parts.identity.credential.id);
    this.#responding = this.#newResponding();
    const served: Pick<ServedSessionsParts, "coap" | "lastAnswers" | "refuse" | "onForgeries"> = {
      coap: this.#coap,
      lastAnswers: new LastAnswers(),
      refuse: (from, reason) => this.#refuse(from, reason),
      onForgeries: (from, peer, count) => this.#tell({ kind: "forgeries", from, peer, count }),
    };
    this.#sessions = new ServedSessions({ ...parts, suite: parts.identity.suite, ...served });
    this.#groups = new ServedGroups({ ...parts, ...served });
  }

  /** Forgets for good what it keeps of peers that are no longer trusted. */
  forgetBarred(): void {
    this.#sessions.forgetBarred();
    this.#parts.memberships?.forgetBarred();
  }

  /** Lets a guest in until the function that this gives is called, which leaves nothing of him here. */
  admit(guest: Credential): () => void {
    const end = this.#parts.trust.admit(guest);
    return () => {
      end();
      this.#sessions.dropOf(guest);
    };
  }

  /**
   * Proves another key from now on, once `takeOver` has made it the one: all sessions and handshakes with others end, and
   * are forgotten before that, as none of them may go on after a start with the new key.
   */
  takeKey(next: Identity, takeOver: () => StorageResult): StorageResult {
    this.#responding.endAll();
    this.#sessions.keepOnly(next.credential);
    const taken = takeOver();
    if (taken === "done") this.#identity = next;
    return taken;
  }

  /** Messages that protection or EDHOC refused since the start. */
  get refusedMessages(): number {
    return this.#refusedMessages;
  }

  receive(nowMs: number, from: Station, datagram: Uint8Array): void {
    if (!this.#isForUs(datagram)) return;
    this.#coap.receive(nowMs, from, datagram);
    this.#serveAll(nowMs);
  }

  wake(nowMs: number): void {
    this.#coap.wake(nowMs);
    this.#serveAll(nowMs);
    this.#sessions.observers.wake(nowMs);
  }

  nextDatagram(): OutgoingDatagram | undefined {
    return this.#coap.nextDatagram();
  }

  nextEvent(): ServerEvent | undefined {
    return this.#events.shift();
  }

  nextWakeMs(): number | undefined {
    const nextMs = Math.min(
      this.#coap.nextWakeMs() ?? Number.POSITIVE_INFINITY,
      this.#sessions.observers.nextWakeMs(),
    );
    return nextMs === Number.POSITIVE_INFINITY ? undefined : nextMs;
  }

  #serveAll(nowMs: number): void {
    for (let event = this.#coap.nextEvent(); event !== undefined; event = this.#coap.nextEvent()) {
      if (event.kind === "notified") this.#sessions.observers.settled(event);
      if (event.kind !== "request") continue;
      const reply = this.#reply(nowMs, event);
      if (reply.how === "answer") this.#coap.respond(nowMs, event.exchange, reply.content);
      else if (reply.how === "greet") this.#coap.greet(nowMs, event.exchange, reply.content);
      else if (reply.how === "refuse") this.#coap.refuse(nowMs, event.exchange, reply.content);
      else {
        if (reply.how === "acknowledge") this.#coap.acknowledge(event.exchange);
        this.#coap.silence(event.exchange);
      }
    }
  }

  #reply(nowMs: number, { from, message }: Extract<WholeEvent, { kind: "request" }>): Reply {
    if (message.options.some(({ number }) => PROXY_OPTIONS.has(number))) {
      return refusal(bareAnswer(CODE.proxyingNotSupported));
    }
    if (!hasValidHopLimit(message)) return refusal(bareAnswer(CODE.badRequest));
    if (findOption(message, OPTION.oscore) !== undefined) return this.#replyProtected(nowMs, from, message);
    if (asksForLinks(message)) return refusal(linksFor("stranger", this.#parts.resources.links, message));
    const path = pathOf(message);
    const next = path === "x" && message.code === CODE.post ? this.#parts.nextIdentity?.() : undefined;
    if (
      ((path === "k" || path === ".well-known/edhoc") && message.code === CODE.post) ||
      next !== undefined
    ) {
      if (hasUnknownCritical(message)) return refusal(bareAnswer(CODE.badOption));
      return this.#responding.reply(nowMs, from, message, next);
    }
    return this.#refuse(from, "unprotected");
  }

  /** An OSCORE request, or one that carries message_3 too (RFC 9668 3.3.1). */
  #replyProtected(nowMs: number, from: Station, message: CoapMessage): Reply {
    const option = readOscoreOption(message);
    if (option === undefined || "refused" in option || option.kid === undefined) {
      return this.#refuse(from, "option");
    }
    if (this.#groups.isTheirs(option)) return this.#groups.reply(nowMs, from, message, option);
    const session = this.#sessions.find(nowMs, option.kid);
    const isCombined = findOption(message, OPTION.edhoc) !== undefined;
    if (!isCombined) return this.#sessions.reply(nowMs, from, session, message);
    const length = firstItemLength(message.payload) ?? message.payload.length;
    const request = {
      ...message,
      ...withoutOptions(message, OPTION.edhoc),
      payload: message.payload.slice(length),
    };
    if (session !== undefined) return this.#sessions.reply(nowMs, from, session, request);
    const outcome = this.#responding.complete(nowMs, from, option.kid, message.payload.slice(0, length));
    return "how" in outcome ? outcome : this.#sessions.reply(nowMs, from, outcome, request);
  }

  #newResponding(): Responding {
    const { crypto, random, trust, self } = this.#parts;
    return new Responding({
      ...{ crypto, random, trust, self },
      identity: () => this.#identity,
      isFree: (id) => !this.#sessions.has(id),
      begin: (nowMs, own, ...handshake) => {
        const lasts = own === this.#identity.credential;
        return this.#sessions.begin(nowMs, { own, lasts }, ...handshake);
      },
      tell: (event) => this.#tell(event),
    });
  }

  #refuse(from: Station, reason: string): Reply {
    this.#tell({ kind: "refused", from, reason });
    return refusal(bareAnswer(CODE.unauthorized));
  }

  #tell(event: ServerEvent): void {
    if (event.kind === "refused") this.#refusedMessages++;
    if (this.#events.length === EVENTS_MAX) this.#events.shift();
    this.#events.push(event);
  }
}
