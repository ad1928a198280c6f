// IP packets with one UDP datagram each (RFC 791, RFC 8200, RFC 768), as a capture file holds them.
import { concat } from "../../firmware/protocol/bytes.ts";
import type { Station } from "../../hal/ports/link.ts";

/** One end of a conversation: 4 bytes of address for IPv4, 16 for IPv6. */
export interface UdpEnd {
  readonly address: Uint8Array;
  readonly port: number;
}

export interface UdpPacket {
  readonly from: UdpEnd;
  readonly to: UdpEnd;
  readonly payload: Uint8Array;
}

const PROTOCOL_UDP = 17;
const HEADER_BYTES = { ipv4: 20, ipv6: 40, udp: 8 } as const;
/** RFC 1700's default, and every operating system's. */
const HOPS = 64;
const DO_NOT_FRAGMENT = 0x4000;
const MORE_FRAGMENTS_OR_OFFSET = 0x3fff;
/** ::ffff:0:0/96 (RFC 4291 2.5.5.2). */
const MAPPED_IPV4 = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);

/**
 * The end that a UDP link's station names, `127.0.0.1:5683` or `[::1]:5683`; undefined where it names none.
 */
export function udpEndOf(station: Station): UdpEnd | undefined {
  const { v6, v4, port } =
    /^(?:\[(?<v6>[^\]%]+)(?:%[^\]]*)?\]|(?<v4>[\d.]+)):(?<port>\d{1,5})$/.exec(station)?.groups ?? {};
  const address = v6 === undefined ? ipv4Bytes(v4 ?? "") : ipv6Bytes(v6);
  return address && { address, port: Number(port) };
}

/** The end as a station of a UDP link; IPv6 in full, without `::`. */
export function udpEndText({ address, port }: UdpEnd): Station {
  if (address.length === 4) return `${address.join(".")}:${port}`;
  const groups = Array.from({ length: 8 }, (_, i) => uint16At(address, 2 * i).toString(16));
  return `[${groups.join(":")}]:${port}`;
}

/** The packet with right lengths and checksums; IPv6 where either end is. */
export function encodeUdpPacket({ from, to, payload }: UdpPacket): Uint8Array {
  const isIpv4 = from.address.length === 4 && to.address.length === 4;
  const [source, destination] = isIpv4
    ? [from.address, to.address]
    : [mapped(from.address), mapped(to.address)];
  const udpBytes = HEADER_BYTES.udp + payload.length;
  const pseudoHeader = concat(source, destination, uint16(PROTOCOL_UDP), uint16(udpBytes));
  const udp = concat(uint16(from.port), uint16(to.port), uint16(udpBytes), uint16(0), payload);
  // A sum of zero is sent as ones: zero says that there is none (RFC 768).
  udp.set(uint16(checksum(concat(pseudoHeader, udp)) || 0xffff), 6);
  if (!isIpv4) {
    const versionAndFlow = Uint8Array.of(0x60, 0, 0, 0);
    return concat(
      versionAndFlow,
      uint16(udpBytes),
      Uint8Array.of(PROTOCOL_UDP, HOPS),
      source,
      destination,
      udp,
    );
  }
  const header = concat(
    Uint8Array.of(0x45, 0),
    uint16(HEADER_BYTES.ipv4 + udpBytes),
    uint16(0),
    uint16(DO_NOT_FRAGMENT),
    Uint8Array.of(HOPS, PROTOCOL_UDP, 0, 0),
    source,
    destination,
  );
  header.set(uint16(checksum(header)), 10);
  return concat(header, udp);
}

/**
 * The datagram in an IP packet; undefined where it holds none that is whole: another protocol, a fragment, an
 * IPv6 extension header, or too few bytes. Checksums are not looked at: network cards fill them in after the
 * capture.
 */
export function decodeUdpPacket(packet: Uint8Array): UdpPacket | undefined {
  const ip = (packet[0] ?? 0) >> 4 === 4 ? decodeIpv4(packet) : decodeIpv6(packet);
  if (ip === undefined || ip.body.length < HEADER_BYTES.udp) return undefined;
  const length = uint16At(ip.body, 4);
  if (length < HEADER_BYTES.udp || length > ip.body.length) return undefined;
  return {
    from: { address: ip.source, port: uint16At(ip.body, 0) },
    to: { address: ip.destination, port: uint16At(ip.body, 2) },
    payload: ip.body.slice(HEADER_BYTES.udp, length),
  };
}

interface IpPacket {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly body: Uint8Array;
}

function decodeIpv4(packet: Uint8Array): IpPacket | undefined {
  if (packet.length < HEADER_BYTES.ipv4 || packet[9] !== PROTOCOL_UDP) return undefined;
  const headerBytes = ((packet[0] ?? 0) & 0xf) * 4;
  const isFragment = (uint16At(packet, 6) & MORE_FRAGMENTS_OR_OFFSET) !== 0;
  if (headerBytes < HEADER_BYTES.ipv4 || isFragment) return undefined;
  return {
    source: packet.slice(12, 16),
    destination: packet.slice(16, 20),
    body: packet.slice(headerBytes, uint16At(packet, 2)),
  };
}

function decodeIpv6(packet: Uint8Array): IpPacket | undefined {
  const isUdp = (packet[0] ?? 0) >> 4 === 6 && packet[6] === PROTOCOL_UDP;
  if (packet.length < HEADER_BYTES.ipv6 || !isUdp) return undefined;
  return {
    source: packet.slice(8, 24),
    destination: packet.slice(24, 40),
    body: packet.slice(HEADER_BYTES.ipv6, HEADER_BYTES.ipv6 + uint16At(packet, 4)),
  };
}

function ipv4Bytes(text: string): Uint8Array | undefined {
  const parts = text.split(".").map(Number);
  return parts.length === 4 && parts.every((part) => part <= 255) ? Uint8Array.from(parts) : undefined;
}

/** RFC 4291 2.2: eight groups, `::` for some zeros, the last two perhaps as IPv4. */
function ipv6Bytes(text: string): Uint8Array | undefined {
  const [head = "", tail, ...more] = text.split("::");
  if (more.length > 0) return undefined;
  const front = groupBytes(head);
  const back = groupBytes(tail ?? "");
  const missing = 16 - front.length - back.length;
  if (missing < 0 || (tail === undefined && missing > 0)) return undefined;
  return concat(front, new Uint8Array(missing), back);
}

function groupBytes(text: string): Uint8Array {
  const groups = text === "" ? [] : text.split(":");
  return concat(...groups.map((group) => ipv4Bytes(group) ?? uint16(Number.parseInt(group, 16))));
}

function mapped(address: Uint8Array): Uint8Array {
  return address.length === 4 ? concat(MAPPED_IPV4, address) : address;
}

/** RFC 1071: the ones' complement of the ones' complement sum of 16-bit words. */
function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += uint16At(bytes, i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function uint16At(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function uint16(value: number): Uint8Array {
  return Uint8Array.of((value >> 8) & 0xff, value & 0xff);
}
