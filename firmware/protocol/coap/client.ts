// The client's side of RFC 7252 4 and 5: requests until their end.
import type { LinkTraits, Station } from "../../../hal/ports/link.ts";
import type { Random } from "../../../hal/ports/random.ts";
import { isFirstOfMore } from "./block.ts";
import { encodeMessage } from "./codec.ts";
import { DueQueue } from "./due-queue.ts";
import { LineTurns, type StationRecord } from "./line-turns.ts";
import { type CoapContent, type CoapMessage, codeKind, codeText, messageOf } from "./message.ts";
import { emptyMessage, type Outbox, type Transmission } from "./outbox.ts";
import { type OpenRequest, OpenRequests, type RequestId, TakenAnswers, type TokenBytes } from "./requests.ts";
import type { CoapSettings } from "./settings.ts";
import { exchangeLifetimeMs } from "./timing.ts";

/**
 * How a request ended. `answered`: the one answer came, or the time for many is up and some came;
 * `timeout`: none came in time, or nobody acknowledged; `reset`: the peer will not have it.
 */
export type EndReason = "answered" | "timeout" | "reset" | "cancelled";

/**
 * `answer`: one answer to a request of ours. `doubt`: the first answer that was not genuine, or an
 * RST, to a request that can tell; it goes on. `unacknowledged`: a request that stays is not repeated any more. `ended`:
 * told exactly once for each request of ours.
 */
export type ClientSideEvent =
  | {
      readonly kind: "answer";
      readonly request: RequestId;
      readonly from: Station;
      readonly message: CoapMessage;
    }
  | { readonly kind: "doubt"; readonly request: RequestId; readonly message: CoapMessage | undefined }
  | { readonly kind: "unacknowledged"; readonly request: RequestId }
  | { readonly kind: "ended"; readonly request: RequestId; readonly reason: EndReason };

/**
 * The first block of an answer that comes in blocks (RFC 7959 2.4). The request stays open, and goes on being
 * repeated, until `supply` brings the whole: nobody can prove that a block is genuine.
 */
export interface PieceEvent {
  readonly kind: "piece";
  readonly request: RequestId;
  readonly from: Station;
  readonly message: CoapMessage;
  /** What was asked, and until when. */
  readonly asked: CoapContent;
  readonly untilMs: number;
}

/** How a request travels and how long it is followed. */
export interface RequestOptions {
  /** CON (the default) is repeated until acknowledged; NON is sent once. */
  readonly confirmable?: boolean;
  /** `many` keeps the token open until `untilMs`; the default is `one`. */
  readonly answers?: "one" | "many";
  /**
   * Tells a genuine answer from one that anybody could have sent: that one, and an RST, then leaves
   * the request open and repeated, as the genuine answer may follow.
   */
  readonly isGenuine?: (answer: CoapMessage) => boolean;
  /**
   * Tells, of what is not genuine, a late answer to the request that this one {@link replaces}: until the first answer
   * it is acknowledged, and no more.
   */
  readonly isLate?: (answer: CoapMessage) => boolean;
  /** Called when an empty ACK tells that the request arrived and its answer comes later, from inside that call. */
  readonly onAcknowledged?: (() => void) | undefined;
  /** True for one whose answer may come though nobody has acknowledged it, until `untilMs`. */
  readonly stays?: boolean;
  /** When to give up, on the clock of `nowMs`; nothing is sent afterwards. */
  readonly untilMs: number;
  /** How long the answer will be at the most, in bytes: on a slow line, how soon silence means loss. */
  readonly answerBytes?: number | undefined;
  /** An open request that this one ends, taking over its token: a registration that is renewed or ended (RFC 7641 3.6). */
  readonly replaces?: RequestId | undefined;
  /** 1 is the default; two are taken by itself while too few of one byte are free. */
  readonly tokenBytes?: TokenBytes;
}

/** What became of a message that came in; a `late` one answers what was given up, an `unknown` one is of nothing of ours. */
export type Outcome = "taken" | "copy" | "unknown" | "late";

/** The client half of an endpoint: sends through the shared outbox and tells what comes of it. */
export class ClientSide {
  readonly #outbox: Outbox;
  readonly #tell: (event: ClientSideEvent | PieceEvent) => void;
  readonly #requests: OpenRequests;
  readonly #taken: TakenAnswers;
  readonly #due = new DueQueue<OpenRequest>();
  /** On a line that all stations share. */
  readonly #turns: LineTurns | undefined;

  /** `tell` is called with each event, from inside the call that caused it. */
  constructor(
    outbox: Outbox,
    traits: LinkTraits,
    random: Random,
    settings: CoapSettings,
    tell: (event: ClientSideEvent | PieceEvent) => void,
  ) {
    this.#outbox = outbox;
    this.#tell = tell;
    this.#turns = traits.addressing === "uri-host" ? new LineTurns(outbox) : undefined;
    this.#requests = new OpenRequests(random, settings.openRequests);
    this.#taken = new TakenAnswers(exchangeLifetimeMs(traits), settings.takenAnswers);
  }

