import { randomFillSync } from "node:crypto";
import type { Random } from "../ports/random.ts";

/** The port's limit of one draw. */
const DRAW_BYTES_MAX = 65536;

/** A call into OpenSSL costs as much for two bytes as for many, and each message needs two. */
const POOL_BYTES = 4096;
const pool = new Uint8Array(POOL_BYTES);
let used = POOL_BYTES;

function refill(): void {
  randomFillSync(pool);
  used = 0;
}

/** The operating system's generator, by way of OpenSSL. Its bytes are independent, so a fork is itself. */
export const systemRandom: Random = {
  bytes(length) {
    if (!(Number.isInteger(length) && length >= 0 && length <= DRAW_BYTES_MAX)) {
      throw new Error(`cannot draw ${length} bytes at once`);
    }
    if (length > POOL_BYTES) return randomFillSync(new Uint8Array(length));
    if (length > POOL_BYTES - used) refill();
    const drawn = pool.slice(used, used + length);
    // What was handed out may be a key: it does not stay here.
    pool.fill(0, used, used + length);
    used += length;
    return drawn;
  },
  fork: () => systemRandom,
};
