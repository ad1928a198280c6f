// The head-end as programs use it: asks meters over one link and checks what they answer.

import type { Identity } from "../../firmware/identity/identity.ts";
import type { TrustList } from "../../firmware/identity/trust.ts";
import type { ClientKeeping } from "../../firmware/protocol/asking-sessions.ts";
import type { Ask, ClientEvent, HandshakeSize } from "../../firmware/protocol/asks.ts";
import { equal } from "../../firmware/protocol/bytes.ts";
import {
  CODE,
  type CoapContent,
  FORMAT,
  OPTION,
  resourceRequest,
  withOptions,
} from "../../firmware/protocol/coap/message.ts";
import type { Credential } from "../../firmware/protocol/cose/credential.ts";
import { Drive } from "../../firmware/protocol/drive.ts";
import type { EpochMemory } from "../../firmware/protocol/epochs.ts";
import {
  type ClockReading,
  type ClockSet,
  type ClockSetOutcome,
  decodeClockReading,
  decodeClockSetOutcome,
  encodeClockSet,
} from "../../firmware/protocol/readings/clock-reading.ts";
import {
  decodeEventReading,
  type EventReading,
  type EventRequest,
  encodeEventRequest,
} from "../../firmware/protocol/readings/event-reading.ts";
import { INTERVALS_PER_BLOCK_MAX, type Interval } from "../../firmware/protocol/readings/interval.ts";
import {
  decodeKeyState,
  encodeRotationStep,
  type KeyState,
  type RotationStep,
} from "../../firmware/protocol/readings/key-rotation.ts";
import { decodeNameplate, type Nameplate } from "../../firmware/protocol/readings/nameplate.ts";
import type { Obis } from "../../firmware/protocol/readings/obis.ts";
import {
  decodeProfileReading,
  encodeProfileRequest,
  type ProfileRequest,
  periodSecondsOf,
} from "../../firmware/protocol/readings/profile-reading.ts";
import {
  decodeRegisterReading,
  encodeRegisterRequest,
  type RegisterReading,
} from "../../firmware/protocol/readings/register-reading.ts";
import { DEFAULT_REGISTERS } from "../../firmware/protocol/readings/register-table.ts";
import { decodeRelayReading, type RelayReading } from "../../firmware/protocol/readings/relay-reading.ts";
import { decodeSenml, type SenmlRecord } from "../../firmware/protocol/readings/senml-reading.ts";
import type { Statement } from "../../firmware/protocol/readings/statement.ts";
import {
  encodeStatementRequest,
  type StatementRequest,
} from "../../firmware/protocol/readings/statement-request.ts";
import type { TariffPlan } from "../../firmware/protocol/readings/tariff.ts";
import { decodeTariffPlan, encodeTariffPlan } from "../../firmware/protocol/readings/tariff-table.ts";
import { SecureClient } from "../../firmware/protocol/secure-client.ts";
import type { PresetContext } from "../../firmware/protocol/sessions.ts";
import type { Clock } from "../../hal/ports/clock.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { Link, Station } from "../../hal/ports/link.ts";
import type { Random } from "../../hal/ports/random.ts";
import type { HeadEndError } from "./errors.ts";
import { failure, unknownForm, unwanted } from "./failures.ts";
import { GuardedEpochs } from "./guarded-epochs.ts";
import { readStatement, type SignedStatement } from "./statements.ts";
import { type StopWatch, type Watcher, Watching } from "./watching.ts";

/** Whom to ask, how people call it, which meter must be there, and how long to wait for each answer. */
export interface Target {
  readonly station: Station;
  readonly name: string;
  readonly expect?: string;
  readonly timeoutMs: number;
}

/** What one or more exchanges took: CoAP bytes without those of a handshake, and time. */
export interface ExchangeSize {
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly milliseconds: number;
  /** Present where these exchanges began with a handshake. */
  readonly handshake?: HandshakeSize;
}

/** An answer whose sender proved to be `meter`. */
export interface Answer<Body> {
  readonly meter: string;
  readonly body: Body;
  readonly size: ExchangeSize;
}

/** An interval with its start, UTC in seconds. */
export interface TimedInterval extends Interval {
  readonly startSeconds: number;
}

/** What a head-end stands on, and whom it serves. */
export interface HeadEndParts {
  readonly link: Link;
  readonly clock: Clock;
  readonly crypto: CryptoEngine;
  readonly random: Random;
  readonly identity: Identity;
  readonly trust: TrustList;
  /** Called before each ask, and as a watch is told of, to bring `trust` up to date; what it throws is how that ends. */
  readonly refreshTrust?: () => void;
  /** A context that needs no EDHOC; development only. */
  readonly preset?: PresetContext;
  /** Told whenever a meter has proved its key in a handshake. */
  readonly onProved?: (meter: Credential) => void;
  /** Where sessions outlive this head-end; without it they end with it. */
  readonly keeping?: ClientKeeping | undefined;
  /** Remembers which starts meters have told of, as a {@link Registry} does; without it, as long as this head-end lives. */
  readonly epochs?: EpochMemory | undefined;
}

