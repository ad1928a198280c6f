// Requests that come in blocks: put together before anybody can say whether they are genuine (RFC 7959 2.5).
import type { LinkTraits, Station } from "../../../../hal/ports/link.ts";
import { concat, EMPTY, equal, fromUint, toUint } from "../../bytes.ts";
import { type Block, blockOffset, blockOption, exponentFor, hasBlockLength } from "../block.ts";
import { bareAnswer, CODE, type CoapContent, findOption, OPTION, withoutOptions } from "../message.ts";
import { WHOLE_BYTES_MAX } from "../settings.ts";
import { ackTimeoutMs, exchangeLifetimeMs, transmitWaitMs } from "../timing.ts";
import { StationTable, type TableLimits } from "./station-table.ts";

/** One that is under way, and one that is begun anew. */
const PER_STATION = 2;
/** Strangers' messages at once, 16 KiB in all: a head-end sends a long message_3 once in a day. */
const OF_STRANGERS_MAX = 8;
/** As many head-ends as a meter knows, with two programs each; 32 KiB in all. */
const PROVED_STATIONS_MAX = 8;
/** What is still repeated is repeated within this many ACK_TIMEOUTs. */
const GRACE_TIMEOUTS = 2;

/** How long, and how many of each station, is kept on a link of what anybody may have sent. */
export function tableLimits(traits: LinkTraits, most: number): TableLimits {
  return {
    most,
    perStation: PER_STATION,
    idleMs: transmitWaitMs(traits),
    lifeMs: exchangeLifetimeMs(traits),
    graceMs: GRACE_TIMEOUTS * ackTimeoutMs(traits, traits.mtuBytes),
  };
}

interface PartialRequest {
  bytes: Uint8Array;
}

/** Requests under way. Stations that have proved themselves of late have room that no stranger can take. */
export class RequestsIn {
  readonly #traits: LinkTraits;
  readonly #keyOf: (request: CoapContent) => string;
  readonly #ofStrangers: StationTable<PartialRequest>;
  readonly #ofProved: StationTable<PartialRequest>;
  /** Oldest first. */
  readonly #proved = new Set<Station>();

  /** `keyOf` tells one operation from another. */
  constructor(traits: LinkTraits, keyOf: (request: CoapContent) => string) {
    this.#traits = traits;
    this.#keyOf = keyOf;
    this.#ofStrangers = new StationTable(tableLimits(traits, OF_STRANGERS_MAX));
    this.#ofProved = new StationTable(tableLimits(traits, PROVED_STATIONS_MAX * PER_STATION));
  }

  /** See `WholeMessages.proved`. */
  proved(from: Station): void {
    if (this.#proved.has(from)) return;
    const [oldest] = this.#proved;
    if (oldest !== undefined && this.#proved.size >= PROVED_STATIONS_MAX) this.#proved.delete(oldest);
    this.#proved.add(from);
  }

  /** Takes a block in: the whole payload where it was the last one, else what to answer. */
  take(nowMs: number, from: Station, request: CoapContent, block: Block): Uint8Array | CoapContent {
    const { payload } = request;
    if (!hasBlockLength(payload, block)) return bareAnswer(CODE.badRequest);
    const key = this.#keyOf(request);
    if (isTooLong(request, block)) {
      this.forget(from, request);
      return tooLong();
    }
    if (block.number === 0 && !block.more) return payload;
    const table = this.#tableOf(from);
    const known = table.use(nowMs, from, key);
    const body = block.number === 0 && !begins(known, payload) ? { bytes: EMPTY } : known;
    if (body === undefined || !append(body, block, payload)) return bareAnswer(CODE.requestEntityIncomplete);
    if (body !== known && !table.put(nowMs, from, key, body)) return bareAnswer(CODE.serviceUnavailable);
    return block.more ? this.#goOn(block) : body.bytes;
  }

  /** Its answer is kept: a copy of its last block gets that. */
  forget(from: Station, request: CoapContent): void {
    const key = this.#keyOf(request);
    this.#ofStrangers.remove(from, key);
    this.#ofProved.remove(from, key);
  }

  #tableOf(from: Station): StationTable<PartialRequest> {
    return this.#proved.has(from) ? this.#ofProved : this.#ofStrangers;
  }

  /** 2.31, with the size that suits our link where that is the smaller one. */
  #goOn(block: Block): CoapContent {
    const ours = exponentFor(this.#traits, this.#traits.mtuBytes);
    const sizeExponent = Math.min(block.sizeExponent, ours);
    const options = [blockOption(OPTION.block1, { ...block, sizeExponent })];
    return { code: CODE.continue, options, payload: EMPTY };
  }
}

/** The request that the last block makes with those before it. */
export function wholeRequest<Content extends CoapContent>(last: Content, payload: Uint8Array): Content {
  const { options } = withoutOptions(last, OPTION.block1, OPTION.block2, OPTION.size1);
  return { ...last, options, payload };
}

/** True where a first block is that of what is under way, and no new beginning. */
function begins(body: PartialRequest | undefined, payload: Uint8Array): boolean {
  return body !== undefined && equal(body.bytes.subarray(0, payload.length), payload);
}

/** False for a gap, and for other bytes than came before; what came before may come again. */
function append(body: PartialRequest, block: Block, payload: Uint8Array): boolean {
  const offset = blockOffset(block);
  const end = offset + payload.length;
  const { length } = body.bytes;
  if (offset === length) body.bytes = concat(body.bytes, payload);
  else if (end > length || !equal(body.bytes.subarray(offset, end), payload)) return false;
  return block.more || end === body.bytes.length;
}

function isTooLong(request: CoapContent, block: Block): boolean {
  const announced = toUint((findOption(request, OPTION.size1) ?? EMPTY).subarray(0, 4));
  return Math.max(announced, blockOffset(block) + request.payload.length) > WHOLE_BYTES_MAX;
}

/** RFC 7959 2.9.3: told with how much would be taken. */
function tooLong(): CoapContent {
  const options = [{ number: OPTION.size1, value: fromUint(WHOLE_BYTES_MAX) }];
  return { code: CODE.entityTooLarge, options, payload: EMPTY };
}
