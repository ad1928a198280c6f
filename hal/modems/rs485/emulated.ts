import { joined } from "../../bytes.ts";
import { uniform } from "../../emulated/seeded-random.ts";
import type { Cancel, Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import type { Uart, UartListener, UartSettings, UartState, UartWrite } from "../../ports/uart.ts";
import { silenceMs } from "./driver.ts";
import { type FoundCharacter, LineLevel, type Run, SLACK_MS } from "./line-level.ts";

/** A page, what Linux gives a serial port to send from. */
const TRANSMIT_BUFFER_BYTES = 4096;

/** Fewer than the silence between frames, so that whoever listens knows of a line in use in time. */
const CHUNK_CHARACTERS = 3;

/** How the adapter of one station is. */
export interface BusNodeOptions {
  /** The station hears itself; false if not given. */
  readonly echo?: boolean;
  /** How long its driver takes to be on, before the first bit; 0 if not given. */
  readonly enableMs?: number;
  /** How long its driver stays on after the last stop bit: whoever answers meanwhile is not heard. 0 if not given. */
  readonly holdMs?: number;
}

export interface EmulatedBusOptions {
  /** Characters out of nothing, 00 or FF, so many a second on average. */
  readonly noise?: { readonly random: Random; readonly perSecond: number };
}

/** Since the start; numbers only grow. */
export interface BusCounters {
  /** Characters that came whole. */
  readonly characters: number;
  /** Somebody began while another was sending. */
  readonly collisions: number;
  /** Somebody began within 3.5 characters after another. */
  readonly hurried: number;
  /** Characters with a wrong parity or stop bit. */
  readonly framingErrors: number;
  /** Characters that somebody's driver, still on, pulled at. */
  readonly eaten: number;
}

interface NodeRun extends Run {
  readonly node: BusNode | undefined;
  bytes: Uint8Array;
}

/**
 * An RS-485 line with any number of stations, at its true rate. What two send at the same time is the wired AND of
 * their bits, and a station that sends is deaf meanwhile. Characters arrive one to three at a time.
 */
export class EmulatedBus {
  readonly settings: UartSettings;
  readonly #clock: Clock;
  readonly #noise: EmulatedBusOptions["noise"];
  readonly #level: LineLevel;
  readonly #nodes = new Set<BusNode>();
  readonly #counters = { characters: 0, collisions: 0, hurried: 0, framingErrors: 0, eaten: 0 };
  #runs: NodeRun[] = [];
  /** From when on a start bit is looked for. */
  #lookMs = Number.NEGATIVE_INFINITY;
  #cancelWake: Cancel = () => {};

  constructor(clock: Clock, settings: UartSettings, options: EmulatedBusOptions = {}) {
    this.#clock = clock;
    this.settings = settings;
    this.#level = new LineLevel(settings);
    this.#noise = options.noise;
    this.#armNoise();
  }

  get counters(): BusCounters {
    return { ...this.#counters };
  }

  /** Joins one more station to the line: the UART at its adapter. */
  node(options: BusNodeOptions = {}): Uart {
    const node = new BusNode(this.settings, options, {
      write: (bytes) => this.#write(node, bytes),
      leave: () => this.#leave(node),
    });
    this.#nodes.add(node);
    return node;
  }

  #write(node: BusNode, bytes: Uint8Array): "queued" | "busy" {
    const nowMs = this.#clock.monotonicMs();
    const own = this.#runs.find((run) => run.node === node && this.#level.endMs(run) > nowMs);
    const waiting = own === undefined ? 0 : (this.#level.endMs(own) - nowMs) / this.#level.characterMs;
    if (waiting + bytes.length > TRANSMIT_BUFFER_BYTES) return "busy";
    if (bytes.length === 0) return "queued";
    if (own !== undefined) own.bytes = joined(own.bytes, bytes);
    else this.#begin({ node, startMs: nowMs + node.enableMs, bytes });
    this.#arm();
    return "queued";
  }

  #begin(run: NodeRun): void {
    for (const other of this.#runs) {
      const sinceMs = run.startMs - this.#level.endMs(other);
      if (sinceMs < 0) this.#counters.collisions++;
      else if (other.node !== run.node && sinceMs < silenceMs(this.settings) - SLACK_MS)
        this.#counters.hurried++;
    }
    this.#runs.push(run);
  }

  #leave(node: BusNode): void {
    this.#nodes.delete(node);
    this.#runs = this.#runs.filter((run) => run.node !== node);
  }

  /** Wakes when the next chunk of characters is over; nothing that comes meanwhile makes it earlier. */
  #arm(): void {
    this.#cancelWake();
    const next = this.#level.next(this.#runs, this.#lookMs);
    if (next === undefined) return;
    const lastMs = Math.max(...this.#runs.map((run) => this.#level.endMs(run)));
    const wholeMs = next.startMs + CHUNK_CHARACTERS * this.#level.characterMs;
    const wakeMs = Math.max(next.endMs, Math.min(wholeMs, lastMs));
    this.#cancelWake = this.#clock.after(Math.max(0, wakeMs - this.#clock.monotonicMs()), () => this.#wake());
  }

  #wake(): void {
    const nowMs = this.#clock.monotonicMs() + SLACK_MS;
    const heard: FoundCharacter[] = [];
    for (;;) {
      const character = this.#level.next(this.#runs, this.#lookMs);
      if (character === undefined || character.endMs > nowMs) break;
      this.#lookMs = this.#level.lookAgainMs(character);
      if (this.#isWhole(character)) heard.push(character);
    }
    if (heard.length > 0) this.#deliver(heard);
    this.#forget(nowMs);
    this.#arm();
  }

  #isWhole({ startMs, byte }: FoundCharacter): boolean {
    const isEaten = this.#runs.some((run) => {
      const endMs = this.#level.endMs(run);
      return startMs > endMs - SLACK_MS && startMs < endMs + (run.node?.holdMs ?? 0) - SLACK_MS;
    });
    if (isEaten) this.#counters.eaten++;
    else if (byte === undefined) this.#counters.framingErrors++;
    else this.#counters.characters++;
    return !isEaten && byte !== undefined;
  }

  #deliver(heard: readonly FoundCharacter[]): void {
    const bytes = bytesOf(heard);
    const talkers = new Set(this.#runs.map(({ node }) => node));
    for (const node of this.#nodes) {
      const own = talkers.has(node) && !node.echo ? bytesOf(this.#heardBeside(node, heard)) : bytes.slice();
      if (own.length > 0) node.receive(own);
    }
  }

  /** What a station hears that is deaf while it sends. */
  #heardBeside(node: BusNode, characters: readonly FoundCharacter[]): FoundCharacter[] {
    const own = this.#runs.filter((run) => run.node === node);
    return characters.filter(({ startMs, endMs }) =>
      own.every((run) => endMs <= run.startMs + SLACK_MS || startMs >= this.#level.endMs(run) - SLACK_MS),
    );
  }

  /** A run counts until whoever comes after it can no longer be in a hurry. */
  #forget(nowMs: number): void {
    this.#runs = this.#runs.filter(
      (run) => this.#level.endMs(run) + Math.max(silenceMs(this.settings), run.node?.holdMs ?? 0) > nowMs,
    );
  }

  #armNoise(): void {
    const noise = this.#noise;
    if (noise === undefined) return;
    const pauseMs = (-Math.log(1 - uniform(noise.random)) * 1000) / noise.perSecond;
    this.#clock.after(pauseMs, () => {
      const bytes = Uint8Array.of(uniform(noise.random) < 0.5 ? 0x00 : 0xff);
      this.#runs.push({ node: undefined, startMs: this.#clock.monotonicMs(), bytes });
      this.#arm();
      this.#armNoise();
    });
  }
}

