// What several exchanges took together.
import type { ExchangeSize } from "../head-end/client.ts";

export const NO_EXCHANGE: ExchangeSize = { requestBytes: 0, responseBytes: 0, milliseconds: 0 };

/** Both together; a handshake is the first one's. */
export function addSizes(a: ExchangeSize, b: ExchangeSize): ExchangeSize {
  const handshake = a.handshake ?? b.handshake;
  return {
    requestBytes: a.requestBytes + b.requestBytes,
    responseBytes: a.responseBytes + b.responseBytes,
    milliseconds: a.milliseconds + b.milliseconds,
    ...(handshake !== undefined && { handshake }),
  };
}
