// Packets of captures, ours and those of other programs, explained.
import { expect, test } from "vitest";
import { concat, fromHex, toHex } from "../../../firmware/protocol/bytes.ts";
import { LINK_TYPE } from "../../../host-tools/capture/pcapng.ts";
import { encodeUdpPacket, udpEndOf } from "../../../host-tools/capture/udp-packet.ts";
import { Explainer } from "../../../host-tools/decode/explain.ts";
import { explainPacket } from "../../../host-tools/decode/packet.ts";

const EMPTY_GET = fromHex("40010000") as Uint8Array;
const packet = encodeUdpPacket({
  from: udpEndOf("127.0.0.1:50000") ?? { address: new Uint8Array(4), port: 0 },
  to: udpEndOf("127.0.0.1:5683") ?? { address: new Uint8Array(4), port: 0 },
  payload: EMPTY_GET,
});

function explain(linkType: number, bytes: Uint8Array) {
  const about = { line: undefined, utcMicroseconds: 0, direction: undefined };
  return explainPacket(new Explainer(), { ...about, linkType, bytes });
}

test.each([
  ["a bare IP packet", LINK_TYPE.raw, 0],
  ["Ethernet", LINK_TYPE.ethernet, 14],
  ["tcpdump's view of all interfaces", LINK_TYPE.linuxCooked, 16],
  ["its newer view", LINK_TYPE.linuxCooked2, 20],
])("CoAP in %s is found and explained", (_, linkType, bytesBefore) => {
  const { from, to, bytes, layers } = explain(linkType, concat(new Uint8Array(bytesBefore), packet));
  expect({ from, to, hex: toHex(bytes) }).toEqual({
    from: "127.0.0.1:50000",
    to: "127.0.0.1:5683",
    hex: "40010000",
  });
  expect(layers).toMatchObject([{ layer: "coap", fields: { code: "0.01 GET" } }]);
});

test("bytes of a metering part's line are shown as they are", () => {
  expect(explain(LINK_TYPE.user0, Uint8Array.of(0x58, 0xaa))).toEqual({
    bytes: Uint8Array.of(0x58, 0xaa),
    layers: [{ layer: "bytes", fields: { hex: "58aa" } }],
  });
});

test("a packet without a datagram, and a datagram that is no CoAP, say so", () => {
  expect(explain(LINK_TYPE.raw, packet.subarray(0, 20)).layers).toEqual([
    { layer: "bytes", fields: { bytes: 20, error: "no whole UDP datagram" } },
  ]);
  const [layer] = explain(LINK_TYPE.raw, encodeUdpPacket({ ...ends(), payload: Uint8Array.of(0xff) })).layers;
  expect(layer?.fields["error"]).toMatch(/no CoAP message/);
});

function ends() {
  const end = { address: Uint8Array.of(127, 0, 0, 1), port: 5683 };
  return { from: end, to: end };
}
