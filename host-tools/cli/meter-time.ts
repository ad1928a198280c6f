// The wall clock where a meter is.
import { TimeZone } from "../../firmware/calendar/time-zone.ts";
import type { ClockReading } from "../../firmware/protocol/readings/clock-reading.ts";
import { CliFault, EXIT, usageFault } from "./fault.ts";
import { printable } from "./output.ts";

/** The zone that a meter tells, where an empty one is UTC; what is wrong with it where it cannot be used. */
export function zoneOf(text: string): TimeZone | { readonly error: string } {
  return text === "" ? TimeZone.utc : TimeZone.parse(text);
}

/**
 * What a meter's wall clock needs: `advice` ends the sentence of the fault where the meter does not know the time. A
 * zone that cannot be used is the meter's fault.
 */
export function wallClockOf(
  { timeSeconds, zone: text }: ClockReading,
  advice: string,
): { readonly utcSeconds: number; readonly zone: TimeZone } {
  if (timeSeconds === undefined) throw usageFault(`The meter does not know what time it is: ${advice}.`);
  const zone = zoneOf(text);
  if (zone instanceof TimeZone) return { utcSeconds: timeSeconds, zone };
  throw new CliFault(
    EXIT.unexpected,
    `The meter's time zone "${printable(text)}" cannot be used (${zone.error.replace(/\.$/, "")}): correct it at the meter.`,
  );
}

/** `2026-11-25 04:15:00+01:00`, on the wall clock where the meter is; in UTC where its zone cannot be used. */
export function meterTimeText(zoneText: string, utcSeconds: number): string {
  const zone = zoneOf(zoneText);
  const usable = zone instanceof TimeZone ? zone : TimeZone.utc;
  return usable.format(utcSeconds).replace("T", " ");
}
