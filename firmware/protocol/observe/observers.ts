// Who is told news of this end's resources, when, and until when: RFC 7641, inside OSCORE (RFC 8613 4.1.3.5).
import type { Station } from "../../../hal/ports/link.ts";
import { EMPTY, equal, fromUint, toUint } from "../bytes.ts";
import type { CoapEndpoint } from "../coap/exchange.ts";
import {
  bareAnswer,
  CODE,
  type CoapContent,
  findOption,
  OPTION,
  withOptions,
  withoutOptions,
} from "../coap/message.ts";
import type { NotificationEvent, NotificationId } from "../coap/notifications.ts";
import { protectNumberedResponse, protectResponse, type RequestBinding } from "../oscore/protect.ts";
import type { Session } from "../sessions.ts";

/** What one observer is told of a resource; made for him, as it knows what he has. */
export interface Observed {
  /** The answer as of now, which he then has. */
  answer(): CoapContent;
  /** True where there is something that he has not. */
  hasNews(): boolean;
  /** So long after one answer the next is due, news or not: his sign that he is still registered. */
  readonly atLatestMs: number;
  /** So long after one answer news wait at the least. */
  readonly atSoonestMs: number;
}

/** Whom an answer goes to, and what it is protected with. */
export interface Asker {
  readonly session: Session;
  readonly from: Station;
  readonly token: Uint8Array;
  readonly binding: RequestBinding;
}

export interface ObserversParts {
  readonly coap: Pick<CoapEndpoint, "notify" | "withdraw">;
  /** False for a session that has ended, and its registrations with it. */
  readonly isLive: (nowMs: number, session: Session) => boolean;
  /** True for an answer that goes out in one message: a notification is never in blocks. */
  readonly isWhole: (answer: CoapContent) => boolean;
}

interface Registration extends Asker {
  readonly observed: Observed;
  readonly endsAtMs: number;
  /** The grid of those that are due in any case; it does not move with how long one takes. */
  dueMs: number;
  toldAtMs: number;
  /** Under way; the next one waits for its end. */
  notification: NotificationId | undefined;
  count: number;
}

/** A head-end has its registers and five event logs under watch, and may begin anew without an end of the old. */
const OF_A_SESSION_MAX = 8;
/** Of all its sessions, so that no head-end leaves the others without room; each costs a message in its period. */
const OF_A_PEER_MAX = 16;
/** Whoever is still there renews; of who is not, and whose acknowledgements somebody forges, this is the end. */
const LIFETIME_MS = 24 * 3_600_000;
const REGISTER = 0;
/** RFC 7641 3.4: three bytes, that proxies put notifications in order by. */
const COUNT_END = 2 ** 24;

/** The registrations of one server. */
export class Observers {
  readonly #parts: ObserversParts;
  #registrations: Registration[] = [];

  constructor(parts: ObserversParts) {
    this.#parts = parts;
  }

