// Store and forward: a request is kept, over restarts too, until its meter has answered and its client has the answer.
import { equal, toHex } from "../../../firmware/protocol/bytes.ts";
import { DueQueue } from "../../../firmware/protocol/coap/due-queue.ts";
import {
  answerWith,
  CODE,
  type CoapContent,
  FORMAT,
  findOption,
  OPTION,
} from "../../../firmware/protocol/coap/message.ts";
import type { WholeMessages } from "../../../firmware/protocol/coap/outer/whole-messages.ts";
import type { Station } from "../../../hal/ports/link.ts";
import type { Storage } from "../../../hal/ports/storage.ts";
import { Deliveries } from "./deliveries.ts";
import {
  bundleOf,
  type Collection,
  FIRST_PAUSE_MS,
  type Held,
  type HeldMember,
  isComplete,
  newMember,
  reasonOf,
} from "./held.ts";
import { type HeldRecord, HeldState } from "./held-state.ts";
import type { Asked, Question } from "./line.ts";
import type { Route } from "./routes.ts";

/** A meter that a request names, or that its group has. */
export interface Named {
  readonly alias: string;
  readonly route: Route | undefined;
}

export interface HoldingParts {
  readonly north: WholeMessages;
  readonly storage: Storage;
  readonly utcMs: () => number;
  /** The meters that an alias stands for. */
  readonly membersOf: (alias: string) => readonly Named[];
  /** True for a request whose answers are wanted together. */
  readonly isBundled: (request: CoapContent) => boolean;
  /** Asks a meter what a request says. */
  readonly ask: (
    nowMs: number,
    route: Route,
    request: CoapContent,
    question: Omit<Question, "station" | "content">,
  ) => Asked;
  readonly cancel: (nowMs: number, route: Route, asked: Asked) => void;
  /** An answer as it may go back. */
  readonly passable: (answer: CoapContent) => CoapContent;
}

/** Of what was held. */
export interface HoldingCounters {
  readonly kept: number;
  readonly delivered: number;
  /** Given up: nobody answered in time, the client did not take it, or wants it no more. */
  readonly givenUp: number;
  readonly unwanted: number;
}

/** Some megabytes at the longest messages; a file each. */
const HELD_MAX = 1024;
const PER_CLIENT_MAX = 512;
/** A meter that stays away is asked no more often. */
const PAUSE_MAX_MS = 30_000;
/** One that says something while it is waited for is asked at once, but not faster than this. */
const HEARD_PAUSE_MS = 2000;
/** The client must have a bundle before its patience ends. */
const COLLECT_SHARE = 0.9;

/** The requests that are held, at most 1024. */
export class Holding {
  readonly #parts: HoldingParts;
  readonly #state: HeldState;
  readonly #deliveries: Deliveries;
  readonly #byKey = new Map<string, Held>();
  readonly #ofClient = new Map<Station, number>();
  readonly #collections = new Map<string, Collection>();
  readonly #ends = new DueQueue<Held>();
  readonly #pauses = new DueQueue<HeldMember>();
  /** Those that wait to be asked again, by line and station. */
  readonly #absent = new Map<string, Set<HeldMember>>();
  readonly #counts = { kept: 0, delivered: 0, givenUp: 0, unwanted: 0 };

