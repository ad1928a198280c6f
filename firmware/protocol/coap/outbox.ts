import type { LinkTraits, Station } from "../../../hal/ports/link.ts";
import type { Random } from "../../../hal/ports/random.ts";
import { EMPTY, toUint } from "../bytes.ts";
import type { OutgoingDatagram } from "../endpoint.ts";
import { encodeMessage } from "./codec.ts";
import { CODE } from "./message.ts";
import { answerWindowMs, firstTimeoutMs, MAX_RETRANSMIT } from "./timing.ts";

/** A confirmable message under way, from its first sending to its last retransmission (RFC 7252 4.2). */
export interface Transmission {
  /** 0 to 65535; what an ACK or RST names. */
  readonly messageId: number;
  readonly datagram: OutgoingDatagram;
  timeoutMs: number;
  /** When the next copy is due, or the end where none is left. */
  dueMs: number;
  retransmissionsLeft: number;
}

/** RSTs tell a peer of its fault; noise on a line needs no more of them. */
const RESETS_MAX = 16;
const RESETS_WINDOW_MS = 1000;

/** What both roles send through: datagrams in order, Message IDs, retransmission by the link's measure. */
export class Outbox {
  readonly #random: Random;
  readonly #traits: LinkTraits;
  readonly #datagrams: OutgoingDatagram[] = [];
  #nextMessageId: number;
  #retransmissions = 0;
  /** Half-duplex only: until then an answer may be on the line, and nothing is repeated. */
  #quietUntilMs = 0;
  #resets = { left: RESETS_MAX, windowEndsMs: 0 };

  /** `random` gives the first Message ID and the jitter of the waits. */
  constructor(random: Random, traits: LinkTraits) {
    this.#random = random;
    this.#traits = traits;
    this.#nextMessageId = toUint(random.bytes(2));
  }

  /** Datagrams that nobody has taken yet. */
  get waiting(): number {
    return this.#datagrams.length;
  }

  /** Copies sent since the start because no acknowledgement came. */
  get retransmissions(): number {
    return this.#retransmissions;
  }

  /** Until when whoever else speaks on a half-duplex line may destroy an answer. */
  get quietUntilMs(): number {
    return this.#quietUntilMs;
  }

  /** The answer that the quiet was for has come: on a line where one asks at a time there is no other. */
  endQuiet(): void {
    this.#quietUntilMs = Number.NEGATIVE_INFINITY;
  }

  /** The datagram that has waited longest. */
  take(): OutgoingDatagram | undefined {
    return this.#datagrams.shift();
  }

  /** Counts up from a random start and round (RFC 7252 4.4). */
  takeMessageId(): number {
    const messageId = this.#nextMessageId;
    this.#nextMessageId = (messageId + 1) & 0xffff;
    return messageId;
  }

  /** Sends what needs no answer. */
  send(datagram: OutgoingDatagram): void {
    this.#datagrams.push(datagram);
  }

  /** Sends what the other side may answer. */
  sendExpectant(nowMs: number, datagram: OutgoingDatagram): void {
    this.send(datagram);
    if (!this.#traits.halfDuplex) return;
    const quietUntilMs = nowMs + answerWindowMs(this.#traits, datagram.bytes.length);
    this.#quietUntilMs = Math.max(this.#quietUntilMs, quietUntilMs);
  }

  /**
   * Sends a confirmable message; its owner calls {@link retransmit} when it is due, until acknowledged.
   * `answerBytes` is how long the answer will be at the most, where the caller knows.
   */
  transmit(nowMs: number, messageId: number, datagram: OutgoingDatagram, answerBytes?: number): Transmission {
    this.sendExpectant(nowMs, datagram);
    const timeoutMs = firstTimeoutMs(this.#traits, this.#random, datagram.bytes.length, answerBytes);
    const dueMs = nowMs + timeoutMs;
    return { messageId, datagram, timeoutMs, dueMs, retransmissionsLeft: MAX_RETRANSMIT };
  }

  /** Sends a copy if one is due, with twice the wait after it; `failed` when the last wait is over. */
  retransmit(nowMs: number, transmission: Transmission): "under-way" | "failed" {
    if (nowMs < transmission.dueMs) return "under-way";
    if (transmission.retransmissionsLeft === 0) return "failed";
    if (nowMs < this.#quietUntilMs) {
      transmission.dueMs = this.#quietUntilMs;
      return "under-way";
    }
    transmission.retransmissionsLeft--;
    transmission.timeoutMs *= 2;
    transmission.dueMs = nowMs + transmission.timeoutMs;
    this.#retransmissions++;
    this.sendExpectant(nowMs, transmission.datagram);
    return "under-way";
  }

  /** Rejects a message (RFC 7252 4.2), at most 16 in a second; on a line that all share, in silence. */
  reset(nowMs: number, to: Station, messageId: number): void {
    if (this.#traits.addressing === "uri-host") return;
    if (nowMs >= this.#resets.windowEndsMs) {
      this.#resets = { left: RESETS_MAX, windowEndsMs: nowMs + RESETS_WINDOW_MS };
    }
    if (this.#resets.left === 0) return;
    this.#resets.left--;
    this.send({ to, bytes: emptyMessage("RST", messageId) });
  }
}

/** The four bytes of an ACK or RST that says nothing else. */
export function emptyMessage(type: "ACK" | "RST", messageId: number): Uint8Array {
  return encodeMessage({ type, code: CODE.empty, messageId, token: EMPTY, options: [], payload: EMPTY });
}
