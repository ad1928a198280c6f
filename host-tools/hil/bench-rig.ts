// A bench that is open: its meters, whatever they are made of, and those who ask them.
import { EVENT_LOGS } from "../../firmware/events/event-table.ts";
import { playPast } from "../world/past.ts";
import type { AttachedParties } from "./attached/keys.ts";
import { BenchClock } from "./bench-clock.ts";
import type { BenchDap } from "./bench-dap.ts";
import { emulatedDap } from "./emulated/dap.ts";
import { EmulatedMeter, POLL_INTERVAL_MS } from "./emulated/meter.ts";
import { type EmulatedMeterMaking, emulatedKey } from "./emulated/meters.ts";
import { HeadEnds, type LineToMeter } from "./head-ends.ts";
import { InfrastructureFault } from "./infrastructure.ts";
import { offersOf } from "./offers.ts";
import { untilReady } from "./ready.ts";
import { evidenceEvent } from "./recorder.ts";
import type {
  Evidence,
  EvidenceEvent,
  Need,
  Rig,
  RigClock,
  RigDap,
  RigHeadEnd,
  RigKind,
  RigMeter,
} from "./rig.ts";
import { VirtualTime } from "./time.ts";
import { undo, type Wiring } from "./wiring.ts";

/** Shorter spans are played as they are; in longer ones metering parts are asked only as often as they must be. */
const LONG_MS = 600_000;
/** The newest events of each log of a real meter. */
const EVENTS_ASKED = 32;

export class BenchRig implements Rig {
  readonly clock: RigClock;
  readonly meters: RigMeter[] = [];
  readonly making: EmulatedMeterMaking;
  readonly #wiring: Wiring;
  readonly #headEnds: HeadEnds;
  readonly #lines = new Map<string, LineToMeter | InfrastructureFault>();
  readonly #emulated: EmulatedMeter[] = [];
  #dap: RigDap | undefined;

  constructor(wiring: Wiring, parties: AttachedParties) {
    const { bench, time } = wiring;
    const { timeoutMultiplier } = bench;
    const played = bench.meters.filter(({ kind }) => kind === "emulated");
    const keys = played.map(({ id }) => emulatedKey(wiring, "meter", id).credential);
    this.#wiring = wiring;
    this.clock = new BenchClock({ time, timeoutMultiplier, pass: (ms) => this.#pass(ms) });
    this.making = {
      wiring,
      parties,
      untilReady: (meter) => this.untilReady(meter),
      placeOf: (meter) => this.#headEnds.placeOf(meter),
    };
    this.#headEnds = new HeadEnds({
      ...{ ...wiring, identity: parties.headEnd, operator: parties.operator, reader: parties.reader },
      trusted: [...parties.trusted, ...keys],
      lineTo: (meter) => this.#lineTo(meter),
    });
    wiring.ends.push(() => this.#headEnds.close());
  }

  get name(): string {
    return this.#wiring.bench.name;
  }

  get kind(): RigKind {
    return this.#wiring.bench.kind;
  }

  get seed(): number {
    return this.#wiring.seed;
  }

  get offers(): ReadonlySet<Need> {
    return offersOf(this.#wiring.bench);
  }

  get timeoutMultiplier(): number {
    return this.#wiring.bench.timeoutMultiplier;
  }

  get headEnd(): RigHeadEnd {
    return this.#headEnds.known;
  }

  /** An emulated one is made when it is first wanted: most tests do without. */
  get dap(): RigDap | undefined {
    const { dap } = this.#wiring.bench;
    if (this.#dap !== undefined || dap?.kind !== "emulated") return this.#dap;
    const made = emulatedDap(this.making, dap.meters);
    this.#emulated.push(...made.meters);
    this.#dap = made.dap;
    return made.dap;
  }

  add(meter: RigMeter, at: LineToMeter | InfrastructureFault): void {
    this.#lines.set(meter.id, at);
    this.meters.push(meter);
    if (meter instanceof EmulatedMeter) this.#emulated.push(meter);
  }

  addDap(dap: BenchDap): void {
    this.#dap = dap;
  }

  untilReady(meter: RigMeter): Promise<void> {
    const isBehind = this.#dap?.meters.includes(meter) ?? false;
    return untilReady(meter, isBehind && this.#dap ? this.#dap.headEnd : this.headEnd, this.clock);
  }

  async evidence(): Promise<Evidence> {
    const events = this.#emulated.flatMap((meter) => meter.events());
    for (const meter of this.meters) if (meter.kind === "real") events.push(...(await this.#asked(meter)));
    return this.#wiring.recorder.evidence(events);
  }

  close(): Promise<void> {
    return undo(this.#wiring.ends);
  }

  #lineTo(meter: string): LineToMeter {
    const at =
      this.#lines.get(meter) ?? new InfrastructureFault(`The bench ${this.name} has no line to ${meter}.`);
    if (at instanceof InfrastructureFault) throw at;
    return at;
  }

  /** As far as a meter can still be asked: a test may have failed because it cannot. */
  async #asked(meter: RigMeter): Promise<EvidenceEvent[]> {
    const events: EvidenceEvent[] = [];
    try {
      for (const log of EVENT_LOGS) {
        const { next } = await this.headEnd.readEvents(meter, { log, from: 0, count: 0 });
        const from = Math.max(1, next - EVENTS_ASKED);
        const page = await this.headEnd.readEvents(meter, { log, from, count: EVENTS_ASKED });
        events.push(...page.events.map((event) => evidenceEvent(meter.id, log, event)));
      }
    } catch (error) {
      this.#wiring.recorder.say(`${meter.id}: its events could not be read: ${String(error)}`);
    }
    return events;
  }

  async #pass(ms: number): Promise<void> {
    const { time } = this.#wiring;
    if (ms < LONG_MS || !(time instanceof VirtualTime) || time.isWaitedFor) return time.pass(ms);
    const runtimes = this.#emulated.flatMap(({ runtime }) => runtime ?? []);
    const maxPollIntervalMs = Math.min(...this.#emulated.map((meter) => meter.maxPollIntervalMs));
    playPast({
      ...{ clock: time.clock, runtimes, lengthMs: ms },
      ...{ meteringIc: { maxPollIntervalMs }, pollIntervalMs: POLL_INTERVAL_MS },
    });
  }
}
