// What a client must remember: its open requests by token, and the answers that it took.
import type { Station } from "../../../hal/ports/link.ts";
import type { Random } from "../../../hal/ports/random.ts";
import { toHex, toUint } from "../bytes.ts";
import type { Timed } from "./due-queue.ts";
import type { CoapContent, CoapMessage } from "./message.ts";
import type { Transmission } from "./outbox.ts";

/** Names an open request of one endpoint; never used twice. */
export type RequestId = number;

/** Lengths of tokens that this client chooses. */
export type TokenBytes = 1 | 2 | 3 | 4;

/**
 * `waiting` for its turn on a line that all share; `confirming` until acknowledged, `unconfirmed` for a NON,
 * `acknowledged` while the answer is to come.
 */
export type RequestPhase =
  | { readonly kind: "waiting"; readonly confirmable: boolean; readonly answerBytes: number | undefined }
  | { readonly kind: "confirming"; readonly transmission: Transmission }
  | { readonly kind: "unconfirmed" }
  | { readonly kind: "acknowledged" };

/** One request from its sending to its end. */
export interface OpenRequest extends Timed {
  readonly id: RequestId;
  readonly to: Station;
  readonly content: CoapContent;
  readonly messageId: number;
  readonly token: Uint8Array;
  readonly answers: "one" | "many";
  readonly stays: boolean;
  readonly untilMs: number;
  readonly isGenuine: ((answer: CoapMessage) => boolean) | undefined;
  readonly isLate: ((answer: CoapMessage) => boolean) | undefined;
  readonly onAcknowledged: (() => void) | undefined;
  isDoubted: boolean;
  answersTaken: number;
  phase: RequestPhase;
}

/** While half of the one-byte tokens are free, none comes round again within 128 requests. */
const ONE_BYTE_TOKENS_MAX = 128;

/** The open requests of one endpoint, so many at the most. */
export class OpenRequests {
  readonly #byId = new Map<RequestId, OpenRequest>();
  readonly #byToken = new Map<string, OpenRequest>();
  /** Whom each token was for that a request had which ended without an answer; until another request has it. */
  readonly #givenUp = new Map<string, Station>();
  /** Of two with one Message ID the newer: nobody acknowledges the other any more. */
  readonly #byMessageId = new Map<number, OpenRequest>();
  readonly #most: number;
  #nextToken: number;
  #nextId = 1;

  /** `random` gives the first token. */
  constructor(random: Random, most: number) {
    this.#most = most;
    this.#nextToken = toUint(random.bytes(4));
  }

  /** True when no more may be added. */
  get isFull(): boolean {
    return this.#byId.size >= this.#most;
  }

  /**
   * A token that no open request has, of `length` bytes, or of two where too many of one are taken.
   * Tokens count up, so that a late answer to an old request does not meet a new one soon.
   */
  freeToken(length: TokenBytes): Uint8Array {
    const wanted = length === 1 && this.#byId.size >= ONE_BYTE_TOKENS_MAX ? 2 : length;
    for (;;) {
      const token = lowBytes(this.#nextToken++, wanted);
      if (!this.#byToken.has(toHex(token))) return token;
    }
  }

  /** Opens a request with a token from {@link freeToken}; the caller has looked at {@link isFull}. */
  add(request: Omit<OpenRequest, "id" | "answersTaken" | "isDoubted" | keyof Timed>): OpenRequest {
    const { to, content, messageId, token, answers, stays, untilMs } = request;
    const { isGenuine, isLate, onAcknowledged, phase } = request;
    const id = this.#nextId++;
    const open = {
      id,
      to,
      content,
      messageId,
      token,
      answers,
      stays,
      untilMs,
      isGenuine,
      isLate,
      onAcknowledged,
      isDoubted: false,
      answersTaken: 0,
      phase,
      dueMs: Number.POSITIVE_INFINITY,
      place: -1,
    };
    this.#byId.set(open.id, open);
    const key = toHex(token);
    this.#byToken.set(key, open);
    this.#givenUp.delete(key);
    this.#byMessageId.set(messageId, open);
    return open;
  }

  /** Forgets a request; what comes to it from then on is late, or unknown where it was answered. */
  remove(request: OpenRequest, as: "answered" | "given up"): void {
    const key = toHex(request.token);
    this.#byId.delete(request.id);
    this.#byToken.delete(key);
    if (this.#byMessageId.get(request.messageId) === request) this.#byMessageId.delete(request.messageId);
    if (as === "given up") this.#noteGivenUp(key, request.to);
  }

  #noteGivenUp(key: string, to: Station): void {
    const [oldest] = this.#givenUp.keys();
    if (oldest !== undefined && this.#givenUp.size >= this.#most) this.#givenUp.delete(oldest);
    this.#givenUp.set(key, to);
  }

  /** True for an answer to a request that ended without one. */
  wasGivenUp(from: Station, token: Uint8Array): boolean {
    return this.#givenUp.size > 0 && this.#givenUp.get(toHex(token)) === from;
  }

  /** Undefined for one that has ended. */
  byId(id: RequestId): OpenRequest | undefined {
    return this.#byId.get(id);
  }

  /** RFC 7252 5.3.2: an answer belongs to a request by its station and its token. */
  byToken(from: Station, token: Uint8Array): OpenRequest | undefined {
    const request = this.#byToken.get(toHex(token));
    return request?.to === from ? request : undefined;
  }

  /** The request that an ACK or RST names: one that nobody has acknowledged yet. */
  byMessageId(from: Station, messageId: number): OpenRequest | undefined {
    const request = this.#byMessageId.get(messageId);
    return request?.to === from && request.phase.kind !== "acknowledged" ? request : undefined;
  }
}

function lowBytes(value: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[length - 1 - i] = value >>> (8 * i);
  return bytes;
}

/** The separate answers of late, so that copies of them are known: so many at the most, the oldest go first. */
export class TakenAnswers {
  readonly #lifetimeMs: number;
  readonly #most: number;
  readonly #takenMs = new Map<string, number>();

  /** An answer is remembered for `lifetimeMs` (EXCHANGE_LIFETIME of RFC 7252 4.8.2). */
  constructor(lifetimeMs: number, most: number) {
    this.#lifetimeMs = lifetimeMs;
    this.#most = most;
  }

  /** True for a copy of an answer that was added less than the lifetime ago. */
  has(nowMs: number, from: Station, answer: CoapMessage): boolean {
    const takenMs = this.#takenMs.get(keyOf(from, answer));
    return takenMs !== undefined && nowMs < takenMs + this.#lifetimeMs;
  }

  /** Remembers an answer that was taken at `nowMs`. */
  add(nowMs: number, from: Station, answer: CoapMessage): void {
    const key = keyOf(from, answer);
    this.#takenMs.delete(key);
    if (this.#takenMs.size >= this.#most) this.#dropOldest();
    this.#takenMs.set(key, nowMs);
  }

  #dropOldest(): void {
    const [oldest] = this.#takenMs.keys();
    if (oldest !== undefined) this.#takenMs.delete(oldest);
  }
}

/** The token tells the answer of a restarted server from one with the same Message ID before. */
function keyOf(from: Station, answer: CoapMessage): string {
  return `${from} ${answer.messageId} ${toHex(answer.token)}`;
}
