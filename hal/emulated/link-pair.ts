import type { Clock } from "../ports/clock.ts";
import { LINE, type Link, type LinkTraits, serialisationMs } from "../ports/link.ts";
import { FREE, LinkEnd, Medium } from "./link-end.ts";

/** One datagram as it was sent, for whoever taps the link. */
export interface SentDatagram {
  readonly from: "first" | "second";
  /** When it was handed to the link, on the monotonic clock. */
  readonly atMs: number;
  readonly bytes: Uint8Array;
}

/**
 * Two links joined in memory, each other's `LINE`. A datagram arrives when it has been serialised,
 * after those before it (of both ends, where the link is half duplex), and half the round trip has
 * passed. Traits that are not given cost nothing. `tap` is called at each send that is taken.
 */
export function linkPair(
  clock: Clock,
  traits: Partial<LinkTraits> = {},
  tap: (sent: SentDatagram) => void = () => {},
): [first: Link, second: Link] {
  const whole = { ...FREE, ...traits };
  const toSecond = new Medium();
  const toFirst = whole.halfDuplex ? toSecond : new Medium();
  const end = (from: SentDatagram["from"], medium: Medium, peer: () => LinkEnd): LinkEnd =>
    new LinkEnd(whole, {
      knows: (to) => to === LINE,
      carry(_, bytes, left) {
        const nowMs = clock.monotonicMs();
        const leavesMs = medium.occupy(nowMs, serialisationMs(whole, bytes.length));
        clock.after(leavesMs - nowMs + whole.roundTripMs / 2, () => {
          left();
          peer().receive(LINE, bytes);
        });
        tap({ from, atMs: nowMs, bytes: bytes.slice() });
      },
    });
  const first = end("first", toSecond, () => second);
  const second = end("second", toFirst, () => first);
  return [first, second];
}