  /** See `CoapEndpoint.request`. */
  request(nowMs: number, to: Station, content: CoapContent, options: RequestOptions): RequestId | undefined {
    if (codeKind(content.code) !== "request") throw new Error(`${codeText(content.code)} is no request`);
    const replaced = options.replaces === undefined ? undefined : this.#requests.byId(options.replaces);
    if (replaced !== undefined) this.#end(replaced, "cancelled");
    if (this.#requests.isFull) return undefined;
    const { confirmable = true, answers = "one", untilMs, answerBytes } = options;
    const { isGenuine, isLate, onAcknowledged, stays = false } = options;
    const token = replaced?.token ?? this.#requests.freeToken(this.#tokenBytes(options));
    const messageId = this.#outbox.takeMessageId();
    const phase = { kind: "waiting", confirmable, answerBytes } as const;
    // Not by spreading, which costs a tenth of a protected read.
    const request = this.#requests.add({
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
      phase,
    });
    if (this.#turns === undefined) this.#send(nowMs, request);
    else {
      this.#turns.wait(request);
      this.#schedule(request);
      this.takeTurns(nowMs);
    }
    return request.id;
  }

  /** What a station of a shared line says late is told from what others say by two bytes that count. */
  #tokenBytes({ tokenBytes = 1 }: RequestOptions): TokenBytes {
    return this.#turns !== undefined && tokenBytes === 1 ? 2 : tokenBytes;
  }

  /** For the first time, or once more where it is due. */
  #send(nowMs: number, request: OpenRequest): void {
    const { phase } = request;
    if (phase.kind === "confirming") {
      if (this.#outbox.retransmit(nowMs, phase.transmission) === "failed") return this.#endRepeating(request);
    } else if (phase.kind === "waiting") request.phase = this.#begun(nowMs, request, phase);
    this.#schedule(request);
  }

  #begun(
    nowMs: number,
    { to, messageId, token, content }: OpenRequest,
    { confirmable, answerBytes }: OpenRequest["phase"] & { kind: "waiting" },
  ): OpenRequest["phase"] {
    const bytes = encodeMessage(messageOf({ type: confirmable ? "CON" : "NON", messageId, token }, content));
    if (confirmable) {
      const transmission = this.#outbox.transmit(nowMs, messageId, { to, bytes }, answerBytes);
      return { kind: "confirming", transmission };
    }
    this.#outbox.sendExpectant(nowMs, { to, bytes });
    return { kind: "unconfirmed" };
  }

  /** On a line that all share: sends what waits, if it is free by now. */
  takeTurns(nowMs: number): void {
    for (let next = this.#turns?.take(nowMs); next !== undefined; next = this.#turns?.take(nowMs))
      this.#send(nowMs, next);
  }

  /** What has been noticed of the stations of a line that all share; none elsewhere. */
  get stationRecords(): readonly StationRecord[] {
    return this.#turns?.records ?? [];
  }

  /** A message came that is none of ours: on a line that all share somebody talks without being asked. */
  noteUnknown(message: CoapMessage): void {
    this.#turns?.disturbed(message.token);
  }

  /** See `CoapEndpoint.cancel`. */
  cancel(id: RequestId): void {
    const request = this.#requests.byId(id);
    if (request !== undefined) this.#end(request, "cancelled");
  }

  /** See `CoapEndpoint.supply`. */
  supply(id: RequestId, from: Station, whole: CoapMessage): void {
    const request = this.#requests.byId(id);
    if (request === undefined) return;
    const merit = meritOf(request, whole);
    if (merit === "genuine") this.#takeAnswer(request, from, whole);
    if (merit === "doubtful") this.#tellDoubt(request, whole);
  }

  /** See `CoapEndpoint.postpone`. */
  postpone(nowMs: number, id: RequestId): void {
    const request = this.#requests.byId(id);
    if (request?.phase.kind !== "confirming") return;
    const { transmission } = request.phase;
    transmission.dueMs = Math.max(transmission.dueMs, nowMs + transmission.timeoutMs);
    this.#turns?.leave(request);
    this.#schedule(request);
  }

  /** A CON or NON with an answer; the ACK for a CON that is not unknown is sent, again for each copy. */
  takeSeparateAnswer(nowMs: number, from: Station, answer: CoapMessage): Outcome {
    if (this.#taken.has(nowMs, from, answer)) {
      this.#acknowledge(from, answer);
      return "copy";
    }
    const request = this.#requests.byToken(from, answer.token);
    if (request === undefined) return this.#givenUp(from, answer);
    const merit = isFirstOfMore(answer) ? "piece" : meritOf(request, answer);
    if (merit === "doubtful") {
      this.#tellDoubt(request, answer);
      return "taken";
    }
    this.#acknowledge(from, answer);
    this.#taken.add(nowMs, from, answer);
    if (merit === "piece") this.#tellPiece(request, from, answer);
    if (merit === "genuine") this.#takeAnswer(request, from, answer);
    return "taken";
  }

  #givenUp(from: Station, { token }: CoapMessage): Outcome {
    return this.#requests.wasGivenUp(from, token) ? "late" : "unknown";
  }

  #acknowledge(to: Station, { type, messageId }: CoapMessage): void {
    if (type === "CON") this.#outbox.send({ to, bytes: emptyMessage("ACK", messageId) });
  }

  /** An ACK with an answer; a copy of it is unknown, so that it counts once among many. */
  takePiggybackedAnswer(from: Station, answer: CoapMessage): Outcome {
    const request = this.#requests.byToken(from, answer.token);
    if (request === undefined) return this.#givenUp(from, answer);
    if (request.messageId !== answer.messageId || request.answersTaken > 0) return "unknown";
    if (isFirstOfMore(answer)) this.#tellPiece(request, from, answer);
    else if (meritOf(request, answer) === "genuine") this.#takeAnswer(request, from, answer);
    else this.#tellDoubt(request, answer);
    return "taken";
  }

  #tellPiece(request: OpenRequest, from: Station, message: CoapMessage): void {
    this.#turns?.heard(request);
    const { id, content: asked, untilMs } = request;
    this.#tell({ kind: "piece", request: id, from, message, asked, untilMs });
  }

  /** Once for a request: whoever forges can forge any number. */
  #tellDoubt(request: OpenRequest, message: CoapMessage | undefined): void {
    if (!request.isDoubted) this.#tell({ kind: "doubt", request: request.id, message });
    request.isDoubted = true;
  }

  /** RFC 7252 5.2.2: an answer that overtakes the ACK stands for it. */
  #takeAnswer(request: OpenRequest, from: Station, message: CoapMessage): void {
    this.#turns?.heard(request);
    request.phase = { kind: "acknowledged" };
    request.answersTaken++;
    this.#tell({ kind: "answer", request: request.id, from, message });
    if (request.answers === "one") this.#end(request, "answered");
    else this.#schedule(request);
  }

  /** An empty ACK: the request arrived, and its answer comes by itself. */
  takeAcknowledgement(from: Station, messageId: number): Outcome {
    const request = this.#requests.byMessageId(from, messageId);
    if (request?.phase.kind !== "confirming") return "unknown";
    this.#turns?.heard(request);
    request.phase = { kind: "acknowledged" };
    this.#schedule(request);
    request.onAcknowledged?.();
    return "taken";
  }

  /** An RST to a request that nobody has acknowledged ends it, unless its answers are proved. */
  takeReset(from: Station, messageId: number): Outcome {
    const request = this.#requests.byMessageId(from, messageId);
    if (request === undefined) return "unknown";
    if (request.isGenuine !== undefined) this.#tellDoubt(request, undefined);
    else this.#end(request, "reset");
    return "taken";
  }

  /** Repeats and gives up what is due by `nowMs`. */
  wake(nowMs: number): void {
    for (let request = this.#due.due(nowMs); request !== undefined; request = this.#due.due(nowMs)) {
      const { phase } = request;
      if (nowMs >= request.untilMs) this.#end(request, request.answersTaken > 0 ? "answered" : "timeout");
      else if (phase.kind === "confirming") this.#repeat(nowMs, request, phase.transmission);
      else this.#schedule(request);
    }
    this.takeTurns(nowMs);
  }

  /** On a line that all share a copy waits for its turn; that nobody answered the last one needs none. */
  #repeat(nowMs: number, request: OpenRequest, { retransmissionsLeft }: Transmission): void {
    if (this.#turns === undefined || retransmissionsLeft === 0) return this.#send(nowMs, request);
    this.#turns.wait(request);
    this.#due.set(request, request.untilMs);
  }

  /** Infinity when nothing is pending. */
  nextWakeMs(): number {
    return Math.min(this.#due.nextMs, this.#turns?.nextMs ?? Number.POSITIVE_INFINITY);
  }

  #schedule(request: OpenRequest): void {
    const { untilMs, phase } = request;
    this.#due.set(
      request,
      phase.kind === "confirming" ? Math.min(untilMs, phase.transmission.dueMs) : untilMs,
    );
  }

  #endRepeating(request: OpenRequest): void {
    if (!request.stays) return this.#end(request, "timeout");
    request.phase = { kind: "acknowledged" };
    this.#schedule(request);
    this.#tell({ kind: "unacknowledged", request: request.id });
  }

  #end(request: OpenRequest, reason: EndReason): void {
    this.#requests.remove(request, reason === "answered" ? "answered" : "given up");
    this.#due.remove(request);
    this.#turns?.leave(request);
    this.#tell({ kind: "ended", request: request.id, reason });
  }
}

function meritOf(
  { isGenuine, isLate, answersTaken }: OpenRequest,
  answer: CoapMessage,
): "genuine" | "late" | "doubtful" {
  if (isGenuine === undefined || isGenuine(answer)) return "genuine";
  return answersTaken === 0 && isLate?.(answer) ? "late" : "doubtful";
}
