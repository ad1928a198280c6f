import type { Station } from "../../hal/ports/link.ts";

/** A datagram that a protocol half wants sent. */
export interface OutgoingDatagram {
  readonly to: Station;
  readonly bytes: Uint8Array;
}

/**
 * A protocol half without I/O: client, server and proxy all have this shape. Whoever drives it
 * hands in datagrams and the time, and then takes out datagrams and events until there are none.
 */
export interface Endpoint<Event> {
  /** Takes one datagram in. Never throws on what a peer sent: refusals are counted. */
  receive(nowMs: number, from: Station, datagram: Uint8Array): void;
  /** Does what was due by now. Calling it early or late is harmless. */
  wake(nowMs: number): void;
  nextDatagram(): OutgoingDatagram | undefined;
  nextEvent(): Event | undefined;
  /** When to call `wake` next, on the same clock; undefined when nothing is pending. */
  nextWakeMs(): number | undefined;
}
