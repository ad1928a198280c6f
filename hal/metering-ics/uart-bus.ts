import type { Cancel, Clock } from "../ports/clock.ts";
import type { Uart, UartSettings, UartState } from "../ports/uart.ts";

/** One request to a part that answers, and what becomes of it. */
export interface Exchange {
  readonly request: Uint8Array;
  /** Takes in all that arrives after the request; its first frame is the answer. */
  readonly framer: { push(bytes: Uint8Array): readonly Uint8Array[] };
  /** Called at most once, and not with {@link Exchange.failed}. The station can ask again at once. */
  answered(answer: Uint8Array): void;
  /** No answer in time, or the line went down before it. */
  failed(why: "timed-out" | "down"): void;
}

/** A part that answers, as its driver describes it to the bus. */
export interface StationTraits {
  /** From the request's write to the end of its answer, both at the line's rate. */
  readonly answerTimeoutMs: number;
  /** For how long after that an answer may still come, to be dropped: it would answer the next request. */
  readonly lateAnswerMs: number;
  /** The line went down; after {@link Exchange.failed} of an exchange under way. */
  lineDown(): void;
}

/** One part's turn to ask. */
export interface Station {
  /**
   * Asks, once the exchanges of other stations before it are over. `busy` while the station's own
   * exchange is under way or may still be answered.
   */
  ask(exchange: Exchange): "started" | "busy" | "down";
}

/** Hears a part that streams. */
export interface StreamListener {
  bytes(bytes: Uint8Array): void;
  /** What was half received means nothing any more. */
  lineDown(): void;
}

/** Parts on one line: the largest number that a UART part's address pins give (4 for a BL0942) and room for others. */
const STATIONS_MAX = 16;
/** After bytes that nobody asked for, the line must be quiet this long: USB adapters hold bytes back for 40 ms. */
const QUIET_GAP_MS = 50;
/** A line that never becomes quiet is asked all the same: the answer's checksum judges, and a fault gets told. */
const QUIET_PATIENCE_MS = 500;

/**
 * The owner of a UART with metering parts on it; drivers never touch the port. It serves either
 * stations, each of which asks and is answered (several addressed parts take turns), or one stream.
 * Asking for both is a bug of the caller and throws.
 */
export class UartBus {
  readonly clock: Clock;
  readonly #uart: Uart;
  #use: ExchangeLine | StreamListener | undefined;

  /** Takes the line over. */
  constructor(uart: Uart, clock: Clock) {
    this.clock = clock;
    this.#uart = uart;
    uart.listen({
      bytes: (bytes) => this.#use?.bytes(bytes),
      state: (state) => {
        if (state === "down") this.#use?.lineDown();
      },
    });
  }

  get settings(): UartSettings {
    return this.#uart.settings;
  }

  get state(): UartState {
    return this.#uart.state;
  }

  /** A station for one part. Throws on a bus that streams, and beyond 16 stations. */
  station(traits: StationTraits): Station {
    this.#use ??= new ExchangeLine(this.#uart, this.clock);
    if (!(this.#use instanceof ExchangeLine)) throw new Error("a bus that streams has no stations");
    return this.#use.station(traits);
  }

  /** Hands all that arrives to one listener. Throws where the bus has any other use already. */
  stream(listener: StreamListener): void {
    if (this.#use !== undefined) throw new Error("a bus that has stations or a stream cannot stream");
    this.#use = listener;
  }
}

interface Turn {
  readonly slot: Slot;
  readonly exchange: Exchange;
}

/** `hushing`: waiting for the line to be quiet before the request. `draining`: an answer may still come, too late. */
type Phase =
  | { readonly kind: "free" | "draining" }
  | { readonly kind: "hushing" | "asking"; readonly turn: Turn };

class Slot implements Station {
  readonly traits: StationTraits;
  state: "resting" | "in-turn" = "resting";
  readonly #line: ExchangeLine;

  constructor(traits: StationTraits, line: ExchangeLine) {
    this.traits = traits;
    this.#line = line;
  }

  ask(exchange: Exchange): "started" | "busy" | "down" {
    return this.#line.ask({ slot: this, exchange });
  }
}

/** Exchanges, one after the other in the order asked; each slot has one at most, which bounds the queue. */
class ExchangeLine implements StreamListener {
  readonly #uart: Uart;
  readonly #clock: Clock;
  readonly #slots: Slot[] = [];
  #waiting: Turn[] = [];
  #phase: Phase = { kind: "free" };
  #quietAtMs = 0;
  #cancelTimer: Cancel = () => {};

  constructor(uart: Uart, clock: Clock) {
    this.#uart = uart;
    this.#clock = clock;
  }

  station(traits: StationTraits): Station {
    if (this.#slots.length === STATIONS_MAX) throw new Error(`a bus has at most ${STATIONS_MAX} stations`);
    const slot = new Slot(traits, this);
    this.#slots.push(slot);
    return slot;
  }

  ask(turn: Turn): "started" | "busy" | "down" {
    if (turn.slot.state === "in-turn") return "busy";
    if (this.#uart.state === "down") return "down";
    turn.slot.state = "in-turn";
    this.#waiting.push(turn);
    this.#startNext();
    return "started";
  }

  bytes(bytes: Uint8Array): void {
    const phase = this.#phase;
    if (phase.kind !== "asking") {
      this.#quietAtMs = this.#clock.monotonicMs() + QUIET_GAP_MS;
      return;
    }
    const { slot, exchange } = phase.turn;
    const [answer] = exchange.framer.push(bytes);
    if (answer === undefined) return;
    this.#enter({ kind: "free" });
    slot.state = "resting";
    exchange.answered(answer);
    this.#startNext();
  }

  lineDown(): void {
    const phase = this.#phase;
    const current = phase.kind === "hushing" || phase.kind === "asking" ? [phase.turn] : [];
    const open = [...current, ...this.#waiting];
    this.#waiting = [];
    this.#enter({ kind: "free" });
    for (const slot of this.#slots) slot.state = "resting";
    for (const { exchange } of open) exchange.failed("down");
    for (const slot of this.#slots) slot.traits.lineDown();
  }

  #startNext(): void {
    if (this.#phase.kind !== "free") return;
    const turn = this.#waiting.shift();
    if (turn !== undefined) this.#hush(turn, this.#clock.monotonicMs() + QUIET_PATIENCE_MS);
  }

  #hush(turn: Turn, untilMs: number): void {
    const waitMs = Math.min(this.#quietAtMs, untilMs) - this.#clock.monotonicMs();
    if (waitMs <= 0) {
      this.#send(turn);
    } else {
      this.#enter({ kind: "hushing", turn }, waitMs, () => this.#hush(turn, untilMs));
    }
  }

  /** A request that finds no room or no line is answered by the time-out. */
  #send(turn: Turn): void {
    this.#enter({ kind: "asking", turn }, turn.slot.traits.answerTimeoutMs, () => this.#timedOut(turn));
    this.#uart.write(turn.exchange.request);
  }

  #timedOut({ slot, exchange }: Turn): void {
    this.#enter({ kind: "draining" }, slot.traits.lateAnswerMs, () => {
      slot.state = "resting";
      this.#enter({ kind: "free" });
      this.#startNext();
    });
    exchange.failed("timed-out");
  }

  #enter(phase: Phase, forMs?: number, then: () => void = () => {}): void {
    this.#cancelTimer();
    this.#phase = phase;
    this.#cancelTimer = forMs === undefined ? () => {} : this.#clock.after(forMs, then);
  }
}
