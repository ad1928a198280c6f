// What a meter keeps of its relay over a restart: what somebody has ordered holds until somebody orders otherwise.
import type { CborValue } from "../protocol/cbor.ts";
import { arrayItems, isIntegerWithin } from "../protocol/readings/answer-fields.ts";
import { CONNECTED, CONTROL_STATES, type ControlState, DISCONNECTED } from "./control-state.ts";
import { LIMIT_SECONDS_MAX, LIMIT_WATTS_MAX, type Limit } from "./limiter.ts";

/** Places of the orders on the wire and in storage. */
export const ORDER_KINDS = ["disconnect", "connect", "limit", "no-limit"] as const;
export type OrderKind = (typeof ORDER_KINDS)[number];

/** The order that was carried out last. */
export interface LastOrder {
  readonly kind: OrderKind;
  /** The operator who signed it. */
  readonly operator: string;
  /** UTC, whole seconds; undefined where the meter did not know it. */
  readonly timeSeconds: number | undefined;
}

export interface RelayMemory {
  readonly state: ControlState;
  readonly limit: Limit | undefined;
  readonly lastOrder: LastOrder | undefined;
}

const READY = CONTROL_STATES.indexOf("ready");

/** `[state, opened by the limiter, [watts, seconds], [order, operator, time]]`, null for what there is none of. */
export function relayMemoryToCbor({ state, limit, lastOrder }: RelayMemory): CborValue {
  return [
    CONTROL_STATES.indexOf(state.is),
    state.is === "ready" && state.by === "limiter",
    limit === undefined ? null : [limit.watts, limit.seconds],
    lastOrder === undefined
      ? null
      : [ORDER_KINDS.indexOf(lastOrder.kind), lastOrder.operator, lastOrder.timeSeconds ?? null],
  ];
}

/** What was kept; undefined where the value is none. */
export function relayMemoryFromCbor(value: CborValue | undefined): RelayMemory | undefined {
  const [state, byLimiter, limit, lastOrder, ...more] = arrayItems(value) ?? [];
  if (more.length > 0 || !isIntegerWithin(state, 0, READY)) return undefined;
  return {
    state: stateOf(state, byLimiter === true),
    limit: limitFromCbor(limit),
    lastOrder: lastOrderFromCbor(lastOrder),
  };
}

/** `[watts, seconds]`, or undefined where it is no limit that a meter takes. */
export function limitFromCbor(value: CborValue | undefined): Limit | undefined {
  const [watts, seconds, ...more] = arrayItems(value) ?? [];
  if (more.length > 0 || !isIntegerWithin(watts, 1, LIMIT_WATTS_MAX)) return undefined;
  return isIntegerWithin(seconds, 1, LIMIT_SECONDS_MAX) ? { watts, seconds } : undefined;
}

function stateOf(state: number, byLimiter: boolean): ControlState {
  if (state === READY) return { is: "ready", by: byLimiter ? "limiter" : "order" };
  return CONTROL_STATES[state] === "connected" ? CONNECTED : DISCONNECTED;
}

function lastOrderFromCbor(value: CborValue | undefined): LastOrder | undefined {
  const [index, operator, time] = arrayItems(value) ?? [];
  const kind = typeof index === "number" ? ORDER_KINDS[index] : undefined;
  if (kind === undefined || typeof operator !== "string") return undefined;
  return { kind, operator, timeSeconds: typeof time === "number" ? time : undefined };
}
