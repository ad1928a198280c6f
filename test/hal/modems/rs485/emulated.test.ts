import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SeededRandom } from "../../../../hal/emulated/seeded-random.ts";
import { VirtualClock } from "../../../../hal/emulated/virtual-clock.ts";
import { BabblingUart } from "../../../../hal/modems/rs485/babbling.ts";
import {
  type BusNodeOptions,
  EmulatedBus,
  type EmulatedBusOptions,
} from "../../../../hal/modems/rs485/emulated.ts";
import type { UartSettings } from "../../../../hal/ports/uart.ts";

const SETTINGS: UartSettings = { baud: 9600, dataBits: 8, parity: "none", stopBits: 1 };
const CHARACTER_MS = 10_000 / 9600;

/** A line with stations of these kinds, and what each hears, with the time at which it came. */
function line(nodes: readonly BusNodeOptions[], settings = SETTINGS, options: EmulatedBusOptions = {}) {
  const clock = new VirtualClock();
  const bus = new EmulatedBus(clock, settings, options);
  const stations = nodes.map((node) => {
    const uart = bus.node(node);
    const heard: number[] = [];
    const times: number[] = [];
    uart.listen({
      bytes(bytes) {
        heard.push(...bytes);
        times.push(clock.monotonicMs());
      },
    });
    return { uart, heard, times };
  });
  return { clock, bus, stations, at: (ms: number) => clock.advanceBy(ms - clock.monotonicMs()) };
}

type Station = ReturnType<typeof line>["stations"][number];
const [A, B, C] = [0, 1, 2];
const station = (stations: readonly Station[], index: number): Station => stations[index] as Station;

