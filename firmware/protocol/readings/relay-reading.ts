// Bodies of the resource `l`: how a meter's relay stands, and what an operator signs to have it switched.
import type { RelayPosition } from "../../../hal/ports/relay.ts";
import {
  CONTROL_MODES,
  CONTROL_STATES,
  type ControlMode,
  type ControlState,
} from "../../relay/control-state.ts";
import type { Limit } from "../../relay/limiter.ts";
import type { RelayOrder } from "../../relay/relay-control.ts";
import { type LastOrder, limitFromCbor, ORDER_KINDS } from "../../relay/relay-memory.ts";
import { type CborValue, decodeCbor, encodeCbor } from "../cbor.ts";
import { arrayItems, decodeTime, encodeTime, isIntegerWithin, STATUS_MAX } from "./answer-fields.ts";

export interface RelayReading {
  /** UTC, whole seconds; undefined where the meter does not know it. */
  readonly timeSeconds: number | undefined;
  /** Bits of `STATUS`. */
  readonly status: number;
  readonly state: ControlState["is"];
  readonly position: RelayPosition;
  /** 0 where nothing is switched from afar. */
  readonly mode: ControlMode;
  readonly limit: Limit | undefined;
  readonly lastOrder: LastOrder | undefined;
  /** What an order must carry; empty for an asker who may not switch. */
  readonly challenge: Uint8Array;
}

/** What an operator signs: for one meter, for the challenge of the reading just before, and for a short while. */
export interface SignedOrder {
  readonly order: RelayOrder;
  /** The meter's id. */
  readonly meter: string;
  readonly challenge: Uint8Array;
  /** UTC by the meter's clock, whole seconds: carried out later, the order is void. */
  readonly notAfterSeconds: number;
}

const POSITIONS: readonly RelayPosition[] = ["open", "closed", "unknown"];
const CHALLENGE_BYTES = 8;
const ID_CHARACTERS_MAX = 32;

/** `[time, status, state, position, mode, limit, last order, challenge]`: 64 bytes at the most. */
export function encodeRelayReading(reading: RelayReading): Uint8Array {
  const { timeSeconds, status, state, position, mode, limit, lastOrder, challenge } = reading;
  return encodeCbor([
    encodeTime(timeSeconds),
    status,
    CONTROL_STATES.indexOf(state),
    POSITIONS.indexOf(position),
    mode,
    limit === undefined ? null : [limit.watts, limit.seconds],
    lastOrder === undefined ? null : lastOrderToCbor(lastOrder),
    challenge,
  ]);
}

/** The reading, or undefined where the body is none. */
export function decodeRelayReading(body: Uint8Array): RelayReading | undefined {
  const [timeItem, status, stateItem, positionItem, modeItem, limitItem, lastItem, challenge, ...more] =
    arrayItems(decodeCbor(body)) ?? [];
  const time = decodeTime(timeItem);
  const state = placed(CONTROL_STATES, stateItem);
  const position = placed(POSITIONS, positionItem);
  const mode = CONTROL_MODES.find((known) => known === modeItem);
  if (time === undefined || state === undefined || position === undefined || mode === undefined)
    return undefined;
  const limit = limitItem === null ? undefined : (limitFromCbor(limitItem) ?? "none");
  const lastOrder = lastItem === null ? undefined : (lastOrderFromCbor(lastItem) ?? "none");
  if (limit === "none" || lastOrder === "none" || more.length > 0) return undefined;
  if (!isIntegerWithin(status, 0, STATUS_MAX) || !isChallenge(challenge, true)) return undefined;
  return { timeSeconds: secondsOf(time), status, state, position, mode, limit, lastOrder, challenge };
}

/** `[meter, challenge, not after, order, ? watts, ? seconds]`: 28 bytes and the meter's id at the most. */
export function encodeSignedOrder({ order, meter, challenge, notAfterSeconds }: SignedOrder): Uint8Array {
  const limit = order.kind === "limit" ? [order.limit.watts, order.limit.seconds] : [];
  const body = encodeCbor([meter, challenge, notAfterSeconds, ORDER_KINDS.indexOf(order.kind), ...limit]);
  if (decodeSignedOrder(body) === undefined) throw new Error(`no order: ${JSON.stringify(order)}`);
  return body;
}

/** The order, or undefined where the body is none. */
export function decodeSignedOrder(body: Uint8Array): SignedOrder | undefined {
  const [meter, challenge, notAfter, kindItem, ...limitItems] = arrayItems(decodeCbor(body)) ?? [];
  const kind = placed(ORDER_KINDS, kindItem);
  const notAfterSeconds = decodeTime(notAfter);
  if (!isId(meter) || !isChallenge(challenge) || typeof notAfterSeconds !== "number") return undefined;
  const signed = { meter, challenge, notAfterSeconds };
  if (kind === "limit") {
    const limit = limitFromCbor(limitItems);
    return limit && { ...signed, order: { kind, limit } };
  }
  return kind === undefined || limitItems.length > 0 ? undefined : { ...signed, order: { kind } };
}

function lastOrderToCbor({ kind, operator, timeSeconds }: LastOrder): CborValue {
  return [ORDER_KINDS.indexOf(kind), operator, encodeTime(timeSeconds)];
}

function lastOrderFromCbor(value: CborValue | undefined): LastOrder | undefined {
  const [kindItem, operator, timeItem, ...more] = arrayItems(value) ?? [];
  const kind = placed(ORDER_KINDS, kindItem);
  const time = decodeTime(timeItem);
  if (kind === undefined || !isId(operator) || time === undefined || more.length > 0) return undefined;
  return { kind, operator, timeSeconds: secondsOf(time) };
}

function placed<Name>(names: readonly Name[], index: CborValue | undefined): Name | undefined {
  return typeof index === "number" ? names[index] : undefined;
}

function secondsOf(time: number | "unknown"): number | undefined {
  return time === "unknown" ? undefined : time;
}

function isId(item: CborValue | undefined): item is string {
  return typeof item === "string" && item.length > 0 && item.length <= ID_CHARACTERS_MAX;
}

function isChallenge(item: CborValue | undefined, mayBeEmpty = false): item is Uint8Array {
  if (!(item instanceof Uint8Array)) return false;
  return item.length === CHALLENGE_BYTES || (mayBeEmpty && item.length === 0);
}
