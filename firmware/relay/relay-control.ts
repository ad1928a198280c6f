// The relay's one owner: carries out orders, limits the power, and sees to it that the contacts are where they have to be.
import type { MeteringReading, PhaseReading } from "../../hal/ports/metering-ic.ts";
import type { Relay, RelayPosition } from "../../hal/ports/relay.ts";
import type { StorageResult } from "../../hal/ports/storage.ts";
import type { EventLog } from "../events/event-log.ts";
import type { EventName } from "../events/event-table.ts";
import {
  CONNECTED,
  type ControlMode,
  type ControlState,
  DISCONNECTED,
  positionOf,
  stateAfter,
  type Trigger,
} from "./control-state.ts";
import { type Limit, Limiter, Recovery } from "./limiter.ts";
import { type Finding, PositionWatch } from "./position-watch.ts";
import type { LastOrder, RelayMemory } from "./relay-memory.ts";

/** What a relay's control stands on. */
export interface RelayControlParts {
  readonly relay: Relay;
  readonly mode: ControlMode;
  readonly log: Pick<EventLog, "record" | "newest">;
  /** Of the clock that loads are measured by. */
  readonly monotonicMs: () => number;
  /** Makes durable what `memory` says now. */
  readonly keep: () => StorageResult;
}

/** What is to be done, by whose signature and when. */
export type RelayOrder =
  | { readonly kind: "disconnect" | "connect" | "no-limit" }
  | { readonly kind: "limit"; readonly limit: Limit };

/** What a state is logged as when a trigger has led to it; "limit" is logged by the limiter itself. */
const EVENTS_OF: Readonly<Record<Trigger, Readonly<Record<ControlState["is"], EventName>>>> = {
  disconnect: always("remote-disconnection"),
  connect: { ...always("remote-connection"), ready: "ready-for-reconnection" },
  press: always("manual-connection"),
  limit: always("local-disconnection"),
  recover: always("local-connection"),
};

function always(name: EventName): Readonly<Record<ControlState["is"], EventName>> {
  return { disconnected: name, connected: name, ready: name };
}

/** Orders are durable before they are carried out; what was ordered outlives everything but another order. */
export class RelayControl {
  readonly mode: ControlMode;
  readonly #parts: RelayControlParts;
  readonly #limiter = new Limiter();
  readonly #recovery = new Recovery();
  readonly #watch: PositionWatch;
  #memory: RelayMemory;
  #settledAtMs = 0;
  #power: { readonly watts: number; readonly atMs: number } | undefined;

  /**
   * `saved`: of the time before. What it demands is restored. Without it the contacts are left where they are, and are
   * taken for what they are: a meter that has lost its memory closes nothing that an operator may have opened.
   */
  constructor(parts: RelayControlParts, saved?: RelayMemory) {
    const { relay, log } = parts;
    this.mode = parts.mode;
    this.#parts = parts;
    this.#watch = new PositionWatch(log.newest("relay-failure", "relay-obeys") === "relay-failure");
    this.#memory = saved ?? { state: foundState(relay.position()), limit: undefined, lastOrder: undefined };
    if (saved !== undefined) this.#restore();
  }

  get state(): ControlState {
    return this.#memory.state;
  }

  get limit(): Limit | undefined {
    return this.#memory.limit;
  }

  get lastOrder(): LastOrder | undefined {
    return this.#memory.lastOrder;
  }

  /** As the feedback says; unknown while the contacts are on their way. */
  get position(): RelayPosition {
    return this.#parts.monotonicMs() < this.#settledAtMs ? "unknown" : this.#parts.relay.position();
  }

  /** For a journal: the same object as long as nothing has changed. */
  memory(): RelayMemory {
    return this.#memory;
  }

  /** Carries out an order once it is durable; a storage that does not take it leaves all as it was. */
  order(order: RelayOrder, by: Omit<LastOrder, "kind">): StorageResult {
    const lastOrder = { ...by, kind: order.kind };
    if (order.kind === "disconnect" || order.kind === "connect") {
      const state = stateAfter(this.state, order.kind, this.mode);
      const kept = this.#remember({ ...this.#memory, state, lastOrder });
      if (kept === "done") this.#obey(order.kind);
      return kept;
    }
    const limit = order.kind === "limit" ? order.limit : undefined;
    const kept = this.#remember({ ...this.#memory, limit, lastOrder });
    if (kept !== "done") return kept;
    this.#limiter.reset();
    this.#parts.log.record("limit-changed", limit === undefined ? [] : [limit.watts, limit.seconds]);
    return kept;
  }

