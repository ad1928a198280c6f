import { describe, expect, test } from "vitest";
import { type Connection, LineUart, type StallRule } from "../../../hal/node/line-uart.ts";
import type { UartState } from "../../../hal/ports/uart.ts";
import { PTY_SETTINGS } from "../../support/pty-pair.ts";
import { sleep, until } from "../../support/real-time.ts";

const GIVE_UP: StallRule = { patienceMs: () => 40, reaction: "give-up" };
const DISCARD: StallRule = { patienceMs: () => 40, reaction: "discard" };

/** A connection that takes a write when `take` is called, and no sooner. */
class HeldConnection implements Connection {
  readonly taken: Uint8Array[] = [];
  ended = 0;
  #pending: (() => void) | undefined;

  write(bytes: Uint8Array, taken: () => void): void {
    if (this.#pending !== undefined) throw new Error("one write at a time");
    this.#pending = () => {
      this.taken.push(bytes);
      taken();
    };
  }

  end(): void {
    this.ended++;
  }

  take(): boolean {
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.();
    return pending !== undefined;
  }
}

function openLine(stall: StallRule) {
  const events: string[] = [];
  const states: UartState[] = [];
  const line = new LineUart(PTY_SETTINGS, stall, {
    lost: () => events.push("lost"),
    closed: () => events.push("closed"),
  });
  const heard: number[] = [];
  line.listen({ bytes: (bytes) => heard.push(...bytes), state: (state) => states.push(state) });
  const connection = new HeldConnection();
  line.opened(connection);
  return { line, connection, events, states, heard };
}

describe("a line over connections that come and go", () => {
  test("is down until the first connection, and after its loss, which counts once", () => {
    const { line, connection, events, states } = openLine(GIVE_UP);
    line.lost(connection);
    line.lost(connection);
    expect(line.write(Uint8Array.of(1))).toBe("down");
    expect({ states, events, ended: connection.ended }).toEqual({
      states: ["open", "down"],
      events: ["lost"],
      ended: 1,
    });
  });

  test("hears the current connection only, and says that a newer one took over", () => {
    const { line, connection, events, states, heard } = openLine(GIVE_UP);
    const newer = new HeldConnection();
    line.received(connection, Uint8Array.of(1));
    line.opened(newer);
    line.received(connection, Uint8Array.of(2));
    line.received(newer, Uint8Array.of(3));
    line.lost(connection);
    expect(heard).toEqual([1, 3]);
    expect(states).toEqual(["open", "down", "open"]);
    expect({ events, ended: connection.ended, newer: newer.ended }).toEqual({
      events: [],
      ended: 1,
      newer: 0,
    });
  });

  test("hands over arrays that are the listener's own", () => {
    const { line, connection } = openLine(GIVE_UP);
    const other = new LineUart(PTY_SETTINGS, GIVE_UP, { lost: () => {}, closed: () => {} });
    const kept: Uint8Array[] = [];
    other.listen({ bytes: (bytes) => kept.push(bytes) });
    other.opened(connection);
    const pool = Buffer.from([7, 8]);
    other.received(connection, pool);
    pool.fill(0);
    expect(kept).toEqual([Uint8Array.of(7, 8)]);
    line.close();
  });

  test("sends in order, and takes at most 8192 bytes ahead", () => {
    const { line, connection } = openLine(GIVE_UP);
    const first = new Uint8Array(8000).fill(1);
    expect(line.write(first)).toBe("queued");
    expect(line.write(Uint8Array.of(2))).toBe("queued");
    expect(line.write(new Uint8Array(192))).toBe("busy");
    expect(line.write(new Uint8Array(191).fill(3))).toBe("queued");
    while (connection.take());
    expect(connection.taken.map((bytes) => [bytes[0], bytes.length])).toEqual([
      [1, 8000],
      [2, 1],
      [3, 191],
    ]);
    expect(line.write(first)).toBe("queued");
    expect(line.write(new Uint8Array(8193))).toBe("busy");
    line.close();
  });

  test("gives up a connection that takes no bytes for too long", async () => {
    const { line, connection, events } = openLine(GIVE_UP);
    line.write(Uint8Array.of(1));
    expect(await until(() => line.state === "down", 2000)).toBe(true);
    expect({ events, ended: connection.ended }).toEqual({ events: ["lost"], ended: 1 });
  });

  test("does not give up one that takes its bytes in time", async () => {
    const { line, connection } = openLine(GIVE_UP);
    line.write(Uint8Array.of(1));
    connection.take();
    await sleep(80);
    expect(line.state).toBe("open");
    line.close();
  });

  test("drops stale bytes for newer ones where nobody reads, but none before the time is up", async () => {
    const { line, connection } = openLine(DISCARD);
    line.write(new Uint8Array(4000).fill(1));
    line.write(new Uint8Array(4000).fill(2));
    expect(line.write(new Uint8Array(1000).fill(3))).toBe("busy");
    await sleep(45);
    expect(line.state).toBe("open");
    expect(line.write(new Uint8Array(1000).fill(4))).toBe("queued");
    while (connection.take());
    expect(connection.taken.map((bytes) => bytes[0])).toEqual([1, 4]);
  });

  test("once closed stays closed: no event, and a late connection is ended", () => {
    const { line, connection, events, states } = openLine(GIVE_UP);
    line.write(Uint8Array.of(1));
    line.close();
    line.close();
    line.lost(connection);
    const late = new HeldConnection();
    line.opened(late);
    connection.take();
    expect(line.write(Uint8Array.of(1))).toBe("down");
    expect({ events, states, ended: [connection.ended, late.ended] }).toEqual({
      events: ["closed"],
      states: ["open"],
      ended: [1, 1],
    });
  });
});