/** What to ask, and how long the answer will be at the most, where that is known. */
type Question = Pick<Ask, "content" | "answerBytes" | "nextKey">;

/** An answer's CoAP, OSCORE and CBOR around its values; a register's room, an interval's at the usual padding, an event. */
const ANSWER_BYTES = 40;
const REGISTER_BYTES = 7;
const INTERVAL_BYTES = 1.5;
const EVENT_BYTES = 26;
/** A meter that has more to tell tells it in the next one, after some seconds. */
const EVENTS_PER_NOTIFICATION = 16;
/** A name and a unit with each value. */
const SENML_RECORD_BYTES = 40;
/** All of a statement but its registers, with the longest names; a register with its name, unit and time. */
const STATEMENT_BYTES = 340;
const STATED_REGISTER_BYTES = 26;
/** Two of the largest tables stay within a message of this size (RFC 7252 4.6). */
const TARIFF_BYTES = 1024;

type Outcome = Exclude<ClientEvent, { kind: "notification" }>;

/** Asks any number of meters over one link. Handshakes happen by themselves. */
export class HeadEnd {
  readonly #client: SecureClient;
  readonly #drive: Drive<ClientEvent>;
  readonly #clock: Clock;
  readonly #onProved: (meter: Credential) => void;
  readonly #refreshTrust: () => void;
  readonly #trustIs: "credentials" | "preset";
  readonly #waiting = new Map<number, (outcome: Outcome) => void>();
  readonly #watching: Watching;
  readonly #epochs: GuardedEpochs | undefined;

