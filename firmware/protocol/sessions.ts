// Sessions: what two parties share after EDHOC, and the server's tables of them.
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import { toHex } from "./bytes.ts";
import type { Credential } from "./cose/credential.ts";
import type { OscoreMaterial } from "./edhoc/output.ts";
import type { EdhocResponder } from "./edhoc/responder.ts";
import { type ContextParameters, deriveContext, type OscoreContext } from "./oscore/context.ts";
import { ReplayWindow } from "./oscore/replay-window.ts";
import { MemorySequence, type SenderSequence } from "./oscore/sender-sequence.ts";

/** Whom a session is with. */
export type Peer = Pick<Credential, "id">;

/** An OSCORE context with a peer that has proved who it is. */
export interface Session {
  readonly peer: Peer;
  readonly context: OscoreContext;
  readonly sequence: SenderSequence;
  readonly window: ReplayWindow;
}

/** A context that was agreed on beforehand, without EDHOC: for development, and peers that have none. */
export interface PresetContext {
  readonly peer: Peer;
  readonly parameters: ContextParameters;
  /** Its numbers go on where those of the process before ended. */
  readonly sequence: SenderSequence;
}

/** The session of a preset context. */
export function presetSession(crypto: CryptoEngine, { peer, parameters, sequence }: PresetContext): Session {
  return { peer, sequence, context: deriveContext(crypto, parameters), window: new ReplayWindow() };
}

/** The session that a completed EDHOC run with `peer` gives. */
export function newSession(crypto: CryptoEngine, peer: Credential, material: OscoreMaterial): Session {
  return {
    peer,
    context: deriveContext(crypto, material),
    sequence: new MemorySequence(),
    window: new ReplayWindow(),
  };
}

/** One head-end may run several programs at once; a fifth session of one peer ends its oldest. */
const SESSIONS_PER_PEER_MAX = 4;

/** A server's sessions, by the Recipient ID that requests carry as kid. */
export class SessionTable {
  /** In the order that they were made. */
  readonly #byKid = new Map<string, Session>();

  find(kid: Uint8Array): Session | undefined {
    return this.#byKid.get(toHex(kid));
  }

  /** Takes a session in; its Recipient ID must be free. */
  add(session: Session): void {
    const ofPeer = [...this.#byKid].filter(([, other]) => other.peer.id === session.peer.id);
    for (const [kid] of ofPeer.slice(0, Math.max(0, ofPeer.length - SESSIONS_PER_PEER_MAX + 1)))
      this.#byKid.delete(kid);
    this.#byKid.set(toHex(session.context.recipient.id), session);
  }
}

/** Half-open handshakes at once: each cost a key agreement, and a stranger can start any number. */
const HALF_OPEN_MAX = 16;
/** The slowest link carries message_3 well within this. */
const HALF_OPEN_MS = 60_000;

interface HalfOpen {
  readonly responder: EdhocResponder<Credential>;
  readonly untilMs: number;
}

/** Handshakes that wait for message_3, by the connection identifier C_R that it comes with. */
export class HalfOpenTable {
  readonly #byId = new Map<string, HalfOpen>();

  has(connectionId: Uint8Array): boolean {
    return this.#byId.has(toHex(connectionId));
  }

  /** Takes a handshake in; where there is no room the oldest makes it. */
  add(nowMs: number, connectionId: Uint8Array, responder: EdhocResponder<Credential>): void {
    const [oldest] = this.#byId.keys();
    if (this.#byId.size >= HALF_OPEN_MAX && oldest !== undefined) this.#byId.delete(oldest);
    this.#byId.set(toHex(connectionId), { responder, untilMs: nowMs + HALF_OPEN_MS });
  }

  /** Hands a handshake out, once: message_3 completes it or ends it. */
  take(nowMs: number, connectionId: Uint8Array): EdhocResponder<Credential> | undefined {
    const halfOpen = this.#byId.get(toHex(connectionId));
    this.#byId.delete(toHex(connectionId));
    return halfOpen !== undefined && nowMs < halfOpen.untilMs ? halfOpen.responder : undefined;
  }
}
