// How long packets of a radio mesh are on the air, in the figures of IEEE 802.15.4 at whatever rate: at 250 kbit/s they
// are 320 us for a backoff and 192 us for a turnaround.

/**
 * Around the payload of a packet: preamble, start and length (6), and what a 2.4 GHz DigiMesh module leaves itself of
 * the 127 bytes of a frame beside its 73 of payload, for the headers of MAC and network. Taken for other bands as well.
 */
const FRAME_OVERHEAD_BYTES = 6 + 127 - 73;
/** Preamble, start, length, and five bytes. */
const MAC_ACK_BYTES = 6 + 5;
const TURNAROUND_BITS = 48;

/** A unit of the random wait before a frame. */
export const BACKOFF_BITS = 80;

export function bitsMs(bitsPerSecond: number, bits: number): number {
  return (bits * 1000) / bitsPerSecond;
}

/** One frame to the next station, and its acknowledgement. */
export function hopMs(bitsPerSecond: number, payloadBytes: number): number {
  const bytes = FRAME_OVERHEAD_BYTES + payloadBytes + MAC_ACK_BYTES;
  return bitsMs(bitsPerSecond, 8 * bytes + TURNAROUND_BITS);
}

/** A packet over so many hops, and the network's acknowledgement back, where nothing is lost and nobody waits. */
export function packetMs(bitsPerSecond: number, payloadBytes: number, hops: number): number {
  return hops * (hopMs(bitsPerSecond, payloadBytes) + hopMs(bitsPerSecond, 0));
}
