// Requests that were acknowledged and not yet answered, where they survive the end of the process.
import type { CborValue } from "../../../firmware/protocol/cbor.ts";
import { decodeMessage, encodeMessage } from "../../../firmware/protocol/coap/codec.ts";
import { type CoapContent, messageOf } from "../../../firmware/protocol/coap/message.ts";
import type { Station } from "../../../hal/ports/link.ts";
import type { Storage } from "../../../hal/ports/storage.ts";
import { framedItem, framedItems } from "./framed-items.ts";

/** A request, its way back, and when nobody waits for its answer any more. */
export interface HeldRecord {
  readonly client: Station;
  readonly token: Uint8Array;
  /** A meter's alias, or a group's. */
  readonly alias: string;
  readonly request: CoapContent;
  readonly acceptedUtcMs: number;
  readonly deadlineUtcMs: number;
}

export interface FoundRequest {
  readonly id: number;
  readonly record: HeldRecord;
  readonly answers: ReadonlyMap<string, CoapContent>;
}

const NAME = /^held-([1-9]\d{0,14})$/;

/**
 * A file for each request: its record, then its answers. What a cut left torn was never acknowledged. A file that comes back after its removal is asked once more, until its deadline.
 */
export class HeldState {
  readonly found: readonly FoundRequest[];
  readonly #storage: Storage;
  #nextId: number;

  constructor(storage: Storage) {
    this.#storage = storage;
    const names = storage.list().flatMap((name) => NAME.exec(name)?.[1] ?? []);
    // In the order in which they came.
    const ids = names.map(Number).toSorted((one, other) => one - other);
    this.#nextId = (ids.at(-1) ?? 0) + 1;
    const requests = ids.map((id) => ({ id, items: framedItems(storage.read(`held-${id}`)) }));
    this.found = requests.flatMap(({ id, items }) => foundIn(id, items) ?? this.#drop(id));
  }

  /** Makes a request durable; undefined where that cannot be had. */
  add(record: HeldRecord): number | undefined {
    const id = this.#nextId++;
    const name = `held-${id}`;
    const { client, alias, acceptedUtcMs, deadlineUtcMs, token, request } = record;
    const message = asMessage(token, request);
    const bytes = framedItem([client, alias, Math.floor(acceptedUtcMs), Math.floor(deadlineUtcMs), message]);
    const isDone =
      this.#storage.write(name, bytes) === "done" &&
      this.#storage.sync(name) === "done" &&
      this.#storage.syncFolder() === "done";
    if (!isDone) this.remove(id);
    return isDone ? id : undefined;
  }

  /** Makes one of its answers durable, as far as that can be had: the meter is asked again otherwise. */
  addAnswer(id: number, alias: string, answer: CoapContent): void {
    const name = `held-${id}`;
    const written = this.#storage.append(name, framedItem([alias, asMessage(new Uint8Array(0), answer)]));
    if (written === "done") this.#storage.sync(name);
  }

  remove(id: number): void {
    this.#storage.remove(`held-${id}`);
  }

  #drop(id: number): [] {
    this.remove(id);
    return [];
  }
}

function asMessage(token: Uint8Array, content: CoapContent): Uint8Array {
  return encodeMessage(messageOf({ type: "CON", messageId: 0, token }, content));
}

function foundIn(id: number, [first, ...rest]: readonly CborValue[]): FoundRequest | undefined {
  const record = recordOf(first);
  if (record === undefined) return undefined;
  const answers = new Map<string, CoapContent>();
  for (const item of rest) {
    const [alias, bytes] = Array.isArray(item) ? (item as readonly CborValue[]) : [];
    const answer = bytes instanceof Uint8Array ? decodeMessage(bytes) : undefined;
    if (typeof alias === "string" && answer !== undefined && !("error" in answer)) answers.set(alias, answer);
  }
  return { id, record, answers };
}

function recordOf(item: CborValue | undefined): HeldRecord | undefined {
  const [client, alias, acceptedUtcMs, deadlineUtcMs, bytes] = Array.isArray(item)
    ? (item as readonly CborValue[])
    : [];
  if (typeof client !== "string" || typeof alias !== "string" || !(bytes instanceof Uint8Array))
    return undefined;
  if (typeof acceptedUtcMs !== "number" || typeof deadlineUtcMs !== "number") return undefined;
  const request = decodeMessage(bytes);
  if ("error" in request) return undefined;
  return { client, token: request.token, alias, request, acceptedUtcMs, deadlineUtcMs };
}
