// What goes over lines, written down for Wireshark and its kin.
import type { Clock } from "../../hal/ports/clock.ts";
import type { Link, Station } from "../../hal/ports/link.ts";
import type { Uart } from "../../hal/ports/uart.ts";
import { enhancedPacket, interfaceDescription, LINK_TYPE, sectionHeader } from "./pcapng.ts";
import { tapLink, tapUart } from "./tap.ts";
import { encodeUdpPacket, type UdpEnd, udpEndOf } from "./udp-packet.ts";

/**
 * Where the blocks of a capture go, whole, in their order. What cannot be written is the sink's to report.
 */
export interface CaptureSink {
  write(block: Uint8Array): void;
  close(): void;
}

/** Which end of a line of two is watched. */
export type LineEnd = "head-end" | "meter";

/** A line as the capture names it, the end that it is watched from, and the clock that stamps its packets. */
export interface WatchedLink {
  readonly name: string;
  /** On UDP the station that this end is; 0.0.0.0 and [::] are this host (RFC 1122 3.2.1.3). */
  readonly end: LineEnd | Station;
  readonly clock: Clock;
}

/**
 * A capture of any number of lines. Every datagram of a link is written as an IP packet (LINKTYPE_RAW),
 * whatever carried it: on UDP with its own addresses, on a serial line with addresses that are made up
 * (192.0.2.1 the head-end, 192.0.2.2 and on the meters: TEST-NET-1 of RFC 5737, which no network has)
 * and CoAP's port 5683. Every tool then sees CoAP, and OSCORE in it, without being told how; bytes of
 * slipmux under a private link type would show as bytes. What was no datagram is not in it: noise, and
 * frames whose checksum does not hold. On UDP ports other than 5683 Wireshark has to be told once
 * (Decode As, CoAP). Bytes of a metering part's line are written as they are, as LINKTYPE_USER0.
 *
 * It holds what anybody on the line can see: no key; of a protected answer the ciphertext; of a
 * metering part, which knows no protection, what it measures.
 */
export class Capture {
  readonly #sink: CaptureSink;
  #lines = 0;

  constructor(sink: CaptureSink) {
    this.#sink = sink;
    sink.write(sectionHeader("meterbench"));
  }

  /** The link, watched. */
  link(link: Link, { name, end, clock }: WatchedLink): Link {
    const write = this.#addLine(LINK_TYPE.raw, name, clock);
    const [own, peerAt] = endsOf(end, this.#lines);
    return tapLink(link, (direction, peer, payload) => {
      const ends =
        direction === "outbound" ? { from: own, to: peerAt(peer) } : { from: peerAt(peer), to: own };
      write(direction, encodeUdpPacket({ ...ends, payload }));
    });
  }

  /** The UART, watched: each packet is a portion of bytes as it came or went. */
  uart(uart: Uart, name: string, clock: Clock): Uart {
    return tapUart(uart, this.#addLine(LINK_TYPE.user0, name, clock));
  }

  close(): void {
    this.#sink.close();
  }

  #addLine(linkType: number, name: string, clock: Clock) {
    const id = this.#lines++;
    this.#sink.write(interfaceDescription(linkType, name));
    const time = new Timestamps(clock);
    return (direction: "inbound" | "outbound", bytes: Uint8Array): void =>
      this.#sink.write(enhancedPacket(id, time.nowMicroseconds(), direction, bytes));
  }
}

const COAP_PORT = 5683;
/** Of the 254 addresses of TEST-NET-1, all but the head-end's. */
const METER_ADDRESSES = 253;

/** The watched end and how the other is found, for the n-th line of a capture, n from 1. */
function endsOf(end: LineEnd | Station, line: number): [own: UdpEnd, peerAt: (peer: Station) => UdpEnd] {
  const headEnd = { address: Uint8Array.of(192, 0, 2, 1), port: COAP_PORT };
  const meter = {
    address: Uint8Array.of(192, 0, 2, 2 + ((line - 1) % METER_ADDRESSES)),
    port: COAP_PORT,
  };
  if (end === "head-end") return [headEnd, () => meter];
  if (end === "meter") return [meter, () => headEnd];
  return [endAt(end), endAt];
}

function endAt(station: Station): UdpEnd {
  const end = udpEndOf(station);
  if (end === undefined) throw new Error(`${station} is no station of a UDP link`);
  return end;
}

/** A system's UTC comes in whole milliseconds, and so differs from a finer one by less than this. */
const UTC_STEP_MS = 2;

/** UTC finer than the clock gives it: counted by the monotonic clock from where UTC was, until UTC steps. */
class Timestamps {
  readonly #clock: Clock;
  #utcAtZeroMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#utcAtZeroMs = (clock.utcMs() ?? 0) - clock.monotonicMs();
  }

  /** Whole, since 1970-01-01; since the clock's start where it has not been told UTC. */
  nowMicroseconds(): number {
    const monotonicMs = this.#clock.monotonicMs();
    const utcMs = this.#clock.utcMs();
    if (utcMs !== undefined && Math.abs(monotonicMs + this.#utcAtZeroMs - utcMs) > UTC_STEP_MS)
      this.#utcAtZeroMs = utcMs - monotonicMs;
    return Math.round((monotonicMs + this.#utcAtZeroMs) * 1000);
  }
}
