// Resource `l`: the switch between the mains and the installation.
import type { EventLog } from "../events/event-log.ts";
import { EMPTY } from "../protocol/bytes.ts";
import { bareAnswer, CODE, type CoapContent } from "../protocol/coap/message.ts";
import { encodeRelayReading } from "../protocol/readings/relay-reading.ts";
import type { RelayControl } from "../relay/relay-control.ts";
import { ORDER_REFUSALS, type SwitchingGate } from "../relay/switching.ts";
import {
  type AnswerParts,
  badRequest,
  cborAnswer,
  durably,
  durablyChanged,
  NOT_STORED,
  type Resource,
  statusOf,
} from "./resource.ts";

/** The relay, and who may have it switched. */
export interface RelayParts {
  readonly relay: Pick<RelayControl, "state" | "position" | "limit" | "lastOrder" | "order">;
  readonly gate: SwitchingGate;
  readonly log: Pick<EventLog, "record">;
}

/** Whatever is wrong with a signature: only the meter's log says more. */
const REFUSED = bareAnswer(CODE.forbidden, "no operator has signed this for this meter and this moment");
const SWITCHED_OFF = bareAnswer(CODE.forbidden, "nothing is switched from afar at this meter");

/** GET: how it stands, and for who may switch it a challenge. PUT: an order that an operator has signed with that. */
export function relayResource(all: RelayParts, parts: AnswerParts): Resource {
  return new Map([
    [CODE.get, { right: "read", answer: (_, { rights }) => readingOf(all, parts, rights.has("relay")) }],
    [CODE.put, { right: "relay", answer: (body) => orderedBy(all, parts, body) }],
  ]);
}

function readingOf({ relay, gate }: RelayParts, parts: AnswerParts, maySwitch: boolean): CoapContent {
  const { state, position, limit, lastOrder } = relay;
  return durably(parts, () =>
    cborAnswer(
      encodeRelayReading({
        timeSeconds: parts.utcSeconds(),
        status: statusOf(parts),
        ...{ state: state.is, position, mode: gate.mode, limit, lastOrder },
        challenge: maySwitch ? gate.challenge() : EMPTY,
      }),
    ),
  );
}

function orderedBy({ relay, gate, log }: RelayParts, parts: AnswerParts, body: Uint8Array): CoapContent {
  if (gate.isOff) return SWITCHED_OFF;
  const judged = gate.judge(body);
  if (typeof judged === "string") {
    log.record("relay-order-refused", [ORDER_REFUSALS.indexOf(judged)]);
    return judged === "malformed" ? badRequest("no signed order") : REFUSED;
  }
  const { order, operator } = judged;
  return durablyChanged(parts, () => {
    const kept = relay.order(order, { operator, timeSeconds: parts.utcSeconds() });
    return kept === "done" ? bareAnswer(CODE.changed) : NOT_STORED;
  });
}
