// The forwarding half of a data aggregation point: it knows aliases, stations and sealed bytes, and holds no key.
import {
  bareAnswer,
  CODE,
  type CoapContent,
  type CoapMessage,
  isUnwanted,
} from "../../../firmware/protocol/coap/message.ts";
import { type WholeEvent, WholeMessages } from "../../../firmware/protocol/coap/outer/whole-messages.ts";
import { transmitWaitMs } from "../../../firmware/protocol/coap/timing.ts";
import type { LinkSend, LinkTraits, Station } from "../../../hal/ports/link.ts";
import type { Random } from "../../../hal/ports/random.ts";
import { type Failure, Line } from "./line.ts";
import { Observations } from "./observations.ts";
import { mayGoBack, namedFor, passageOf } from "./passing.ts";
import type { Route, Routes } from "./routes.ts";

/** A datagram that is to leave, and by which link: 0 is the one towards head-ends, others count from 1. */
export interface RoutedDatagram {
  readonly link: number;
  readonly to: Station;
  readonly bytes: Uint8Array;
}

/** What a forwarder stands on. */
export interface ForwarderParts {
  readonly random: Random;
  /** Of the link towards head-ends. */
  readonly north: LinkTraits;
  /** Of the links towards meters: that of `line` 0 of a route is link 1. */
  readonly lines: readonly LinkTraits[];
  readonly routes: Routes;
  /** True for a station that has proved of late to be a head-end that is trusted here. */
  readonly isOperator: (nowMs: number, station: Station) => boolean;
}

/** A request as it came. */
export type Arrived = Extract<WholeEvent, { kind: "request" }>;

/** Why requests were not passed on, or had no answer. */
export type ForwardFailure = Failure | "no-route" | "not-allowed" | "malformed" | "not-to-pass";

/** Since the start; numbers only grow. */
export interface ForwarderCounters {
  readonly requests: number;
  readonly answers: number;
  readonly notifications: number;
  readonly failures: Readonly<Record<ForwardFailure, number>>;
}

/** Thousands of meters, each asked some times within the minutes in which a copy may come. */
const NORTH_SETTINGS = {
  exchanges: 16_384,
  exchangeBytes: 16_777_216,
  acknowledges: "when told",
  hosts: "many",
  longAnswers: { perStation: 1024, most: 4096 },
} as const;

const FAILURE_CODES: Readonly<Record<Failure, number>> = {
  "no-answer": CODE.gatewayTimeout,
  "line-down": CODE.gatewayTimeout,
  "queue-full": CODE.serviceUnavailable,
  refused: CODE.badGateway,
};

const NO_FAILURES: Readonly<Record<ForwardFailure, number>> = {
  "no-answer": 0,
  "line-down": 0,
  "queue-full": 0,
  refused: 0,
  "no-route": 0,
  "not-allowed": 0,
  malformed: 0,
  "not-to-pass": 0,
};

/** Passes requests to the meters that they name and answers back, without I/O. Nothing that comes in makes it throw. */
export class Forwarder {
  readonly #parts: ForwarderParts;
  readonly #north: WholeMessages;
  readonly #lines: readonly Line[];
  readonly #observations: Observations;
  /** A client has given up by then. */
  readonly #patienceMs: number;
  readonly #counts = { requests: 0, answers: 0 };
  readonly #failures = { ...NO_FAILURES };

  constructor(parts: ForwarderParts) {
    this.#parts = parts;
    const random = parts.random.fork("north");
    this.#north = new WholeMessages({ random, traits: parts.north, settings: NORTH_SETTINGS });
    this.#lines = parts.lines.map((traits, i) => new Line(traits, parts.random.fork(`line ${i}`), () => {}));
    this.#observations = new Observations(this.#north);
    this.#patienceMs = transmitWaitMs(parts.north);
  }

