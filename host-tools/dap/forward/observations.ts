// Requests that are answered again and again (RFC 7641): each notification to the client that asked for it.
import { toHex, toUint } from "../../../firmware/protocol/bytes.ts";
import {
  type CoapContent,
  type CoapMessage,
  findOption,
  OPTION,
} from "../../../firmware/protocol/coap/message.ts";
import type { NotificationEvent, NotificationId } from "../../../firmware/protocol/coap/notifications.ts";
import type { WholeEvent, WholeMessages } from "../../../firmware/protocol/coap/outer/whole-messages.ts";
import type { Station } from "../../../hal/ports/link.ts";
import type { Asked, Line, Question } from "./line.ts";

/** Some of each of a thousand meters. */
const OBSERVATIONS_MAX = 4096;
/** Notifications that a client has not acknowledged yet; one more takes the place of the oldest. */
const UNDER_WAY_MAX = 8;
/** A session lasts a day, and with it whatever was asked by it. */
const LIFE_MS = 25 * 3_600_000;
/** RFC 7641 2: what a request says of it. */
const REGISTER = 0;

interface Observation {
  readonly key: string;
  readonly client: Station;
  readonly token: Uint8Array;
  readonly line: Line;
  asked: Asked;
  hasAnswer: boolean;
  readonly underWay: NotificationId[];
}

/** What is observed through a router, by client, token and meter. */
export class Observations {
  readonly #north: WholeMessages;
  readonly #byKey = new Map<string, Observation>();
  readonly #byNotification = new Map<NotificationId, Observation>();
  #notifications = 0;

  constructor(north: WholeMessages) {
    this.#north = north;
  }

  /** Notifications that were passed on. */
  get notifications(): number {
    return this.#notifications;
  }

  /**
   * Asks a question that begins, renews or ends an observation; false where it has to do with none. A line whose
   * stations are told apart by name has no notifications: its meters answer once.
   */
  take(
    nowMs: number,
    { from, message }: Extract<WholeEvent, { kind: "request" }>,
    alias: string,
    line: Line,
    question: Question,
  ): boolean {
    const observe = findOption(message, OPTION.observe);
    if (observe === undefined || line.namesStations) return false;
    const key = `${from} ${toHex(message.token)} ${alias}`;
    const known = this.#byKey.get(key);
    const replaces = known?.asked;
    if (known !== undefined) this.#forget(known);
    if (toUint(observe) !== REGISTER || this.#byKey.size >= OBSERVATIONS_MAX) {
      line.ask(nowMs, { ...question, replaces });
      return true;
    }
    this.#observe(nowMs, { key, client: from, token: message.token, line }, { ...question, replaces });
    return true;
  }

  /** How a notification ended. Whoever does not want it, or is not there, gets no more. */
  settled(nowMs: number, { notification, outcome }: NotificationEvent): void {
    const observation = this.#byNotification.get(notification);
    this.#byNotification.delete(notification);
    if (observation === undefined) return;
    const place = observation.underWay.indexOf(notification);
    if (place >= 0) observation.underWay.splice(place, 1);
    if (outcome !== "acknowledged") this.#end(nowMs, observation);
  }

  #observe(
    nowMs: number,
    own: Pick<Observation, "key" | "client" | "token" | "line">,
    question: Question,
  ): void {
    let isOver = false;
    const observation: Observation = {
      ...own,
      ...{ hasAnswer: false, underWay: [] },
      asked: own.line.ask(nowMs, {
        ...question,
        answers: "many",
        lastsUntilMs: nowMs + LIFE_MS,
        onAnswer: (atMs, answer) => this.#answered(atMs, observation, question, answer),
        onFailed: (atMs, failure) => {
          isOver = true;
          this.#byKey.delete(own.key);
          question.onFailed(atMs, failure);
        },
      }),
    };
    // A line that is down, or full, says so at once.
    if (!isOver) this.#byKey.set(own.key, observation);
  }

  /** The first answer says whether there are more; those are messages of their own. */
  #answered(nowMs: number, observation: Observation, question: Question, answer: CoapMessage): void {
    const isFirst = !observation.hasAnswer;
    observation.hasAnswer = true;
    if (isFirst) question.onAnswer(nowMs, answer);
    else this.#notify(nowMs, observation, answer);
    if (findOption(answer, OPTION.observe) === undefined) this.#end(nowMs, observation);
  }

  #notify(nowMs: number, observation: Observation, { code, options, payload }: CoapContent): void {
    const { client, token, underWay } = observation;
    const oldest = underWay.length >= UNDER_WAY_MAX ? underWay.shift() : undefined;
    if (oldest !== undefined) {
      this.#byNotification.delete(oldest);
      this.#north.withdraw(oldest);
    }
    const notification = this.#north.notify(nowMs, client, token, { code, options, payload });
    underWay.push(notification);
    this.#byNotification.set(notification, observation);
    this.#notifications++;
  }

  #end(nowMs: number, observation: Observation): void {
    observation.line.cancel(nowMs, observation.asked);
    this.#forget(observation);
  }

  #forget(observation: Observation): void {
    if (this.#byKey.get(observation.key) === observation) this.#byKey.delete(observation.key);
  }
}
