// The forwarding half of a data aggregation point: it knows aliases, stations and sealed bytes, and holds no key.
import {
  bareAnswer,
  CODE,
  type CoapContent,
  type CoapMessage,
  findOption,
  isUnwanted,
  OPTION,
} from "../../../firmware/protocol/coap/message.ts";
import { type WholeEvent, WholeMessages } from "../../../firmware/protocol/coap/outer/whole-messages.ts";
import { transmitWaitMs } from "../../../firmware/protocol/coap/timing.ts";
import type { LinkSend, LinkTraits, Station } from "../../../hal/ports/link.ts";
import type { Random } from "../../../hal/ports/random.ts";
import type { Storage } from "../../../hal/ports/storage.ts";
import { FanOut } from "./fan-out.ts";
import { Holding, type HoldingCounters, type Named } from "./holding.ts";
import { type Asked, type Failure, Line, type Question } from "./line.ts";
import { Observations } from "./observations.ts";
import { mayGoBack, namedFor, passageOf, secondsOf } from "./passing.ts";
import type { Route, Routes } from "./routes.ts";
import { type DapSettings, HOLD_SECONDS_MAX } from "./settings.ts";

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
  readonly settings: DapSettings;
  /** Where what is held survives a restart. */
  readonly storage: Storage;
  readonly utcMs: () => number;
  /** When it starts, by the clock of the calls. */
  readonly startMs: number;
  /** True for a station that has proved of late to be a head-end that is trusted here. */
  readonly isOperator: (station: Station) => boolean;
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
  readonly holding: HoldingCounters;
}

/** What a request wants beside an answer. */
interface Wishes {
  readonly holdMs: number;
  readonly isBundled: boolean;
}

