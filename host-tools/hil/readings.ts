// What tests take out of readings.
import { eventNameOf, type LogName } from "../../firmware/events/event-table.ts";
import { EVENTS_PER_ANSWER_MAX } from "../../firmware/protocol/readings/event-reading.ts";
import type { LoggedEvent } from "../../firmware/protocol/readings/logged-event.ts";
import { type Obis, parseObis } from "../../firmware/protocol/readings/obis.ts";
import type { RegisterReading } from "../../firmware/protocol/readings/register-reading.ts";
import type { RigHeadEnd, RigMeter } from "./rig.ts";

/** The value of a register, which may be written as `1.8.0`. Throws where the reading has none that holds now. */
export function registerValue(reading: RegisterReading, register: string): number {
  const obis = obisOf(register);
  const entry = reading.entries.find((one) => one.register === obis);
  if (entry === undefined) throw new Error(`${obis} was not asked for`);
  if (!("value" in entry) || entry.quality === "stale") throw new Error(`${obis} is ${entry.quality}`);
  return entry.value;
}

/** An OBIS code as a person writes it. */
export function obisOf(text: string): Obis {
  const obis = parseObis(text);
  if (obis === undefined) throw new Error(`${text} is no OBIS code: write it like 1.8.0`);
  return obis;
}

/** All that a log still has, oldest first. The meter takes them for read. */
export async function allEvents(
  headEnd: RigHeadEnd,
  meter: RigMeter,
  log: LogName,
): Promise<readonly LoggedEvent[]> {
  const events: LoggedEvent[] = [];
  for (let from = 0; ; from = (events.at(-1)?.sequence ?? 0) + 1) {
    const page = await headEnd.readEvents(meter, { log, from, count: EVENTS_PER_ANSWER_MAX });
    events.push(...page.events);
    const last = events.at(-1);
    if (page.events.length === 0 || last === undefined || last.sequence + 1 >= page.next) return events;
  }
}

/** Events by their names, in their order. */
export function namesOf(events: readonly LoggedEvent[]): string[] {
  return events.map(({ code }) => eventNameOf(code) ?? `code ${code}`);
}
