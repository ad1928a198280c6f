// The head-end as programs use it: asks meters over one link and checks what they answer.
import type { OtherAsker } from "../../firmware/protocol/asking-requests.ts";
import { equal } from "../../firmware/protocol/bytes.ts";
import { CODE, FORMAT, OPTION, resourceRequest, withOptions } from "../../firmware/protocol/coap/message.ts";
import type { Credential } from "../../firmware/protocol/cose/credential.ts";
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
import {
  decodeKeyState,
  encodeRotationStep,
  type KeyState,
  type RotationStep,
} from "../../firmware/protocol/readings/key-rotation.ts";
import {
  encodeLeaving,
  encodeMembership,
  type Membership,
} from "../../firmware/protocol/readings/membership.ts";
import { decodeNameplate, type Nameplate } from "../../firmware/protocol/readings/nameplate.ts";
import type { Obis } from "../../firmware/protocol/readings/obis.ts";
import type { ProfileRequest } from "../../firmware/protocol/readings/profile-reading.ts";
import type { RegisterReading } from "../../firmware/protocol/readings/register-reading.ts";
import { decodeRelayReading, type RelayReading } from "../../firmware/protocol/readings/relay-reading.ts";
import { decodeSenml, type SenmlRecord } from "../../firmware/protocol/readings/senml-reading.ts";
import type { Statement } from "../../firmware/protocol/readings/statement.ts";
import {
  encodeStatementRequest,
  type StatementRequest,
} from "../../firmware/protocol/readings/statement-request.ts";
import type { TariffPlan } from "../../firmware/protocol/readings/tariff.ts";
import { decodeTariffPlan, encodeTariffPlan } from "../../firmware/protocol/readings/tariff-table.ts";
import type { Refused } from "../../firmware/update/refusals.ts";
import type { ImagePart, Installed, SlotsReport } from "../../firmware/update/slots-report.ts";
import { type Answer, Asking, type HeadEndParts, type SharedLine, type Target } from "./asking.ts";
import {
  ANSWER_BYTES,
  type BodyQuestion,
  profileQuestion,
  registerRequest,
  registersQuestion,
  type TimedInterval,
} from "./questions.ts";
import { readStatement, type SignedStatement } from "./statements.ts";
import {
  installQuestion,
  type PartTaken,
  partQuestion,
  SLOTS_QUESTION,
  type UpdateQuestion,
} from "./update-questions.ts";
import type { StopWatch, Watcher } from "./watching.ts";

export type { Answer, ExchangeSize, HeadEndParts, SharedLine, Target } from "./asking.ts";
export { profileRequests, type TimedInterval } from "./questions.ts";

const EVENT_BYTES = 27;
/** A meter that has more to tell tells it in the next one, after some seconds. */
const EVENTS_PER_NOTIFICATION = 16;
/** A name and a unit with each value. */
const SENML_RECORD_BYTES = 40;
/** All of a statement but its registers, with the longest names; a register with its name, unit and time. */
const STATEMENT_BYTES = 340;
const STATED_REGISTER_BYTES = 26;
/** Two of the largest tables stay within a message of this size (RFC 7252 4.6). */
const TARIFF_BYTES = 1024;

/** Asks any number of meters over one link. Handshakes happen by themselves. */
export class HeadEnd {
  readonly #asking: Asking;

  constructor(parts: HeadEndParts) {
    this.#asking = new Asking(parts);
  }

  /** Answers that came to questions which had been given up: they were dropped. */
  get lateAnswers(): number {
    return this.#asking.lateAnswers;
  }

  /** Lets another asker use this head-end's CoAP and link, which have one owner. */
  share(other: OtherAsker): SharedLine {
    return this.#asking.share(other);
  }

  /** What is asked of groups too. Rejects with {@link HeadEndError}. */
  async read<Body>(target: Target, { decode, ...question }: BodyQuestion<Body>): Promise<Answer<Body>> {
    return this.#asking.ask(target, question, decode);
  }

