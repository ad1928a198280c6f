// The meter's wall time and its one owner.
import type { Clock } from "../../hal/ports/clock.ts";
import type { Random } from "../../hal/ports/random.ts";
import { BoardRefusal } from "./board-refusal.ts";
import { type BoardChange, BoardWatch } from "./board-watch.ts";
import { bootTime, invalidReason } from "./boot-time.ts";
import type { ClockEvent, Teller } from "./clock-event.ts";
import type { ClockMemory } from "./clock-memory.ts";
import {
  type ClockSource,
  type ClockState,
  CRYSTAL_PPM,
  clockStatusOf,
  type Doubt,
  doubtOf,
  type InvalidReason,
  runningState,
  SYNCED_FOR_MS,
} from "./clock-state.ts";
import { DriftEstimate, ESTIMATE_BOUND_PPM } from "./drift-estimate.ts";
import { SetChallenge } from "./set-challenge.ts";
import {
  CLAIM_DISTANCE_MS,
  CLAIM_LIMIT_MS,
  isTimeMs,
  judge,
  type RefusalReason,
  type TimeSetter,
  type Verdict,
} from "./set-rules.ts";
import { Timescale } from "./timescale.ts";

export interface WallClockOptions {
  readonly clock: Pick<Clock, "monotonicMs" | "utcMs">;
  readonly random: Pick<Random, "bytes">;
  /** Whether something on the board keeps its UTC right (NTP, a modem's network time), or it only has a battery. */
  readonly board: "disciplined" | "free-running";
  /** When the firmware was built. */
  readonly buildUtcMs: number;
  readonly memory?: ClockMemory | undefined;
  readonly crystalPpm?: number;
  /** On: wall time runs at the pace that syncs have shown. Off where not given: then only what is told changes it. */
  readonly driftCorrection?: "on" | "off";
  /** Daylight saving at a time; not given where the meter's zone has none. */
  readonly daylight?: (utcMs: number) => "on" | "off";
  readonly phase?: () => "commissioning" | "in-service";
  /** Called from {@link WallClock.tick} and {@link WallClock.propose}, before they return. */
  readonly onEvent: (event: ClockEvent) => void;
}

/** A time, and who says so. The caller has checked that the head-end has proved itself and may set the clock. */
export type TimeProposal =
  | { readonly role: "head-end"; readonly utcMs: number; readonly challenge: Uint8Array }
  | { readonly role: "dap"; readonly utcMs: number };

export type ProposalResult =
  | { readonly kind: "slewing" | "set"; readonly byMs: number }
  /** Set where there was no time before. */
  | { readonly kind: "started" }
  | { readonly kind: "refused"; readonly reason: RefusalReason };

/** Half of the second that answers are given in: a board that is nearer needs no slew. */
const BOARD_TOLERANCE_MS = 500;

/** What timers are good to. */
const TIMER_MS = 1;

type Mode =
  | { readonly kind: "invalid"; readonly reason: InvalidReason }
  | { readonly kind: "running"; readonly scale: Timescale; readonly source: ClockSource };

/**
 * Wall time is an offset on the monotonic clock, and only this class changes it. A difference within the
 * sync limit is slewed, so that time never goes back and no interval is cut; a larger one steps, and is told.
 */
export class WallClock {
  readonly #options: WallClockOptions;
  readonly #watch = new BoardWatch();
  readonly #boardRefusal = new BoardRefusal();
  readonly #challenge: SetChallenge;
  readonly #drift: DriftEstimate;
  #mode: Mode;
  /** On the monotonic clock, before its start where it was before the restart. */
  #syncAtMs: number | undefined;
  #setAtMs: number | undefined;
  #claimAtMs: number | undefined;
  /** The doubt that was told last, so that each is told once. */
  #told: Doubt = "none";

