// A whole meter in a small world, and what a test asks of it.
import { eventNameOf, type LogName } from "../../firmware/events/event-table.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import type { MemoryStorage } from "../../hal/storage/memory-storage.ts";
import { parseLoad } from "../../host-tools/loads/index.ts";
import { type SingleLineOptions, singleLine } from "../../host-tools/world/single-line.ts";
import { configuration } from "./configuration.ts";

export const START_MS = Date.UTC(2026, 10, 24);
export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const IMPORT = "1-0:1.8.0*255";

interface Options extends Partial<SingleLineOptions> {
  readonly loadText?: string;
}

/** Of a steady load where none is given; polled each second. */
export function meter({ loadText = "watts:1000", ...options }: Options = {}) {
  const load = parseLoad(loadText, { annualKilowattHours: 3500 });
  if ("error" in load) throw new Error(load.error);
  const world = singleLine({
    ...{ seed: 1, load, startUtcMs: START_MS, crypto: opensslEngine, baud: 115_200, pollIntervalMs: 1000 },
    ...{ configuration, ...options },
  });
  const { runtime, clock } = world;
  /** Names of the events in a log; an unknown time stands as undefined. */
  const events = (log: LogName = "standard") =>
    runtime.log.read(log, 0, 1000).events.map(({ code, utcSeconds, details }) => {
      const atMs = utcSeconds === undefined ? undefined : utcSeconds * 1000 - START_MS;
      return [eventNameOf(code), atMs, ...details];
    });
  const names = (log?: LogName) => events(log).map(([name]) => name);
  const wattHours = (register = IMPORT): number => {
    const entry = runtime.meter.register(register);
    return "value" in entry ? entry.value : Number.NaN;
  };
  const flags = (count: number) =>
    runtime.meter
      .profile(0)
      ?.read(START_MS / 1000, count)
      .map((row) => row.flags) ?? [];
  return { ...world, clock, events, names, wattHours, flags };
}

/** All that is durable at a cut now, and nothing else. */
export function cut(storage: MemoryStorage): MemoryStorage {
  return storage.afterCut({ bytes: "none", folder: "none" });
}
