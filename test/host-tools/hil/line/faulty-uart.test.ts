import { describe, expect, test } from "vitest";
import { SeededRandom } from "../../../../hal/emulated/seeded-random.ts";
import { uartPair } from "../../../../hal/emulated/uart-pair.ts";
import { VirtualClock } from "../../../../hal/emulated/virtual-clock.ts";
import { encodeSlip, SlipDecoder } from "../../../../hal/framing/slip.ts";
import { FaultyUart } from "../../../../host-tools/hil/line/faulty-uart.ts";
import type { LineFaults } from "../../../../host-tools/hil/rig.ts";

const SETTINGS = { baud: 115_200, dataBits: 8, parity: "none", stopBits: 1 } as const;

/** Both ends of a line, the near one made bad, and what each has received. */
function line(seed = 1) {
  const clock = new VirtualClock();
  const [near, far] = uartPair(clock, SETTINGS);
  const faulty = new FaultyUart(near, clock, new SeededRandom(seed));
  const atNear: Uint8Array[] = [];
  const atFar: Uint8Array[] = [];
  faulty.listen({ bytes: (bytes) => atNear.push(bytes) });
  far.listen({ bytes: (bytes) => atFar.push(bytes) });
  return { clock, faulty, far, atNear, atFar };
}

function framesIn(portions: readonly Uint8Array[]): Uint8Array[] {
  const frames: Uint8Array[] = [];
  const decoder = new SlipDecoder(64);
  for (const bytes of portions) decoder.push(bytes, (frame) => frames.push(frame.slice()));
  return frames;
}

/** Sends frames of one byte and more through the line by both ways, each in portions of so many bytes. */
function sentBothWays(faults: LineFaults | undefined, portionBytes = 64) {
  const { clock, faulty, far, atNear, atFar } = line();
  const frames = Array.from({ length: 40 }, (_, i) => Uint8Array.of(i, i, i, i));
  faulty.setFaults(faults);
  for (const frame of frames) {
    const bytes = encodeSlip(frame);
    for (let from = 0; from < bytes.length; from += portionBytes) {
      faulty.write(bytes.slice(from, from + portionBytes));
      far.write(bytes.slice(from, from + portionBytes));
      clock.advanceBy(10);
    }
  }
  clock.advanceBy(60_000);
  return { frames, toNear: framesIn(atNear), toFar: framesIn(atFar) };
}

describe("a line made bad", () => {
  test.each<LineFaults | undefined>([
    undefined,
    {},
    { delayMs: 500 },
    { split: 1 },
    { delayMs: 25, split: 0.5 },
  ])("by %j brings every frame, in its order", (faults) => {
    const { frames, toNear, toFar } = sentBothWays(faults);
    expect([toNear, toFar]).toEqual([frames, frames]);
  });

  test.each([1, 2, 64])("loses whole frames, in whatever portions they come: %i bytes", (portionBytes) => {
    const { frames, toNear, toFar } = sentBothWays({ drop: 0.5 }, portionBytes);
    for (const arrived of [toNear, toFar]) {
      expect(arrived.length).toBeGreaterThan(8);
      expect(arrived.length).toBeLessThan(32);
      expect(arrived.every((frame) => frames.some((sent) => String(sent) === String(frame)))).toBe(true);
    }
  });

  test("turns bits of frames, and harms none without", () => {
    const { frames, toFar } = sentBothWays({ flip: 0.3 });
    const whole = toFar.filter((frame) => frames.some((sent) => String(sent) === String(frame)));
    expect(whole.length).toBeGreaterThan(15);
    expect(whole.length).toBeLessThan(40);
  });

  test("by babble has bytes on it that nobody sent, until it is healed", () => {
    const { clock, faulty, atNear, atFar } = line();
    faulty.setFaults({ babbleEveryMs: 100 });
    clock.advanceBy(5000);
    expect([atNear.length > 20, atFar.length > 20]).toEqual([true, true]);
    faulty.setFaults(undefined);
    clock.advanceBy(100);
    const heard = atNear.length + atFar.length;
    clock.advanceBy(60_000);
    expect(atNear.length + atFar.length).toBe(heard);
  });

  test("that is healed while it holds frames back keeps their order", () => {
    const { clock, faulty, atFar } = line();
    faulty.setFaults({ delayMs: 300 });
    faulty.write(encodeSlip(Uint8Array.of(1)));
    faulty.setFaults(undefined);
    faulty.write(encodeSlip(Uint8Array.of(2)));
    clock.advanceBy(1000);
    expect(framesIn(atFar)).toEqual([Uint8Array.of(1), Uint8Array.of(2)]);
  });
});
