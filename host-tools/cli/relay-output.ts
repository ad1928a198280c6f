// What `relay` shows: as a document, and for people.
import type { RelayReading } from "../../firmware/protocol/readings/relay-reading.ts";
import type { Answer } from "../head-end/client.ts";
import { agrees } from "../head-end/switching.ts";
import { localText, printable, sizeText, statusTexts, table, utcText } from "./output.ts";

/** The challenge is for whose order comes next, and for nobody to see. */
export function relayDocument(read: Answer<RelayReading>) {
  const { timeSeconds, status, state, position, mode, limit, lastOrder } = read.body;
  return {
    meter: read.meter,
    time: utcOf(timeSeconds),
    status: statusTexts(status),
    ...{ state, position, mode },
    agrees: agrees(read.body) ?? null,
    limit: limit ?? null,
    lastOrder: lastOrder
      ? { order: lastOrder.kind, operator: lastOrder.operator, time: utcOf(lastOrder.timeSeconds) }
      : null,
    ...read.size,
  };
}

export function relayLines(read: Answer<RelayReading>): string[] {
  const { timeSeconds, status, state, position, mode, limit, lastOrder } = read.body;
  const time = timeSeconds === undefined ? "its clock is not set" : localText(timeSeconds);
  const at = lastOrder?.timeSeconds === undefined ? "" : `, ${localText(lastOrder.timeSeconds)}`;
  const rows = [
    ["state", STATES[state]],
    ["contacts", position],
    ["limit", limit === undefined ? "none" : `${limit.watts} W for ${limit.seconds} s`],
    ["last order", lastOrder ? `${lastOrder.kind} by ${printable(lastOrder.operator)}${at}` : "none"],
    ["from afar", mode === 0 ? "not switched" : `switched, in mode ${mode}`],
  ];
  return [
    `Meter ${printable(read.meter)}, ${[time, ...statusTexts(status)].join(", ")}`,
    ...table(rows).map((line) => `  ${line}`),
    ...disagreement(read.body),
    sizeText(read.size),
  ];
}

const STATES: Readonly<Record<RelayReading["state"], string>> = {
  disconnected: "disconnected",
  connected: "connected",
  ready: "ready for reconnection: the button at the meter closes it",
};

function disagreement(reading: RelayReading): string[] {
  if (agrees(reading) !== false) return [];
  return [
    `The contacts are ${reading.position} although the meter is ${reading.state}: have somebody look at its relay.`,
  ];
}

function utcOf(seconds: number | undefined): string | null {
  return seconds === undefined ? null : utcText(seconds);
}