describe("an emulated RS-485 line", () => {
  test("96 bytes at 9600 baud take 100 ms, and all but their sender hear them", () => {
    const { clock, stations, bus } = line([{}, {}, {}]);
    const bytes = Uint8Array.from({ length: 96 }, (_, i) => i * 7);
    station(stations, A).uart.write(bytes);
    clock.advanceBy(1000);
    for (const index of [B, C]) {
      expect(station(stations, index).heard).toEqual([...bytes]);
      expect(station(stations, index).times.at(-1)).toBeCloseTo(100, 6);
    }
    expect(station(stations, A).heard).toEqual([]);
    expect(bus.counters).toEqual({ characters: 96, collisions: 0, hurried: 0, framingErrors: 0, eaten: 0 });
  });

  test.each([
    ["9600 8N1", SETTINGS, (16 * 10_000) / 9600],
    ["9600 8E1", { ...SETTINGS, parity: "even" }, (16 * 11_000) / 9600],
    ["300 7E2", { baud: 300, dataBits: 7, parity: "even", stopBits: 2 }, (16 * 11_000) / 300],
    ["115200 8O1", { ...SETTINGS, baud: 115_200, parity: "odd" }, (16 * 11_000) / 115_200],
  ] as const)("at %s all bytes arrive in the time that their bits take", (_, settings, takesMs) => {
    const { clock, stations } = line([{}, {}], settings);
    const bytes = Uint8Array.from({ length: 16 }, (_, i) => (i * 17) & (2 ** settings.dataBits - 1));
    station(stations, A).uart.write(bytes);
    clock.advanceBy(10_000);
    expect(station(stations, B).heard).toEqual([...bytes]);
    expect(station(stations, B).times.at(-1)).toBeCloseTo(takesMs, 6);
  });

  test("nobody is left without a character for longer than three, so that a line in use is known as such", () => {
    const { clock, stations } = line([{}, {}]);
    station(stations, A).uart.write(new Uint8Array(50));
    clock.advanceBy(1000);
    const { times } = station(stations, B);
    for (const [i, atMs] of times.entries())
      expect(atMs - (times[i - 1] ?? 0)).toBeLessThan(3.5 * CHARACTER_MS);
  });

  test("two that begin together give the wired AND of their bits", () => {
    const { clock, stations, bus } = line([{}, {}, {}]);
    station(stations, A).uart.write(Uint8Array.of(0xf0, 0x55, 0xff));
    station(stations, B).uart.write(Uint8Array.of(0x0f, 0x0f, 0x3c));
    clock.advanceBy(1000);
    expect(station(stations, C).heard).toEqual([0x00, 0x05, 0x3c]);
    expect(bus.counters.collisions).toBe(1);
  });

  test("whoever sends is deaf meanwhile, unless its adapter gives it the line as it is", () => {
    const { clock, stations } = line([{ echo: true }, {}, {}]);
    station(stations, A).uart.write(Uint8Array.of(0xf0, 0x11));
    station(stations, B).uart.write(Uint8Array.of(0x0f));
    clock.advanceBy(1000);
    expect(station(stations, A).heard).toEqual([0x00, 0x11]);
    expect(station(stations, B).heard).toEqual([0x11]);
  });

  test("two that begin apart spoil each other, and the line is as before after them", () => {
    const both = fc.tuple(
      fc.uint8Array({ minLength: 1, maxLength: 20 }),
      fc.uint8Array({ minLength: 1, maxLength: 20 }),
    );
    fc.assert(
      fc.property(both, fc.double({ min: 0, max: 10, noNaN: true }), ([first, second], laterMs) => {
        const { clock, stations } = line([{}, {}, {}]);
        station(stations, A).uart.write(first);
        clock.advanceBy(laterMs);
        station(stations, B).uart.write(second);
        clock.advanceBy(1000);
        const { heard } = station(stations, C);
        expect(heard.length).toBeLessThanOrEqual(first.length + second.length);
        heard.length = 0;
        station(stations, A).uart.write(Uint8Array.of(0xc0, 1, 2, 0xc0));
        clock.advanceBy(1000);
        expect(heard).toEqual([0xc0, 1, 2, 0xc0]);
      }),
      { seed: 3, numRuns: 300 },
    );
  });

  test("an answer while the asker's driver is still on loses its first bytes", () => {
    const { stations, bus, at } = line([{ holdMs: 2 }, {}, {}]);
    station(stations, A).uart.write(Uint8Array.of(1));
    at(CHARACTER_MS + 0.1);
    station(stations, B).uart.write(Uint8Array.of(0xa1, 0xa2, 0xa3, 0xa4));
    at(1000);
    expect(station(stations, A).heard).toEqual([0xa3, 0xa4]);
    expect(bus.counters).toMatchObject({ eaten: 2, hurried: 1 });
  });

  test("a driver that is slow to be on begins later", () => {
    const { stations, at } = line([{ enableMs: 5 }, {}]);
    station(stations, A).uart.write(Uint8Array.of(7));
    at(1000);
    expect(station(stations, B).times).toEqual([expect.closeTo(5 + CHARACTER_MS, 6)]);
  });

  test("whoever answers within 3.5 characters is counted, and who waits is not", () => {
    const { stations, bus, at } = line([{}, {}]);
    station(stations, A).uart.write(Uint8Array.of(1));
    at(4.4 * CHARACTER_MS);
    station(stations, B).uart.write(Uint8Array.of(2));
    at(9.9 * CHARACTER_MS);
    station(stations, A).uart.write(Uint8Array.of(3));
    at(100);
    expect(bus.counters.hurried).toBe(1);
  });

  test("bytes with a wrong parity do not come", () => {
    const { clock, stations, bus } = line([{}, {}, {}], { ...SETTINGS, parity: "even" });
    station(stations, A).uart.write(Uint8Array.of(0x01));
    station(stations, B).uart.write(Uint8Array.of(0xfe));
    clock.advanceBy(1000);
    // 00 with the parity bit of both, which is 1.
    expect(station(stations, C).heard).toEqual([]);
    expect(bus.counters.framingErrors).toBe(1);
  });

  test("noise comes at its rate, from nobody", () => {
    const noise = { random: new SeededRandom(1), perSecond: 10 };
    const { clock, stations } = line([{}], SETTINGS, { noise });
    clock.advanceBy(100_000);
    const { heard } = station(stations, A);
    expect(heard.length).toBeGreaterThan(900);
    expect(heard.length).toBeLessThan(1100);
    // Two at the same time may be something else.
    expect(heard.filter((byte) => byte === 0x00 || byte === 0xff).length).toBeGreaterThan(
      0.98 * heard.length,
    );
  });

  test("what nobody takes away is bounded: a write that is busy sends nothing", () => {
    const { clock, stations } = line([{}, {}]);
    const { uart } = station(stations, A);
    const sent = Array.from({ length: 6 }, () => uart.write(new Uint8Array(1000)));
    expect(sent).toEqual(["queued", "queued", "queued", "queued", "busy", "busy"]);
    clock.advanceBy(10_000);
    expect(station(stations, B).heard).toHaveLength(4000);
    expect(uart.write(Uint8Array.of(1))).toBe("queued");
  });

  test("a station that leaves is down, and what it was sending ends", () => {
    const { stations, at } = line([{}, {}]);
    station(stations, A).uart.write(new Uint8Array(10));
    at(3.5 * CHARACTER_MS);
    station(stations, A).uart.close();
    at(1000);
    expect(station(stations, A).uart.write(Uint8Array.of(1))).toBe("down");
    expect(station(stations, B).heard).toHaveLength(3);
  });

  test("a babbling station says again what it said, whoever is speaking", () => {
    const { clock, bus, stations } = line([{}]);
    const babbling = new BabblingUart(bus.node(), clock, { random: new SeededRandom(2), pauseMs: 1000 });
    babbling.write(Uint8Array.of(1, 2, 3));
    clock.advanceBy(60_000);
    expect(babbling.outbursts).toBeGreaterThan(30);
    expect(station(stations, A).heard).toEqual(
      Array.from({ length: babbling.outbursts + 1 }, () => [1, 2, 3]).flat(),
    );
    babbling.close();
    const before = babbling.outbursts;
    clock.advanceBy(60_000);
    expect(babbling.outbursts).toBe(before);
  });
});
