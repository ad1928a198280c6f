import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { uartPair } from "../../../../hal/emulated/uart-pair.ts";
import { VirtualClock } from "../../../../hal/emulated/virtual-clock.ts";
import { encodeSlip } from "../../../../hal/framing/slip.ts";
import { encodeCoapFrame, encodeDiagnosticFrame } from "../../../../hal/framing/slipmux.ts";
import { Rs485Link, silenceMs } from "../../../../hal/modems/rs485/driver.ts";
import { type BusNodeOptions, EmulatedBus } from "../../../../hal/modems/rs485/emulated.ts";
import { LINE, type Link, type LinkSend } from "../../../../hal/ports/link.ts";
import type { UartSettings } from "../../../../hal/ports/uart.ts";
import { linkContract } from "../../../contracts/link.ts";
import { ScriptedUart } from "../../../support/scripted-uart.ts";

const SETTINGS: UartSettings = { baud: 9600, dataBits: 8, parity: "none", stopBits: 1 };
const CHARACTER_MS = 10_000 / 9600;
const SILENCE_MS = 3.5 * CHARACTER_MS;
const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const GET_M = hex("41 01 12 34 C0 B1 6D");
const ON_THE_LINE = hex("C0 A9 41 01 12 34 DB DC B1 6D 83 03 C0");

/** Begins so much later that the other end, which has begun by then, is heard first: stations of a line take turns. */
function later(link: Link, clock: VirtualClock): Link {
  return {
    traits: link.traits,
    get counters() {
      return link.counters;
    },
    send(to, datagram): LinkSend {
      if (to !== LINE) return link.send(to, datagram);
      clock.after(10 * CHARACTER_MS, () => link.send(to, datagram));
      return "queued";
    },
    listen: (listener) => link.listen(listener),
    close: () => link.close(),
  };
}

linkContract("Rs485Link", () => {
  const clock = new VirtualClock();
  const bus = new EmulatedBus(clock, SETTINGS);
  return {
    near: new Rs485Link(bus.node(), clock),
    far: later(new Rs485Link(bus.node({ echo: true }), clock), clock),
    nearStation: LINE,
    farStation: LINE,
    settle: (done: () => boolean = () => false) => {
      clock.runUntil(done, 60_000);
    },
  };
});

/** A link, and beside it a bare station that hears the line with the time at which each chunk came. */
function linkAndStation(options: BusNodeOptions = {}, settings = SETTINGS) {
  const clock = new VirtualClock();
  const bus = new EmulatedBus(clock, settings);
  const link = new Rs485Link(bus.node(options), clock);
  const station = bus.node();
  const datagrams: Uint8Array[] = [];
  const onTheLine: number[] = [];
  const times: number[] = [];
  link.listen({ datagram: (_, datagram) => datagrams.push(datagram) });
  station.listen({
    bytes(bytes) {
      onTheLine.push(...bytes);
      times.push(clock.monotonicMs());
    },
  });
  return { clock, bus, link, station, datagrams, onTheLine, times };
}

