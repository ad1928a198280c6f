import { describe, expect, test } from "vitest";
import { constantMains } from "../../../hal/emulated/mains.ts";
import { uartPair } from "../../../hal/emulated/uart-pair.ts";
import { VirtualClock } from "../../../hal/emulated/virtual-clock.ts";
import { Bl0942 } from "../../../hal/metering-ics/bl0942/driver.ts";
import { EmulatedBl0942 } from "../../../hal/metering-ics/bl0942/emulated.ts";
import { BL0942_LINE, BL0942_REFERENCE_BOARD } from "../../../hal/metering-ics/bl0942/registers.ts";
import { type StationTraits, UartBus } from "../../../hal/metering-ics/uart-bus.ts";
import type { MeteringFault, MeteringReading } from "../../../hal/ports/metering-ic.ts";
import type { Uart, UartListener } from "../../../hal/ports/uart.ts";
import { bytesOf, hexOf } from "../../support/scripted-uart.ts";

const TRAITS: StationTraits = { answerTimeoutMs: 400, lateAnswerMs: 400, lineDown: () => {} };
const STREAM = { bytes: () => {}, lineDown: () => {} };

/** A bus whose parts are the test; the log has what is heard at their end and what the stations are told. */
function scriptedBus() {
  const clock = new VirtualClock();
  const [hostEnd, partEnd] = uartPair(clock, BL0942_LINE);
  const bus = new UartBus(hostEnd, clock);
  const log: string[] = [];
  partEnd.listen({ bytes: (bytes) => log.push(`heard ${hexOf(bytes)}`) });
  /** A station, and what asks for it: requests and answers are chunks of any length. */
  const station = (name: string) => {
    const slot = bus.station({ ...TRAITS, lineDown: () => log.push(`${name} line down`) });
    return (request: string) =>
      slot.ask({
        request: bytesOf(request),
        framer: { push: (bytes) => [bytes] },
        answered: (answer) => log.push(`${name} answered ${hexOf(answer)}`),
        failed: (why) => log.push(`${name} ${why}`),
      });
  };
  const answer = (hex: string) => partEnd.write(bytesOf(hex));
  return { clock, hostEnd, bus, log, station, answer };
}

describe("a UART bus", () => {
  test("serves stations or one stream, never both", () => {
    const { bus } = scriptedBus();
    bus.station(TRAITS);
    expect(() => bus.stream(STREAM)).toThrow("cannot stream");
    const other = scriptedBus().bus;
    other.stream(STREAM);
    expect(() => other.station(TRAITS)).toThrow("no stations");
    expect(() => other.stream(STREAM)).toThrow("cannot stream");
  });

  test("has room for 16 stations", () => {
    const { bus } = scriptedBus();
    for (let i = 0; i < 16; i++) bus.station(TRAITS);
    expect(() => bus.station(TRAITS)).toThrow("at most 16");
  });

  test("one request is on the line at a time, in the order asked", () => {
    const { clock, log, station, answer } = scriptedBus();
    const [a, b] = [station("a"), station("b")];
    expect([b("B1"), a("A1"), b("B2")]).toEqual(["started", "started", "busy"]);
    clock.advanceBy(100);
    expect(log).toEqual(["heard B1"]);
    answer("01");
    clock.advanceBy(100);
    answer("02");
    clock.advanceBy(100);
    expect(log).toEqual(["heard B1", "b answered 01", "heard A1", "a answered 02"]);
  });

  test("a late answer is nobody's: the next request waits for it, whoever asks", () => {
    const { clock, log, station, answer } = scriptedBus();
    const [a, b] = [station("a"), station("b")];
    a("A1");
    clock.advanceBy(450);
    expect([a("A2"), b("B1")]).toEqual(["busy", "started"]);
    answer("0A");
    clock.advanceBy(340);
    expect(log).toEqual(["heard A1", "a timed-out"]);
    clock.advanceBy(20);
    answer("0B");
    clock.advanceBy(10);
    expect(log.slice(2)).toEqual(["heard B1", "b answered 0B"]);
    expect(a("A2")).toBe("started");
  });

  test("after bytes that nobody asked for the line must be quiet for 50 ms, or 500 ms have passed", () => {
    const { clock, log, station, answer } = scriptedBus();
    const a = station("a");
    answer("EE");
    clock.advanceBy(10);
    a("A1");
    clock.advanceBy(40);
    expect(log).toEqual([]);
    clock.advanceBy(10);
    answer("01");
    clock.advanceBy(10);
    expect(log).toEqual(["heard A1", "a answered 01"]);
    answer("EE");
    clock.advanceBy(10);
    a("A2");
    for (let i = 0; i < 24; i++) {
      answer("EE");
      clock.advanceBy(20);
    }
    expect(log).toHaveLength(2);
    answer("EE");
    clock.advanceBy(40);
    expect(log).toHaveLength(3);
  });

  test("a line that goes down fails what is open and what waits, and can be asked again once it is back", () => {
    const { clock, hostEnd, log, station, answer } = scriptedBus();
    const [a, b] = [station("a"), station("b")];
    a("A1");
    b("B1");
    clock.advanceBy(100);
    hostEnd.unplug();
    expect(log).toEqual(["heard A1", "a down", "b down", "a line down", "b line down"]);
    expect(a("A2")).toBe("down");
    hostEnd.replug();
    clock.advanceBy(5000);
    expect(a("A2")).toBe("started");
    clock.advanceBy(10);
    answer("01");
    clock.advanceBy(10);
    expect(log.slice(5)).toEqual(["heard A2", "a answered 01"]);
  });

  test("a stream gets all that arrives and hears of a line that is down", () => {
    const { clock, hostEnd, bus, log, answer } = scriptedBus();
    bus.stream({
      bytes: (bytes) => log.push(hexOf(bytes)),
      lineDown: () => log.push("down"),
    });
    answer("0102");
    answer("03");
    clock.advanceBy(100);
    hostEnd.unplug();
    expect(log).toEqual(["0102", "03", "down"]);
  });
});