  /** A copy of the numbers as they are now. */
  get counters(): ForwarderCounters {
    return {
      ...this.#counts,
      notifications: this.#observations.notifications,
      failures: { ...this.#failures },
    };
  }

  /** How many requests wait at each line, and how many are under way. */
  get queues(): readonly { readonly waiting: number; readonly underWay: number }[] {
    return this.#lines.map(({ waiting, underWay }) => ({ waiting, underWay }));
  }

  receive(nowMs: number, link: number, from: Station, datagram: Uint8Array): void {
    if (link > 0) return this.#lines[link - 1]?.receive(nowMs, from, datagram);
    this.#north.receive(nowMs, from, datagram);
    this.#takeAll(nowMs);
  }

  wake(nowMs: number): void {
    this.#north.wake(nowMs);
    this.#takeAll(nowMs);
    for (const line of this.#lines) line.wake(nowMs);
  }

  nextDatagram(): RoutedDatagram | undefined {
    const out = this.#north.nextDatagram();
    if (out !== undefined) return { link: 0, ...out };
    for (const [i, line] of this.#lines.entries()) {
      const south = line.nextDatagram();
      if (south !== undefined) return { link: i + 1, ...south };
    }
    return undefined;
  }

  /** What a link said to a datagram of {@link nextDatagram}. */
  sent(nowMs: number, { link, to }: RoutedDatagram, result: LinkSend): void {
    if (link > 0) this.#lines[link - 1]?.sent(nowMs, to, result);
  }

  nextWakeMs(): number | undefined {
    let nextMs = this.#north.nextWakeMs() ?? Number.POSITIVE_INFINITY;
    for (const line of this.#lines) nextMs = Math.min(nextMs, line.nextWakeMs());
    return nextMs === Number.POSITIVE_INFINITY ? undefined : nextMs;
  }

  #takeAll(nowMs: number): void {
    for (let event = this.#north.nextEvent(); event !== undefined; event = this.#north.nextEvent()) {
      if (event.kind === "request") this.#takeRequest(nowMs, event);
      else if (event.kind === "notified") this.#observations.settled(nowMs, event);
    }
  }

  #takeRequest(nowMs: number, arrived: Arrived): void {
    this.#counts.requests++;
    const passage = passageOf(arrived.message);
    if ("refusal" in passage) return this.#refuse(nowMs, arrived, passage.refusal, "malformed");
    const route = this.#parts.routes.find(passage.alias);
    if (route === undefined) return this.#refuse(nowMs, arrived, CODE.notFound, "no-route");
    this.#route(nowMs, arrived, route, passage.content);
  }

  #route(nowMs: number, arrived: Arrived, route: Route, content: CoapContent): void {
    const line = this.#lines[route.line] as Line;
    const named = line.namesStations ? namedFor(route.host, content) : content;
    const asked = {
      ...{ client: arrived.from, station: route.station, content: named },
      untilMs: nowMs + this.#patienceMs,
      onAcknowledged: () => this.#north.acknowledge(arrived.exchange),
      onAnswer: (atMs: number, answer: CoapMessage) => this.#answer(atMs, arrived, answer),
      onFailed: (atMs: number, failure: Failure) => this.#fail(atMs, arrived, failure),
    };
    if (this.#observations.take(nowMs, arrived, route.alias, line, asked)) return;
    line.ask(nowMs, asked);
  }

  /** To the client that asked, and in pieces of which none is three times its question where nobody knows who it is. */
  #answer(nowMs: number, { from, exchange }: Arrived, answer: CoapContent): void {
    const passed = this.#passable(answer);
    this.#counts.answers++;
    if (this.#parts.isOperator(nowMs, from)) this.#north.respond(nowMs, exchange, passed);
    else this.#north.greet(nowMs, exchange, passed);
  }

  #passable({ code, options, payload }: CoapContent): CoapContent {
    const answer = { code, options, payload };
    if (mayGoBack(answer)) return answer;
    this.#failures["not-to-pass"]++;
    return bareAnswer(CODE.badGateway);
  }

  #fail(nowMs: number, { message, exchange }: Arrived, failure: Failure): void {
    this.#failures[failure]++;
    const code = FAILURE_CODES[failure];
    if (isUnwanted(message, code)) this.#north.silence(exchange);
    else this.#north.respond(nowMs, exchange, bareAnswer(code));
  }

  #refuse(nowMs: number, { exchange }: Arrived, code: number, failure: ForwardFailure): void {
    this.#failures[failure]++;
    this.#north.refuse(nowMs, exchange, bareAnswer(code));
  }
}