  /** Goes on with what was held before. */
  constructor(nowMs: number, parts: HoldingParts) {
    this.#parts = parts;
    this.#deliveries = new Deliveries(parts.north);
    this.#state = new HeldState(parts.storage);
    for (const { id, record, answers } of this.#state.found) {
      const { acceptedUtcMs, deadlineUtcMs } = record;
      // A clock that went back makes nobody wait longer than he said.
      const deadlineMs = nowMs + deadlineUtcMs - Math.max(parts.utcMs(), acceptedUtcMs);
      // A file that is there twice, as one that was put back may be: the later one is of now.
      const known = this.#byKey.get(keyOf(record));
      if (known !== undefined) this.#drop(nowMs, known);
      if (deadlineMs <= nowMs || this.#byKey.size >= HELD_MAX) this.#state.remove(id);
      else this.#start(nowMs, this.#hold(id, record, deadlineMs), answers);
    }
  }

  get counters(): HoldingCounters {
    return { ...this.#counts };
  }

  /** Requests that are held now. */
  get size(): number {
    return this.#byKey.size;
  }

  /** Keeps a request for so long. "done": it is durable; else it is not kept. */
  hold(
    nowMs: number,
    request: Pick<HeldRecord, "client" | "token" | "alias" | "request">,
    forMs: number,
  ): "done" | "full" {
    const key = keyOf(request);
    const known = this.#byKey.get(key);
    if (known !== undefined && isSame(known.record.request, request.request)) return "done";
    // A token of which the client made another use is not waited for by it any more.
    if (known !== undefined) this.#drop(nowMs, known);
    const ofClient = this.#ofClient.get(request.client) ?? 0;
    if (this.#byKey.size >= HELD_MAX || ofClient >= PER_CLIENT_MAX) return "full";
    const acceptedUtcMs = this.#parts.utcMs();
    const record = { ...request, acceptedUtcMs, deadlineUtcMs: acceptedUtcMs + forMs };
    const id = this.#state.add(record);
    if (id === undefined) return "full";
    this.#counts.kept++;
    this.#start(nowMs, this.#hold(id, record, nowMs + forMs), new Map());
    return "done";
  }

  /** Something came from a station: whoever waits for it there asks at once. */
  heard(nowMs: number, line: number, station: Station): void {
    if (this.#absent.size === 0) return;
    for (const member of this.#absent.get(`${line} ${station}`) ?? [])
      if (nowMs >= member.lastEndMs + HEARD_PAUSE_MS) {
        member.pauseMs = FIRST_PAUSE_MS;
        this.#ask(nowMs, member);
      }
  }

  /** How a notification ended; those of others are left alone. */
  settled(...event: Parameters<Deliveries["settled"]>): void {
    this.#deliveries.settled(...event);
  }

  wake(nowMs: number): void {
    this.#deliveries.wake(nowMs);
    for (let member = this.#pauses.due(nowMs); member !== undefined; member = this.#pauses.due(nowMs))
      this.#ask(nowMs, member);
    for (let held = this.#ends.due(nowMs); held !== undefined; held = this.#ends.due(nowMs))
      this.#timeIsUp(nowMs, held);
  }

  /** Infinity when nothing is pending. */
  nextWakeMs(): number {
    return Math.min(this.#deliveries.nextWakeMs(), this.#pauses.nextMs, this.#ends.nextMs);
  }

  #hold(id: number, record: HeldRecord, deadlineMs: number): Held {
    const key = keyOf(record);
    const { client, alias } = record;
    const members: HeldMember[] = [];
    const own = { id, key, record, client, deadlineMs, members, deliveries: new Set<() => void>() };
    const collection = this.#collectionOf(record, key);
    const held: Held = { ...own, collection, dueMs: Number.POSITIVE_INFINITY, place: -1 };
    for (const named of this.#parts.membersOf(alias)) members.push(newMember(held, named.alias, named.route));
    collection?.requests.push(held);
    this.#byKey.set(key, held);
    this.#ofClient.set(client, (this.#ofClient.get(client) ?? 0) + 1);
    return held;
  }

  /** A bundle of one request, or of as many as name it: its number, and how many they are. */
  #collectionOf({ client, request }: HeldRecord, key: string): Collection | undefined {
    if (!this.#parts.isBundled(request)) return undefined;
    const [number, expected] = findOption(request, OPTION.bundle) ?? [];
    const name = expected === undefined ? key : `${client} ${number} ${expected}`;
    const open = this.#collections.get(name);
    if (open !== undefined) return open;
    const collection = { key: name, requests: [], expected: expected ?? 1, isClosed: false };
    this.#collections.set(name, collection);
    return collection;
  }

  #start(nowMs: number, held: Held, answers: ReadonlyMap<string, CoapContent>): void {
    const { deadlineMs, collection, record } = held;
    const forMs = record.deadlineUtcMs - record.acceptedUtcMs;
    this.#ends.set(held, collection === undefined ? deadlineMs : deadlineMs - (1 - COLLECT_SHARE) * forMs);
    for (const member of held.members) {
      const answer = answers.get(member.alias);
      if (answer !== undefined) this.#answered(nowMs, member, answer);
      else this.#ask(nowMs, member);
    }
    if (collection !== undefined && isComplete(collection)) this.#close(nowMs, collection);
  }

  #ask(nowMs: number, member: HeldMember): void {
    this.#attend(member);
    const { held, route } = member;
    if (route === undefined || held.collection?.isClosed) return;
    member.asked = this.#parts.ask(nowMs, route, held.record.request, {
      client: held.client,
      isOperators: true,
      untilMs: held.deadlineMs,
      onAnswer: (atMs, answer) => {
        const passed = this.#parts.passable(answer);
        this.#state.addAnswer(held.id, member.alias, passed);
        this.#answered(atMs, member, passed);
      },
      onFailed: (atMs, failure) => {
        member.failure = reasonOf(failure);
        this.#pause(atMs, member);
      },
    });
  }

  #pause(nowMs: number, member: HeldMember): void {
    const { held, route, pauseMs } = member;
    member.asked = undefined;
    member.lastEndMs = nowMs;
    if (route === undefined || this.#byKey.get(held.key) !== held || held.collection?.isClosed) return;
    member.pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS);
    if (nowMs + pauseMs < held.deadlineMs) this.#pauses.set(member, nowMs + pauseMs);
    const place = placeOf(route);
    const others = this.#absent.get(place);
    if (others === undefined) this.#absent.set(place, new Set([member]));
    else others.add(member);
  }

  /** It is not waited for any more. */
  #attend(member: HeldMember): void {
    this.#pauses.remove(member);
    const place = member.route && placeOf(member.route);
    const others = place === undefined ? undefined : this.#absent.get(place);
    if (place === undefined || others === undefined) return;
    others.delete(member);
    if (others.size === 0) this.#absent.delete(place);
  }

  #answered(nowMs: number, member: HeldMember, answer: CoapContent): void {
    const { held } = member;
    member.answer = answer;
    member.asked = undefined;
    const { collection } = held;
    if (collection === undefined) this.#deliver(nowMs, held, answer, [held]);
    else if (isComplete(collection)) this.#close(nowMs, collection);
  }

  #timeIsUp(nowMs: number, held: Held): void {
    const { collection } = held;
    if (collection !== undefined && !collection.isClosed) return this.#close(nowMs, collection);
    this.#counts.givenUp++;
    this.#drop(nowMs, held);
  }