/** One end of a line for several parts: each hears all, and each may speak. */
function fanOut(uart: Uart): () => Uart {
  const listeners: UartListener[] = [];
  uart.listen({ bytes: (bytes) => listeners.forEach((listener) => void listener.bytes(bytes.slice())) });
  return () => ({
    settings: uart.settings,
    state: "open",
    write: (bytes) => uart.write(bytes),
    listen: (listener) => void listeners.push(listener),
    close: () => {},
  });
}

describe("four BL0942 on one line", () => {
  const ADDRESSES = [0, 1, 2, 3] as const;

  /** The part at address n feels 210 + 10 n volts. */
  function fourParts() {
    const clock = new VirtualClock();
    const [hostEnd, partEnd] = uartPair(clock, BL0942_LINE);
    const [bus, tap] = [new UartBus(hostEnd, clock), fanOut(partEnd)];
    const events: Record<number, (MeteringReading | MeteringFault)[]> = {};
    const parts = ADDRESSES.map((address) => {
      const profile = { ...BL0942_REFERENCE_BOARD, address };
      const volts = 210 + 10 * address;
      const mains = { voltageVolts: volts, currentAmperes: 1, phaseAngleRadians: 0, frequencyHertz: 50 };
      const chip = new EmulatedBl0942(tap(), clock, constantMains(mains), profile);
      const ic = new Bl0942(bus, profile);
      const own: (MeteringReading | MeteringFault)[] = [];
      events[address] = own;
      ic.listen({ reading: (reading) => own.push(reading), fault: (fault) => own.push(fault) });
      return { chip, ic };
    });
    return { clock, parts, events };
  }

  function volts(event: MeteringReading | MeteringFault): number | MeteringFault {
    if (typeof event === "string") return event;
    return Math.round((event.phases[0]?.voltageMillivolts?.value ?? 0) / 1000);
  }

  test("take turns, asked at one instant, and each gets its own answers", () => {
    const { clock, parts, events } = fourParts();
    for (let round = 0; round < 5; round++) {
      expect(parts.map(({ ic }) => ic.poll())).toEqual(Array(4).fill("started"));
      clock.advanceBy(1000);
    }
    for (const address of ADDRESSES)
      expect(events[address]?.map(volts)).toEqual(Array(5).fill(210 + 10 * address));
    for (const { chip } of parts) expect(Object.values(chip.refusals)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test("one that is silent costs the others time and nothing else", () => {
    const { clock, parts, events } = fourParts();
    const [, mute] = parts;
    if (mute) mute.chip.isMute = true;
    for (const { ic } of parts) ic.poll();
    clock.advanceBy(2000);
    expect(ADDRESSES.map((address) => events[address]?.map(volts))).toEqual([
      [210],
      ["silent"],
      [230],
      [240],
    ]);
  });
});