/** Clients wait 30 s through a DAP: so they hear that a meter does not answer, and not only silence. */
const PATIENCE_MS = 28_000;
/** How long members of a group have to answer, where the request does not say. */
const GATHER_SECONDS = 60;
/** Whoever wants longer has a tolerance. */
const GATHER_SECONDS_MAX = 600;
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
  readonly #fanOut: FanOut;
  readonly #holding: Holding;
  /** How long a request that is not held is followed. */
  readonly #patienceMs: number;
  readonly #counts = { requests: 0, answers: 0 };
  readonly #failures = { ...NO_FAILURES };

  constructor(parts: ForwarderParts) {
    this.#parts = parts;
    const random = parts.random.fork("north");
    this.#north = new WholeMessages({ random, traits: parts.north, settings: NORTH_SETTINGS });
    this.#lines = parts.lines.map((traits, i) => this.#newLine(traits, i));
    this.#observations = new Observations(this.#north);
    this.#fanOut = new FanOut(this.#north);
    this.#patienceMs = Math.min(transmitWaitMs(parts.north), PATIENCE_MS);
    this.#holding = new Holding(parts.startMs, {
      ...{ north: this.#north, storage: parts.storage, utcMs: parts.utcMs },
      membersOf: (alias) => this.#membersOf(alias) ?? [{ alias, route: undefined }],
      isBundled: (request) => this.#isBundled(request),
      ask: (nowMs, route, request, question) => this.#askHeld(nowMs, route, request, question),
      cancel: (nowMs, route, asked) => this.#lineOf(route).cancel(nowMs, asked),
      passable: (answer) => this.#passable(answer),
    });
  }

  /** A copy of the numbers as they are now. */
  get counters(): ForwarderCounters {
    return {
      ...this.#counts,
      notifications: this.#observations.notifications,
      failures: { ...this.#failures },
      holding: this.#holding.counters,
    };
  }

  /** Requests that are held now. */
  get held(): number {
    return this.#holding.size;
  }

  /** How many requests wait at each line and are under way, and who talks there without being asked. */
  get queues(): readonly Pick<Line, "waiting" | "underWay" | "unasked">[] {
    return this.#lines.map(({ waiting, underWay, unasked }) => ({ waiting, underWay, unasked }));
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
    this.#holding.wake(nowMs);
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
    let nextMs = Math.min(this.#north.nextWakeMs() ?? Number.POSITIVE_INFINITY, this.#holding.nextWakeMs());
    for (const line of this.#lines) nextMs = Math.min(nextMs, line.nextWakeMs());
    return nextMs === Number.POSITIVE_INFINITY ? undefined : nextMs;
  }

  #takeAll(nowMs: number): void {
    for (let event = this.#north.nextEvent(); event !== undefined; event = this.#north.nextEvent()) {
      if (event.kind === "request") this.#takeRequest(nowMs, event);
      else if (event.kind === "notified") {
        this.#observations.settled(nowMs, event);
        this.#holding.settled(nowMs, event);
      }
    }
  }

  #takeRequest(nowMs: number, arrived: Arrived): void {
    this.#counts.requests++;
    const passage = passageOf(arrived.message);
    if ("refusal" in passage) return this.#refuse(nowMs, arrived, passage.refusal, "malformed");
    const { alias, content } = passage;
    const { holdMs, isBundled } = this.#wishesOf(arrived);
    const route = this.#parts.routes.find(alias);
    const members = route === undefined ? this.#membersOf(alias) : undefined;
    if (route === undefined && members === undefined && !isBundled)
      return this.#refuse(nowMs, arrived, CODE.notFound, "no-route");
    const isPlain = holdMs === 0 && !isBundled;
    if (isPlain && route !== undefined) return this.#route(nowMs, arrived, route, content);
    if (!this.#parts.isOperator(arrived.from))
      return this.#refuse(nowMs, arrived, CODE.unauthorized, "not-allowed");
    if (isPlain) this.#distribute(nowMs, arrived, members ?? [], content);
    else this.#hold(nowMs, arrived, alias, holdMs);
  }

  /** A stranger's DAP does nothing but pass on; a request that is not held at its operator's word is passed on too. */
  #wishesOf({ from, message }: Arrived): Wishes {
    const { settings, isOperator } = this.#parts;
    const isObserving = findOption(message, OPTION.observe) !== undefined;
    if (settings.thirdParty || isObserving) return { holdMs: 0, isBundled: false };
    const isBundled = this.#isBundled(message);
    const tolerated = secondsOf(message, OPTION.delayTolerance) ?? 0;
    const isKept = settings.return === "hold" && isOperator(from);
    const usual = isBundled ? gatherSeconds(message) : isKept ? settings.holdSeconds : 0;
    return { holdMs: 1000 * Math.min(tolerated || usual, HOLD_SECONDS_MAX), isBundled };
  }

  #isBundled(request: CoapContent): boolean {
    const { thirdParty, return: how } = this.#parts.settings;
    return !thirdParty && how === "bundle" && findOption(request, OPTION.bundle) !== undefined;
  }

  /** One meter, or those of a group; undefined for a name that nobody knows here. */
  #membersOf(alias: string): readonly Named[] | undefined {
    const { routes, settings } = this.#parts;
    const route = routes.find(alias);
    if (route !== undefined) return [{ alias, route }];
    const members = settings.distribute === "fan-out" ? routes.groups.get(alias) : undefined;
    return members?.map((member) => ({ alias: member, route: routes.find(member) }));
  }

  /** It is acknowledged when it is durable, and not before. */
  #hold(nowMs: number, { exchange, from, message }: Arrived, alias: string, forMs: number): void {
    const { code, options, payload, token } = message;
    const request = { code, options, payload };
    if (this.#holding.hold(nowMs, { client: from, token, alias, request }, forMs) === "full") {
      this.#failures["queue-full"]++;
      return this.#north.refuse(nowMs, exchange, bareAnswer(CODE.serviceUnavailable));
    }
    this.#north.acknowledge(exchange);
    this.#north.silence(exchange);
  }

  #askHeld(
    nowMs: number,
    route: Route,
    request: CoapContent,
    question: Omit<Question, "station" | "content">,
  ): Asked {
    const passage = passageOf(request);
    // It has passed when it came.
    if ("refusal" in passage) throw new Error(`a held request that may not pass: ${passage.refusal}`);
    return this.#ask(nowMs, route, passage.content, question);
  }

  /** The same request to each member, by the member's own name. */
  #distribute(nowMs: number, arrived: Arrived, members: readonly Named[], content: CoapContent): void {
    const untilMs = nowMs + 1000 * gatherSeconds(arrived.message);
    const routes = members.flatMap(({ route }) => route ?? []);
    this.#fanOut.begin(
      arrived,
      routes.map((route) => (onAcknowledged, answered, failed) => {
        this.#ask(nowMs, route, content, {
          ...{ client: arrived.from, isOperators: true, untilMs, onAcknowledged },
          onAnswer: (_, answer) => {
            this.#counts.answers++;
            answered(this.#passable(answer));
          },
          onFailed: (atMs, failure) => {
            this.#failures[failure]++;
            failed(atMs);
          },
        });
      }),
    );
  }

  #newLine(traits: LinkTraits, i: number): Line {
    const random = this.#parts.random.fork(`line ${i}`);
    return new Line(traits, random, (nowMs, station) => this.#holding.heard(nowMs, i, station));
  }

  #lineOf({ line }: Route): Line {
    return this.#lines[line] as Line;
  }

  #ask(
    nowMs: number,
    route: Route,
    content: CoapContent,
    question: Omit<Question, "station" | "content">,
  ): Asked {
    const line = this.#lineOf(route);
    return line.ask(nowMs, { ...question, station: route.station, content: namedOn(line, route, content) });
  }

  #route(nowMs: number, arrived: Arrived, route: Route, content: CoapContent): void {
    const line = this.#lineOf(route);
    const asked = {
      client: arrived.from,
      isOperators: this.#parts.isOperator(arrived.from),
      station: route.station,
      content: namedOn(line, route, content),
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
    if (this.#parts.isOperator(from)) this.#north.respond(nowMs, exchange, passed);
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

/** A line whose stations are told apart by name has the name in each request. */
function namedOn(line: Line, { host }: Route, content: CoapContent): CoapContent {
  return line.namesStations ? namedFor(host, content) : content;
}

function gatherSeconds(request: CoapContent): number {
  return Math.min(secondsOf(request, OPTION.multicastTimeout) || GATHER_SECONDS, GATHER_SECONDS_MAX);
}
