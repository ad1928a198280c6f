// The supply, from one start of the meter to the next: power down and up, and what an outage has changed or taken.
import type { BoardSignals } from "../../hal/ports/board-signals.ts";
import type { WallClock } from "../clock/wall-clock.ts";
import type { MeterState } from "../meter-state.ts";
import type { PlateState } from "../meter-state-parts.ts";
import { equal } from "../protocol/bytes.ts";
import type { EventLog } from "./event-log.ts";

/** The register that is billed on, by its number in the register table. */
const IMPORT_NUMBER = 0;
/** A supply that has failed and still feeds the board so much later has come back. */
const RECOVERED_AFTER_MS = 1000;

/** Logs what a start finds: nothing at the first one of a meter. */
export function recordStart(
  log: EventLog,
  clock: Pick<WallClock, "utcMs" | "statusAt">,
  plate: PlateState,
  state: Pick<MeterState, "saved" | "recovery"> | undefined,
): void {
  const saved = state?.saved;
  if (saved !== undefined) {
    recordOutage(log, clock, saved.clock.lastUtcMs);
    recordChanges(log, plate, saved.plate);
  }
  // Where nothing but its energy is gone, the logs are of a meter that has been.
  if (state !== undefined && state.recovery.damage.length > 0) log.record("register-lost", [IMPORT_NUMBER]);
}

/** A power failure that nobody could log as it came is stamped with the newest time that storage has. */
function recordOutage(
  log: EventLog,
  clock: Pick<WallClock, "utcMs" | "statusAt">,
  lastUtcMs: number | undefined,
): void {
  if (log.newest("power-down", "power-up") !== "power-down") {
    const clockStatus = clock.statusAt(lastUtcMs);
    const utcSeconds = lastUtcMs === undefined ? undefined : lastUtcMs / 1000;
    log.record("power-down", [], { utcSeconds, clockStatus });
  }
  const nowUtcMs = clock.utcMs();
  const isKnown = nowUtcMs !== undefined && lastUtcMs !== undefined;
  log.record("power-up", isKnown ? [(nowUtcMs - lastUtcMs) / 1000] : []);
}

function recordChanges(log: EventLog, plate: PlateState, before: PlateState | undefined): void {
  if (before === undefined) return;
  if (!equal(plate.firmwareDigest, before.firmwareDigest)) log.record("firmware-activated");
  else if (!equal(plate.configurationDigest, before.configurationDigest)) log.record("configuration-changed");
}

/** The supply as more than one watch sees it: whichever is first tells, and the others have nothing to add. */
export function recordSupply(
  log: Pick<EventLog, "record" | "newest">,
  name: "power-down" | "power-up",
  details: readonly number[] = [],
): void {
  if (log.newest("power-down", "power-up") !== name) log.record(name, details);
}

/** Logs a supply that fails while the meter runs, and one that comes back before the meter has ended. */
export class SupplyWatch {
  readonly #log: Pick<EventLog, "record" | "newest">;
  readonly #signals: BoardSignals | undefined;
  #failedAtMs: number | undefined;

  constructor(log: Pick<EventLog, "record" | "newest">, signals: BoardSignals | undefined) {
    this.#log = log;
    this.#signals = signals;
  }

  /** The last gasp; a supply that flutters is told once. True where it has not failed just before. */
  fails(atMs: number): boolean {
    const isNew = this.#failedAtMs === undefined;
    recordSupply(this.#log, "power-down");
    this.#failedAtMs = atMs;
    return isNew;
  }

  polled(atMs: number): void {
    if (this.#failedAtMs === undefined || atMs - this.#failedAtMs < RECOVERED_AFTER_MS) return;
    if (this.#signals?.line() === "down") return;
    recordSupply(this.#log, "power-up", [(atMs - this.#failedAtMs) / 1000]);
    this.#failedAtMs = undefined;
  }
}
