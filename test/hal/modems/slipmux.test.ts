import { describe, expect, test } from "vitest";
import { type ByteFault, uartPair } from "../../../hal/emulated/uart-pair.ts";
import { VirtualClock } from "../../../hal/emulated/virtual-clock.ts";
import { SlipmuxLink } from "../../../hal/modems/slipmux/driver.ts";
import { LINE, serialisationMs } from "../../../hal/ports/link.ts";
import type { UartSettings } from "../../../hal/ports/uart.ts";
import { linkContract } from "../../contracts/link.ts";

const SETTINGS: UartSettings = { baud: 9600, dataBits: 8, parity: "none", stopBits: 1 };
const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const GET_M = hex("41 01 12 34 C0 B1 6D");
const GET_M_ON_THE_LINE = hex("C0 A9 41 01 12 34 DB DC B1 6D 83 03 C0");
const NO_REJECTS = { checksum: 0, type: 0, escape: 0, aborted: 0, "too-long": 0 };

linkContract("SlipmuxLink", () => {
  const clock = new VirtualClock();
  const [nearUart, farUart] = uartPair(clock, SETTINGS);
  return {
    near: new SlipmuxLink(nearUart),
    far: new SlipmuxLink(farUart),
    nearStation: LINE,
    farStation: LINE,
    settle: (done: () => boolean = () => false) => {
      clock.runUntil(done, 60_000);
    },
  };
});

/** A link at one end of a line, and the bare line at the other. */
function linkAndLine(mtuBytes = 64) {
  const clock = new VirtualClock();
  const [uart, line] = uartPair(clock, SETTINGS);
  const link = new SlipmuxLink(uart, { mtuBytes });
  const datagrams: Uint8Array[] = [];
  const texts: string[] = [];
  const onTheLine: number[] = [];
  link.listen({
    datagram: (from, datagram) => {
      expect(from).toBe(LINE);
      datagrams.push(datagram);
    },
  });
  link.onDiagnostic((text) => texts.push(text));
  line.listen({ bytes: (bytes) => onTheLine.push(...bytes) });
  const settle = () => clock.advanceBy(10_000);
  return { clock, link, line, datagrams, texts, onTheLine, settle };
}

describe("what goes on the line", () => {
  test("a message goes as one frame with END before and after", () => {
    const { link, onTheLine, settle } = linkAndLine();
    expect(link.send(LINE, GET_M)).toBe("queued");
    settle();
    expect(Uint8Array.from(onTheLine)).toEqual(GET_M_ON_THE_LINE);
  });

  test("a console text goes as a diagnostic frame, and is refused over the MTU", () => {
    const { link, onTheLine, settle } = linkAndLine(12);
    expect(link.sendDiagnostic("Hello World!")).toBe("queued");
    expect(link.sendDiagnostic("Hello Würld!")).toBe("too-long");
    settle();
    expect(Uint8Array.from(onTheLine)).toEqual(hex("C0 0A 48 65 6C 6C 6F 20 57 6F 72 6C 64 21 C0"));
    expect(link.counters.sentDatagrams).toBe(0);
  });

  test("busy and down are passed up, and nothing of a refused message is sent or counted", () => {
    const { link, line, onTheLine, settle } = linkAndLine(1152);
    const big = new Uint8Array(1152);
    expect([1, 2, 3, 4].map(() => link.send(LINE, big))).toEqual(["queued", "queued", "queued", "busy"]);
    settle();
    expect(onTheLine).toHaveLength(3 * 1157);
    expect(link.counters.sentDatagrams).toBe(3);
    line.unplug();
    expect(link.send(LINE, GET_M)).toBe("down");
    expect(link.sendDiagnostic("x")).toBe("down");
    expect(link.counters.sentDatagrams).toBe(3);
  });
});