  /** Registers in the order asked for; without any, the meter's default set. Rejects with {@link HeadEndError}. */
  async readRegisters(target: Target, registers: readonly Obis[] = []): Promise<Answer<RegisterReading>> {
    return this.read(target, registersQuestion(registers));
  }

  /** The same as a SenML pack (RFC 8428): only values that are known and of now. Rejects with {@link HeadEndError}. */
  async readSenml(target: Target, registers: readonly Obis[] = []): Promise<Answer<SenmlRecord[]>> {
    const accept = { number: OPTION.accept, value: Uint8Array.of(FORMAT.senmlCbor) };
    const content = withOptions(registerRequest(registers), accept);
    const answerBytes = ANSWER_BYTES + SENML_RECORD_BYTES * Math.max(1, registers.length);
    return this.#asking.ask(target, { content, answerBytes }, decodeSenml);
  }

  /**
   * The intervals of one request, `count` from 1 to 96. Rejects with {@link HeadEndError}.
   */
  async readProfile(target: Target, request: ProfileRequest): Promise<Answer<TimedInterval[]>> {
    return this.read(target, profileQuestion(request));
  }

  /** The meter's nameplate, where it is told so by a new session. Rejects with {@link HeadEndError}. */
  async readNameplate(target: Target, session: "any" | "new" = "any"): Promise<Answer<Nameplate>> {
    const content = resourceRequest(CODE.get, "i");
    return this.#asking.ask(target, { content, needsNewSession: session === "new" }, decodeNameplate);
  }

  /** Gives the meter its part in a group. Rejects with {@link HeadEndError}. */
  async joinGroup(target: Target, membership: Membership): Promise<Answer<"done">> {
    const content = resourceRequest(CODE.put, "g", encodeMembership(membership));
    return this.#asking.ask(target, { content }, emptyBody, CODE.changed);
  }

  /** Has the meter forget an epoch of a group. Rejects with {@link HeadEndError}. */
  async leaveGroup(target: Target, gid: Uint8Array): Promise<Answer<"done">> {
    const content = resourceRequest(CODE.delete, "g", encodeLeaving(gid));
    return this.#asking.ask(target, { content }, emptyBody, CODE.deleted);
  }

  /**
   * Events of one log. The meter takes all before `from` for read: who has not read them asks from an earlier one.
   * Rejects with {@link HeadEndError}.
   */
  async readEvents(target: Target, request: EventRequest): Promise<Answer<EventReading>> {
    const content = resourceRequest(CODE.fetch, "e", encodeEventRequest(request));
    const answerBytes = ANSWER_BYTES + EVENT_BYTES * request.count;
    return this.#asking.ask(target, { content, answerBytes }, (body) => decodeEventReading(body, request));
  }

  /** What the meter knows of its time. Rejects with {@link HeadEndError}. */
  async readClock(target: Target): Promise<Answer<ClockReading>> {
    return this.#asking.ask(target, { content: resourceRequest(CODE.get, "c") }, decodeClockReading);
  }

  /** The meter's tariff tables. Rejects with {@link HeadEndError}. */
  async readTariff(target: Target): Promise<Answer<TariffPlan>> {
    const content = resourceRequest(CODE.get, "t");
    return this.#asking.ask(target, { content, answerBytes: TARIFF_BYTES }, decodeTariffPlan);
  }

  /** Sets the meter's clock by the challenge of the reading just before. Rejects with {@link HeadEndError}. */
  async setClock(target: Target, set: ClockSet): Promise<Answer<ClockSetOutcome>> {
    const content = resourceRequest(CODE.put, "c", encodeClockSet(set));
    return this.#asking.ask(target, { content }, decodeClockSetOutcome, CODE.changed);
  }

  /** How the meter's relay stands. Rejects with {@link HeadEndError}. */
  async readRelay(target: Target): Promise<Answer<RelayReading>> {
    return this.#asking.ask(target, { content: resourceRequest(CODE.get, "l") }, decodeRelayReading);
  }

  /** Has the relay switched by what an operator has signed. Rejects with {@link HeadEndError}. */
  async orderRelay(target: Target, signedOrder: Uint8Array): Promise<Answer<"done">> {
    const content = resourceRequest(CODE.put, "l", signedOrder);
    return this.#asking.ask(target, { content }, emptyBody, CODE.changed);
  }

