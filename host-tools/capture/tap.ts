// Taps: what goes through one end of a line, seen by somebody else too.
import type { Link, Station } from "../../hal/ports/link.ts";
import type { Uart } from "../../hal/ports/uart.ts";
import type { Direction } from "./pcapng.ts";

/**
 * The link, with each datagram that it takes to send (`outbound`) or receives (`inbound`) shown to
 * `see`. The bytes are not `see`'s to keep or change.
 */
export function tapLink(
  link: Link,
  see: (direction: Direction, peer: Station, bytes: Uint8Array) => void,
): Link {
  return {
    get traits() {
      return link.traits;
    },
    get counters() {
      return link.counters;
    },
    send(to, datagram) {
      const outcome = link.send(to, datagram);
      if (outcome === "queued") see("outbound", to, datagram);
      return outcome;
    },
    listen: (listener) =>
      link.listen({
        datagram(from, datagram) {
          see("inbound", from, datagram);
          listener.datagram(from, datagram);
        },
      }),
    close: () => link.close(),
  };
}

/**
 * The UART, with all bytes that it takes to send or receives, in the portions that they come in, shown to
 * `see`.
 */
export function tapUart(uart: Uart, see: (direction: Direction, bytes: Uint8Array) => void): Uart {
  return {
    get settings() {
      return uart.settings;
    },
    get state() {
      return uart.state;
    },
    write(bytes) {
      const outcome = uart.write(bytes);
      if (outcome === "queued") see("outbound", bytes);
      return outcome;
    },
    listen: (listener) =>
      uart.listen({
        bytes(bytes) {
          see("inbound", bytes);
          listener.bytes(bytes);
        },
        state: (state) => listener.state?.(state),
      }),
    close: () => uart.close(),
  };
}