  constructor(options: WallClockOptions) {
    this.#options = options;
    const { clock, memory = {} } = options;
    this.#drift = new DriftEstimate(memory.driftPpm);
    this.#challenge = new SetChallenge(options.random);
    const nowMs = clock.monotonicMs();
    const boardUtcMs = clock.utcMs();
    this.#watch.observe(nowMs, boardUtcMs);
    const { utcMs, slewMs, isBoards } = bootTime(boardUtcMs, options);
    const reason = invalidReason(utcMs, options);
    if (reason !== undefined) {
      this.#mode = { kind: "invalid", reason };
      // How long ago a claim was is not known: a restart must not give the day's limit anew.
      if (memory.claimUtcMs !== undefined) this.#claimAtMs = nowMs;
      return;
    }
    const startUtcMs = utcMs as number;
    const scale = new Timescale(nowMs, startUtcMs);
    scale.slew(nowMs, slewMs);
    this.#mode = { kind: "running", scale, source: isBoards ? "board" : (memory.source ?? "board") };
    const monotonicAt = (then: number | undefined) =>
      then === undefined ? undefined : nowMs - Math.max(0, startUtcMs - then);
    this.#syncAtMs = isBoards ? nowMs : monotonicAt(memory.syncUtcMs);
    this.#setAtMs = monotonicAt(memory.setUtcMs);
    this.#claimAtMs = monotonicAt(memory.claimUtcMs);
    this.#correct(nowMs);
  }

  /** UTC in milliseconds, fractions allowed; undefined while the clock is invalid. */
  utcMs(): number | undefined {
    return this.#utcAt(this.#nowMs());
  }