  /** The meter's keys: the one that it goes by, and the one that is to take its place. Rejects with {@link HeadEndError}. */
  async readKeys(target: Target, nextKey?: Credential): Promise<Answer<KeyState>> {
    return this.#asking.ask(target, { content: resourceRequest(CODE.get, "x"), nextKey }, decodeKeyState);
  }

  /** Takes a step of a key's rotation, the last one by the next key itself. Rejects with {@link HeadEndError}. */
  async rotateKey(target: Target, step: RotationStep, nextKey?: Credential): Promise<Answer<KeyState>> {
    const content = resourceRequest(CODE.put, "x", encodeRotationStep(step));
    return this.#asking.ask(target, { content, nextKey }, decodeKeyState, CODE.changed);
  }

  /** Gives the meter another tariff plan. Rejects with {@link HeadEndError}. */
  async setTariff(target: Target, plan: TariffPlan): Promise<Answer<"done">> {
    const content = resourceRequest(CODE.put, "t", encodeTariffPlan(plan));
    return this.#asking.ask(target, { content }, emptyBody, CODE.changed);
  }

  /**
   * What the meter states of its registers, signed for others to keep: `challenge` is to be fresh. That the signature
   * holds is for {@link verifyStatement} to say. Rejects with {@link HeadEndError}.
   */
  async readStatement(target: Target, request: StatementRequest): Promise<Answer<SignedStatement>> {
    const content = resourceRequest(CODE.fetch, "s", encodeStatementRequest(request));
    const answerBytes = STATEMENT_BYTES + STATED_REGISTER_BYTES * request.registers.length;
    return this.#asking.ask(target, { content, answerBytes }, (body) => {
      const read = readStatement(body);
      return "fault" in read || !answers(read.statement, request) ? undefined : read;
    });
  }

  /** What the board of the meter has in its slots, and on the way there. Rejects with {@link HeadEndError}. */
  async readSlots(target: Target): Promise<Answer<SlotsReport>> {
    return this.#askForUpdate(target, SLOTS_QUESTION);
  }

  /** Gives the board a part of an image; a refusal of it is an answer. Rejects with {@link HeadEndError}. */
  async sendImagePart(target: Target, part: ImagePart): Promise<Answer<PartTaken | Refused>> {
    return this.#askForUpdate(target, partQuestion(part));
  }

  /**
   * Has the board install the image that was sent, and start it; a refusal is an answer. Asked again it gives the same
   * end. Rejects with {@link HeadEndError}.
   */
  async installImage(target: Target, digest: Uint8Array): Promise<Answer<Installed | Refused>> {
    return this.#askForUpdate(target, installQuestion(digest));
  }

  /** Registers at once and then at the meter's period, until it is stopped or comes to an end. */
  watchRegisters(target: Target, registers: readonly Obis[], watcher: Watcher<RegisterReading>): StopWatch {
    return this.#asking.watch(target, registersQuestion(registers), watcher);
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
    return this.#asking.watch(target, { content: ask(from), answerBytes, decode, next }, watcher);
  }

  async #askForUpdate<Body>(target: Target, question: UpdateQuestion<Body>): Promise<Answer<Body>> {
    const { decode, codes, ...asked } = question;
    return this.#asking.ask(target, asked, decode, ...codes);
  }

  /** Ends all that is under way; the link is its owner's to close, and so is what keeps sessions. */
  close(): void {
    this.#asking.close();
  }
}

function emptyBody(body: Uint8Array): "done" | undefined {
  return body.length === 0 ? "done" : undefined;
}

/** True for a statement of just what was asked for, made for this question. */
function answers({ challenge, entries, month }: Statement, request: StatementRequest): boolean {
  const stated = entries.map(({ register }) => register);
  const isOfMonth = month?.year === request.month?.year && month?.month === request.month?.month;
  return equal(challenge, request.challenge) && String(stated) === String(request.registers) && isOfMonth;
}
