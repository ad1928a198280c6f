import { describe, expect, test } from "vitest";
import type { Uart, UartState } from "../../hal/ports/uart.ts";

/** Two UARTs at the ends of one line, fresh for each test. */
export interface UartFixture {
  readonly near: Uart;
  readonly far: Uart;
  /**
   * Lets time pass until `done`, or gives up after a while that is ample; without `done`, until all
   * that is under way has surely arrived.
   */
  settle(done?: () => boolean): Promise<void> | void;
  /** Ends what the fixture started; the UARTs may be closed already. */
  close?(): Promise<void> | void;
}

/** A line that can be interrupted from outside; `near` must notice. */
export interface InterruptibleUartFixture extends UartFixture {
  interrupt(): Promise<void> | void;
  restore(): Promise<void> | void;
}

/** Enough to fill any bounded queue. */
const FLOOD_WRITES_MAX = 16_384;
const FLOOD_WRITE_BYTES = 1000;

/** What any Uart does on an undamaged line, in virtual or real time. */
export function uartContract(name: string, make: () => UartFixture | Promise<UartFixture>): void {
  describe(`${name} is a Uart`, () => {
    test("all byte values arrive in order, both ways at once, in arrays that stay as they are", async () => {
      await withFixture(make, async ({ near, far, settle }) => {
        const atNear = collect(near);
        const atFar = collect(far);
        const up = Uint8Array.from({ length: 256 }, (_, i) => i);
        const down = up.toReversed();
        expect(near.write(up.subarray(0, 100))).toBe("queued");
        expect(far.write(down)).toBe("queued");
        expect(near.write(up.subarray(100))).toBe("queued");
        await settle(() => atNear.length() >= 256 && atFar.length() >= 256);
        expect(atFar.bytes()).toEqual(up);
        expect(atNear.bytes()).toEqual(down);
      });
    });

    test("a second listener is refused", async () => {
      await withFixture(make, ({ near }) => {
        collect(near);
        expect(() => near.listen({ bytes: () => {} })).toThrow();
      });
    });

    test("what nobody takes away is bounded: a write that is busy sends nothing, the others arrive whole", async () => {
      await withFixture(make, async ({ near, far, settle }) => {
        const atFar = collect(far);
        const taken = floodUntilBusy(near);
        expect(taken.length).toBeGreaterThan(0);
        expect(taken.length).toBeLessThan(FLOOD_WRITES_MAX);
        await settle(() => atFar.length() >= taken.length * FLOOD_WRITE_BYTES);
        await settle();
        expect(atFar.bytes()).toEqual(join(taken));
        expect(near.write(Uint8Array.of(1))).toBe("queued");
      });
    });

    test("a closed end is down, sends nothing and hears nothing", async () => {
      await withFixture(make, async ({ near, far, settle }) => {
        const states: UartState[] = [];
        const atNear = collect(near, states);
        collect(far);
        expect(near.state).toBe("open");
        far.write(Uint8Array.of(1));
        near.close();
        expect(near.state).toBe("down");
        expect(near.write(Uint8Array.of(2))).toBe("down");
        await settle();
        expect(atNear.length()).toBe(0);
        expect(states).toEqual([]);
        expect(() => near.close()).not.toThrow();
      });
    });
  });
}

/** What a Uart does whose line goes away and comes back. */
export function uartInterruptionContract(
  name: string,
  make: () => InterruptibleUartFixture | Promise<InterruptibleUartFixture>,
): void {
  describe(`${name} is a Uart that outlives an interruption`, () => {
    test("it says that it went down and came back, and carries bytes again", async () => {
      await withFixture(make, async ({ near, far, settle, interrupt, restore }) => {
        const states: UartState[] = [];
        collect(near, states);
        const atFar = collect(far);
        await interrupt();
        await settle(() => states.length === 1);
        expect(states).toEqual(["down"]);
        expect(near.state).toBe("down");
        expect(near.write(Uint8Array.of(1))).toBe("down");
        await restore();
        await settle(() => states.length === 2 && far.state === "open");
        expect(states).toEqual(["down", "open"]);
        expect(near.state).toBe("open");
        expect(near.write(Uint8Array.of(2, 3))).toBe("queued");
        await settle(() => atFar.length() >= 2);
        expect(atFar.bytes()).toEqual(Uint8Array.of(2, 3));
      });
    });
  });
}

async function withFixture<Fixture extends UartFixture>(
  make: () => Fixture | Promise<Fixture>,
  run: (fixture: Fixture) => Promise<void> | void,
): Promise<void> {
  const fixture = await make();
  try {
    await run(fixture);
  } finally {
    fixture.near.close();
    fixture.far.close();
    await fixture.close?.();
  }
}

/** Installs the listener; keeps the arrays as they came, so that a changed one would show. */
function collect(uart: Uart, states: UartState[] = []) {
  const chunks: Uint8Array[] = [];
  let length = 0;
  uart.listen({
    bytes: (bytes) => {
      chunks.push(bytes);
      length += bytes.length;
    },
    state: (state) => states.push(state),
  });
  return { length: () => length, bytes: () => join(chunks) };
}

/** Writes numbered blocks, never letting time pass, until one is refused; gives those that were taken. */
function floodUntilBusy(uart: Uart): Uint8Array[] {
  const taken: Uint8Array[] = [];
  while (taken.length < FLOOD_WRITES_MAX) {
    const number = taken.length;
    const block = Uint8Array.from({ length: FLOOD_WRITE_BYTES }, (_, i) => (i * 7 + number * 31) & 0xff);
    if (uart.write(block) === "busy") break;
    taken.push(block);
  }
  return taken;
}

function join(chunks: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(chunks));
}