  constructor({ link, clock, onProved = () => {}, refreshTrust = () => {}, ...parts }: HeadEndParts) {
    this.#clock = clock;
    this.#refreshTrust = refreshTrust;
    this.#onProved = onProved;
    this.#trustIs = parts.preset === undefined ? "credentials" : "preset";
    this.#epochs = parts.epochs && new GuardedEpochs(parts.epochs);
    this.#client = new SecureClient({ ...parts, epochs: this.#epochs, traits: link.traits });
    this.#drive = new Drive(this.#client, link, clock, (event) => this.#take(event));
    this.#watching = new Watching({
      client: this.#client,
      drive: this.#drive,
      clock,
      trustIs: this.#trustIs,
      epochs: this.#epochs,
      isWanted: (peer) => {
        refreshTrust();
        return parts.preset !== undefined || parts.trust.has(peer);
      },
    });
  }

  /** Registers in the order asked for; without any, the meter's default set. Rejects with {@link HeadEndError}. */
  async readRegisters(target: Target, registers: readonly Obis[] = []): Promise<Answer<RegisterReading>> {
    const content = registerRequest(registers);
    const wanted = registers.length === 0 ? DEFAULT_REGISTERS : registers;
    const answerBytes = ANSWER_BYTES + REGISTER_BYTES * wanted.length;
    return this.#ask(target, { content, answerBytes }, (body) => decodeRegisterReading(body, wanted));
  }

  /** The same as a SenML pack (RFC 8428): only values that are known and of now. Rejects with {@link HeadEndError}. */
  async readSenml(target: Target, registers: readonly Obis[] = []): Promise<Answer<SenmlRecord[]>> {
    const accept = { number: OPTION.accept, value: Uint8Array.of(FORMAT.senmlCbor) };
    const content = withOptions(registerRequest(registers), accept);
    const answerBytes = ANSWER_BYTES + SENML_RECORD_BYTES * Math.max(1, registers.length);
    return this.#ask(target, { content, answerBytes }, decodeSenml);
  }

  /**
   * The intervals of one request, `count` from 1 to 96. Rejects with {@link HeadEndError}.
   */
  async readProfile(target: Target, request: ProfileRequest): Promise<Answer<TimedInterval[]>> {
    const content = resourceRequest(CODE.fetch, "p", encodeProfileRequest(request));
    const answerBytes = ANSWER_BYTES + INTERVAL_BYTES * request.count;
    return this.#ask(target, { content, answerBytes }, (body) => {
      const reading = decodeProfileReading(body, request);
      return reading?.intervals.map((interval, i) => ({
        ...interval,
        startSeconds: reading.startSeconds + i * periodSecondsOf(request),
      }));
    });
  }

  /** The meter's nameplate. Rejects with {@link HeadEndError}. */
  async readNameplate(target: Target): Promise<Answer<Nameplate>> {
    return this.#ask(target, { content: resourceRequest(CODE.get, "i") }, decodeNameplate);
  }

  /**
   * Events of one log. The meter takes all before `from` for read: who has not read them asks from an earlier one.
   * Rejects with {@link HeadEndError}.
   */
  async readEvents(target: Target, request: EventRequest): Promise<Answer<EventReading>> {
    const content = resourceRequest(CODE.fetch, "e", encodeEventRequest(request));
    const answerBytes = ANSWER_BYTES + EVENT_BYTES * request.count;
    return this.#ask(target, { content, answerBytes }, (body) => decodeEventReading(body, request));
  }

  /** What the meter knows of its time. Rejects with {@link HeadEndError}. */
  async readClock(target: Target): Promise<Answer<ClockReading>> {
    return this.#ask(target, { content: resourceRequest(CODE.get, "c") }, decodeClockReading);
  }

  /** The meter's tariff tables. Rejects with {@link HeadEndError}. */
  async readTariff(target: Target): Promise<Answer<TariffPlan>> {
    const content = resourceRequest(CODE.get, "t");
    return this.#ask(target, { content, answerBytes: TARIFF_BYTES }, decodeTariffPlan);
  }

  /** Sets the meter's clock by the challenge of the reading just before. Rejects with {@link HeadEndError}. */
  async setClock(target: Target, set: ClockSet): Promise<Answer<ClockSetOutcome>> {
    const content = resourceRequest(CODE.put, "c", encodeClockSet(set));
    return this.#ask(target, { content }, decodeClockSetOutcome, CODE.changed);
  }

  /** How the meter's relay stands. Rejects with {@link HeadEndError}. */
  async readRelay(target: Target): Promise<Answer<RelayReading>> {
    return this.#ask(target, { content: resourceRequest(CODE.get, "l") }, decodeRelayReading);
  }

  /** Has the relay switched by what an operator has signed. Rejects with {@link HeadEndError}. */
  async orderRelay(target: Target, signedOrder: Uint8Array): Promise<Answer<"done">> {
    const content = resourceRequest(CODE.put, "l", signedOrder);
    return this.#ask(target, { content }, emptyBody, CODE.changed);
  }

  /** The meter's keys: the one that it goes by, and the one that is to take its place. Rejects with {@link HeadEndError}. */
  async readKeys(target: Target, nextKey?: Credential): Promise<Answer<KeyState>> {
    return this.#ask(target, { content: resourceRequest(CODE.get, "x"), nextKey }, decodeKeyState);
  }

  /** Takes a step of a key's rotation, the last one by the next key itself. Rejects with {@link HeadEndError}. */
  async rotateKey(target: Target, step: RotationStep, nextKey?: Credential): Promise<Answer<KeyState>> {
    const content = resourceRequest(CODE.put, "x", encodeRotationStep(step));
    return this.#ask(target, { content, nextKey }, decodeKeyState, CODE.changed);
  }

  /** Gives the meter another tariff plan. Rejects with {@link HeadEndError}. */
  async setTariff(target: Target, plan: TariffPlan): Promise<Answer<"done">> {
    const content = resourceRequest(CODE.put, "t", encodeTariffPlan(plan));
    return this.#ask(target, { content }, emptyBody, CODE.changed);
  }

  /**
   * What the meter states of its registers, signed for others to keep: `challenge` is to be fresh. That the signature
   * holds is for {@link verifyStatement} to say. Rejects with {@link HeadEndError}.
   */
  async readStatement(target: Target, request: StatementRequest): Promise<Answer<SignedStatement>> {
    const content = resourceRequest(CODE.fetch, "s", encodeStatementRequest(request));
    const answerBytes = STATEMENT_BYTES + STATED_REGISTER_BYTES * request.registers.length;
    return this.#ask(target, { content, answerBytes }, (body) => {
      const read = readStatement(body);
      return "fault" in read || !answers(read.statement, request) ? undefined : read;
    });
  }

  /** Registers at once and then at the meter's period, until it is stopped or comes to an end. */
  watchRegisters(target: Target, registers: readonly Obis[], watcher: Watcher<RegisterReading>): StopWatch {
    const wanted = registers.length === 0 ? DEFAULT_REGISTERS : registers;
    const content = registerRequest(registers);
    const answerBytes = ANSWER_BYTES + REGISTER_BYTES * wanted.length;
    const decode = (body: Uint8Array) => decodeRegisterReading(body, wanted);
    return this.#watching.watch(target, { content, answerBytes, decode }, watcher);
  }

  /** Events of one log from a number on, as they are logged; the meter takes none for read by that. */
  watchEvents(
    target: Target,
    { log, from }: Omit<EventRequest, "count">,
    watcher: Watcher<EventReading>,
  ): StopWatch {
    const count = EVENTS_PER_NOTIFICATION;
    const ask = (first: number) =>
      resourceRequest(CODE.fetch, "e", encodeEventRequest({ log, from: first, count }));
    const decode = (body: Uint8Array) => decodeEventReading(body, { log, from, count });
    // Should the meter forget its observer, it goes on after what it told.
    const next = ({ events }: EventReading) => {
      const last = events.at(-1);
      return last && ask(last.sequence + 1);
    };
    const answerBytes = ANSWER_BYTES + EVENT_BYTES * count;
    return this.#watching.watch(target, { content: ask(from), answerBytes, decode, next }, watcher);
  }

  /** Ends all that is under way; the link is its owner's to close, and so is what keeps sessions. */
  close(): void {
    this.#drive.stop();
    this.#client.settle();
  }

  async #ask<Body>(
    target: Target,
    question: Question,
    decode: (body: Uint8Array) => Body | undefined,
    wanted: number = CODE.content,
  ): Promise<Answer<Body>> {
    this.#refreshTrust();
    const startMs = this.#clock.monotonicMs();
    const outcome = await this.#exchange(target, question);
    if (outcome.kind === "failed")
      throw (
        this.#epochs?.troubleBehind(outcome.reason) ??
        failure(outcome.reason, target, this.#trustIs, outcome.peer)
      );
    const { peer, content: answer, requestBytes, responseBytes } = outcome;
    if (answer.code !== wanted) throw unwanted(answer, target);
    const body = decode(answer.payload);
    if (body === undefined) throw unknownForm(target);
    const milliseconds = this.#clock.monotonicMs() - startMs;
    const size = { requestBytes, responseBytes, milliseconds, ...handshakeSize(outcome) };
    return { meter: peer.id, body, size };
  }

  #exchange({ station, expect, timeoutMs }: Target, question: Question): Promise<Outcome> {
    return new Promise((resolve) => {
      const nowMs = this.#clock.monotonicMs();
      const ask = this.#client.ask(nowMs, {
        to: station,
        ...question,
        untilMs: nowMs + timeoutMs,
        ...(expect !== undefined && { expect }),
      });
      if (ask === undefined) return resolve({ kind: "failed", ask: -1, reason: "busy" });
      this.#waiting.set(ask, resolve);
      this.#drive.run();
    });
  }

  #take(event: ClientEvent): void {
    const proved = provedBy(event);
    if (proved !== undefined) this.#onProved(proved);
    if (this.#watching.take(event) || event.kind === "notification") return;
    const resolve = this.#waiting.get(event.ask);
    this.#waiting.delete(event.ask);
    resolve?.(event);
  }
}

