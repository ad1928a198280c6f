// A test bench as its file describes it, with all defaults.
import type { Address } from "../../hal/node/address.ts";
import type { PowerSettings } from "./power.ts";
import type { Need, RigKind } from "./rig.ts";

/** A bench as its file describes it, with all defaults, and with paths that hold in any folder. */
export interface Bench {
  readonly name: string;
  readonly kind: RigKind;
  /** The file's folder, or where the program runs. */
  readonly folder: string;
  readonly seed: number;
  readonly timeoutMultiplier: number;
  /** Emulated meters alone: how much faster than life they live; undefined for as fast as can be played. */
  readonly timeScale: number | undefined;
  /** What this program cannot find out of real meters. */
  readonly offers: readonly Need[];
  /** Undefined where all meters are emulated. */
  readonly headEnd: BenchHeadEnd | undefined;
  readonly meters: readonly BenchMeter[];
  readonly dap: BenchDap | undefined;
  readonly quarantine: readonly Quarantine[];
}

/** Whose keys ask: of a folder such as `serve` makes, or of files. */
export type BenchHeadEnd =
  | { readonly home: string }
  | {
      readonly keys: string;
      /** Credential files of the meters, and of the DAP. */
      readonly trust: readonly string[];
      /** The key file of an operator whose orders the meters' relays take. */
      readonly operator: string | undefined;
    };

export type BenchMeter =
  | { readonly kind: "emulated"; readonly id: string; readonly watts: number; readonly baud: number }
  | {
      readonly kind: "real";
      readonly id: string;
      readonly line: Address;
      readonly power: PowerSettings | undefined;
      /** A command that sets the load; `{watts}` in it is how much. */
      readonly load: string | undefined;
      /** An image file that its board has not had yet, for tests of flashing. */
      readonly image: string | undefined;
      readonly notes: string | undefined;
    };

export type BenchDap =
  | { readonly kind: "emulated"; readonly meters: readonly string[] }
  | {
      readonly kind: "real";
      readonly id: string;
      readonly address: Address;
      readonly meters: readonly string[];
    };

/** A test whose failures are told and not counted, until a date. */
export interface Quarantine {
  /** The test's name, with `*` for anything. */
  readonly test: string;
  readonly reason: string;
  readonly issue?: string | undefined;
  /** The last day of it, as 2027-01-31. */
  readonly until: string;
}

/** What an emulated meter measures, and how fast its line is, where nobody says. */
export const EMULATED_WATTS = 2000;
export const EMULATED_BAUD = 115_200;

/** The bench of a run that names no file: two meters on lines of their own, and a DAP with three more. */
export function emulatedBench(folder: string): Bench {
  return {
    ...{ name: "emulated", kind: "emulated", folder, seed: 1, timeoutMultiplier: 1, timeScale: undefined },
    ...{ offers: [], headEnd: undefined, quarantine: [] },
    meters: ["M1", "M2"].map((id) => ({ kind: "emulated", id, watts: EMULATED_WATTS, baud: EMULATED_BAUD })),
    dap: { kind: "emulated", meters: ["D1", "D2", "D3"] },
  };
}
