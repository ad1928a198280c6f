import { describe, expect, test } from "vitest";
import { linkPair, type SentDatagram } from "../../../hal/emulated/link-pair.ts";
import { VirtualClock } from "../../../hal/emulated/virtual-clock.ts";
import { LINE, type Link, type LinkTraits } from "../../../hal/ports/link.ts";
import { linkContract } from "../../contracts/link.ts";

for (const [name, traits] of [
  ["a free link pair", {}],
  [
    "a slow half-duplex link pair",
    { bitsPerSecond: 9600, roundTripMs: 300, mtuBytes: 256, halfDuplex: true },
  ],
] as const) {
  linkContract(name, () => {
    const clock = new VirtualClock();
    const [near, far] = linkPair(clock, traits);
    return {
      near,
      far,
      nearStation: LINE,
      farStation: LINE,
      settle: (done: () => boolean = () => false) => {
        clock.runUntil(done, 600_000);
      },
    };
  });
}

function pair(traits: Partial<LinkTraits>, tap?: (sent: SentDatagram) => void) {
  const clock = new VirtualClock();
  const [first, second] = linkPair(clock, traits, tap);
  return { clock, first, second };
}

function arrivalsMs(clock: VirtualClock, link: Link): number[] {
  const atMs: number[] = [];
  link.listen({ datagram: () => atMs.push(clock.monotonicMs()) });
  return atMs;
}

const SLOW = { bitsPerSecond: 9600, bitsPerByte: 10, framingBytes: 5, roundTripMs: 20 };

describe("link pair", () => {
  test("a datagram takes its characters, framing included, and half the round trip", () => {
    const { clock, first, second } = pair(SLOW);
    const atMs = arrivalsMs(clock, second);
    first.send(LINE, new Uint8Array(43));
    first.send(LINE, new Uint8Array(43));
    clock.advanceBy(1000);
    expect(atMs).toEqual([60, 110]);
  });

  test("both ways at once: full duplex does not wait, half duplex does", () => {
    for (const [halfDuplex, firstGetsAtMs] of [
      [false, 60],
      [true, 110],
    ] as const) {
      const { clock, first, second } = pair({ ...SLOW, halfDuplex });
      const atMs = arrivalsMs(clock, first);
      first.send(LINE, new Uint8Array(43));
      second.send(LINE, new Uint8Array(43));
      clock.advanceBy(1000);
      expect(atMs).toEqual([firstGetsAtMs]);
    }
  });

  test("what is under way is bounded", () => {
    const { clock, first } = pair(SLOW);
    const results = Array.from({ length: 300 }, () => first.send(LINE, new Uint8Array(1)));
    expect(results.indexOf("busy")).toBe(256);
    clock.advanceBy(100_000);
    expect(first.send(LINE, new Uint8Array(1))).toBe("queued");
  });

  test("the sender may use its array again", () => {
    const { clock, first, second } = pair(SLOW);
    const received: Uint8Array[] = [];
    second.listen({ datagram: (_, datagram) => received.push(datagram) });
    const sent = Uint8Array.of(1, 2);
    first.send(LINE, sent);
    sent.fill(9);
    clock.advanceBy(1000);
    expect(received).toEqual([Uint8Array.of(1, 2)]);
  });

  test("a tap sees each datagram that was taken, with its sender and time", () => {
    const tapped: SentDatagram[] = [];
    const { clock, first, second } = pair({ mtuBytes: 4 }, (sent) => tapped.push(sent));
    clock.advanceBy(5);
    first.send(LINE, Uint8Array.of(1, 2));
    first.send(LINE, new Uint8Array(5));
    second.send(LINE, Uint8Array.of(3));
    expect(tapped).toEqual([
      { from: "first", atMs: 5, bytes: Uint8Array.of(1, 2) },
      { from: "second", atMs: 5, bytes: Uint8Array.of(3) },
    ]);
  });
});
