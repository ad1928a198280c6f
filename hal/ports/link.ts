/** Names one station of a link as that link writes it: `127.0.0.1:5683`, or `line` on a point-to-point line. */
export type Station = string;

/** The only other station of a point-to-point line. */
export const LINE: Station = "line";

/** What a protocol must know of a link to choose its timers and sizes (RFC 7252 4.8, RFC 7959 2.2). */
export interface LinkTraits {
  /** Longest datagram that can be sent, in bytes. */
  readonly mtuBytes: number;
  /** Rate in bits a second; undefined where serialisation takes no time worth counting. */
  readonly bitsPerSecond: number | undefined;
  /** Bits on the line for one byte of a datagram (10 for 8N1). */
  readonly bitsPerByte: number;
  /** Bytes that framing adds to each datagram, escapes not counted. */
  readonly framingBytes: number;
  /** Expected delay there and back beside serialisation: propagation, turnaround, service. */
  readonly roundTripMs: number;
  /** True where the stations cannot send at the same time. */
  readonly halfDuplex: boolean;
  /**
   * `station`: a datagram goes to the station that it is sent to. `uri-host`: all stations of the line hear it, and a
   * request says by its Uri-Host alone which of them it is for (RFC 7252 5.10.1).
   */
  readonly addressing: "station" | "uri-host";
}

/** What became of a datagram: on its way (it may still be lost), no room now, no link, or over the MTU. */
export type LinkSend = "queued" | "busy" | "down" | "too-long";

export interface LinkListener {
  /** One whole datagram; the array is the listener's to keep. */
  datagram(from: Station, datagram: Uint8Array): void;
}

/** Frames and datagrams seen and refused since the start; numbers only grow. */
export interface LinkCounters {
  readonly sentDatagrams: number;
  readonly receivedDatagrams: number;
  /** Frames dropped by kind, as the link names the kinds: `checksum`, `too-long`, `escape`, ... */
  readonly rejected: Readonly<Record<string, number>>;
}

/**
 * Carries whole datagrams between stations; may lose, repeat, reorder or damage them undetected.
 *
 * A caller may assume: a datagram arrives whole or not at all; one longer than the MTU is refused,
 * never cut; `send` never throws and never calls the listener from inside itself.
 */
export interface Link {
  readonly traits: LinkTraits;
  readonly counters: LinkCounters;
  send(to: Station, datagram: Uint8Array): LinkSend;
  /** Installs the one listener. A second call is a bug in the caller and throws. */
  listen(listener: LinkListener): void;
  /** Gives the link up for good. No event follows. */
  close(): void;
}

/** Milliseconds that a datagram of `bytes` bytes takes to leave, framing included. */
export function serialisationMs(traits: LinkTraits, bytes: number): number {
  if (traits.bitsPerSecond === undefined) return 0;
  return ((bytes + traits.framingBytes) * traits.bitsPerByte * 1000) / traits.bitsPerSecond;
}
