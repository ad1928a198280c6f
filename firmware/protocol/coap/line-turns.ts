// One exchange at a time on a line that all stations share, and who disturbs it.
import { toHex } from "../bytes.ts";
import type { Outbox } from "./outbox.ts";
import type { OpenRequest } from "./requests.ts";
import { hostOf } from "./selection.ts";

/** What a master has noticed of one station; numbers only grow. */
export interface StationRecord {
  /** Its name as requests to it have it; undefined for what nobody can be told by. */
  readonly host: string | undefined;
  /** Messages that no request waited for, by whom their tokens say: a station that talks without being asked. */
  readonly unasked: number;
  /** Requests that it did not answer in its time, copies included. */
  readonly unanswered: number;
}

/** Far more requests than a line carries before its stations fall silent; with tokens of two bytes none comes round. */
const TOKENS_MAX = 4096;
/** A line has no more stations than addresses of Modbus, and most have some thirty. */
const HOSTS_MAX = 1024;

/** Whose turn it is: what waits is sent in the order in which it came, copies too. */
export class LineTurns {
  readonly #outbox: Outbox;
  readonly #hosts = new Map<string, string | undefined>();
  readonly #records = new Map<string | undefined, { unasked: number; unanswered: number }>();
  #waiting: OpenRequest[] = [];
  #asked: OpenRequest | undefined;

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
  }

  get records(): StationRecord[] {
    return [...this.#records].map(([host, counts]) => ({ host, ...counts }));
  }

  /** When the line is free for whoever waits; Infinity where nobody does. */
  get nextMs(): number {
    return this.#waiting.length === 0 ? Number.POSITIVE_INFINITY : this.#outbox.quietUntilMs;
  }

  /** Puts a request that has something to send at the end of the queue. */
  wait(request: OpenRequest): void {
    if (!this.#waiting.includes(request)) this.#waiting.push(request);
  }

  /** Takes out whoever has ended. */
  leave(request: OpenRequest): void {
    this.#waiting = this.#waiting.filter((other) => other !== request);
  }

  /** The next to send, if the line is free by now; it is asked from then on. */
  take(nowMs: number): OpenRequest | undefined {
    if (nowMs < this.#outbox.quietUntilMs) return undefined;
    const next = this.#waiting.shift();
    if (next === undefined) return undefined;
    if (this.#asked !== undefined) this.#record(hostOf(this.#asked.content)).unanswered++;
    this.#asked = next;
    this.#remember(next);
    return next;
  }

  /** The answer to this request came: the line is free, if it was the one that is asked. */
  heard(request: OpenRequest): void {
    if (request !== this.#asked) return;
    this.#asked = undefined;
    this.#outbox.endQuiet();
  }

  /** A message came that belongs to no request. */
  disturbed(token: Uint8Array): void {
    this.#record(this.#hosts.get(toHex(token))).unasked++;
  }

  #remember({ token, content }: OpenRequest): void {
    const key = toHex(token);
    this.#hosts.delete(key);
    const [oldest] = this.#hosts.keys();
    if (oldest !== undefined && this.#hosts.size >= TOKENS_MAX) this.#hosts.delete(oldest);
    this.#hosts.set(key, hostOf(content));
  }

  #record(host: string | undefined): { unasked: number; unanswered: number } {
    const known = this.#records.get(host);
    if (known !== undefined) return known;
    const record = { unasked: 0, unanswered: 0 };
    // Who comes after that many is counted with those that nobody can tell.
    if (this.#records.size >= HOSTS_MAX && host !== undefined) return this.#record(undefined);
    this.#records.set(host, record);
    return record;
  }
}
