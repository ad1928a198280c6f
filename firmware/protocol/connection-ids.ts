// The connection identifiers that a serving end gives out.
import type { Random } from "../../hal/ports/random.ts";

/** One-byte connection identifiers: the CBOR integers -24 to 23 (RFC 9528 3.3.2). */
const CONNECTION_IDS: readonly number[] = Array.from({ length: 48 }, (_, n) => (n < 24 ? n : 0x20 + n - 24));

/** One byte while one is free, which is unless somebody floods; else two. */
export function freeConnectionId(random: Random, isFree: (id: Uint8Array) => boolean): Uint8Array {
  const [start = 0] = random.bytes(1);
  for (let i = 0; i < CONNECTION_IDS.length; i++) {
    const id = Uint8Array.of(CONNECTION_IDS[(start + i) % CONNECTION_IDS.length] as number);
    if (isFree(id)) return id;
  }
  for (;;) {
    const id = random.bytes(2);
    if (isFree(id)) return id;
  }
}
