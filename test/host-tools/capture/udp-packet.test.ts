// UDP datagrams in IP packets. The vectors were made and summed by another program, and Wireshark takes their
// checksums.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../../firmware/protocol/bytes.ts";
import {
  decodeUdpPacket,
  encodeUdpPacket,
  udpEndOf,
  udpEndText,
} from "../../../host-tools/capture/udp-packet.ts";

function bytes(hex: string): Uint8Array {
  return fromHex(hex) as Uint8Array;
}

function packet(from: string, to: string, payload: string): string {
  const [source, destination] = [udpEndOf(from), udpEndOf(to)];
  if (source === undefined || destination === undefined) throw new Error("no ends");
  return toHex(encodeUdpPacket({ from: source, to: destination, payload: bytes(payload) }));
}

const IPV4 = "45000020000040004011b6c9c0000201c000020216331633000c0f6b40010000";

describe("a datagram", () => {
  test("over IPv4 has the right lengths and checksums", () => {
    expect(packet("192.0.2.1:5683", "192.0.2.2:5683", "40010000")).toBe(IPV4);
  });

  test("over IPv6 has them too, of an odd number of bytes as well", () => {
    expect(packet("[::1]:40000", "[fe80::1:2%eth0]:5683", "400100017f")).toBe(
      "60000000000d114000000000000000000000000000000001fe8000000000000000000000000100029c401633000d8fd9400100017f",
    );
  });

  test("whose sum is zero is sent as ones, since zero says that there is none", () => {
    expect(packet("192.0.2.1:5683", "192.0.2.2:5683", "4f70")).toBe(
      "4500001e000040004011b6cbc0000201c000020216331633000affff4f70",
    );
  });

  test("between the families goes over IPv6, the IPv4 end mapped into it", () => {
    expect(packet("127.0.0.1:1", "[::1]:2", "")).toContain(`${"00".repeat(10)}ffff7f000001`);
  });

  test("reads back, whatever the ends and the bytes", () => {
    const end = fc.record({
      address: fc.oneof(
        fc.uint8Array({ minLength: 4, maxLength: 4 }),
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
      ),
      port: fc.integer({ min: 0, max: 65_535 }),
    });
    fc.assert(
      fc.property(end, end, fc.uint8Array({ maxLength: 60 }), (from, to, payload) => {
        fc.pre(from.address.length === to.address.length);
        expect(decodeUdpPacket(encodeUdpPacket({ from, to, payload }))).toEqual({ from, to, payload });
        expect(udpEndOf(udpEndText(from))).toEqual(from);
      }),
      { seed: 5, numRuns: 300 },
    );
  });
});

describe("an end", () => {
  test.each([
    ["127.0.0.1:5683", "127.0.0.1:5683"],
    ["0.0.0.0:1", "0.0.0.0:1"],
    ["[::]:5683", "[0:0:0:0:0:0:0:0]:5683"],
    ["[::1]:5683", "[0:0:0:0:0:0:0:1]:5683"],
    ["[2001:db8::8:800:200c:417a]:80", "[2001:db8:0:0:8:800:200c:417a]:80"],
    ["[fe80::1%eth0]:80", "[fe80:0:0:0:0:0:0:1]:80"],
    ["[::ffff:192.0.2.33]:80", "[0:0:0:0:0:ffff:c000:221]:80"],
    ["[1:2:3:4:5:6:7:8]:80", "[1:2:3:4:5:6:7:8]:80"],
  ])("written %s is read", (text, full) => {
    const end = udpEndOf(text);
    expect(end && udpEndText(end)).toBe(full);
  });

  test.each([
    ["line"],
    ["host:80"],
    ["1.2.3:80"],
    ["1.2.3.256:80"],
    ["[1:2]:80"],
    ["[::1::]:80"],
    ["127.0.0.1"],
    [""],
  ])("written %j is none", (text) => expect(udpEndOf(text)).toBeUndefined());
});

describe("a packet", () => {
  test.each([
    ["of another protocol", IPV4.replace("4011", "4006")],
    ["that is a first fragment", IPV4.replace("00004000", "00002000")],
    ["that is a later fragment", IPV4.replace("00004000", "00000001")],
    ["with a header too short to be one", IPV4.replace(/^45/, "44")],
    ["that is cut within its headers", IPV4.slice(0, 54)],
    ["whose datagram is cut", IPV4.slice(0, -2)],
    ["whose datagram says that it is shorter than its header", IPV4.replace("000c0f6b", "00070f6b")],
    ["of IPv6 with another header between", `6000000000081100${"00".repeat(40)}`],
    ["of a version that is none", IPV4.replace(/^45/, "55")],
    ["that is empty", ""],
  ])("%s holds no datagram", (_, hex) => expect(decodeUdpPacket(bytes(hex))).toBeUndefined());

  test("with padding behind it, as Ethernet adds, and options before it is read", () => {
    const header = "46000024 00004000 40110000 c0000201 c0000202 01010100";
    const packet = decodeUdpPacket(bytes(`${header} 16331633000c0f6b 40010000 0000`));
    expect(packet && toHex(packet.payload)).toBe("40010000");
  });
});