function emptyBody(body: Uint8Array): "done" | undefined {
  return body.length === 0 ? "done" : undefined;
}

function provedBy(event: ClientEvent): Credential | undefined {
  if (event.kind === "notification") return event.proved;
  return event.kind === "answer" ? event.handshake?.proved : undefined;
}

/** True for a statement of just what was asked for, made for this question. */
function answers({ challenge, entries, month }: Statement, request: StatementRequest): boolean {
  const stated = entries.map(({ register }) => register);
  const isOfMonth = month?.year === request.month?.year && month?.month === request.month?.month;
  return equal(challenge, request.challenge) && String(stated) === String(request.registers) && isOfMonth;
}

function registerRequest(registers: readonly Obis[]): CoapContent {
  if (registers.length === 0) return resourceRequest(CODE.get, "r");
  return resourceRequest(CODE.fetch, "r", encodeRegisterRequest(registers));
}

function handshakeSize({ handshake }: Extract<Outcome, { kind: "answer" }>): Pick<ExchangeSize, "handshake"> {
  if (handshake === undefined) return {};
  const { proved: _, ...size } = handshake;
  return { handshake: size };
}

/** Spans longer than one request holds, cut into requests of at most 96 intervals each. */
export function profileRequests(request: ProfileRequest): ProfileRequest[] {
  const requests: ProfileRequest[] = [];
  const periodSeconds = periodSecondsOf(request);
  for (let done = 0; done < request.count; done += INTERVALS_PER_BLOCK_MAX) {
    const count = Math.min(INTERVALS_PER_BLOCK_MAX, request.count - done);
    requests.push({ ...request, startSeconds: request.startSeconds + done * periodSeconds, count });
  }
  return requests;
}
