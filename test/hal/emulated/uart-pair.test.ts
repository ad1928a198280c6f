import { describe, expect, test } from "vitest";
import { type UartPairOptions, uartPair } from "../../../hal/emulated/uart-pair.ts";
import { VirtualClock } from "../../../hal/emulated/virtual-clock.ts";
import type { Uart, UartSettings } from "../../../hal/ports/uart.ts";
import { uartContract, uartInterruptionContract } from "../../contracts/uart.ts";

const SETTINGS_9600_8N1: UartSettings = { baud: 9600, dataBits: 8, parity: "none", stopBits: 1 };

function pair(settings: UartSettings = SETTINGS_9600_8N1, options: UartPairOptions = {}) {
  const clock = new VirtualClock();
  const [first, second] = uartPair(clock, settings, options);
  return { clock, first, second };
}

function fixture() {
  const { clock, first, second } = pair();
  return {
    near: first,
    far: second,
    settle: (done: () => boolean = () => false) => {
      clock.runUntil(done, 60_000);
    },
    interrupt: () => first.unplug(),
    restore: () => first.replug(),
  };
}

uartContract("EmulatedUart", fixture);
uartInterruptionContract("EmulatedUart", fixture);

/** Arrivals with their times. */
function arrivals(clock: VirtualClock, uart: Uart): [atMs: number, bytes: number[]][] {
  const seen: [atMs: number, bytes: number[]][] = [];
  uart.listen({ bytes: (bytes) => seen.push([clock.monotonicMs(), [...bytes]]) });
  return seen;
}

describe("the rate of the line", () => {
  test.each([
    [SETTINGS_9600_8N1, 96, 100],
    [{ baud: 300, dataBits: 7, parity: "even", stopBits: 1 }, 30, 1000],
    [{ baud: 1200, dataBits: 8, parity: "odd", stopBits: 2 }, 100, 1000],
    [{ baud: 2100, dataBits: 8, parity: "none", stopBits: 1.5 }, 20, 100],
    [{ baud: 4_000_000, dataBits: 8, parity: "none", stopBits: 1 }, 4000, 10],
  ] as const)("at %o, %i bytes take %i ms and arrive as one chunk", (settings, bytes, takesMs) => {
    const { clock, first, second } = pair(settings);
    const seen = arrivals(clock, second);
    clock.advanceBy(3);
    first.write(new Uint8Array(bytes));
    clock.runUntil(() => seen.length > 0, 10_000);
    expect(seen.map(([, chunk]) => chunk.length)).toEqual([bytes]);
    expect(clock.monotonicMs()).toBeCloseTo(3 + takesMs, 9);
  });

  test("a write waits for the one before it, and an idle line starts at once", () => {
    const { clock, first, second } = pair();
    const seen = arrivals(clock, second);
    first.write(new Uint8Array(48));
    clock.advanceBy(20);
    first.write(new Uint8Array(48));
    clock.advanceBy(180);
    first.write(new Uint8Array(48));
    clock.advanceBy(1000);
    const atMs = seen.map(([at]) => at);
    expect(atMs).toHaveLength(3);
    for (const [i, expectedMs] of [50, 100, 250].entries()) expect(atMs[i]).toBeCloseTo(expectedMs, 9);
  });

  test("the two directions do not wait for each other", () => {
    const { clock, first, second } = pair();
    const atFirst = arrivals(clock, first);
    const atSecond = arrivals(clock, second);
    first.write(new Uint8Array(96));
    second.write(new Uint8Array(48));
    clock.advanceBy(1000);
    expect(atFirst[0]?.[0]).toBeCloseTo(50, 9);
    expect(atSecond[0]?.[0]).toBeCloseTo(100, 9);
  });

  test("a question and its answer take exactly their characters", () => {
    const { clock, first, second } = pair();
    const answers = arrivals(clock, first);
    second.listen({ bytes: (bytes) => second.write(bytes) });
    first.write(new Uint8Array(24));
    clock.runUntil(() => answers.length > 0, 1000);
    expect(clock.monotonicMs()).toBeCloseTo((2 * 24 * 10 * 1000) / 9600, 9);
  });

  test("the transmit buffer is bounded, and empties as chunks leave", () => {
    const { clock, first } = pair(SETTINGS_9600_8N1, { transmitBufferBytes: 100 });
    expect(first.write(new Uint8Array(101))).toBe("busy");
    expect(first.write(new Uint8Array(60))).toBe("queued");
    expect(first.write(new Uint8Array(41))).toBe("busy");
    expect(first.write(new Uint8Array(40))).toBe("queued");
    clock.advanceBy(63);
    expect(first.write(new Uint8Array(60))).toBe("queued");
    expect(first.write(new Uint8Array(1))).toBe("busy");
  });
});