describe("what comes from the line", () => {
  test("messages and console texts are told apart", () => {
    const { link, line, datagrams, texts, settle } = linkAndLine();
    line.write(hex("C0 0A 6F 6B 0A C0"));
    line.write(GET_M_ON_THE_LINE);
    settle();
    expect(datagrams).toEqual([GET_M]);
    expect(texts).toEqual(["ok\\u{a}"]);
    expect(link.counters).toEqual({ sentDatagrams: 0, receivedDatagrams: 1, rejected: NO_REJECTS });
  });

  test.each([
    ["checksum", "C0 A9 41 01 12 35 DB DC B1 6D 83 03 C0"],
    ["type", "C0 45 00 00 14 C0"],
    ["escape", "C0 A9 41 DB 01 C0"],
    ["aborted", "C0 A9 41 01 DB C0"],
    ["too-long", `C0 A9 ${"00".repeat(67)} C0`],
  ])("a frame dropped as %s is counted, and the next good one received", (kind, garbage) => {
    const { link, line, datagrams, settle } = linkAndLine();
    line.write(hex(garbage));
    line.write(GET_M_ON_THE_LINE);
    settle();
    expect(datagrams).toEqual([GET_M]);
    expect(link.counters.rejected).toEqual({ ...NO_REJECTS, [kind]: 1 });
  });

  test("a message of exactly the MTU is taken, every byte of it escaped", () => {
    const { clock, link, line, datagrams, settle } = linkAndLine(64);
    link.close();
    const [near, far] = uartPair(clock, SETTINGS);
    const sender = new SlipmuxLink(near, { mtuBytes: 64 });
    const receiver = new SlipmuxLink(far, { mtuBytes: 64 });
    receiver.listen({ datagram: (_, datagram) => datagrams.push(datagram) });
    expect(line.state).toBe("down");
    sender.send(LINE, new Uint8Array(64).fill(0xc0));
    settle();
    expect(datagrams).toEqual([new Uint8Array(64).fill(0xc0)]);
  });

  test("a listener that closes the link hears nothing of the rest of the chunk", () => {
    const clock = new VirtualClock();
    const [uart, line] = uartPair(clock, SETTINGS);
    const link = new SlipmuxLink(uart);
    let heard = 0;
    link.listen({
      datagram: () => {
        heard++;
        link.close();
      },
    });
    line.write(Uint8Array.from([...GET_M_ON_THE_LINE, ...GET_M_ON_THE_LINE]));
    clock.advanceBy(1000);
    expect(heard).toBe(1);
  });
});

describe("an interruption", () => {
  test("half a frame of before is forgotten, and END is the first byte of after", () => {
    const { link, line, datagrams, onTheLine, settle } = linkAndLine();
    line.write(GET_M_ON_THE_LINE.subarray(0, 6));
    settle();
    line.unplug();
    line.replug();
    settle();
    expect(onTheLine).toEqual([0xc0]);
    line.write(GET_M_ON_THE_LINE.subarray(6));
    line.write(GET_M_ON_THE_LINE);
    settle();
    expect(datagrams).toEqual([GET_M]);
    expect(link.counters.rejected).toEqual({ ...NO_REJECTS, type: 1 });
  });
});

describe("timing", () => {
  test("the traits follow from the line, and predict what a round trip takes", () => {
    const clock = new VirtualClock();
    const settings: UartSettings = { baud: 19200, dataBits: 8, parity: "even", stopBits: 1 };
    const [nearUart, farUart] = uartPair(clock, settings);
    const near = new SlipmuxLink(nearUart, { roundTripMs: 5 });
    const far = new SlipmuxLink(farUart);
    expect(near.traits).toEqual({
      mtuBytes: 1152,
      bitsPerSecond: 19200,
      bitsPerByte: 11,
      framingBytes: 5,
      roundTripMs: 5,
      halfDuplex: false,
      addressing: "station",
    });
    let answers = 0;
    near.listen({ datagram: () => answers++ });
    far.listen({ datagram: (from) => far.send(from, new Uint8Array(32)) });
    near.send(LINE, new Uint8Array(24));
    clock.runUntil(() => answers > 0, 1000);
    const predictedMs = serialisationMs(near.traits, 24) + serialisationMs(near.traits, 32);
    expect(clock.monotonicMs()).toBeCloseTo(predictedMs, 9);
    expect(predictedMs).toBeCloseTo(((24 + 5 + 32 + 5) * 11 * 1000) / 19200, 9);
  });
});

describe("a bad line", () => {
  test("no damaged message gets through as good when every 40th byte is hit", () => {
    const clock = new VirtualClock();
    let count = 0;
    const hitEvery40th: ByteFault = (bytes) => bytes.map((byte) => (++count % 40 === 0 ? byte ^ 0x10 : byte));
    const [nearUart, farUart] = uartPair(clock, SETTINGS, { faults: { toSecond: hitEvery40th } });
    const near = new SlipmuxLink(nearUart);
    const far = new SlipmuxLink(farUart);
    const received: Uint8Array[] = [];
    far.listen({ datagram: (_, datagram) => received.push(datagram) });
    for (let i = 0; i < 200; i++) {
      near.send(LINE, new Uint8Array(10).fill(i));
      clock.advanceBy(100);
    }
    expect(received.length).toBeGreaterThan(100);
    expect(received.length).toBeLessThan(200);
    expect(received.filter((bytes) => bytes.some((byte) => byte !== bytes[0]))).toEqual([]);
    const rejects = Object.values(far.counters.rejected).reduce((sum, n) => sum + n, 0);
    expect(received.length + rejects).toBeGreaterThanOrEqual(200);
  });
});
