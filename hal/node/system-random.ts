import { randomFillSync } from "node:crypto";
import type { Random } from "../ports/random.ts";

/** The port's limit of one draw. */
const DRAW_BYTES_MAX = 65536;

/** The operating system's generator, by way of OpenSSL. Its bytes are independent, so a fork is itself. */
export const systemRandom: Random = {
  bytes(length) {
    if (!(Number.isInteger(length) && length >= 0 && length <= DRAW_BYTES_MAX)) {
      throw new Error(`cannot draw ${length} bytes at once`);
    }
    return randomFillSync(new Uint8Array(length));
  },
  fork: () => systemRandom,
};
