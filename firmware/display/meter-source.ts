// What a display asks for, as a meter and its event log have it.
import { CONDITIONS } from "../events/condition-watch.ts";
import type { EventLog } from "../events/event-log.ts";
import type { EventName } from "../events/event-table.ts";
import type { Meter } from "../meter.ts";
import type { TariffTable } from "../protocol/readings/tariff.ts";
import type { RelayControl } from "../relay/relay-control.ts";
import type { DisplaySource } from "./display-list.ts";

/** A relay that does not obey, as a condition that holds. */
const RELAY = { begins: "relay-failure", ends: "relay-obeys" } as const;

/** What is asked of an event log. */
type Alarms = Pick<EventLog, "newest" | "unreadAlarms">;

export function meterSource(meter: Meter, log: Alarms, relay?: Pick<RelayControl, "state">): DisplaySource {
  const { serialNumber, firmwareVersion } = meter.configuration;
  return {
    ...{ serialNumber, firmwareVersion },
    register: (obis) => meter.register(obis),
    localTime: () => meter.localTime,
    rate: () => meter.rate,
    rates: () => ratesOf(meter.tariff.active),
    relay: () => relay?.state.is,
    alarms: () => alarmsOf(meter, log),
  };
}

function ratesOf({ dayProfiles }: TariffTable): number[] {
  return [...new Set(dayProfiles.flat().map(({ rate }) => rate))];
}

/**
 * An alarm stands until a head-end has read it and, of a cover, a magnet or a relay, as long as its condition holds. Others
 * that hold longer say so by their registers, which are dashes then.
 */
function alarmsOf(meter: Meter, log: Alarms): EventName[] {
  const held = [...Object.values(CONDITIONS), RELAY]
    .filter(({ begins, ends }) => log.newest(begins, ends) === begins)
    .map(({ begins }) => begins);
  const clock: readonly EventName[] = meter.localTime === undefined ? ["clock-invalid"] : [];
  return [...log.unreadAlarms, ...held, ...clock];
}
