// What the details of events are, in words and units: the tables of firmware/events/README.md.
import { REFUSAL_REASONS } from "../../firmware/clock/set-rules.ts";
import { EVENT_LOGS, type EventName } from "../../firmware/events/event-table.ts";
import { registerByNumber } from "../../firmware/protocol/readings/register-table.ts";
import { ORDER_REFUSALS } from "../../firmware/relay/switching.ts";
import { UPDATE_REFUSALS } from "../../firmware/update/refusals.ts";

type DetailText = (detail: number) => string;

const SETTERS = ["head-end", "DAP", "board"] as const;

const times: DetailText = (count) => (count === 1 ? "once" : `${count} times`);
const seconds: DetailText = (value) => `${value} s`;
const volts: DetailText = (millivolts) => `${millivolts / 1000} V`;
const named =
  (names: readonly string[], otherwise: string): DetailText =>
  (index) =>
    names[index] ?? `${otherwise} ${index}`;

const watts: DetailText = (value) => `${value} W`;
const contacts = named(["open", "closed"], "position");

const VOLTAGE_NORMAL: readonly DetailText[] = [(millivolts) => `${volts(millivolts)} at the worst`, seconds];

/** In the order of an event's details. */
const DETAIL_TEXTS: Readonly<Partial<Record<EventName, readonly DetailText[]>>> = {
  "power-up": [(value) => `${seconds(value)} without power`],
  "register-lost": [(number) => registerByNumber(number)?.obis ?? `register ${number}`],
  "log-overflow": [named(EVENT_LOGS, "log"), (first) => `unread from ${first} on`],
  "board-clock-set": [times, (value) => `by ${seconds(value)}`],
  "metering-part-silent": [seconds],
  "metering-part-back": [seconds],
  "reverse-energy": [(value) => `${value} Wh exported so far`],
  "reverse-energy-end": [(value) => `${value} Wh exported in all`, seconds],
  "undervoltage-l1": [volts],
  "undervoltage-l2": [volts],
  "undervoltage-l3": [volts],
  "overvoltage-l1": [volts],
  "overvoltage-l2": [volts],
  "overvoltage-l3": [volts],
  "voltage-missing-l1": [volts],
  "voltage-missing-l2": [volts],
  "voltage-missing-l3": [volts],
  "voltage-normal-l1": VOLTAGE_NORMAL,
  "voltage-normal-l2": VOLTAGE_NORMAL,
  "voltage-normal-l3": VOLTAGE_NORMAL,
  "authentication-failed": [times],
  "decryption-failed": [times],
  "replay-refused": [times],
  "access-refused": [times],
  "forgery-flood": [times],
  "clock-set-refused": [times, named(SETTERS, "setter"), named(REFUSAL_REASONS, "reason")],
  "relay-order-refused": [times, named(ORDER_REFUSALS, "reason")],
  "firmware-ready": [(sequence) => `image ${sequence}`],
  "firmware-rolled-back": [(sequence) => `image ${sequence}`],
  "firmware-verification-failed": [times, named(UPDATE_REFUSALS, "reason")],
  "limit-exceeded": [watts],
  "limit-changed": [watts, (value) => `for ${seconds(value)}`],
  "relay-failure": [(position) => `not ${contacts(position)}`],
  "relay-restored": [contacts],
  "profile-padding-raised": [(tenths) => `factor ${tenths / 10}`],
};

/** Details that the table does not tell of are shown as they are. */
export function detailsText(name: EventName | undefined, details: readonly number[]): string {
  const texts = (name && DETAIL_TEXTS[name]) ?? [];
  return details.map((detail, i) => texts[i]?.(detail) ?? String(detail)).join(", ");
}