describe("what goes wrong on the line", () => {
  test("faults act in their direction alone: bytes are changed, added or lost", () => {
    const { clock, first, second } = pair(SETTINGS_9600_8N1, {
      faults: {
        toSecond: (bytes) => (bytes[0] === 0 ? new Uint8Array(0) : Uint8Array.of(0xff, ...bytes)),
      },
    });
    const atFirst = arrivals(clock, first);
    const atSecond = arrivals(clock, second);
    first.write(Uint8Array.of(0, 1));
    first.write(Uint8Array.of(2, 3));
    second.write(Uint8Array.of(4));
    clock.advanceBy(100);
    expect(atSecond.map(([, bytes]) => bytes)).toEqual([[0xff, 2, 3]]);
    expect(atFirst.map(([, bytes]) => bytes)).toEqual([[4]]);
  });

  test.each([
    { ...SETTINGS_9600_8N1, baud: 19200 },
    { ...SETTINGS_9600_8N1, dataBits: 7 },
    { ...SETTINGS_9600_8N1, parity: "even" },
    { ...SETTINGS_9600_8N1, stopBits: 2 },
  ] as const)("an end opened at %o gets and gives garbage", (secondSettings) => {
    const { clock, first, second } = pair(SETTINGS_9600_8N1, { secondSettings });
    expect(second.settings).toEqual(secondSettings);
    const atFirst = arrivals(clock, first);
    const atSecond = arrivals(clock, second);
    const sent = [0, 0xc0, 0xff];
    first.write(Uint8Array.from(sent));
    second.write(Uint8Array.from(sent));
    clock.advanceBy(100);
    for (const [, bytes] of [...atFirst, ...atSecond]) {
      expect(bytes).toHaveLength(3);
      expect(bytes.filter((byte, i) => byte === sent[i])).toEqual([]);
    }
    expect(atFirst).toHaveLength(1);
    expect(atSecond).toHaveLength(1);
  });

  test("an unplug loses what was on its way, and both ends hear of it once", () => {
    const { clock, first, second } = pair(SETTINGS_9600_8N1, { transmitBufferBytes: 96 });
    const events: string[] = [];
    first.listen({
      bytes: () => events.push("first got bytes"),
      state: (state) => events.push(`first ${state}`),
    });
    second.listen({
      bytes: () => events.push("second got bytes"),
      state: (state) => events.push(`second ${state}`),
    });
    first.write(new Uint8Array(96));
    clock.advanceBy(50);
    second.unplug();
    first.unplug();
    expect(first.write(new Uint8Array(1))).toBe("down");
    second.replug();
    expect(events).toEqual(["second down", "first down", "second open", "first open"]);
    const before = clock.monotonicMs();
    expect(first.write(new Uint8Array(96))).toBe("queued");
    clock.runUntil(() => events.length === 5, 1000);
    expect(events.at(-1)).toBe("second got bytes");
    expect(clock.monotonicMs() - before).toBeCloseTo(100, 9);
  });

  test("when one end is closed, the other goes down and stays so", () => {
    const { clock, first, second } = pair();
    const events: string[] = [];
    second.listen({ bytes: () => events.push("bytes"), state: (state) => events.push(state) });
    first.write(Uint8Array.of(1));
    first.close();
    second.replug();
    first.replug();
    clock.advanceBy(100);
    expect(events).toEqual(["down"]);
    expect(second.write(Uint8Array.of(1))).toBe("down");
  });
});
