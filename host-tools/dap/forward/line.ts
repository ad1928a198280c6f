// One link towards meters: who is asked next, and what comes of it.
import type { RequestOptions } from "../../../firmware/protocol/coap/client.ts";
import { messageBytes } from "../../../firmware/protocol/coap/codec.ts";
import { DueQueue, type Timed } from "../../../firmware/protocol/coap/due-queue.ts";
import type { CoapContent, CoapMessage } from "../../../firmware/protocol/coap/message.ts";
import { type WholeEvent, WholeMessages } from "../../../firmware/protocol/coap/outer/whole-messages.ts";
import type { RequestId } from "../../../firmware/protocol/coap/requests.ts";
import { ackTimeoutMs, transmitWaitMs } from "../../../firmware/protocol/coap/timing.ts";
import type { OutgoingDatagram } from "../../../firmware/protocol/endpoint.ts";
import type { LinkSend, LinkTraits, Station } from "../../../hal/ports/link.ts";
import type { Random } from "../../../hal/ports/random.ts";
import { FairQueue } from "./fair-queue.ts";

/** Why a request has no answer: nobody answered in time, the link is down, too much waits, or it fits no message. */
export type Failure = "no-answer" | "line-down" | "queue-full" | "refused";

/** What is asked of a meter. */
export interface Question {
  /** For whom. */
  readonly client: Station;
  /** Of one who has proved to run the DAP: strangers do not take his turns, whatever they ask. */
  readonly isOperators: boolean;
  readonly station: Station;
  readonly content: CoapContent;
  /** It is given up then, whether it waits or is under way. */
  readonly untilMs: number;
  readonly answers?: RequestOptions["answers"];
  /** Of one with many answers: when no more are waited for; the first must have come by `untilMs`. */
  readonly lastsUntilMs?: number;
  /** An earlier one of {@link Line.ask}, whose token it takes over and which ends in silence. */
  readonly replaces?: Asked | undefined;
  /** The meter said that it has it, and answers later. */
  readonly onAcknowledged?: () => void;
  readonly onAnswer: (nowMs: number, answer: CoapMessage) => void;
  /** Once, where no answer came; not for one that is cancelled or replaced. */
  readonly onFailed: (nowMs: number, failure: Failure) => void;
}

/** A question from its being asked to its end. */
export interface Asked extends Timed {
  readonly client: Station;
  readonly bytes: number;
  readonly question: Question;
  /** While it is under way. */
  request: RequestId | undefined;
  /** It has its turn until its first answer, or its end. */
  hasTurn: boolean;
}

/** A router has as many open as its meters: thousands, and some that are watched. */
const OPEN_MAX = 8192;
/** On a line with a rate: one is asked while others answer, and none waits for the air too long. */
const TURNS_OF_SLOW = 4;
/** CoAP has one at a time on the line, and others between the copies for one that does not answer. */
const TURNS_OF_SHARED = 8;
/** Of the turns of a line: the rest is free for operators, however many others there are. */
const SHARE_OF_OTHERS = 3 / 4;
/** A block of a thousand meters, asked by four head-ends at once. */
const QUEUE_LIMITS = { perClient: 1024, most: 4096, bytes: 1_048_576 };
/** On a line for one at a time: so long that what was lost is repeated once, then another one has its turn. */
const TURN_TIMEOUTS = 4;
/** A link that took nothing for a station is tried again so much later. */
const DOWN_MS = 1000;

