// The wall clock where a meter is.
import { TimeZone } from "../../firmware/calendar/time-zone.ts";
import type { ClockReading } from "../../firmware/protocol/readings/clock-reading.ts";
import { CliFault, EXIT, usageFault } from "./fault.ts";
import { printable } from "./output.ts";

/** A meter's time with its zone. */
export interface MeterTime {
  readonly utcSeconds: number;
  readonly zone: TimeZone;
}

/** The zone that a meter tells; an empty one is UTC. One that is none is a fault of the meter. */
export function zoneOf(text: string): TimeZone {
  const zone = TimeZone.parse(text === "" ? "UTC0" : text);
  if (zone instanceof TimeZone) return zone;
  throw new CliFault(
    EXIT.unexpected,
    `The meter's time zone "${printable(text)}" cannot be used (${zone.error.replace(/\.$/, "")}): correct it at the meter.`,
  );
}

/** The time of a meter that knows it; `advice` ends the sentence of the fault where it does not. */
export function meterTimeOf({ timeSeconds, zone }: ClockReading, advice: string): MeterTime {
  if (timeSeconds === undefined) throw usageFault(`The meter does not know what time it is: ${advice}.`);
  return { utcSeconds: timeSeconds, zone: zoneOf(zone) };
}

/** `2026-11-25 04:15:00+01:00`, on the wall clock where the meter is. */
export function meterTimeText({ utcSeconds, zone }: MeterTime): string {
  return zone.format(utcSeconds).replace("T", " ");
}
