// Looks for inputs that a door does not take well, guided by which code they reach.
import type { Door } from "../doors/door.ts";
import { Chance } from "./chance.ts";
import type { Coverage } from "./coverage.ts";
import { mutate } from "./mutate.ts";
import { Watchdog } from "./watchdog.ts";

/** What no input may take, at its best. */
const HANG_MS = 5;
/**
 * The repeats count the processor's time, as others use the machine too, and are as many as it takes until the
 * code of a program that has just begun is compiled.
 */
const REPEATS = 20;
/** Inputs between two looks at what code they reached. */
const BATCH = 1000;
/** As often as any, one of the newest is taken: what reaches new code has neighbours that do. */
const NEWEST = 16;
/** Findings after which a search has told enough. */
const FINDINGS_MAX = 10;

export interface Finding {
  readonly kind: "crash" | "hang";
  readonly input: Uint8Array;
  readonly why: string;
}

export interface Outcome {
  readonly inputs: number;
  readonly seconds: number;
  /** What the slowest input took, at its best of {@link REPEATS} more times where it was the slowest so far. */
  readonly slowestMs: number;
  /** Inputs that reached code which none before them had reached. */
  readonly reached: readonly Uint8Array[];
  readonly findings: readonly Finding[];
}

export interface SearchOptions {
  readonly seed: string;
  /** How long to search, Infinity where {@link inputs} says it. */
  readonly seconds: number;
  /** How many inputs to try at the least, Infinity where {@link seconds} says it. */
  readonly inputs: number;
}

/** One search at one door. */
export class Search {
  readonly #door: Door;
  readonly #coverage: Coverage;
  readonly #chance: Chance;
  readonly #options: SearchOptions;
  readonly #watchdog: Watchdog;
  readonly #pool: Uint8Array[];
  readonly #reached: Uint8Array[] = [];
  /** By what went wrong: one input of each is enough. */
  readonly #findings = new Map<string, Finding>();
  #inputs = 0;
  #slowestMs = 0;

  /** Starts from the door's samples and its corpus. */
  constructor(door: Door, corpus: readonly Uint8Array[], coverage: Coverage, options: SearchOptions) {
    this.#door = door;
    this.#coverage = coverage;
    this.#chance = new Chance(`${door.name} ${options.seed}`);
    this.#options = options;
    this.#watchdog = new Watchdog(door.name, door.bytesMax);
    this.#pool = [...door.samples(), ...corpus];
  }

  /** Tries inputs until the time is up, or as many as were wanted. */
  run(): Outcome {
    const startMs = performance.now();
    const elapsedSeconds = (): number => (performance.now() - startMs) / 1000;
    this.#tryAll(this.#pool);
    this.#coverage.look(this.#door.decoders);
    this.#coverage.learn();
    const { seconds, inputs } = this.#options;
    while (elapsedSeconds() < seconds && this.#inputs < inputs && this.#findings.size < FINDINGS_MAX) {
      const batch = Array.from({ length: BATCH }, () => this.#nextInput());
      this.#tryAll(batch);
      if (this.#coverage.look(this.#door.decoders)) this.#keepWhatReaches(batch);
    }
    const findings = [...this.#findings.values()];
    const [reached, slowestMs] = [this.#reached, this.#slowestMs];
    return { inputs: this.#inputs, seconds: elapsedSeconds(), slowestMs, reached, findings };
  }

  #nextInput(): Uint8Array {
    const pool = this.#pool;
    const newest = Math.min(NEWEST, pool.length);
    const index =
      this.#chance.below(2) === 0
        ? pool.length - 1 - this.#chance.below(newest)
        : this.#chance.below(pool.length);
    return mutate(this.#chance, pool[index] as Uint8Array, this.#chance.pick(pool), this.#door.bytesMax);
  }

  #tryAll(inputs: readonly Uint8Array[]): void {
    for (const input of inputs) {
      this.#watchdog.at(input);
      const examined = examine(this.#door, input, this.#slowestMs);
      if ("ms" in examined) this.#slowestMs = Math.max(this.#slowestMs, examined.ms);
      else if (!this.#findings.has(examined.why)) this.#findings.set(examined.why, examined);
    }
    this.#watchdog.rest();
    this.#inputs += inputs.length;
  }

  /** Halves the batch until single inputs are left that reach new code when they are run again. */
  #keepWhatReaches(batch: readonly Uint8Array[]): void {
    const before = this.#reached.length;
    this.#halve(batch);
    if (this.#reached.length > before) return;
    // Code that runs once in a program's life is nobody's in particular.
    this.#tryAll(batch);
    this.#coverage.look(this.#door.decoders);
    this.#coverage.learn();
  }

  #halve(inputs: readonly Uint8Array[]): void {
    const middle = inputs.length >> 1;
    for (const half of [inputs.slice(0, middle), inputs.slice(middle)]) {
      this.#tryAll(half);
      if (!this.#coverage.look(this.#door.decoders)) continue;
      if (half.length > 1) this.#halve(half);
      else this.#keep(half);
    }
  }

  #keep(inputs: readonly Uint8Array[]): void {
    this.#coverage.learn();
    this.#reached.push(...inputs);
    this.#pool.push(...inputs);
  }
}

/**
 * What is wrong with how a door takes an input, or how long it took. One that took longer than `slowestMs` is
 * tried again, as the time of the first try is also that of whatever else this machine did meanwhile.
 */
export function examine(
  door: Door,
  input: Uint8Array,
  slowestMs = HANG_MS,
): Finding | { readonly ms: number } {
  const startMs = performance.now();
  try {
    door.check(input);
  } catch (error) {
    return { kind: "crash", input: shortened(door, input), why: placeOf(error) };
  }
  const firstMs = performance.now() - startMs;
  if (firstMs <= slowestMs) return { ms: firstMs };
  const ms = Math.min(firstMs, ...Array.from({ length: REPEATS }, () => milliseconds(door, input)));
  return ms > HANG_MS ? { kind: "hang", input, why: `takes ${ms.toFixed(1)} ms` } : { ms };
}

function milliseconds(door: Door, input: Uint8Array): number {
  const start = process.cpuUsage();
  door.check(input);
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

/** The error's message without bytes and numbers, and the first line of ours that it passed. */
function placeOf(error: unknown): string {
  const { message, stack = "" } = error instanceof Error ? error : new Error(String(error));
  const place = /\((?:file:\/\/)?[^()]*?((?:firmware|hal|test)\/[^()]+)\)/.exec(stack)?.[1] ?? "";
  return `${message.replace(/[0-9a-f]{6,}|\d+/g, "..").slice(0, 120)} (${place})`;
}

/** The input without the bytes that the same crash does not need. */
function shortened(door: Door, input: Uint8Array): Uint8Array {
  let shortest = input;
  for (let size = input.length >> 1; size >= 1; size >>= 1)
    for (let at = 0; at + size <= shortest.length; ) {
      const shorter = Uint8Array.from([...shortest.subarray(0, at), ...shortest.subarray(at + size)]);
      if (throws(door, shorter)) shortest = shorter;
      else at += size;
    }
  return shortest;
}

function throws(door: Door, input: Uint8Array): boolean {
  try {
    door.check(input);
    return false;
  } catch {
    return true;
  }
}