describe("an RS-485 link", () => {
  test("sends the frames of slipmux, and states a line on which stations are told apart by Uri-Host", () => {
    const { clock, link, onTheLine } = linkAndStation();
    expect(link.send(LINE, GET_M)).toBe("queued");
    clock.advanceBy(1000);
    expect(Uint8Array.from(onTheLine)).toEqual(ON_THE_LINE);
    expect(link.traits).toEqual({
      mtuBytes: 512,
      bitsPerSecond: 9600,
      bitsPerByte: 10,
      framingBytes: 5,
      roundTripMs: 20 + 2 * SILENCE_MS,
      halfDuplex: true,
      addressing: "uri-host",
    });
  });

  test.each([
    [300, (3.5 * 10_000) / 300],
    [9600, SILENCE_MS],
    [19_200, SILENCE_MS / 2],
    [38_400, 1.75],
    [115_200, 1.75],
  ])("keeps silence at %d baud for %d ms", (baud, ms) => {
    expect(silenceMs({ ...SETTINGS, baud })).toBeCloseTo(ms, 9);
  });

  test("waits for 3.5 characters of silence after what others and it itself have sent", () => {
    const { clock, bus, link, station, times } = linkAndStation();
    station.write(new Uint8Array(10));
    clock.advanceBy(5 * CHARACTER_MS);
    link.send(LINE, GET_M);
    link.send(LINE, GET_M);
    clock.advanceBy(1000);
    const frameMs = ON_THE_LINE.length * CHARACTER_MS;
    const firstMs = 10 * CHARACTER_MS + SILENCE_MS;
    expect(times).toContainEqual(expect.closeTo(firstMs + frameMs, 6));
    expect(times.at(-1)).toBeCloseTo(firstMs + frameMs + SILENCE_MS + frameMs, 6);
    expect(bus.counters).toMatchObject({ collisions: 0, hurried: 0 });
  });

  test("drops what its adapter gives back of its own, once for each frame", () => {
    const { clock, link, station, datagrams } = linkAndStation({ echo: true });
    link.send(LINE, GET_M);
    clock.advanceBy(1000);
    expect(datagrams).toEqual([]);
    expect(link.counters).toMatchObject({ sentDatagrams: 1, receivedDatagrams: 0, rejected: { echo: 1 } });
    station.write(ON_THE_LINE);
    clock.advanceBy(1000);
    expect(datagrams).toEqual([GET_M]);
  });

  test("an echo that is damaged shows as a check sum, and what comes after it is received", () => {
    const { clock, link, station, datagrams } = linkAndStation({ echo: true });
    link.send(LINE, GET_M);
    clock.advanceBy(4.2 * CHARACTER_MS);
    station.write(hex("00 00"));
    clock.advanceBy(1000);
    station.write(ON_THE_LINE);
    clock.advanceBy(1000);
    expect(datagrams).toEqual([GET_M]);
    expect(link.counters.rejected).toMatchObject({ checksum: 1, echo: 0 });
  });

  test("a frame that finds no silence for longer than any frame takes is dropped, as it would come in another's turn", () => {
    const { clock, link, station, onTheLine } = linkAndStation();
    station.write(new Uint8Array(1000));
    clock.advanceBy(10);
    link.send(LINE, GET_M);
    clock.advanceBy(2000);
    expect(onTheLine).toEqual([]);
    expect(link.counters).toMatchObject({ sentDatagrams: 0, rejected: { "no-silence": 1 } });
    link.send(LINE, GET_M);
    clock.advanceBy(1000);
    expect(Uint8Array.from(onTheLine)).toEqual(ON_THE_LINE);
  });

  test("consoles have no place on a shared line", () => {
    const { clock, link, station, datagrams } = linkAndStation();
    station.write(encodeSlip(encodeDiagnosticFrame("hello")));
    clock.advanceBy(1000);
    expect(datagrams).toEqual([]);
    expect(link.counters.rejected).toMatchObject({ type: 1 });
  });

  test("after an interruption half a frame is forgotten, and nothing is said unasked", () => {
    const clock = new VirtualClock();
    const [uart, line] = uartPair(clock, SETTINGS);
    const link = new Rs485Link(uart, clock);
    const datagrams: Uint8Array[] = [];
    const onTheLine: number[] = [];
    link.listen({ datagram: (_, datagram) => datagrams.push(datagram) });
    line.listen({ bytes: (bytes) => onTheLine.push(...bytes) });
    line.write(ON_THE_LINE.slice(0, 6));
    clock.advanceBy(1000);
    line.unplug();
    expect(link.send(LINE, GET_M)).toBe("down");
    line.replug();
    line.write(ON_THE_LINE.slice(6));
    line.write(ON_THE_LINE);
    clock.advanceBy(1000);
    expect(onTheLine).toEqual([]);
    expect(datagrams).toEqual([GET_M]);
  });

  test("datagrams come whole however the bytes are split, with noise of any kind between frames", () => {
    const frame = fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.uint8Array({ maxLength: 6 }));
    const cuts = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), cuts, (frames, pieces) => {
        const clock = new VirtualClock();
        const uart = new ScriptedUart(clock, SETTINGS);
        const link = new Rs485Link(uart, clock);
        const datagrams: Uint8Array[] = [];
        link.listen({ datagram: (_, datagram) => datagrams.push(datagram) });
        const noisy = frames.flatMap(([datagram, noise]) => [
          ...noise,
          ...encodeSlip(encodeCoapFrame(datagram)),
        ]);
        for (let at = 0, i = 0; at < noisy.length; i++) {
          const length = pieces[i % pieces.length] ?? 1;
          uart.deliver(Uint8Array.from(noisy.slice(at, at + length)));
          at += length;
        }
        expect(datagrams).toEqual(frames.map(([datagram]) => datagram));
      }),
      { seed: 4, numRuns: 500 },
    );
  });
});
