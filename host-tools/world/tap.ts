import type { Clock } from "../../hal/ports/clock.ts";
import type { Link } from "../../hal/ports/link.ts";
import type { Sender } from "./single-line.ts";

/** A datagram as it went on the line. */
export interface TappedDatagram {
  readonly sender: Sender;
  readonly atMs: number;
  readonly bytes: Uint8Array;
}

/** The link, with a copy of each datagram that is sent on it handed to `tap`. */
export function tapLink(
  link: Link,
  sender: Sender,
  clock: Clock,
  tap: (datagram: TappedDatagram) => void,
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
      if (outcome === "queued") tap({ sender, atMs: clock.monotonicMs(), bytes: datagram.slice() });
      return outcome;
    },
    listen: (listener) => link.listen(listener),
    close: () => link.close(),
  };
}