  /** Somebody presses the meter's button to have power again. False where that changes nothing. */
  press(): boolean {
    return this.#change("press");
  }

  /** The metering part gave a reading. */
  took(atMs: number, { phases }: MeteringReading): void {
    const watts = wattsOf(phases);
    this.#power = watts === undefined ? undefined : { watts, atMs };
    if (this.state.is !== "connected") return this.#limiter.reset();
    if (!this.#limiter.exceeds(atMs, watts, this.limit)) return;
    this.#limiter.reset();
    this.#parts.log.record("limit-exceeded", [watts ?? 0]);
    this.#change("limit");
  }

  /** Looks after the contacts; to be called with each poll. */
  polled(atMs: number): void {
    const { state } = this;
    const isByLimiter = state.is === "ready" && state.by === "limiter" && this.mode === 6;
    if (this.#recovery.isDue(atMs, isByLimiter)) this.#change("recover");
    const demanded = positionOf(this.state.is);
    const isPowerOfNow = this.#power !== undefined && this.#power.atMs > this.#settledAtMs;
    const watts = isPowerOfNow ? this.#power?.watts : undefined;
    this.#act(this.#watch.take(atMs, demanded, this.#parts.relay.position(), watts), demanded);
  }

  #act(finding: Finding, demanded: "closed" | "open"): void {
    if (finding === "disagrees") this.#parts.log.record("relay-failure", [demanded === "closed" ? 1 : 0]);
    else if (finding === "agrees-again") this.#parts.log.record("relay-obeys");
    if (finding !== "disagrees" && finding !== "drive-again") return;
    this.#drive(demanded);
    this.#watch.drivenAgain(this.#settledAtMs);
  }

  /** A trigger from the meter itself: it is carried out although it may not be durable, and kept as soon as can be. */
  #change(trigger: Trigger): boolean {
    const state = stateAfter(this.state, trigger, this.mode);
    if (state === this.state) return false;
    this.#memory = { ...this.#memory, state };
    this.#obey(trigger);
    this.#parts.keep();
    return true;
  }

  /** An order that changes nothing drives all the same: the contacts may not be where they were. */
  #obey(trigger: Trigger): void {
    this.#parts.log.record(EVENTS_OF[trigger][this.state.is]);
    this.#drive(positionOf(this.state.is));
    this.#watch.driven(this.#settledAtMs);
  }

  #restore(): void {
    const demanded = positionOf(this.state.is);
    const { relay, log } = this.#parts;
    const found = relay.position();
    if (found === demanded) return;
    if (found !== "unknown") log.record("relay-restored", [demanded === "closed" ? 1 : 0]);
    this.#drive(demanded);
    this.#watch.driven(this.#settledAtMs);
  }

  #drive(to: "closed" | "open"): void {
    const { relay, log, monotonicMs } = this.#parts;
    const result = relay.drive(to);
    this.#settledAtMs = monotonicMs() + relay.settleMs;
    if (result === "failed" && this.#watch.failed()) log.record("relay-failure", [to === "closed" ? 1 : 0]);
  }

  #remember(memory: RelayMemory): StorageResult {
    const before = this.#memory;
    this.#memory = memory;
    const kept = this.#parts.keep();
    if (kept !== "done") this.#memory = before;
    return kept;
  }
}

/** Of a meter without a memory: nobody has opened contacts that nobody can see. */
function foundState(position: RelayPosition): ControlState {
  return position === "open" ? DISCONNECTED : CONNECTED;
}

/** Of all phases together, import above 0; undefined as soon as one is not known. */
function wattsOf(phases: readonly PhaseReading[]): number | undefined {
  let milliwatts = 0;
  for (const { activePowerMilliwatts } of phases) {
    if (activePowerMilliwatts === undefined) return undefined;
    milliwatts += activePowerMilliwatts.value;
  }
  return phases.length === 0 ? undefined : milliwatts / 1000;
}
