// Numbers that are reserved ahead: whatever is cut off, none is given twice.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Reservation, ReservedSequence } from "../../../../firmware/protocol/oscore/sender-sequence.ts";

/** What one process does with a sequence: numbers taken, and how it ends. */
const life = fc.record({
  numbers: fc.oneof(fc.nat({ max: 300 }), fc.nat({ max: 40_000 })),
  end: fc.constantFrom("cut" as const, "in order" as const),
});

/** The marks that were made durable, and all numbers that were given, over lives of one sequence. */
function lived(
  lives: readonly { readonly numbers: number; readonly end: "cut" | "in order" }[],
  start: number,
) {
  let durable = start;
  const given: number[] = [];
  const notDurable: number[] = [];
  const writes: number[][] = [];
  for (const { numbers, end } of lives) {
    const marks: number[] = [];
    const sequence = new ReservedSequence(durable, (mark) => {
      marks.push(mark - durable);
      durable = mark;
      return true;
    });
    for (let i = 0; i < numbers; i++) {
      const number = sequence.next();
      if (number === undefined) break;
      if (number >= durable) notDurable.push(number);
      given.push(number);
    }
    if (end === "in order") durable = sequence.settle();
    writes.push(marks);
  }
  // Asked once for all: an expectation for each of a million numbers takes minutes.
  expect(notDurable).toEqual([]);
  return { given, writes, durable };
}

describe("a reserved sequence", () => {
  test("gives each number once and in order, over any cuts and orderly ends", () => {
    fc.assert(
      fc.property(fc.array(life, { maxLength: 8 }), fc.nat({ max: 2 ** 31 }), (lives, start) => {
        const { given, durable } = lived(lives, start);
        expect(given.every((number, i) => i === 0 || number > (given[i - 1] as number))).toBe(true);
        expect(durable).toBeGreaterThanOrEqual((given.at(-1) ?? start - 1) + 1);
      }),
      { numRuns: 30 },
    );
  });

  test("reserves blocks that double from 64 to 8,192: 2^20 numbers take 135 writes", () => {
    const { writes } = lived([{ numbers: 2 ** 20, end: "cut" }], 0);
    const [marks = []] = writes;
    expect(marks.slice(0, 9)).toEqual([64, 128, 256, 512, 1024, 2048, 4096, 8192, 8192]);
    expect(marks).toHaveLength(135);
  });

  test("loses nothing at an orderly end, and at a cut less than a block: as many as it had used and 62 more at the most", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50_000 }), (numbers) => {
        expect(lived([{ numbers, end: "in order" }], 0).durable).toBe(numbers);
        const lost = lived([{ numbers, end: "cut" }], 0).durable - numbers;
        expect(lost).toBeLessThanOrEqual(numbers + 62);
        expect(lost).toBeLessThan(8192);
      }),
      { numRuns: 30 },
    );
  });

  test("ends before 2^40, with the last number given", () => {
    const start = 2 ** 40 - 3;
    expect(lived([{ numbers: 10, end: "cut" }], start).given).toEqual([start, start + 1, start + 2]);
  });

  test("gives nothing that could not be made durable, until it can", () => {
    let canWrite = false;
    const sequence = new ReservedSequence(7, () => canWrite);
    expect(sequence.next()).toBeUndefined();
    canWrite = true;
    expect(sequence.next()).toBe(7);
  });

  test("that has settled reserves anew before it gives more", () => {
    const marks: number[] = [];
    const sequence = new ReservedSequence(0, (mark) => marks.push(mark) > 0);
    sequence.next();
    expect(sequence.settle()).toBe(1);
    expect(sequence.next()).toBe(1);
    expect(marks).toEqual([64, 129]);
  });
});

describe("a reservation", () => {
  test("that counts more than one at a time covers what was counted and one more", () => {
    const marks: number[] = [];
    const reservation = new Reservation(0, (mark) => marks.push(mark) > 0);
    expect(reservation.covers(500)).toBe(true);
    expect(marks).toEqual([564]);
  });
});
