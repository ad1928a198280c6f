// Days of many houses, read each night through the DAP: what a DAP sees of each, and what was used.
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import { loadWattHours } from "../../host-tools/loads/index.ts";
import type { Block } from "../../host-tools/world/block.ts";
import { settle } from "../../host-tools/world/single-line.ts";
import { dayRequests, EXPORT, IMPORT } from "./asking.ts";
import type { MeteredDay } from "./distinguisher.ts";
import { straysOf } from "./figures.ts";
import { type House, housesBehindADap, START_MS } from "./houses-behind-a-dap.ts";
import type { Recorded } from "./recorder.ts";
import { knownOf } from "./seen.ts";

export interface DaysOptions {
  readonly seed: number;
  readonly meters: number;
  readonly days: number;
  readonly spoil?: (engine: CryptoEngine) => CryptoEngine;
  /** Told after each day, for who waits. */
  readonly onDay?: (day: number) => void;
}

export interface Days {
  readonly houses: readonly House[];
  readonly days: readonly MeteredDay[];
  readonly messages: number;
  /** Messages that are not as long as they must be. */
  readonly strays: readonly string[];
  /** Meters that had to raise their padding: their rung is too low for their house. */
  readonly raised: readonly string[];
}

const DAY_MS = 86_400_000;
/** When the day before is asked for: later each night than the one before, so that each begins with a handshake. */
const ASKED_AT_MS = 10 * 60_000;
const LATER_EACH_NIGHT_MS = 3 * 60_000;
const TIMEOUT_MS = 8000;

/** Plays and reads them one after the other; only what a day's reading shows is kept. */
export async function readDays({ seed, meters, days, spoil, onDay = () => {} }: DaysOptions): Promise<Days> {
  const { block, houses, recorder, secrets } = housesBehindADap({ seed, meters, spoil });
  const all = { days: [] as MeteredDay[], strays: [] as string[], messages: 0 };
  // The first interval has all that was used before.
  block.play(DAY_MS);
  for (let day = 1; day <= days; day++) {
    const dayMs = START_MS + day * DAY_MS;
    const askedAtMs = dayMs + DAY_MS + ASKED_AT_MS + day * LATER_EACH_NIGHT_MS;
    block.play(askedAtMs - (block.clock.utcMs() ?? 0));
    for (const house of houses) await readDay(block, house, dayMs);
    const { recorded } = recorder;
    all.strays.push(...straysOf(knownOf(recorded, secrets), houses));
    all.messages += recorded.length;
    for (const house of houses) all.days.push(seenDay(house, dayMs, recorded));
    recorder.recorded.length = 0;
    secrets.forget();
    onDay(day);
  }
  const raised = houses.filter(({ id }) => block.runtimes.get(id)?.log.last("profile-padding-raised"));
  block.stop();
  return { houses, ...all, raised: raised.map(({ id, kind }) => `${id} (${kind})`) };
}

/** What went between the DAP and this house's meter; each has a station of its own, by its alias. */
function seenDay({ id, load }: House, dayMs: number, recorded: readonly Recorded[]): MeteredDay {
  const mine = recorded.filter(({ side, peer }) => side === "south" && peer === id);
  const lengths = mine.map(({ direction, bytes }) => (direction === "up" ? bytes.length : -bytes.length));
  return { meter: id, lengths, wattHours: loadWattHours(load, dayMs, dayMs + DAY_MS) };
}

/** Registers, the day both ways, its last quarter, and what was logged of late. */
async function readDay(block: Block, { id }: House, dayMs: number): Promise<void> {
  const { clock, headEnd } = block;
  const target = block.target(id, TIMEOUT_MS);
  await settle(clock, headEnd.readRegisters(target, [IMPORT, EXPORT]));
  for (const request of [...dayRequests(dayMs / 1000), ...dayRequests(dayMs / 1000, EXPORT)])
    await settle(clock, headEnd.readProfile(target, request));
  for (const log of ["fraud", "communication"] as const)
    await settle(clock, headEnd.readEvents(target, { log, from: 0, count: 32 }));
}
