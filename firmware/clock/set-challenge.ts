// What makes a set count once, and only while its sender waits for the answer.
import type { Random } from "../../hal/ports/random.ts";
import { equal } from "../protocol/bytes.ts";

const CHALLENGE_BYTES = 8;
/** A request whose sender still waits is no older (MAX_TRANSMIT_WAIT, RFC 7252 4.8.2): a set held back for longer is void. */
const CHALLENGE_MS = 93_000;

/** The challenge given out last, which one set can use up. Nothing of it outlives a restart. */
export class SetChallenge {
  readonly #random: Pick<Random, "bytes">;
  #given: { readonly bytes: Uint8Array; readonly atMs: number } | undefined;

  constructor(random: Pick<Random, "bytes">) {
    this.#random = random;
  }

  give(nowMs: number): Uint8Array {
    const bytes = this.#random.bytes(CHALLENGE_BYTES);
    this.#given = { bytes, atMs: nowMs };
    return bytes;
  }

  /** True once for the challenge given last. Another one voids nothing: a replay must not keep the honest set out. */
  isMet(nowMs: number, challenge: Uint8Array): boolean {
    const given = this.#given;
    if (given === undefined || nowMs - given.atMs > CHALLENGE_MS) return false;
    if (!equal(given.bytes, challenge)) return false;
    this.#given = undefined;
    return true;
  }
}
