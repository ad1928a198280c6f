// Explains the packets of a capture file: those of our own lines, and what Wireshark and tcpdump took from a
// network.
import { toHex } from "../../firmware/protocol/bytes.ts";
import { type CapturedPacket, LINK_TYPE } from "../capture/pcapng.ts";
import { decodeUdpPacket, udpEndText } from "../capture/udp-packet.ts";
import type { Explainer, Layer } from "./explain.ts";

/**
 * What a packet says: the bytes that the layers are of, which are a UDP datagram's where it has `from` and
 * `to`.
 */
export interface ExplainedPacket {
  readonly bytes: Uint8Array;
  readonly from?: string;
  readonly to?: string;
  readonly layers: readonly Layer[];
}

/** Bytes before the IP packet, by link type. VLAN tags are not looked for. */
const BYTES_BEFORE_IP: ReadonlyMap<number, number> = new Map([
  [LINK_TYPE.raw, 0],
  [LINK_TYPE.ethernet, 14],
  [LINK_TYPE.linuxCooked, 16],
  [LINK_TYPE.linuxCooked2, 20],
]);

/** The packet's UDP datagram as a CoAP message, or its bytes. */
export function explainPacket(explainer: Explainer, { linkType, bytes }: CapturedPacket): ExplainedPacket {
  const bytesBeforeIp = BYTES_BEFORE_IP.get(linkType);
  if (bytesBeforeIp === undefined)
    return { bytes, layers: [{ layer: "bytes", fields: { hex: toHex(bytes) } }] };
  const packet = decodeUdpPacket(bytes.subarray(bytesBeforeIp));
  if (packet === undefined) {
    const fields = { bytes: bytes.length, error: "no whole UDP datagram" };
    return { bytes, layers: [{ layer: "bytes", fields }] };
  }
  const { from, to, payload } = packet;
  const layers = explainer.explainMessage(payload);
  return { from: udpEndText(from), to: udpEndText(to), bytes: payload, layers };
}
