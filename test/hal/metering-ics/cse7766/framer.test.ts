import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { frameFramer } from "../../../../hal/metering-ics/cse7766/framer.ts";
import { bytesOf, hexOf } from "../../../support/scripted-uart.ts";
import { FALSE_VOLTAGE, REST_OF_TORN, SOUND, TORN, UNDER_LOAD } from "../../../vectors/cse7766/frames.ts";

const frames = [...SOUND.map(({ hex }) => hex), FALSE_VOLTAGE].map(bytesOf);

describe("the CSE7766 driver's framer", () => {
  test("takes every captured frame, no-load ones that begin with F2 too", () => {
    for (const frame of frames) expect(frameFramer().push(frame).map(hexOf)).toEqual([hexOf(frame)]);
  });

  test("finds the frame that begins at offset 17 of the captured torn one", () => {
    const line = Uint8Array.of(...bytesOf(TORN), ...bytesOf(REST_OF_TORN));
    expect(frameFramer().push(line).map(hexOf)).toEqual([hexOf(line.subarray(17))]);
  });

  test("frames back to back, cut in any way, all come out and none is invented", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 10 });
    const sequence = fc.array(fc.constantFrom(...frames), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(sequence, sizes, (sent, cuts) => {
        const framer = frameFramer();
        const line = Uint8Array.from(sent.flatMap((bytes) => [...bytes]));
        const found: string[] = [];
        for (let at = 0, i = 0; at < line.length; i++) {
          const size = cuts[i % cuts.length] ?? 1;
          found.push(...framer.push(line.slice(at, at + size)).map(hexOf));
          at += size;
        }
        expect(found).toEqual(sent.map(hexOf));
      }),
      { seed: 7766, numRuns: 200 },
    );
  });

  test("a frame with any one bit wrong is not taken, and the good one right behind it always is", () => {
    const good = bytesOf(UNDER_LOAD.hex);
    for (let bit = 0; bit < 24 * 8; bit++) {
      const damaged = good.map((byte, index) => (index === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
      const found = frameFramer().push(Uint8Array.of(...damaged, ...good));
      expect(found.map(hexOf)).toEqual([hexOf(good)]);
    }
  });
});