  /**
   * Registers, or ends a registration, as the request says; gives the first notification, or undefined for a
   * request that is to be answered like any other. `observe` is called where there is room.
   */
  answer(
    nowMs: number,
    asker: Asker,
    request: CoapContent,
    observe: () => Observed | undefined,
  ): CoapContent | undefined {
    const option = findOption(request, OPTION.observe);
    if (option === undefined || (request.code !== CODE.get && request.code !== CODE.fetch)) return undefined;
    this.#endOf(asker);
    if (toUint(option) !== REGISTER || !this.#hasRoom(nowMs, asker.session)) return undefined;
    const observed = observe();
    if (observed === undefined) return undefined;
    const answer = observed.answer();
    if (!this.#isNews(answer)) return answer;
    const { atLatestMs } = observed;
    const times = { endsAtMs: nowMs + LIFETIME_MS, dueMs: nowMs + atLatestMs, toldAtMs: nowMs };
    const registration = { ...asker, observed, ...times, notification: undefined, count: 0 };
    this.#registrations.push(registration);
    return marked(registration, answer);
  }

  /** The answer to a request as it goes out: a notification under a number of its own (RFC 8613 4.1.3.5.2). */
  protect({ session, binding }: Asker, answer: CoapContent): CoapContent {
    if (findOption(answer, OPTION.observe) === undefined) {
      return protectResponse(session.context, binding, answer);
    }
    const sealed = protectNumberedResponse(session.context, session.sequence, binding, answer);
    // A session without numbers has no notifications either; this answer needs none.
    return (
      sealed ??
      protectResponse(session.context, binding, withoutOptions(answer, OPTION.observe, OPTION.maxAge))
    );
  }

  /** Takes how a notification ended: who does not acknowledge is gone. */
  settled({ notification, outcome }: NotificationEvent): void {
    const registration = this.#registrations.find((other) => other.notification === notification);
    if (registration === undefined) return;
    registration.notification = undefined;
    if (outcome !== "acknowledged") this.#end(registration);
  }

  /** Sends what is due by `nowMs`, and ends what is over. */
  wake(nowMs: number): void {
    for (const registration of this.#registrations) {
      if (this.#isOver(nowMs, registration)) this.#end(registration);
      else if (nowMs >= nextMs(registration)) this.#notify(nowMs, registration);
    }
  }

  /** Infinity where nobody is registered. */
  nextWakeMs(): number {
    return Math.min(Number.POSITIVE_INFINITY, ...this.#registrations.map(nextMs));
  }

  #notify(nowMs: number, registration: Registration): void {
    const { observed, session, binding, from, token } = registration;
    while (registration.dueMs <= nowMs) registration.dueMs += observed.atLatestMs;
    registration.toldAtMs = nowMs;
    const answer = observed.answer();
    const isNews = this.#isNews(answer);
    const content = isNews ? marked(registration, answer) : this.#lastWord(answer);
    const sealed = protectNumberedResponse(session.context, session.sequence, binding, content);
    if (sealed === undefined) return this.#end(registration);
    registration.notification = this.#parts.coap.notify(nowMs, from, token, sealed);
    // RFC 7641 4.2: an error is the last of its notifications; it is repeated all the same.
    if (!isNews) this.#forget(registration);
  }

  #isNews(answer: CoapContent): boolean {
    return answer.code === CODE.content && this.#parts.isWhole(answer);
  }

  #lastWord(answer: CoapContent): CoapContent {
    return answer.code === CODE.content
      ? bareAnswer(CODE.internalServerError, "too long to be told")
      : answer;
  }

  #hasRoom(nowMs: number, session: Session): boolean {
    for (const other of this.#registrations) if (this.#isOver(nowMs, other)) this.#end(other);
    const ofPeer = this.#registrations.filter((other) => other.session.peer.id === session.peer.id);
    const ofSession = ofPeer.filter((other) => other.session === session);
    return ofSession.length < OF_A_SESSION_MAX && ofPeer.length < OF_A_PEER_MAX;
  }

  #isOver(nowMs: number, { session, endsAtMs }: Registration): boolean {
    return nowMs >= endsAtMs || !this.#parts.isLive(nowMs, session);
  }

  /** RFC 7641 4.1: an endpoint and a token have one registration. */
  #endOf({ from, token }: Asker): void {
    const old = this.#registrations.find((other) => other.from === from && equal(other.token, token));
    if (old !== undefined) this.#end(old);
  }

  #end(registration: Registration): void {
    if (registration.notification !== undefined) this.#parts.coap.withdraw(registration.notification);
    this.#forget(registration);
  }

  #forget(registration: Registration): void {
    this.#registrations = this.#registrations.filter((other) => other !== registration);
  }
}

/** A proxy that takes the outer Observe away lets no notification through (RFC 8613 4.1.3.5.1). */
export function asObserved(message: CoapContent, content: CoapContent): CoapContent {
  return findOption(message, OPTION.observe) === undefined
    ? withoutOptions(content, OPTION.observe)
    : content;
}

/** When to look at a registration next; one whose notification is under way is woken by its end. */
function nextMs({ observed, notification, dueMs, toldAtMs, endsAtMs }: Registration): number {
  if (notification !== undefined) return endsAtMs;
  const newsMs = observed.hasNews() ? toldAtMs + observed.atSoonestMs : Number.POSITIVE_INFINITY;
  return Math.min(dueMs, newsMs, endsAtMs);
}

/** The count is for proxies alone: inside the option is empty, and the number of the message orders it. */
function marked(registration: Registration, answer: CoapContent): CoapContent {
  const count = registration.count++ % COUNT_END;
  const maxAge = Math.ceil(registration.observed.atLatestMs / 1000);
  return withOptions(
    answer,
    { number: OPTION.observe, value: count === 0 ? EMPTY : fromUint(count) },
    { number: OPTION.maxAge, value: fromUint(maxAge) },
  );
}
