// What no reading over a radio mesh can be quicker than: the time that its packets are on the one channel.
import { packetMs } from "../../hal/emulated/air-time.ts";

export interface ReadsOverAir {
  readonly meters: number;
  readonly bitsPerSecond: number;
  /** CoAP messages to and from each meter, in bytes; more than one each way where they come in blocks. */
  readonly requestsBytes: readonly number[];
  readonly answersBytes: readonly number[];
  /** From the one who asks to each meter. */
  readonly hops: number;
}

/** Milliseconds without a loss, a wait before a frame, or a UART; handshakes are not counted. */
export function airBoundMs({
  meters,
  bitsPerSecond,
  requestsBytes,
  answersBytes,
  hops,
}: ReadsOverAir): number {
  const oneMeterMs = [...requestsBytes, ...answersBytes]
    .map((bytes) => packetMs(bitsPerSecond, bytes, hops))
    .reduce((sum, ms) => sum + ms, 0);
  return meters * oneMeterMs;
}