  /** No more answers are taken in: what there is goes to whoever asked first. */
  #close(nowMs: number, collection: Collection): void {
    if (collection.isClosed) return;
    collection.isClosed = true;
    this.#collections.delete(collection.key);
    for (const held of collection.requests) {
      for (const member of held.members) this.#leave(nowMs, member);
      this.#ends.set(held, held.deadlineMs);
    }
    const [first] = collection.requests;
    const answer = answerWith(CODE.content, FORMAT.bundle, bundleOf(collection));
    if (first !== undefined) this.#deliver(nowMs, first, answer, [...collection.requests]);
  }

  /** Hands an answer over; when the client has all of them, the requests are settled. */
  #deliver(nowMs: number, held: Held, answer: CoapContent, settles: readonly Held[]): void {
    const { client, token, request } = held.record;
    const giveUp = this.#deliveries.send(nowMs, {
      ...{ client, token, request, answer, untilMs: held.deadlineMs },
      onEnd: (atMs, end) => {
        held.deliveries.delete(giveUp);
        if (end === "delivered") this.#counts.delivered++;
        if (end === "unwanted") this.#counts.unwanted++;
        if (end === "too-late") this.#counts.givenUp++;
        const isOver = end !== "delivered" || (held.deliveries.size === 0 && isAnswered(held));
        if (isOver) for (const each of settles) this.#drop(atMs, each);
      },
    });
    held.deliveries.add(giveUp);
  }

  #leave(nowMs: number, member: HeldMember): void {
    this.#attend(member);
    const { asked, route } = member;
    member.asked = undefined;
    if (asked !== undefined && route !== undefined) this.#parts.cancel(nowMs, route, asked);
  }

  /** Forgets a request, and all that is done for it. */
  #drop(nowMs: number, held: Held): void {
    if (this.#byKey.get(held.key) !== held) return;
    this.#byKey.delete(held.key);
    this.#ends.remove(held);
    if (held.collection !== undefined) this.#leaveCollection(held, held.collection);
    for (const giveUp of held.deliveries) giveUp();
    for (const member of held.members) this.#leave(nowMs, member);
    const others = (this.#ofClient.get(held.client) ?? 1) - 1;
    if (others === 0) this.#ofClient.delete(held.client);
    else this.#ofClient.set(held.client, others);
    this.#state.remove(held.id);
  }

  #leaveCollection(held: Held, collection: Collection): void {
    const { key, requests } = collection;
    const place = requests.indexOf(held);
    if (place >= 0) requests.splice(place, 1);
    // A later one may have the number of one that is closed.
    if (requests.length === 0 && this.#collections.get(key) === collection) this.#collections.delete(key);
  }
}

/** A bundle's request is answered by it. */
function isAnswered({ collection, members }: Held): boolean {
  return collection !== undefined || members.every(({ answer }) => answer !== undefined);
}

function placeOf({ line, station }: Route): string {
  return `${line} ${station}`;
}

function keyOf({ client, token, alias }: Pick<HeldRecord, "client" | "token" | "alias">): string {
  return `${client} ${toHex(token)} ${alias}`;
}

function isSame(one: CoapContent, other: CoapContent): boolean {
  const option = (content: CoapContent) => findOption(content, OPTION.oscore) ?? new Uint8Array(0);
  return one.code === other.code && equal(option(one), option(other)) && equal(one.payload, other.payload);
}
