// Looks for what a DAP must not see in all that it has seen.

/** Shorter than this, bytes are found by chance; of 8 bytes, once in 2^64 places. */
export const CANARY_BYTES = 8;
/** Fewer different bytes, as in zeros for padding, are no secret of anybody. */
const DIFFERENT_BYTES = 5;
/** How far from what chance gives, and how seldom that is. */
const SIGMAS_MAX = 4;
const CHANCE_MIN = 3.2e-5;
/** From here on chance is as good as normally distributed. */
const MANY = 100;

/** Pieces of secrets, each of {@link CANARY_BYTES} bytes, to be found at any place. */
export class Canaries {
  /** By the first four bytes, the last four. */
  readonly #pieces = new Map<number, Set<number>>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Every piece of the secret; one that is shorter has none. */
  add(secret: Uint8Array): void {
    const view = viewOf(secret);
    for (let at = 0; at + CANARY_BYTES <= secret.length; at++) {
      if (new Set(secret.subarray(at, at + CANARY_BYTES)).size < DIFFERENT_BYTES) continue;
      const first = view.getUint32(at);
      const known = this.#pieces.get(first) ?? new Set();
      if (known.size === 0) this.#pieces.set(first, known);
      known.add(view.getUint32(at + 4));
      this.#count++;
    }
  }

  /** At how many places of the bytes a piece is. */
  hitsIn(bytes: Uint8Array): number {
    const view = viewOf(bytes);
    let hits = 0;
    for (let at = 0; at + CANARY_BYTES <= bytes.length; at++) {
      if (this.#pieces.get(view.getUint32(at))?.has(view.getUint32(at + 4))) hits++;
    }
    return hits;
  }
}

/** How often values of so many bytes were found, and how often chance alone finds them. */
export interface ShortHits {
  readonly bytes: number;
  readonly values: number;
  readonly hits: number;
  readonly byChance: number;
  /** Of the difference, in standard deviations of chance. */
  readonly sigmas: number;
}

/** Values of 2 to 7 bytes in what looks like chance: each ciphertext is to be given once. */
export function shortHits(values: readonly Uint8Array[], ciphertexts: readonly Uint8Array[]): ShortHits[] {
  const lengths = [...new Set(values.map(({ length }) => length))].sort((a, b) => a - b);
  return lengths.map((bytes) => {
    const wanted = new Set(
      values.filter(({ length }) => length === bytes).map((value) => numberAt(value, 0, bytes)),
    );
    let hits = 0;
    let places = 0;
    for (const ciphertext of ciphertexts) {
      for (let at = 0; at + bytes <= ciphertext.length; at++) {
        places++;
        if (wanted.has(numberAt(ciphertext, at, bytes))) hits++;
      }
    }
    const byChance = (places * wanted.size) / 256 ** bytes;
    return { bytes, values: wanted.size, hits, byChance, sigmas: (hits - byChance) / Math.sqrt(byChance) };
  });
}

/** True where as much is found as by chance: within 4 standard deviations, or what is as likely where that is little. */
export function isChance({ hits, byChance, sigmas }: ShortHits): boolean {
  if (byChance >= MANY) return Math.abs(sigmas) <= SIGMAS_MAX;
  const fewer = poissonBelow(hits, byChance);
  return 1 - fewer >= CHANCE_MIN && poissonBelow(hits + 1, byChance) >= CHANCE_MIN;
}

/** How likely fewer than so many are, where `mean` are usual. */
function poissonBelow(hits: number, mean: number): number {
  let term = Math.exp(-mean);
  let sum = 0;
  for (let i = 0; i < hits; i++) {
    sum += term;
    term *= mean / (i + 1);
  }
  return sum;
}

function numberAt(bytes: Uint8Array, at: number, length: number): number {
  let number = 0;
  for (let i = 0; i < length; i++) number = number * 256 + (bytes[at + i] as number);
  return number;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
