import { equal, toHex } from "../../../firmware/protocol/bytes.ts";

/** Code that takes a stranger's bytes, and what must hold whatever they are. */
export interface Door {
  readonly name: string;
  /** The modules, by their URL, whose code a search is to reach. */
  readonly decoders: RegExp;
  /** Longer inputs say no more. */
  readonly bytesMax: number;
  /** Good inputs to begin with. */
  samples(): readonly Uint8Array[];
  /** Takes an input; throws where something does not hold. */
  check(input: Uint8Array): void;
}

/** Throws with both byte strings where they differ. */
export function mustEqual(what: string, got: Uint8Array, wanted: Uint8Array): void {
  if (!equal(got, wanted)) throw new Error(`${what}: ${toHex(got)} in place of ${toHex(wanted)}`);
}

export function must(what: string, holds: boolean): void {
  if (!holds) throw new Error(what);
}
