// F.F: the alarms that somebody should see to, as bits of eight hexadecimal digits.
import type { EventName } from "../events/event-table.ts";

/**
 * Two digits each, from the right: metering, memory, relay and program, clock, fraud, supply. What a bit means is each manufacturer's
 * own; ours never change their meaning, and one that is given up is not used again.
 */
export const ALARM_BITS = {
  "metering-part-silent": 0x00000001,
  "register-lost": 0x00000002,
  "log-overflow": 0x00000004,
  "relay-failure": 0x00000008,
  "firmware-rolled-back": 0x00000010,
  "clock-invalid": 0x00000100,
  "cover-removed": 0x00010000,
  "terminal-cover-removed": 0x00020000,
  "magnet-present": 0x00040000,
  "neutral-missing": 0x00080000,
  "reverse-energy": 0x00100000,
  "forgery-flood": 0x00200000,
  "voltage-missing-l1": 0x01000000,
  "voltage-missing-l2": 0x02000000,
  "voltage-missing-l3": 0x04000000,
} as const satisfies { readonly [name in EventName]?: number };

/** Dashes where nobody watches for alarms: that is not the same as none. */
export function errorText(alarms: readonly EventName[] | undefined): string {
  if (alarms === undefined) return "--------";
  const bits = alarms.reduce((all, alarm) => all | (BITS[alarm] ?? 0), 0);
  return bits.toString(16).toUpperCase().padStart(8, "0");
}

const BITS: { readonly [name in EventName]?: number } = ALARM_BITS;
