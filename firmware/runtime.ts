// The one loop of a meter: clock, link and metering part joined to the meter and its protocol.
import type { Cancel, Clock } from "../hal/ports/clock.ts";
import type { CryptoEngine } from "../hal/ports/crypto.ts";
import type { Link } from "../hal/ports/link.ts";
import type { MeteringIc, MeteringReading } from "../hal/ports/metering-ic.ts";
import type { Random } from "../hal/ports/random.ts";
import type { Storage, StorageFault, StorageResult } from "../hal/ports/storage.ts";
import type { Identity } from "./identity/identity.ts";
import type { TrustList } from "./identity/trust.ts";
import { Meter, type MeterConfiguration, PROFILE_ROWS } from "./meter.ts";
import { MeterState } from "./meter-state.ts";
import type { IntervalRecord } from "./metrology/interval-profile.ts";
import { Drive } from "./protocol/drive.ts";
import type { NameplateCounters } from "./protocol/readings/nameplate.ts";
import { SecureServer, type ServerEvent } from "./protocol/secure-server.ts";
import type { PresetContext } from "./protocol/sessions.ts";

/** The ports that a composition root has picked. */
export interface MeterBoard {
  /** For the protocol: real time, always. */
  readonly clock: Clock;
  /** For measuring and for the meter's UTC; the same clock, unless a load is played faster than life. */
  readonly meterClock: Clock;
  readonly link: Link;
  readonly meteringIc: MeteringIc;
  readonly crypto: CryptoEngine;
  readonly random: Random;
  /** What survives a power cut; without it the meter begins anew at each start. */
  readonly storage?: Storage | undefined;
}

export interface RuntimeOptions {
  readonly configuration: MeterConfiguration;
  readonly identity: Identity;
  readonly trust: TrustList;
  /** Contexts that need no EDHOC; development only. */
  readonly presets?: readonly PresetContext[];
  /** How often the metering part is asked; must not be above what its counter allows. */
  readonly pollIntervalMs: number;
  /** Told what happens on the line, for a console. */
  readonly onEvent?: (event: ServerEvent) => void;
  /** Told once, when the storage takes no more: the meter measures on and gives no readings. */
  readonly onStateFault?: (fault: StorageFault) => void;
}

/** Polls missed in a row before instant values are no longer given. */
const POLLS_UNTIL_STALE = 3;

/** Runs a meter from construction until {@link MeterRuntime.stop}. */
export class MeterRuntime {
  readonly meter: Meter;
  readonly #board: MeterBoard;
  /** Undefined for a meter without storage. */
  readonly state: MeterState | undefined;
  readonly #server: SecureServer;
  readonly #drive: Drive<ServerEvent>;
  #pollIntervalMs: number;
  #cancelPoll: Cancel = () => {};

  /**
   * Throws where the metering part's counter would wrap unseen at this poll interval, and where the storage
   * holds the state of a firmware that this one does not know.
   */
  constructor(board: MeterBoard, options: RuntimeOptions) {
    const { meteringIc, meterClock, clock, link } = board;
    const { configuration, identity, trust, presets = [], pollIntervalMs, onEvent = () => {} } = options;
    refuseSlowPolls(meteringIc, pollIntervalMs);
    this.#board = board;
    this.#pollIntervalMs = pollIntervalMs;
    this.state = board.storage && this.#openState(board.storage, options.onStateFault);
    const surroundings = {
      crypto: board.crypto,
      chip: meteringIc.part,
      utcMs: () => meterClock.utcMs(),
      monotonicMs: () => meterClock.monotonicMs(),
      staleAfterMs: () => POLLS_UNTIL_STALE * this.#pollIntervalMs,
      counters: () => this.#counters(),
      makeDurable: this.state && (() => this.#save()),
    };
    const billing = { onRow: (profile: number, row: IntervalRecord) => this.state?.rowClosed(profile, row) };
    this.meter = new Meter(configuration, surroundings, billing, this.state?.saved);
    meteringIc.listen({ reading: (reading) => this.#take(reading), fault: () => {} });
    this.#server = new SecureServer({
      crypto: board.crypto,
      random: board.random,
      traits: link.traits,
      identity,
      trust,
      presets,
      resources: this.meter,
    });
    this.#drive = new Drive(this.#server, link, clock, onEvent);
    this.#poll();
  }

  /** Asks the metering part this often from now on. Throws where the constructor would. */
  pollEvery(intervalMs: number): void {
    refuseSlowPolls(this.#board.meteringIc, intervalMs);
    this.#pollIntervalMs = intervalMs;
    this.#cancelPoll();
    this.#armPoll();
  }

  /** Ends polling and answering; link and part are their owner's to close. */
  stop(): void {
    this.#cancelPoll();
    this.#drive.stop();
    this.#save();
  }

  #openState(storage: Storage, onFault: (fault: StorageFault) => void = () => {}): MeterState {
    return new MeterState(storage, { capacities: [PROFILE_ROWS], state: () => this.meter.state(), onFault });
  }

  #take(reading: MeteringReading): void {
    this.meter.take(reading);
    const milliwattHours = reading.importMilliwattHours + reading.exportMilliwattHours;
    this.state?.booked(this.#board.meterClock.monotonicMs(), milliwattHours);
  }

  #save(): StorageResult {
    return this.state?.save(this.#board.meterClock.monotonicMs()) ?? "done";
  }

  #poll(): void {
    this.#board.meteringIc.poll();
    this.#armPoll();
  }

  #armPoll(): void {
    this.#cancelPoll = this.#board.meterClock.after(this.#untilNextPollMs(), () => this.#poll());
  }

  /**
   * Polls keep to a grid of UTC, computed afresh each time, so that one falls on each boundary of the
   * load profile; while UTC is not known they only keep their distance.
   */
  #untilNextPollMs(): number {
    const utcMs = this.#board.meterClock.utcMs();
    return utcMs === undefined ? this.#pollIntervalMs : this.#pollIntervalMs - (utcMs % this.#pollIntervalMs);
  }

  #counters(): NameplateCounters {
    const { link, meteringIc } = this.#board;
    return {
      meteringReadings: meteringIc.counters.readings,
      meteringFaults: sum(meteringIc.counters.faults),
      receivedDatagrams: link.counters.receivedDatagrams,
      rejectedFrames: sum(link.counters.rejected),
      refusedMessages: this.#server.refusedMessages,
    };
  }
}

function refuseSlowPolls({ part, maxPollIntervalMs }: MeteringIc, intervalMs: number): void {
  if (intervalMs <= maxPollIntervalMs) return;
  throw new Error(`a ${part} must be polled every ${maxPollIntervalMs} ms or sooner`);
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
