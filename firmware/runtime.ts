// The one loop of a meter: clock, link, metering part and storage joined to the meter and its protocol.
import type { Cancel } from "../hal/ports/clock.ts";
import type { KeyStore } from "../hal/ports/key-store.ts";
import type { MeteringIc, MeteringReading } from "../hal/ports/metering-ic.ts";
import type { Relay } from "../hal/ports/relay.ts";
import type { Storage, StorageResult } from "../hal/ports/storage.ts";
import type { ClockEvent } from "./clock/clock-event.ts";
import { WallClock } from "./clock/wall-clock.ts";
import { configurationDigest, type MeterConfiguration, zoneOf } from "./configuration.ts";
import { recordClockEvent } from "./events/clock-events.ts";
import { EventLog } from "./events/event-log.ts";
import { EventWatch } from "./events/event-watch.ts";
import { securityEventOf } from "./events/security-events.ts";
import { recordStart, SupplyWatch } from "./events/supply-events.ts";
import type { HealthParts } from "./health/health.ts";
import { SELF } from "./health/self-link.ts";
import type { Identity } from "./identity/identity.ts";
import { OwnKeys } from "./identity/own-keys.ts";
import type { TrustList } from "./identity/trust.ts";
import { Meter, PROFILE_ROWS } from "./meter.ts";
import type { BoardUpdates, MeterBoard, RuntimeOptions } from "./meter-board.ts";
import { MeterState, maxLossWattHours } from "./meter-state.ts";
import type { PlateState } from "./meter-state-parts.ts";
import type { MonthEndRecord } from "./metrology/month-ends.ts";
import { Drive } from "./protocol/drive.ts";
import { Memberships } from "./protocol/group/memberships.ts";
import type { ServerKeeping } from "./protocol/kept-sessions.ts";
import type { NameplateCounters } from "./protocol/readings/nameplate.ts";
import { SecureServer, type ServerEvent } from "./protocol/secure-server.ts";
import { RelayControl, type RelayControlParts } from "./relay/relay-control.ts";
import { SwitchingGate } from "./relay/switching.ts";
import { type MeterResourcesParts, meterResources } from "./resources/meter-resources.ts";
import type { MeterResources } from "./resources/resources.ts";
import { statedBy } from "./resources/statements.ts";
import { RESTART_AFTER_MS } from "./resources/update.ts";
import type { SessionState } from "./session-state.ts";
import { StatementChain } from "./statement-chain.ts";

/** Polls missed in a row before instant values are no longer given. */
const POLLS_UNTIL_STALE = 3;

/** Runs a meter from construction until {@link MeterRuntime.stop}. */
export class MeterRuntime {
  readonly meter: Meter;
  readonly clock: WallClock;
  readonly log: EventLog;
  readonly resources: MeterResources;
  /** Undefined for a meter without storage. */
  readonly state: MeterState | undefined;
  /** Undefined for a meter without a relay. */
  readonly relay: RelayControl | undefined;
  readonly #board: MeterBoard;
  readonly #identity: Identity;
  readonly #trust: TrustList;
  readonly #keys: OwnKeys | undefined;
  readonly #onEvent: (event: ServerEvent) => void;
  readonly #watch: EventWatch;
  readonly #supply: SupplyWatch;
  readonly #memberships: Memberships;
  readonly #server: SecureServer;
  readonly #statements: StatementChain;
  readonly #drive: Drive<ServerEvent>;
  #pollIntervalMs: number;
  #cancelPoll: Cancel = () => {};
  #cancelRestart: Cancel = () => {};

