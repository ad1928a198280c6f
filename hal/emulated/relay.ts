import type { Cancel, Clock } from "../ports/clock.ts";
import type { DriveResult, Relay, RelayPosition } from "../ports/relay.ts";
import type { Mains } from "./mains.ts";

/**
 * What is broken: `welded` contacts do not open and `stuck` ones do not close; a `dead` coil cannot be driven; a `blind`
 * feedback says nothing, and a `bouncing` one says both until the contacts have settled.
 */
export type RelayFault = "welded" | "stuck" | "dead" | "blind" | "bouncing";

export interface EmulatedRelayOptions {
  /** Where the contacts are at first; closed unless given. */
  readonly startsAt?: "closed" | "open";
  /** From the drive to the contacts' arrival; latching relays of meters take 10 to 20 ms. */
  readonly travelMs?: number;
  /** What the board promises, whatever the contacts take. */
  readonly settleMs?: number;
}

const TRAVEL_MS = 15;
const SETTLE_MS = 100;
/** A feedback that bounces turns over each time this has passed. */
const BOUNCE_MS = 1;
/** Moves that are remembered for parts that look back: each looks several times a second, or at its next question. */
const MOVES_MAX = 64;

interface Move {
  readonly atMs: number;
  readonly to: "closed" | "open";
}

/** Contacts that cut the mains of an emulated part, and that break as they are told to. */
export class EmulatedRelay implements Relay {
  readonly settleMs: number;
  /** How long contacts take from now on. */
  travelMs: number;
  /** How often the coil was driven. */
  drives = 0;
  readonly #clock: Clock;
  readonly #faults = new Set<RelayFault>();
  /** Oldest first, and never none: where the contacts have been since when. */
  readonly #moves: Move[];
  #drivenAtMs = Number.NEGATIVE_INFINITY;
  #cancelMove: Cancel = () => {};
  #isClosed = false;

  constructor(clock: Clock, options: EmulatedRelayOptions = {}) {
    const { startsAt = "closed", travelMs = TRAVEL_MS, settleMs = SETTLE_MS } = options;
    this.#clock = clock;
    this.travelMs = travelMs;
    this.settleMs = settleMs;
    this.#moves = [{ atMs: Number.NEGATIVE_INFINITY, to: startsAt }];
  }

  /** Where the contacts really are. */
  get contacts(): "closed" | "open" {
    return this.#contactsAt(this.#clock.monotonicMs()).to;
  }

  position(): RelayPosition {
    if (this.#isClosed || this.#faults.has("blind")) return "unknown";
    const sinceMs = this.#clock.monotonicMs() - this.#drivenAtMs;
    const bounces = this.#faults.has("bouncing") && sinceMs < this.settleMs;
    if (!bounces || Math.floor(sinceMs / BOUNCE_MS) % 2 === 0) return this.contacts;
    return this.contacts === "open" ? "closed" : "open";
  }

  drive(to: "closed" | "open"): DriveResult {
    if (this.#isClosed || this.#faults.has("dead")) return "failed";
    this.drives++;
    this.#drivenAtMs = this.#clock.monotonicMs();
    this.#cancelMove();
    this.#cancelMove = this.#clock.after(this.travelMs, () => this.#move(to));
    return "driven";
  }

  /** The contacts stay where they are; a move under way ends where it began. */
  close(): void {
    this.#isClosed = true;
    this.#cancelMove();
  }

  /** From now on this is broken. */
  breakBy(fault: RelayFault): void {
    this.#faults.add(fault);
  }

  /** From now on this works again; contacts that did not move stay until they are driven anew. */
  mend(fault: RelayFault): void {
    this.#faults.delete(fault);
  }

  /** Somebody moves the contacts by hand, past the coil. */
  force(to: "closed" | "open"): void {
    this.#moves.push({ atMs: this.#clock.monotonicMs(), to });
    if (this.#moves.length > MOVES_MAX) this.#moves.shift();
  }

  /** The mains as what is behind the contacts draws from them: their voltage stays, and without contact no current flows. */
  loadOf(mains: Mains): Mains {
    return {
      at: (ms) => {
        const state = mains.at(ms);
        return this.#contactsAt(ms).to === "closed" ? state : { ...state, currentAmperes: 0 };
      },
      steadyUntilMs: (ms) => Math.min(mains.steadyUntilMs(ms), this.#nextMoveMs(ms)),
    };
  }

  #move(to: "closed" | "open"): void {
    const holds = this.#faults.has(to === "open" ? "welded" : "stuck");
    if (!holds && this.contacts !== to) this.force(to);
  }

  #contactsAt(ms: number): Move {
    return this.#moves.findLast(({ atMs }) => atMs <= ms) ?? (this.#moves[0] as Move);
  }

  #nextMoveMs(ms: number): number {
    return this.#moves.find(({ atMs }) => atMs > ms)?.atMs ?? Number.POSITIVE_INFINITY;
  }
}