  /** How long until UTC is next a whole multiple of `periodMs`; undefined while the clock is invalid. */
  untilMultipleMs(periodMs: number): number | undefined {
    const nowMs = this.#nowMs();
    if (this.#mode.kind === "invalid") return undefined;
    const leftMs = periodMs - (this.#mode.scale.utcMs(nowMs) % periodMs);
    // A timer that came a little early has been at this one.
    const wallMs = leftMs < TIMER_MS ? leftMs + periodMs : leftMs;
    return this.#mode.scale.spanMs(nowMs, wallMs);
  }

  get state(): ClockState {
    if (this.#mode.kind === "invalid") return this.#mode;
    const { driftCorrection = "off", crystalPpm = CRYSTAL_PPM } = this.#options;
    const isCorrected = driftCorrection === "on" && this.#drift.ppm !== undefined;
    return runningState(this.#mode.source, this.#syncAgeMs(), isCorrected ? ESTIMATE_BOUND_PPM : crystalPpm);
  }

  /** COSEM's status byte, for an event or an answer. */
  get status(): number {
    return this.#statusOf(doubtOf(this.state), this.utcMs());
  }

  /** The same byte of a time before this start, which storage has; what was doubted then is not known. */
  statusAt(utcMs: number | undefined): number {
    return this.#statusOf(utcMs === undefined ? "invalid" : "none", utcMs);
  }

  /** How much faster UTC runs than the meter's crystal, where that is known. */
  get driftPpm(): number | undefined {
    return this.#drift.ppm;
  }

  /** What a slew under way has still to change. */
  get pendingMs(): number {
    return this.#mode.kind === "running" ? this.#mode.scale.pendingMs(this.#nowMs()) : 0;
  }

  /** For storage: to be given to the next start. While invalid it is what the start was given. */
  memory(): ClockMemory {
    const nowMs = this.#nowMs();
    const lastUtcMs = this.#utcAt(nowMs);
    if (lastUtcMs === undefined) return this.#options.memory ?? {};
    const utcOf = (atMs: number | undefined) => (atMs === undefined ? undefined : lastUtcMs - (nowMs - atMs));
    const boardUtcMs = this.#options.clock.utcMs();
    return {
      lastUtcMs,
      boardOffsetMs: boardUtcMs === undefined ? undefined : lastUtcMs + this.pendingMs - boardUtcMs,
      syncUtcMs: utcOf(this.#syncAtMs),
      setUtcMs: utcOf(this.#setAtMs),
      claimUtcMs: utcOf(this.#claimAtMs),
      driftPpm: this.#drift.ppm,
      source: this.#mode.kind === "running" ? this.#mode.source : undefined,
    };
  }

  /** Looks at the board's clock and tells what has become of the time; to be called with each poll. */
  tick(): void {
    const nowMs = this.#nowMs();
    const boardUtcMs = this.#options.clock.utcMs();
    const change = this.#watch.observe(nowMs, boardUtcMs);
    if (change.kind === "stepped" || change.kind === "learnt") this.#boardRefusal.forget();
    // An invalid start is told even if the board ends it now; a doubt that the board ends now was a stall, and is none.
    if (this.#mode.kind === "invalid") this.#tellDoubt();
    if (this.#followsBoard()) this.#followBoard(nowMs, boardUtcMs);
    else this.#tellBoardStep(change);
    this.#tellDoubt();
  }

  /** A fresh challenge, for one set: it voids the one before. To be given to proved head-ends only. */
  challenge(): Uint8Array {
    return this.#challenge.give(this.#nowMs());
  }

  /** Judges a time that somebody gives, and takes it where the rules allow. Never throws. */
  propose(proposal: TimeProposal): ProposalResult {
    const nowMs = this.#nowMs();
    if (proposal.role === "dap") return this.#claim(nowMs, proposal.utcMs);
    if (!this.#challenge.isMet(nowMs, proposal.challenge)) {
      return this.#refuse("head-end", "stale", proposal.utcMs);
    }
    return this.#apply(nowMs, "head-end", proposal.utcMs, this.#judge(nowMs, "head-end", proposal.utcMs));
  }

  #nowMs(): number {
    return this.#options.clock.monotonicMs();
  }

  #statusOf(doubt: Doubt, utcMs: number | undefined): number {
    const { daylight } = this.#options;
    if (daylight === undefined) return clockStatusOf(doubt, "none");
    return clockStatusOf(doubt, utcMs === undefined ? undefined : daylight(utcMs));
  }

  #phase(): "commissioning" | "in-service" {
    return this.#options.phase?.() ?? "in-service";
  }

  #utcAt(nowMs: number): number | undefined {
    return this.#mode.kind === "running" ? this.#mode.scale.utcMs(nowMs) : undefined;
  }

  #syncAgeMs(): number | undefined {
    return this.#syncAtMs === undefined ? undefined : this.#nowMs() - this.#syncAtMs;
  }

  #judge(nowMs: number, setter: TimeSetter, utcMs: number): Verdict {
    const { buildUtcMs, memory } = this.#options;
    return judge({
      setter,
      utcMs,
      wallUtcMs: this.#utcAt(nowMs),
      buildUtcMs,
      storedUtcMs: memory?.lastUtcMs,
      sinceSetMs: this.#setAtMs === undefined ? undefined : nowMs - this.#setAtMs,
      phase: this.#phase(),
    });
  }

  #apply(nowMs: number, setter: TimeSetter, utcMs: number, verdict: Verdict): ProposalResult {
    if (verdict.kind === "refuse") return this.#refuse(setter, verdict.reason, utcMs);
    const before = { oldUtcMs: this.#utcAt(nowMs), oldStatus: this.status };
    const scale = this.#scaleFor(nowMs, setter, utcMs);
    this.#noteSync(nowMs, setter, utcMs);
    this.#boardRefusal.forget();
    if (verdict.kind === "slew") return this.#slew(nowMs, scale, setter, utcMs - scale.utcMs(nowMs));
    this.#step(nowMs, scale, setter, utcMs);
    this.#tell({ kind: "adjusted", role: setter, ...before, newUtcMs: utcMs, newStatus: this.status });
    if (before.oldUtcMs === undefined) return { kind: "started" };
    if (this.#phase() === "in-service") this.#setAtMs = nowMs;
    return { kind: "set", byMs: utcMs - before.oldUtcMs };
  }

  /** An invalid clock begins here. That leaves the next set free, as nothing has confirmed this one. */
  #scaleFor(nowMs: number, source: ClockSource, utcMs: number): Timescale {
    if (this.#mode.kind === "running") return this.#mode.scale;
    const scale = new Timescale(nowMs, utcMs);
    this.#mode = { kind: "running", scale, source };
    return scale;
  }

  #noteSync(nowMs: number, source: ClockSource, utcMs: number): void {
    if (this.#mode.kind === "running") this.#mode = { ...this.#mode, source };
    this.#syncAtMs = nowMs;
    if (this.#drift.add({ monotonicMs: nowMs, utcMs })) this.#correct(nowMs);
  }

  #step(nowMs: number, scale: Timescale, role: Teller, utcMs: number): void {
    const pendingMs = scale.pendingMs(nowMs);
    if (pendingMs !== 0) this.#tell({ kind: "slewed", role, byMs: -pendingMs });
    scale.step(nowMs, utcMs);
  }

  #slew(nowMs: number, scale: Timescale, role: Teller, byMs: number): ProposalResult {
    const moreMs = byMs - scale.pendingMs(nowMs);
    scale.slew(nowMs, byMs);
    if (moreMs !== 0) this.#tell({ kind: "slewed", role, byMs: moreMs });
    return { kind: "slewing", byMs };
  }

  /** A claim helps a clock that runs on by itself: it is cut to the day's limit, and proves nothing. */
  #claim(nowMs: number, utcMs: number): ProposalResult {
    const mode = this.#mode;
    const isTooSoon = this.#claimAtMs !== undefined && nowMs - this.#claimAtMs < CLAIM_DISTANCE_MS;
    if (!isTimeMs(utcMs)) return { kind: "refused", reason: "no-time" };
    if (mode.kind === "invalid" || this.state.kind !== "holdover" || isTooSoon) {
      return { kind: "refused", reason: "not-needed" };
    }
    this.#claimAtMs = nowMs;
    const differenceMs = utcMs - mode.scale.utcMs(nowMs);
    const byMs = Math.min(CLAIM_LIMIT_MS, Math.max(-CLAIM_LIMIT_MS, differenceMs));
    return this.#slew(nowMs, mode.scale, "dap", byMs);
  }

  /** A head-end knows better than the board, for as long as its word is fresh. */
  #followsBoard(): boolean {
    if (this.#options.board === "free-running") return false;
    if (this.#mode.kind === "invalid" || this.#mode.source === "board") return true;
    return (this.#syncAgeMs() ?? Number.POSITIVE_INFINITY) > SYNCED_FOR_MS;
  }

  #followBoard(nowMs: number, boardUtcMs: number | undefined): void {
    if (!isTimeMs(boardUtcMs)) return;
    if (this.#phase() === "in-service" && this.#boardRefusal.holds(nowMs, boardUtcMs)) return;
    const wallUtcMs = this.#utcAt(nowMs);
    const differenceMs = boardUtcMs - (wallUtcMs ?? 0) - this.pendingMs;
    if (wallUtcMs !== undefined && Math.abs(differenceMs) <= BOARD_TOLERANCE_MS) {
      this.#noteSync(nowMs, "board", boardUtcMs);
      return;
    }
    const verdict = this.#judge(nowMs, "board", boardUtcMs);
    if (verdict.kind === "refuse") {
      const known = { setAtMs: this.#setAtMs, storedUtcMs: this.#options.memory?.lastUtcMs };
      this.#boardRefusal.note(nowMs, boardUtcMs, verdict.reason, known);
    }
    this.#apply(nowMs, "board", boardUtcMs, verdict);
  }

  #correct(nowMs: number): void {
    const ppm = this.#drift.ppm;
    if (this.#options.driftCorrection !== "on" || ppm === undefined) return;
    if (this.#mode.kind === "running") this.#mode.scale.correct(nowMs, ppm);
  }

  #refuse(role: Teller, reason: RefusalReason, utcMs: number): ProposalResult {
    this.#tell({ kind: "refused", role, reason, utcMs });
    return { kind: "refused", reason };
  }

  #tellDoubt(): void {
    const state = this.state;
    const doubt = doubtOf(state);
    if (doubt === this.#told) return;
    this.#told = doubt;
    if (state.kind === "invalid") this.#tell({ kind: "invalid", reason: state.reason });
    else if (doubt === "doubtful") this.#tell({ kind: "doubtful", ageMs: this.#syncAgeMs() });
  }

  #tellBoardStep(change: BoardChange): void {
    if (change.kind === "stepped") this.#tell({ kind: "board-stepped", byMs: change.byMs });
  }

  #tell(event: ClockEvent): void {
    this.#options.onEvent(event);
  }
}