  /**
   * Throws where the metering part's counter would wrap unseen at this poll interval, and a MeterStateError where the
   * storage holds what this meter cannot go on from.
   */
  constructor(board: MeterBoard, options: RuntimeOptions) {
    const { meteringIc, clock, link, crypto, signals } = board;
    const { configuration, identity, trust, presets = [], pollIntervalMs } = options;
    refuseSlowPolls(meteringIc, pollIntervalMs);
    this.#board = board;
    this.#identity = identity;
    this.#trust = trust;
    this.#onEvent = options.onEvent ?? (() => {});
    this.#pollIntervalMs = pollIntervalMs;
    this.#keys = board.keyStore && this.#newKeys(board.keyStore, identity);
    const plate = {
      firmwareDigest: configuration.firmwareDigest,
      configurationDigest: configurationDigest(crypto, configuration),
    };
    this.state = board.storage && this.#openState(board.storage, plate, options);
    this.#statements = new StatementChain(crypto, this.state?.statements, () => this.state?.changed());
    this.log = this.#newLog();
    this.clock = this.#newClock(configuration);
    this.meter = this.#newMeter(configuration);
    recordStart(this.log, this.clock, plate, this.state);
    if (options.tariff !== undefined) this.meter.setTariff(options.tariff);
    this.relay = board.relay && this.#newRelay(board.relay, options);
    this.#watch = new EventWatch({ log: this.log, hasGeneration: configuration.hasGeneration, signals });
    this.#supply = new SupplyWatch(this.log, signals);
    signals?.listen({ powerFail: () => this.#lastGasp() });
    meteringIc.listen({ reading: (reading) => this.#take(reading), fault: () => {} });
    this.#memberships = new Memberships({
      ...{ crypto, random: board.random.fork("groups"), identity, trust, keeping: this.state?.memberships },
      monotonicMs: () => clock.monotonicMs(),
      utcSeconds: () => this.meter.utcSeconds,
    });
    this.resources = this.#newResources(plate, options);
    this.#server = new SecureServer({
      ...{ crypto, random: board.random, traits: link.traits, identity, trust, presets, self: SELF },
      nextIdentity: () => this.#keys?.next,
      ...{ resources: this.resources, memberships: this.#memberships },
      keeping: this.state && keepingOf(this.state.sessions, clock.monotonicMs(), this.clock),
    });
    this.#drive = new Drive(this.#server, link, clock, (event) => this.#heard(event));
    this.#poll();
  }

  /** Asks the metering part this often from now on. Throws where the constructor would. */
  pollEvery(intervalMs: number): void {
    refuseSlowPolls(this.#board.meteringIc, intervalMs);
    this.#pollIntervalMs = intervalMs;
    this.#cancelPoll();
    this.#armPoll();
  }

  /** Takes a head-end out: it gets nothing more from now on. False where the meter knows none of this id. */
  revoke(id: string): boolean {
    const isKnown = this.#trust.revoke(id);
    this.#server.forgetBarred();
    return isKnown;
  }

  /** What a check of this meter by itself looks at. */
  get vitals(): Pick<HealthParts, "store" | "readings" | "meter" | "admit"> {
    return {
      store: () => (this.state === undefined ? "none" : this.#save()),
      readings: () => this.#board.meteringIc.counters.readings,
      meter: () => this.#keys?.current ?? this.#identity,
      admit: (guest) => this.#server.admit(guest),
    };
  }

  /** Ends polling and answering; link, part and signals are their owner's to close. */
  stop(): void {
    this.#cancelPoll();
    this.#cancelRestart();
    this.#drive.stop();
    // To the meter the end of its program is the end of its supply.
    this.#lastGasp();
  }

  #openState(
    storage: Storage,
    plate: PlateState,
    { configuration, onStateFault }: RuntimeOptions,
  ): MeterState {
    return new MeterState(storage, {
      billing: configuration,
      rows: PROFILE_ROWS,
      snapshot: () => ({
        engine: this.meter.state(),
        clock: this.clock.memory(),
        logs: this.log.counters(),
        tariff: this.meter.tariff,
        plate,
        statements: this.#statements.state,
        // A start without the relay must not forget what was ordered of it.
        relay: this.relay?.memory() ?? this.state?.relay,
      }),
      onFault: onStateFault ?? (() => {}),
    });
  }

  #newLog(): EventLog {
    const time = () => ({ utcSeconds: this.meter.utcSeconds, clockStatus: this.clock.status });
    const monotonicMs = () => this.#nowMs();
    const options = {
      ...{ time, monotonicMs },
      onEvent: (...event: Parameters<MeterState["eventLogged"]>) => this.state?.eventLogged(...event),
    };
    return new EventLog(options, this.state?.logs);
  }

  #newClock(configuration: MeterConfiguration): WallClock {
    const zone = zoneOf(configuration);
    const daylight = (utcMs: number) => (zone.localTime(utcMs / 1000).isDaylight ? "on" : "off");
    return new WallClock({
      clock: this.#board.meterClock,
      random: this.#board.random.fork("clock"),
      board: this.#board.utc ?? "disciplined",
      buildUtcMs: configuration.firmwareBuiltUtcMs,
      memory: this.state?.saved?.clock,
      ...(configuration.zone !== "" && { daylight }),
      onEvent: (event) => this.#clockTold(event),
    });
  }

