// All that is watched for events: the metering part's readings, its silence, and the board's own sensors.
import type { BoardSignals } from "../../hal/ports/board-signals.ts";
import type { MeteringReading } from "../../hal/ports/metering-ic.ts";
import { CONDITIONS, ConditionWatch } from "./condition-watch.ts";
import type { EventLog } from "./event-log.ts";
import { PartWatch } from "./part-watch.ts";
import { ReverseWatch } from "./reverse-watch.ts";
import { recordSupply } from "./supply-events.ts";
import { type Finding, VoltageWatch } from "./voltage-watch.ts";

export interface EventWatchOptions {
  readonly log: Pick<EventLog, "record" | "newest">;
  readonly hasGeneration: boolean;
  readonly signals?: BoardSignals | undefined;
}

/** Sensors of the board, each with the condition that it says. */
const SENSORS = ["cover", "terminalCover", "magnet"] as const;

/** Feeds the detectors and logs what they find. */
export class EventWatch {
  readonly #log: EventWatchOptions["log"];
  readonly #signals: BoardSignals | undefined;
  readonly #voltage = new VoltageWatch();
  readonly #part = new PartWatch();
  readonly #reverse: ReverseWatch | undefined;
  readonly #conditions: readonly (readonly [(typeof SENSORS)[number], ConditionWatch])[];
  #hasAnswered = true;

  /** What was logged last of a condition is believed: a restart with the cover off logs it only once. */
  constructor({ log, hasGeneration, signals }: EventWatchOptions) {
    this.#log = log;
    this.#signals = signals;
    this.#reverse = hasGeneration ? undefined : new ReverseWatch();
    this.#conditions = SENSORS.map((sensor) => {
      const { begins, ends } = CONDITIONS[sensor];
      const believed = log.newest(begins, ends) === begins ? "holds" : "clear";
      return [sensor, new ConditionWatch(CONDITIONS[sensor], believed)];
    });
  }

  /** The metering part gave a reading. */
  took(atMs: number, { phases, exportMilliwattHours }: MeteringReading): void {
    this.#hasAnswered = true;
    this.#tell(this.#part.answered(atMs));
    for (const finding of this.#voltage.take(atMs, phases)) this.#tell(finding);
    this.#tell(this.#reverse?.take(atMs, exportMilliwattHours));
  }

  /** The part is about to be asked again: what has become of the time before, and what do the sensors say? */
  polled(atMs: number): void {
    if (!this.#hasAnswered) this.#tell(this.#part.silent(atMs, this.#signals?.line() ?? "unknown"));
    this.#hasAnswered = false;
    for (const [sensor, watch] of this.#conditions) {
      const event = watch.take(atMs, this.#signals?.[sensor]() ?? "unknown");
      if (event !== undefined) this.#log.record(event);
    }
  }

  #tell(finding: Finding | undefined): void {
    if (finding === undefined) return;
    const { name, details } = finding;
    if (name === "power-down" || name === "power-up") recordSupply(this.#log, name, details);
    else this.#log.record(name, details);
  }
}
