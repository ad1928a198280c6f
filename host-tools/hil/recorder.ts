// What is kept of a test while it runs.
import { eventNameOf, type LogName } from "../../firmware/events/event-table.ts";
import type { LoggedEvent } from "../../firmware/protocol/readings/logged-event.ts";
import type { RegisterReading } from "../../firmware/protocol/readings/register-reading.ts";
import { Capture } from "../capture/capture.ts";
import { type Evidence, type EvidenceEvent, type EvidencePoint, LOAD } from "./rig.ts";

/** A test that reads more is a soak, whose beginning is as good as its end. */
const POINTS_MAX = 100_000;
const CONSOLE_LINES_MAX = 20_000;
/** Of all lines together; some hours of a busy one. */
const CAPTURE_BYTES_MAX = 64 * 1_048_576;

/** Remembers lines, readings and what was done; gives them as {@link Evidence}. */
export class Recorder {
  /** Lines are watched through it. */
  readonly capture: Capture;
  readonly #seed: number;
  readonly #monotonicMs: () => number;
  readonly #blocks: Uint8Array[] = [];
  readonly #console: string[] = [];
  readonly #points: EvidencePoint[] = [];
  readonly #boards = new Map<string, () => string>();
  readonly #versions = new Map<string, string>();
  #captureBytes = 0;

  constructor(seed: number, monotonicMs: () => number) {
    this.#seed = seed;
    this.#monotonicMs = monotonicMs;
    this.capture = new Capture({ write: (block) => this.#keep(block), close: () => {} });
  }

  /** A line of the console, with the time on the rig's clock before it. */
  say(text: string): void {
    if (this.#console.length < CONSOLE_LINES_MAX)
      this.#console.push(`${(this.#monotonicMs() / 1000).toFixed(3)} ${text}`);
  }

  /** What a board prints by itself is asked for at the end. */
  board(meter: string, said: () => string): void {
    this.#boards.set(meter, said);
  }

  read(meter: string, { entries }: RegisterReading): void {
    const atMs = this.#monotonicMs();
    for (const entry of entries) {
      if ("value" in entry && this.#points.length < POINTS_MAX)
        this.#points.push({ meter, register: entry.register, atMs, value: entry.value });
    }
  }

  /** What a meter's load was set to. */
  load(meter: string, watts: number): void {
    if (this.#points.length < POINTS_MAX)
      this.#points.push({ meter, register: LOAD, atMs: this.#monotonicMs(), value: watts });
  }

  version(of: string, version: string): void {
    this.#versions.set(of, version);
  }

  evidence(events: readonly EvidenceEvent[]): Evidence {
    return {
      seed: this.#seed,
      framesPcapng: Buffer.concat(this.#blocks),
      console: [...this.#console, ...this.#saidByBoards()].map((line) => `${line}\n`).join(""),
      events,
      points: this.#points,
      versions: Object.fromEntries(this.#versions),
    };
  }

  #saidByBoards(): string[] {
    return [...this.#boards].flatMap(([meter, said]) =>
      said()
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => `${meter} printed: ${line}`),
    );
  }

  #keep(block: Uint8Array): void {
    if (this.#captureBytes + block.length > CAPTURE_BYTES_MAX) return;
    this.#captureBytes += block.length;
    this.#blocks.push(block);
  }
}

/** An event of a meter's log as evidence has it. */
export function evidenceEvent(meter: string, log: LogName, event: LoggedEvent): EvidenceEvent {
  const { code, sequence, utcSeconds, details } = event;
  return { meter, log, name: eventNameOf(code) ?? `code ${code}`, sequence, utcSeconds, details };
}
