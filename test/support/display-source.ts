import { TimeZone } from "../../firmware/calendar/time-zone.ts";
import type { DisplaySource } from "../../firmware/display/display-list.ts";
import type { Obis } from "../../firmware/protocol/readings/obis.ts";
import type { RegisterEntry } from "../../firmware/protocol/readings/register-reading.ts";

/** A register's integer as published, or why there is none. */
export type Stands = number | "unavailable" | { readonly stale: number };

/** A meter on paper: what it stands at by short codes, and all else as given. */
export function displaySource(
  registers: Readonly<Record<string, Stands>>,
  more: Partial<DisplaySource> = {},
): DisplaySource {
  return {
    serialNumber: "12345678",
    firmwareVersion: "1.2.3",
    register: (obis) => entryOf(obis, registers[obis.slice("1-0:".length, -"*255".length)]),
    localTime: () => BERLIN.localTime(Date.UTC(2026, 10, 28, 13, 5, 9) / 1000),
    rate: () => 1,
    rates: () => [],
    relay: () => undefined,
    alarms: () => [],
    ...more,
  };
}

function entryOf(register: Obis, stands: Stands | undefined): RegisterEntry {
  if (stands === undefined) return { register, quality: "not-in-meter" };
  if (stands === "unavailable") return { register, quality: "unavailable" };
  return typeof stands === "number"
    ? { register, quality: "measured", value: stands }
    : { register, quality: "stale", value: stands.stale };
}

const BERLIN = TimeZone.parse("CET-1CEST,M3.5.0,M10.5.0/3") as TimeZone;
