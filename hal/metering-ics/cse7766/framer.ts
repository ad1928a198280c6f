import { FixedLengthFramer } from "../../framing/fixed-length.ts";
import { CHECK_BYTE, checksum, FRAME, STATE } from "./registers.ts";

/**
 * Finds the part's frames. The checksum leaves out the first two bytes, so that only values which
 * they can have are taken: no-load frames begin with F2, not 55.
 */
export function frameFramer(): FixedLengthFramer {
  return new FixedLengthFramer(FRAME.length, (window) => {
    if (window[FRAME.CHECK] !== CHECK_BYTE || !isState(window[FRAME.STATE] ?? 0)) return false;
    return window[FRAME.SUM] === checksum(window);
  });
}

function isState(byte: number): boolean {
  return byte === STATE.NORMAL || byte === STATE.NOT_CALIBRATED || (byte & STATE.RANGES) === STATE.RANGES;
}
