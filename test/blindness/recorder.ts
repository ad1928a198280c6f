// Whoever stands in the DAP's place, or on a line, and keeps all that he is shown.
import { decodeMessage } from "../../firmware/protocol/coap/codec.ts";
import type { CoapMessage } from "../../firmware/protocol/coap/message.ts";
import type { Link, Station } from "../../hal/ports/link.ts";
import { tapLink } from "../../host-tools/capture/tap.ts";

/** `north` is the side of head-ends, `south` that of meters; on a line without a DAP there is only `south`. */
export type Side = "north" | "south";

/** One datagram as it went over the line. */
export interface Recorded {
  readonly side: Side;
  /** Towards the meter, or back. */
  readonly direction: "down" | "up";
  /** Who is at the far end of that side: a head-end's station there, or a meter's. */
  readonly peer: Station;
  readonly bytes: Uint8Array;
  readonly message: CoapMessage;
}

/** Keeps all that goes through the links that are given to it. */
export class Recorder {
  readonly recorded: Recorded[] = [];

  /** The link, with a recorder on it; `end` is whose link it is. */
  wrap(link: Link, side: Side, end: "head-end" | "dap" | "meter" = "dap"): Link {
    // What a DAP sends north goes up, and what it sends south goes down; on a line a head-end's own end is meant.
    const sends = end === "meter" || (end === "dap" && side === "north") ? "up" : "down";
    const receives = sends === "up" ? "down" : "up";
    return tapLink(link, (direction, peer, bytes) =>
      this.#keep(side, direction === "outbound" ? sends : receives, peer, bytes),
    );
  }

  /** All of it, to be searched. */
  get bytes(): number {
    return this.recorded.reduce((total, { bytes }) => total + bytes.length, 0);
  }

  #keep(side: Side, direction: Recorded["direction"], peer: Station, seen: Uint8Array): void {
    const bytes = seen.slice();
    const message = decodeMessage(bytes);
    if ("error" in message) throw new Error(`no CoAP message was recorded (${message.error})`);
    this.recorded.push({ side, direction, peer, bytes, message });
  }
}
