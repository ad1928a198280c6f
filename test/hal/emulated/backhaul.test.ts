import { expect, test } from "vitest";
import { Backhaul, type CarriedDatagram, FAR_END } from "../../../hal/emulated/backhaul.ts";
import { VirtualClock } from "../../../hal/emulated/virtual-clock.ts";
import { linkContract } from "../../contracts/link.ts";

linkContract("a station of a slow backhaul", () => {
  const clock = new VirtualClock();
  const backhaul = new Backhaul(clock, { bitsPerSecond: 9600, roundTripMs: 300, mtuBytes: 256 });
  return {
    near: backhaul.station("M1"),
    far: backhaul.farEnd,
    nearStation: "M1",
    farStation: FAR_END,
    settle: (done: () => boolean = () => false) => {
      clock.runUntil(done, 600_000);
    },
  };
});

/** Two stations at 8000 bit/s, a byte a millisecond, and when which bytes came to whom. */
function two(halfDuplex = false) {
  const clock = new VirtualClock();
  const carried: CarriedDatagram[] = [];
  const traits = { bitsPerSecond: 8000, roundTripMs: 20, halfDuplex };
  const backhaul = new Backhaul(clock, traits, (datagram) => carried.push(datagram));
  const came: [to: string, from: string, atMs: number][] = [];
  const listen = (name: string) => {
    const link = name === FAR_END ? backhaul.farEnd : backhaul.station(name);
    link.listen({ datagram: (from) => came.push([name, from, clock.monotonicMs()]) });
    return link;
  };
  return { clock, carried, came, listen, far: listen(FAR_END), a: listen("A"), b: listen("B") };
}

test("what goes one way waits for what is before it, whomever that is of; the other way is free", () => {
  const { clock, came, far, a, b } = two();
  a.send(FAR_END, new Uint8Array(100));
  b.send(FAR_END, new Uint8Array(100));
  far.send("B", new Uint8Array(50));
  clock.advanceBy(1000);
  expect(came).toEqual([
    ["B", FAR_END, 60],
    [FAR_END, "A", 110],
    [FAR_END, "B", 210],
  ]);
});

test("on a half-duplex one all wait for each other", () => {
  const { clock, came, far, a } = two(true);
  a.send(FAR_END, new Uint8Array(100));
  far.send("A", new Uint8Array(100));
  clock.advanceBy(1000);
  expect(came).toEqual([
    [FAR_END, "A", 110],
    ["A", FAR_END, 210],
  ]);
});

test("what goes to a station that is off takes its time, and one that begins anew has the line to itself", () => {
  const { clock, came, carried, listen, far, a, b } = two();
  b.close();
  far.send("B", new Uint8Array(100));
  far.send("A", new Uint8Array(10));
  listen("A");
  expect(a.send(FAR_END, new Uint8Array(1))).toBe("down");
  clock.advanceBy(1000);
  expect(came).toEqual([["A", FAR_END, 120]]);
  expect(carried.map(({ station, from, atMs }) => [station, from, atMs])).toEqual([
    ["B", "far end", 0],
    ["A", "far end", 0],
  ]);
});
