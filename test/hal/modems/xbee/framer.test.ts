import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeApiFrame, XbeeApiDecoder } from "../../../../hal/modems/xbee/framer.ts";
import type { ApiMode } from "../../../../hal/modems/xbee/registers.ts";

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const MODES: readonly ApiMode[] = [1, 2];
const NONE = { checksum: 0, length: 0, "cut-short": 0 };

/** Transmit request, transmit status and received packet as they stand in Digi's layouts. */
const TRANSMIT = "10 01 0013A20041234567 FFFE 00 00 40011234";
const STATUS = "8B 01 FFFE 00 00 00";
const RECEIVED = "90 0013A20041234567 FFFE 01 60451234";

function decode(mode: ApiMode, line: Uint8Array, chunkBytes = line.length, maxDataBytes = 270) {
  const decoder = new XbeeApiDecoder(maxDataBytes);
  decoder.restart(mode);
  const frames: string[] = [];
  const onFrame = (data: Uint8Array): number => frames.push(Buffer.from(data).toString("hex"));
  for (let at = 0; at < line.length; at += chunkBytes) {
    decoder.push(line.subarray(at, at + chunkBytes), onFrame);
  }
  return { frames, rejected: { ...decoder.rejected }, pause: () => decoder.pause(onFrame) };
}

describe("encoding", () => {
  test.each<[ApiMode, string, string]>([
    [2, "23 11", "7E 00 02 23 7D 31 CB"],
    [1, "23 11", "7E 00 02 23 11 CB"],
    [1, TRANSMIT, `7E 0012 ${TRANSMIT} A5`],
    [2, TRANSMIT, "7E 00 12 10 01 00 7D 33 A2 00 41 23 45 67 FF FE 00 00 40 01 12 34 A5"],
    [1, STATUS, `7E 0007 ${STATUS} 76`],
    [1, RECEIVED, `7E 0010 ${RECEIVED} C1`],
    [2, "00", "7E 00 01 00 FF"],
    [2, "81", "7E 00 01 81 7D 5E"],
  ])("in mode %i %s goes on the line as %s", (mode, data, line) => {
    expect(encodeApiFrame(mode, hex(data))).toEqual(hex(line));
    expect(decode(mode, hex(line)).frames).toEqual([Buffer.from(hex(data)).toString("hex")]);
  });

  test("a length that steers is escaped too", () => {
    expect(encodeApiFrame(2, new Uint8Array(0x11)).subarray(0, 4)).toEqual(hex("7E 00 7D 31"));
  });
});

describe("decoding", () => {
  test.each(MODES)("in mode %i all data comes back, split in any way and with noise around it", (mode) => {
    const steering = fc.constantFrom(0x7e, 0x7d, 0x11, 0x13, 0x00, 0x5e);
    const data = fc.uint8Array({ minLength: 1, maxLength: 40 });
    const steered = fc
      .array(steering, { minLength: 1, maxLength: 40 })
      .map((bytes) => Uint8Array.from(bytes));
    fc.assert(
      fc.property(
        fc.array(fc.oneof(data, steered), { maxLength: 6 }),
        fc.integer({ min: 1, max: 9 }),
        (all, chunk) => {
          const line = all.flatMap((one) => [0x55, ...encodeApiFrame(mode, one)]);
          const { frames, rejected } = decode(mode, Uint8Array.from(line), chunk);
          expect(frames).toEqual(all.map((one) => Buffer.from(one).toString("hex")));
          expect(rejected).toEqual(NONE);
        },
      ),
      { seed: 20261127, numRuns: 300 },
    );
  });

  test("in mode 2 a 7E begins a frame wherever it stands", () => {
    const { frames, rejected } = decode(2, hex("7E 00 05 01 02 7E 00 02 23 7D 31 CB"));
    expect(frames).toEqual(["2311"]);
    expect(rejected).toEqual({ ...NONE, "cut-short": 1 });
  });

  test("in mode 1 a frame that began inside of what proves to be none is found", () => {
    const { frames, rejected } = decode(1, hex("7E 00 05 01 7E 00 02 23 11 CB"));
    expect(frames).toEqual(["2311"]);
    expect(rejected).toEqual({ ...NONE, checksum: 1 });
  });

  test("in mode 1 it is found after a pause as well, where the wrong one is longer", () => {
    const { frames, pause } = decode(1, hex("7E 00 50 01 7E 00 02 23 11 CB"));
    expect(frames).toEqual([]);
    pause();
    expect(frames).toEqual(["2311"]);
  });

  test.each(MODES)("in mode %i a wrong sum, no data and too much of it are counted", (mode) => {
    const { frames, rejected } = decode(
      mode,
      hex("7E 00 01 08 00 7E 00 00 FF 7E 00 05 01 7E 00 01 08 F7"),
      3,
      4,
    );
    expect(frames).toEqual(["08"]);
    expect(rejected).toEqual({ ...NONE, checksum: 1, length: 2 });
  });
});
