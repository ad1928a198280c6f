// Bits in a byte string, the highest bit of each byte first.

/** Collects bits; the last byte is filled up with zeros. */
export class BitWriter {
  readonly #bytes: number[] = [];
  #free = 0;

  /** Appends the lowest `width` (0 to 32) bits of `value`, the highest of them first. */
  write(value: number, width: number): void {
    for (let shift = width - 1; shift >= 0; shift--) {
      if (this.#free === 0) {
        this.#bytes.push(0);
        this.#free = 8;
      }
      this.#free--;
      const last = this.#bytes.length - 1;
      this.#bytes[last] = (this.#bytes[last] as number) | (((value >>> shift) & 1) << this.#free);
    }
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

/**
 * Reads bits, and zeros beyond the end: who reads too far learns it from `position`, so that one
 * check at the end of a bounded read is enough.
 */
export class BitReader {
  readonly #bytes: Uint8Array;
  #position: number;

  /** Starts at the first bit of the byte at `byteOffset`. */
  constructor(bytes: Uint8Array, byteOffset: number) {
    this.#bytes = bytes;
    this.#position = 8 * byteOffset;
  }

  /** Bits before the next one, counted from the start of the whole byte string. */
  get position(): number {
    return this.#position;
  }

  /** The next `width` (0 to 31) bits as an unsigned integer. */
  read(width: number): number {
    let value = 0;
    for (let i = 0; i < width; i++) value = (value << 1) | this.#bit();
    return value;
  }

  /** Counts zeros up to the next one, which is not read, or up to `most`. */
  zeros(most: number): number {
    let count = 0;
    while (count < most && this.#bit() === 0) count++;
    if (count < most) this.#position--;
    return count;
  }

  #bit(): number {
    const byte = this.#bytes[this.#position >> 3] ?? 0;
    const bit = (byte >> (7 - (this.#position & 7))) & 1;
    this.#position++;
    return bit;
  }
}

/** Position of the last bit that is 1, or -1 where there is none. */
export function lastOneBit(bytes: Uint8Array): number {
  for (let i = bytes.length - 1; i >= 0; i--) {
    const byte = bytes[i] as number;
    if (byte !== 0) return 8 * i + 7 - (31 - Math.clz32(byte & -byte));
  }
  return -1;
}
