import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { LineError } from "../../../hal/node/line-error.ts";
import type { Connection, LineUart, StallRule } from "../../../hal/node/line-uart.ts";
import { openAndReopen } from "../../../hal/node/reopen.ts";
import { PTY_SETTINGS } from "../../support/pty-pair.ts";

const STALL: StallRule = { patienceMs: () => 5000, reaction: "give-up" };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** A world where a line is there or not, and the times at which somebody tried to open it. */
function world() {
  const state = { there: true, attemptsMs: [] as number[], ended: 0 };
  const startMs = performance.now();
  let current: { line: LineUart; connection: Connection } | undefined;
  const connect = async (line: LineUart): Promise<Connection> => {
    state.attemptsMs.push(performance.now() - startMs);
    if (!state.there) throw new LineError("Nothing there.");
    const connection: Connection = { write: () => {}, end: () => state.ended++ };
    current = { line, connection };
    return connection;
  };
  const breakLine = () => current?.line.lost(current.connection);
  return { state, connect, breakLine };
}

describe("a line that is opened again", () => {
  test("rejects with the reason where it cannot be opened at first, and does not try again", async () => {
    const { state, connect } = world();
    state.there = false;
    await expect(openAndReopen(PTY_SETTINGS, STALL, connect, "reject")).rejects.toThrow(LineError);
    await vi.advanceTimersByTimeAsync(5000);
    expect(state.attemptsMs).toEqual([0]);
  });

  test("is down and tried again where that is asked for", async () => {
    const { state, connect } = world();
    state.there = false;
    const uart = await openAndReopen(PTY_SETTINGS, STALL, connect, "retry");
    expect(uart.state).toBe("down");
    state.there = true;
    await vi.advanceTimersByTimeAsync(100);
    expect(uart.state).toBe("open");
    uart.close();
  });

  test("is tried after pauses that double from 100 ms to 1 s, for as long as it takes", async () => {
    const { state, connect, breakLine } = world();
    const uart = await openAndReopen(PTY_SETTINGS, STALL, connect, "reject");
    await vi.advanceTimersByTimeAsync(2000);
    state.there = false;
    breakLine();
    await vi.advanceTimersByTimeAsync(4500);
    expect(state.attemptsMs).toEqual([0, 2100, 2300, 2700, 3500, 4500, 5500, 6500]);
    state.there = true;
    await vi.advanceTimersByTimeAsync(1000);
    expect(uart.state).toBe("open");
    uart.close();
  });

  test("is not hammered when it breaks as soon as it is open", async () => {
    const { state, connect, breakLine } = world();
    const uart = await openAndReopen(PTY_SETTINGS, STALL, connect, "reject");
    for (const pauseMs of [100, 200, 400, 800, 1000, 1000]) {
      breakLine();
      const attempts = state.attemptsMs.length;
      await vi.advanceTimersByTimeAsync(pauseMs - 1);
      expect(state.attemptsMs).toHaveLength(attempts);
      await vi.advanceTimersByTimeAsync(1);
      expect(uart.state).toBe("open");
    }
    uart.close();
  });

  test("is left alone once it is closed, also while it is being opened", async () => {
    const { state, connect, breakLine } = world();
    const uart = await openAndReopen(PTY_SETTINGS, STALL, connect, "reject");
    breakLine();
    vi.advanceTimersByTime(100);
    uart.close();
    await vi.advanceTimersByTimeAsync(5000);
    expect(state.attemptsMs).toHaveLength(2);
    expect(state.ended).toBe(2);
    expect(uart.state).toBe("down");
  });
});