/** What a station asks of its line. */
interface NodeLine {
  readonly write: (bytes: Uint8Array) => "queued" | "busy";
  readonly leave: () => void;
}

class BusNode implements Uart {
  readonly settings: UartSettings;
  readonly echo: boolean;
  readonly enableMs: number;
  readonly holdMs: number;
  readonly #line: NodeLine;
  #state: UartState = "open";
  #listener: UartListener | undefined;

  constructor(settings: UartSettings, options: BusNodeOptions, line: NodeLine) {
    const { echo = false, enableMs = 0, holdMs = 0 } = options;
    this.settings = settings;
    this.echo = echo;
    this.enableMs = enableMs;
    this.holdMs = holdMs;
    this.#line = line;
  }

  get state(): UartState {
    return this.#state;
  }

  write(bytes: Uint8Array): UartWrite {
    return this.#state === "open" ? this.#line.write(bytes) : "down";
  }

  listen(listener: UartListener): void {
    if (this.#listener !== undefined) throw new Error("a UART has one listener");
    this.#listener = listener;
  }

  close(): void {
    this.#state = "down";
    this.#line.leave();
  }

  receive(bytes: Uint8Array): void {
    this.#listener?.bytes(bytes);
  }
}

function bytesOf(characters: readonly FoundCharacter[]): Uint8Array {
  return Uint8Array.from(characters, ({ byte }) => byte ?? 0);
}