/** The meters of one link. Where they share it few are asked at a time, and whoever does not answer stops nobody. */
export class Line {
  readonly traits: LinkTraits;
  readonly #coap: WholeMessages;
  readonly #turnsMax: number;
  /** Operators' questions and others' are asked in turn. */
  readonly #queues = {
    operators: new FairQueue<Asked>(QUEUE_LIMITS),
    others: new FairQueue<Asked>(QUEUE_LIMITS),
  };
  #next: "operators" | "others" = "operators";
  /** Of all that wait, for their turn or for the first of many answers, so that none waits for ever. */
  readonly #waiting = new DueQueue<Asked>();
  readonly #open = new Map<RequestId, Asked>();
  #turns = 0;
  readonly #heardOf: (nowMs: number, station: Station) => void;
  /** Stations that the link did not reach of late, and until when that counts. */
  readonly #down = new Map<Station, number>();

  /** `heardOf` is told whenever a station has said something. */
  constructor(traits: LinkTraits, random: Random, heardOf: (nowMs: number, station: Station) => void) {
    this.traits = traits;
    this.#turnsMax = turnsOf(traits);
    this.#heardOf = heardOf;
    const settings = { openRequests: OPEN_MAX, takenAnswers: OPEN_MAX };
    this.#coap = new WholeMessages({ random, traits, settings });
  }

  /** Questions that wait for their turn. */
  get waiting(): number {
    return this.#queues.operators.length + this.#queues.others.length;
  }

  get underWay(): number {
    return this.#open.size;
  }

  /** True where one Uri-Host tells a station from the others. */
  get namesStations(): boolean {
    return this.traits.addressing === "uri-host";
  }

  /** Messages that nobody waited for, by whom they seem to be of: stations that talk without being asked. */
  get unasked(): Readonly<Record<string, number>> {
    const talkers = this.#coap.stationRecords.filter(({ unasked }) => unasked > 0);
    return Object.fromEntries(talkers.map(({ host = "?", unasked }) => [host, unasked]));
  }

  /** True while the link does not reach a station. */
  isDown(nowMs: number, station: Station): boolean {
    return nowMs < (this.#down.get(station) ?? nowMs);
  }

  /** Asks when it is its turn. What cannot even wait fails at once. */
  ask(nowMs: number, question: Question): Asked {
    const bytes = messageBytes(question.content, 0);
    const { client } = question;
    const timed = { dueMs: Number.POSITIVE_INFINITY, place: -1 };
    const asked: Asked = { client, bytes, question, request: undefined, hasTurn: false, ...timed };
    if (this.isDown(nowMs, question.station)) question.onFailed(nowMs, "line-down");
    else if (!this.#queueOf(asked).add(asked)) question.onFailed(nowMs, "queue-full");
    else {
      this.#waiting.set(asked, question.untilMs);
      this.#askNext(nowMs);
    }
    return asked;
  }

  /** Nobody wants to know any more; no word of it follows. */
  cancel(nowMs: number, asked: Asked): void {
    this.#leaveQueue(asked);
    const { request } = asked;
    if (request === undefined) return;
    this.#close(asked);
    this.#coap.cancel(request);
    this.#askNext(nowMs);
  }

  receive(nowMs: number, from: Station, datagram: Uint8Array): void {
    this.#down.delete(from);
    this.#coap.receive(nowMs, from, datagram);
    this.#takeAll(nowMs);
    this.#heardOf(nowMs, from);
  }

  wake(nowMs: number): void {
    this.#coap.wake(nowMs);
    this.#takeAll(nowMs);
    for (let asked = this.#waiting.due(nowMs); asked !== undefined; asked = this.#waiting.due(nowMs)) {
      this.cancel(nowMs, asked);
      asked.question.onFailed(nowMs, "no-answer");
    }
  }

  nextDatagram(): OutgoingDatagram | undefined {
    return this.#coap.nextDatagram();
  }

  /** Infinity when nothing is pending. */
  nextWakeMs(): number {
    return Math.min(this.#waiting.nextMs, this.#coap.nextWakeMs() ?? Number.POSITIVE_INFINITY);
  }

  /** What the link said to a datagram of ours. */
  sent(nowMs: number, to: Station, result: LinkSend): void {
    if (result === "down") this.#down.set(to, nowMs + DOWN_MS);
    else if (result === "queued") this.#down.delete(to);
  }

  #leaveQueue(asked: Asked): void {
    this.#waiting.remove(asked);
    this.#queueOf(asked).remove(asked);
  }

  #askNext(nowMs: number): void {
    while (this.#turns < this.#turnsMax) {
      const asked = this.#takeNext();
      if (asked === undefined) return;
      this.#waiting.remove(asked);
      this.#send(nowMs, asked);
    }
  }

  /** Whoever has nothing to ask leaves his turn to the others; these never have the last of many turns. */
  #takeNext(): Asked | undefined {
    const { operators, others } = this.#queues;
    const isForOperators = this.#next === "operators" || this.#turns >= this.#turnsMax * SHARE_OF_OTHERS;
    this.#next = isForOperators ? "others" : "operators";
    const first = (isForOperators ? operators : others).take();
    if (first !== undefined || (isForOperators && this.#isReserved)) return first;
    return (isForOperators ? others : operators).take();
  }

  /** True while what is free is for operators alone. */
  get #isReserved(): boolean {
    return this.#turnsMax > 1 && this.#turns >= this.#turnsMax * SHARE_OF_OTHERS;
  }

  #queueOf({ question }: Asked): FairQueue<Asked> {
    return question.isOperators ? this.#queues.operators : this.#queues.others;
  }

  #send(nowMs: number, asked: Asked): void {
    const { station, content, answers = "one", replaces, onAcknowledged, onFailed } = asked.question;
    const { lastsUntilMs } = asked.question;
    const untilMs = lastsUntilMs ?? this.#turnEndMs(nowMs, asked);
    const request = this.#coap.request(nowMs, station, content, {
      untilMs,
      answers,
      onAcknowledged,
      replaces: replaces?.request,
      tokenBytes: tokenBytesOn(this.traits),
    });
    if (replaces !== undefined) this.#close(replaces);
    if (request === undefined) return onFailed(nowMs, "queue-full");
    asked.request = request;
    asked.hasTurn = true;
    this.#turns++;
    this.#open.set(request, asked);
    if (lastsUntilMs !== undefined) this.#waiting.set(asked, asked.question.untilMs);
  }

  #turnEndMs(nowMs: number, { question, bytes }: Asked): number {
    const tryMs = this.#isForOne
      ? TURN_TIMEOUTS * ackTimeoutMs(this.traits, bytes)
      : transmitWaitMs(this.traits);
    return Math.min(question.untilMs, nowMs + tryMs);
  }

  get #isForOne(): boolean {
    return this.#turnsMax === 1;
  }

  #close(asked: Asked): void {
    if (asked.request !== undefined) this.#open.delete(asked.request);
    asked.request = undefined;
    this.#waiting.remove(asked);
    this.#endTurn(asked);
  }

  #endTurn(asked: Asked): void {
    if (asked.hasTurn) this.#turns--;
    asked.hasTurn = false;
  }

  #takeAll(nowMs: number): void {
    for (let event = this.#coap.nextEvent(); event !== undefined; event = this.#coap.nextEvent())
      this.#take(nowMs, event);
  }

  #take(nowMs: number, event: WholeEvent): void {
    // A meter asks nothing of a router.
    if (event.kind === "request") return this.#coap.silence(event.exchange);
    if (event.kind === "notified" || event.kind === "doubt" || event.kind === "unacknowledged") return;
    const asked = this.#open.get(event.request);
    if (asked === undefined) return;
    if (event.kind === "answer") {
      this.#waiting.remove(asked);
      this.#endTurn(asked);
      asked.question.onAnswer(nowMs, event.message);
    } else {
      const isAnswered = !asked.hasTurn;
      this.#close(asked);
      if (!isAnswered) this.#unanswered(nowMs, asked, event.reason === "reset" ? "refused" : "no-answer");
    }
    this.#askNext(nowMs);
  }

  /** Its turn is over; while there is time it has another one. */
  #unanswered(nowMs: number, asked: Asked, failure: Failure): void {
    const { untilMs, onFailed } = asked.question;
    const isNext = this.#isForOne && failure === "no-answer" && nowMs < untilMs;
    if (!isNext || !this.#queueOf(asked).add(asked)) return onFailed(nowMs, failure);
    this.#waiting.set(asked, untilMs);
  }
}

/**
 * By its token alone a router tells whose answer something is: on a network, where anybody can send in a meter's name, it
 * is hard to guess, and none of before a restart comes again. On a line each byte takes its time.
 */
function tokenBytesOn({ addressing, bitsPerSecond }: LinkTraits): 1 | 2 | 4 {
  if (addressing === "uri-host") return 2;
  return bitsPerSecond === undefined ? 4 : 1;
}

/** How many may have their turn at a time. */
function turnsOf({ addressing, halfDuplex, bitsPerSecond }: LinkTraits): number {
  if (addressing === "uri-host") return TURNS_OF_SHARED;
  if (halfDuplex) return 1;
  return bitsPerSecond === undefined ? OPEN_MAX : TURNS_OF_SLOW;
}
