import type { Process } from "./processes.ts";
import type { SerialPort } from "./serial-ports.ts";
import type { System } from "./system.ts";

/** `problem`: something will not work. `warning`: something may not, or it cannot be told. */
export type Level = "ok" | "warning" | "problem";

/** What a check found, and what to do about it: one sentence each, not yet safe to print. */
export interface Finding {
  readonly check: string;
  readonly level: Level;
  /** The device that it is about, where it is about one. */
  readonly port?: string;
  readonly finding: string;
  readonly mend?: string;
}

/** What the checks look at. */
export interface Bench {
  readonly system: System;
  readonly ports: readonly SerialPort[];
  /** Undefined where they cannot be seen. */
  readonly processes: readonly Process[] | undefined;
}

export type Check = (bench: Bench) => readonly Finding[];
