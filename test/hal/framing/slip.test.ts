import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeSlip, SlipDecoder } from "../../../hal/framing/slip.ts";

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));

function decode(line: Uint8Array, maxFrameBytes = 64, chunkBytes = line.length) {
  const decoder = new SlipDecoder(maxFrameBytes);
  const frames: Uint8Array[] = [];
  for (let at = 0; at < line.length; at += chunkBytes) {
    decoder.push(line.subarray(at, at + chunkBytes), (frame) => frames.push(frame));
  }
  return { frames, rejected: { ...decoder.rejected } };
}

const NONE = { escape: 0, aborted: 0, "too-long": 0 };
/** Line bytes in which the special ones are as frequent as all others together. */
const lineByte = fc.oneof(fc.constantFrom(0xc0, 0xdb, 0xdc, 0xdd), fc.nat(255));

describe("encoding", () => {
  test.each([
    ["", "C0 C0"],
    ["01 02", "C0 01 02 C0"],
    ["C0", "C0 DB DC C0"],
    ["DB", "C0 DB DD C0"],
    ["DB C0 DC DD", "C0 DB DD DB DC DC DD C0"],
  ])("%s goes on the line as %s", (payload, line) => {
    expect(encodeSlip(hex(payload))).toEqual(hex(line));
  });
});

describe("decoding", () => {
  test.each([
    [
      "frames are cut at each END and empty ones ignored",
      "C0 01 02 C0 C0 03 04 C0 C0 C0",
      ["0102", "0304"],
      NONE,
    ],
    [
      "bytes before the first END are a frame too, for the layer above to judge",
      "55 C0 01 C0",
      ["55", "01"],
      NONE,
    ],
    ["escapes are undone", "C0 DB DC DB DD DC DD C0", ["c0dbdcdd"], NONE],
    [
      "a frame with a bad escape is dropped up to the next END and counted once",
      "C0 01 DB 02 DB 03 DB DC C0 04 C0",
      ["04"],
      { ...NONE, escape: 1 },
    ],
    ["DB DB is a bad escape", "C0 DB DB DC C0 04 C0", ["04"], { ...NONE, escape: 1 }],
    [
      "DB C0 drops the frame, and its C0 starts the next",
      "C0 01 02 DB C0 03 C0",
      ["03"],
      { ...NONE, aborted: 1 },
    ],
    ["DB C0 on an empty frame is an abort as well", "C0 DB C0 03 C0", ["03"], { ...NONE, aborted: 1 }],
    [
      "in a frame that is skipped DB C0 is a plain END",
      "C0 DB 01 DB C0 03 C0",
      ["03"],
      { ...NONE, escape: 1 },
    ],
  ])("%s", (_, line, frames, rejected) => {
    const decoded = decode(hex(line));
    expect(decoded.frames.map((frame) => Buffer.from(frame).toString("hex"))).toEqual(frames);
    expect(decoded.rejected).toEqual(rejected);
  });

  test("a frame of the greatest length is taken, one byte more is dropped and counted once", () => {
    const fits = new Uint8Array(8).fill(0xc0);
    const line = Buffer.concat([
      encodeSlip(new Uint8Array(30)),
      encodeSlip(fits),
      encodeSlip(new Uint8Array(9)),
    ]);
    expect(decode(line, 8)).toEqual({ frames: [fits], rejected: { ...NONE, "too-long": 2 } });
  });

  test("a reset forgets the half frame and a half escape", () => {
    const decoder = new SlipDecoder(16);
    const frames: Uint8Array[] = [];
    const keep = (frame: Uint8Array) => frames.push(frame);
    decoder.push(hex("C0 01 02 DB"), keep);
    decoder.reset();
    decoder.push(hex("C0 03 C0"), keep);
    expect(frames).toEqual([hex("03")]);
    expect(decoder.rejected).toEqual(NONE);
  });

  test("frames are the taker's to keep", () => {
    const { frames } = decode(hex("C0 01 02 C0 03 04 C0"));
    expect(frames).toEqual([hex("01 02"), hex("03 04")]);
  });

  test("four megabytes without END take time in proportion and are one frame too long", () => {
    const decoder = new SlipDecoder(1155);
    const startedMs = performance.now();
    decoder.push(new Uint8Array(4_000_000).fill(1), () => {});
    expect(performance.now() - startedMs).toBeLessThan(1000);
    expect(decoder.rejected["too-long"]).toBe(1);
  });
});

describe("properties", () => {
  test("any payload comes back as it was", () => {
    fc.assert(
      fc.property(fc.array(lineByte, { minLength: 1, maxLength: 64 }), (bytes) => {
        const payload = Uint8Array.from(bytes);
        expect(decode(encodeSlip(payload))).toEqual({ frames: [payload], rejected: NONE });
      }),
      { seed: 1055, numRuns: 500 },
    );
  });

  test("any chunking gives the same frames and the same counts", () => {
    fc.assert(
      fc.property(
        fc.array(lineByte, { maxLength: 200 }),
        fc.integer({ min: 1, max: 7 }),
        (bytes, chunkBytes) => {
          const line = Uint8Array.from(bytes);
          expect(decode(line, 16, chunkBytes)).toEqual(decode(line, 16));
        },
      ),
      { seed: 1055, numRuns: 500 },
    );
  });

  test("whatever came before, the next frame is received", () => {
    fc.assert(
      fc.property(fc.array(lineByte, { maxLength: 60 }), (garbage) => {
        const good = hex("A9 C0 DB 01");
        const { frames } = decode(Uint8Array.from([...garbage, ...encodeSlip(good)]), 16);
        expect(frames.at(-1)).toEqual(good);
      }),
      { seed: 1055, numRuns: 1000 },
    );
  });
});
