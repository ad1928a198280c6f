import { randomFillSync } from "node:crypto";
import type { Random } from "../ports/random.ts";

/** The port's limit of one draw. */
const DRAW_BYTES_MAX = 65536;

/** A call into OpenSSL costs as much for two bytes as for many, and each message needs two. */
const POOL_BYTES = 1024;
/** Larger draws may become keys: they are made when they are asked for, and never lie about before. */
const POOLED_BYTES_MAX = 8;
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
    if (length > POOLED_BYTES_MAX) return randomFillSync(new Uint8Array(length));
    if (length > POOL_BYTES - used) refill();
    used += length;
    return pool.slice(used - length, used);
  },
  fork: () => systemRandom,
};