  #newMeter(configuration: MeterConfiguration): Meter {
    const parts = {
      ...{ configuration, clock: this.clock, log: this.log },
      monotonicMs: () => this.#nowMs(),
      staleAfterMs: () => POLLS_UNTIL_STALE * this.#pollIntervalMs,
      onRow: (...row: Parameters<MeterState["rowClosed"]>) => this.state?.rowClosed(...row),
      onMonthEnd: (record: MonthEndRecord) => this.state?.monthEnded(record),
      onTariff: () => this.state?.changed(),
    };
    return new Meter(parts, this.state?.saved?.meter);
  }

  #newKeys(store: KeyStore, identity: Identity): OwnKeys {
    const { crypto, random } = this.#board;
    return new OwnKeys({ crypto, random: random.fork("own keys"), store }, identity);
  }

  #keyParts(keys: OwnKeys): MeterResourcesParts["keys"] {
    const confirm = (): StorageResult =>
      keys.next === undefined ? "done" : this.#server.takeKey(keys.next, () => keys.confirm());
    return { keys, confirm, crypto: this.#board.crypto };
  }

  #updateParts({ slots, restart }: BoardUpdates): MeterResourcesParts["updates"] {
    const { clock } = this.#board;
    const onInstalled = (): void => {
      this.#cancelRestart();
      this.#cancelRestart = clock.after(RESTART_AFTER_MS, restart);
    };
    return { slots, onInstalled, monotonicMs: () => clock.monotonicMs() };
  }

  #newRelay(relay: Relay, { switching }: RuntimeOptions): RelayControl {
    const parts: RelayControlParts = {
      ...{ relay, log: this.log, mode: switching?.mode ?? 0 },
      monotonicMs: () => this.#nowMs(),
      keep: () => {
        this.state?.changed();
        return this.#save();
      },
    };
    return new RelayControl(parts, this.state?.relay);
  }

  #newResources(
    { configurationDigest: digest }: PlateState,
    { identity, trust, switching, observePeriodMs }: RuntimeOptions,
  ): MeterResources {
    const { meteringIc, storage, crypto, random, clock, updates } = this.#board;
    const { id } = identity.credential;
    const gate = new SwitchingGate(
      {
        ...{ crypto, id, random: random.fork("relay") },
        monotonicMs: () => clock.monotonicMs(),
        utcSeconds: () => this.meter.utcSeconds,
      },
      switching,
    );
    return meterResources({
      relay: this.relay && { relay: this.relay, gate },
      keys: this.#keys && this.#keyParts(this.#keys),
      updates: updates && this.#updateParts(updates),
      ...{ meter: this.meter, clock: this.clock, log: this.log, configurationDigest: digest },
      observePeriodMs,
      ...{ chip: meteringIc.part, memberships: this.#memberships },
      rightsOf: (peer) => trust.rightsOf(peer),
      maxLossWattHours: () =>
        storage && maxLossWattHours(meteringIc.largestPowerMilliwatts, this.#pollIntervalMs),
      counters: () => this.#counters(),
      statements: this.state && statedBy(crypto, identity, this.#statements, () => this.clock.status),
      makeDurable: () => this.#save(),
      onAcknowledged: () => this.state?.changed(),
    });
  }

  #take(reading: MeteringReading): void {
    const nowMs = this.#nowMs();
    this.meter.take(reading);
    this.#watch.took(nowMs, reading);
    this.relay?.took(nowMs, reading);
    this.state?.booked(reading.importMilliwattHours + reading.exportMilliwattHours);
    this.state?.saveIfDue(nowMs);
  }

  #clockTold(event: ClockEvent): void {
    recordClockEvent(this.log, event);
    if (event.kind === "adjusted")
      this.meter.clockSet(event.oldUtcMs === undefined ? undefined : event.oldUtcMs / 1000);
    if (isForNextStart(event)) this.state?.clockChanged();
  }

  #heard(event: ServerEvent): void {
    // What the meter asks itself is nobody's doing.
    if (event.from === SELF) return;
    const name = securityEventOf(event);
    if (name !== undefined) this.log.record(name);
    this.#onEvent(event);
  }

  /** The supply is failing: what is not durable in some milliseconds is lost. */
  #lastGasp(): void {
    // A supply that flutters saves what is new each time, and its time once.
    if (this.#supply.fails(this.#nowMs())) this.state?.clockChanged();
    this.#save();
  }

  #save(): StorageResult {
    return this.state?.save(this.#nowMs()) ?? "done";
  }

  #poll(): void {
    const nowMs = this.#nowMs();
    this.clock.tick();
    this.#supply.polled(nowMs);
    this.#watch.polled(nowMs);
    this.relay?.polled(nowMs);
    this.log.tick();
    this.state?.saveIfDue(nowMs);
    this.#board.meteringIc.poll();
    // What was logged since the poll before may be due to its observers.
    this.#drive.run();
    this.#tellAlive();
    this.#armPoll();
  }

  /** A meter that cannot keep what it measures is better started again: until then nobody is given a reading. */
  #tellAlive(): void {
    if (this.state === undefined || this.state.condition === "done") this.#board.supervisor?.alive();
  }

  #armPoll(): void {
    this.#cancelPoll = this.#board.meterClock.after(this.#untilNextPollMs(), () => this.#poll());
  }

  /**
   * Polls keep to a grid of UTC, computed afresh each time, so that one falls on each boundary of the
   * load profile; while UTC is not known they only keep their distance.
   */
  #untilNextPollMs(): number {
    return this.clock.untilMultipleMs(this.#pollIntervalMs) ?? this.#pollIntervalMs;
  }

  #nowMs(): number {
    return this.#board.meterClock.monotonicMs();
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

/** How the meter's sessions outlive its starts; where it does not know the time, none does. */
function keepingOf(sessions: SessionState, startMs: number, clock: WallClock): ServerKeeping {
  return {
    starts: sessions.starts,
    startMs,
    kept: () => sessions.kept(),
    save: (kept) => sessions.save(kept),
    utcMs: () => clock.utcMs(),
  };
}

function refuseSlowPolls({ part, maxPollIntervalMs }: MeteringIc, intervalMs: number): void {
  if (intervalMs <= maxPollIntervalMs) return;
  throw new Error(`a ${part} must be polled every ${maxPollIntervalMs} ms or sooner`);
}

/**
 * What a start must know at once. It asks a board that is followed anew, so a slew after that one is no news: else
 * whoever spoils its time has each poll written. A refusal changes nothing.
 */
function isForNextStart(event: ClockEvent): boolean {
  if (event.kind === "slewed") return event.role !== "board";
  return event.kind === "adjusted" || event.kind === "board-stepped";
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
