// Capture files byte for byte as draft-ietf-opsawg-pcapng has them, and files that nobody should trust.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, fromHex, toHex } from "../../../firmware/protocol/bytes.ts";
import {
  type CapturedPacket,
  enhancedPacket,
  interfaceDescription,
  isPcapng,
  LINK_TYPE,
  readPcapng,
  sectionHeader,
} from "../../../host-tools/capture/pcapng.ts";

function bytes(hex: string): Uint8Array {
  const read = fromHex(hex);
  if (read === undefined) throw new Error("no hex");
  return read;
}

function read(file: Uint8Array): { packets: CapturedPacket[]; fault: string | undefined } {
  const packets: CapturedPacket[] = [];
  const fault = readPcapng(file, (packet) => packets.push(packet));
  return { packets, fault };
}

/** 2026-11-25T00:00:00.5Z. */
const MOMENT = 1_795_564_800_500_000;
const FILE = concat(
  sectionHeader("meterbench"),
  interfaceDescription(LINK_TYPE.raw, "mem:"),
  enhancedPacket(0, MOMENT, "outbound", Uint8Array.of(1, 2, 3, 4, 5)),
  enhancedPacket(0, MOMENT + 1, "inbound", Uint8Array.of(6, 7, 8, 9)),
);

test("a section, a line and its packets are written byte for byte as the specification has them", () => {
  const section = `0a0d0d0a 30000000 4d3c2b1a 0100 0000 ffffffffffffffff
    0400 0a00 6d6574657262656e6368 0000  0000 0000 30000000`;
  const line =
    "01000000 28000000 6500 0000 00000000  0200 0400 6d656d3a  0900 0100 06 000000  0000 0000 28000000";
  const first = `06000000 34000000 00000000 0e610600 20e11a82 05000000 05000000 0102030405 000000
    0200 0400 02000000  0000 0000 34000000`;
  const second = `06000000 30000000 00000000 0e610600 21e11a82 04000000 04000000 06070809
    0200 0400 01000000  0000 0000 30000000`;
  expect(toHex(FILE)).toBe(toHex(bytes(section + line + first + second)));
});

test("what is written reads back, whatever the names, times, directions and bytes", () => {
  const packet = fc.record({
    line: fc.integer({ min: 0, max: 2 }),
    utcMicroseconds: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    direction: fc.constantFrom("inbound" as const, "outbound" as const),
    bytes: fc.uint8Array({ maxLength: 40 }),
  });
  const names = fc.tuple(fc.string({ unit: "grapheme" }), fc.string(), fc.string());
  fc.assert(
    fc.property(names, fc.array(packet, { maxLength: 6 }), (lines, packets) => {
      const file = concat(
        sectionHeader("test"),
        ...lines.map((name, i) => interfaceDescription(100 + i, name)),
        ...packets.map(({ line, utcMicroseconds, direction, bytes }) =>
          enhancedPacket(line, utcMicroseconds, direction, bytes),
        ),
      );
      expect(read(file)).toEqual({
        packets: packets.map(({ line, ...rest }) => ({ ...rest, line: lines[line], linkType: 100 + line })),
        fault: undefined,
      });
    }),
    { seed: 3, numRuns: 100 },
  );
});

describe("files of other programs", () => {
  const section = "0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c";
  const packet = (units: string, options = "") => {
    const length = (32 + 4 + fromHexLength(options)).toString(16).padStart(8, "0");
    return `00000006 ${length} 00000000 ${units} 00000002 00000009 abcd0000 ${options} ${length}`;
  };
  const line = (options: string) => {
    const length = (20 + fromHexLength(options)).toString(16).padStart(8, "0");
    return `00000001 ${length} 0093 0000 00000000 ${options} ${length}`;
  };
  function fromHexLength(hex: string): number {
    return hex.replaceAll(" ", "").length / 2;
  }

  test("are read in the other byte order, with packets that were cut, and without options", () => {
    expect(read(bytes(section + line("") + packet("00000000 000f4240")))).toEqual({
      packets: [
        {
          line: undefined,
          linkType: LINK_TYPE.user0,
          utcMicroseconds: 1_000_000,
          direction: undefined,
          bytes: Uint8Array.of(0xab, 0xcd),
        },
      ],
      fault: undefined,
    });
  });

  test.each([
    ["nanoseconds", "0009 0001 09000000", "00000000 3b9aca01", 1_000_000],
    ["binary fractions of a second", "0009 0001 8a000000", "00000000 00000600", 1_500_000],
    [
      "seconds from an offset",
      "0009 0001 00000000 000e 0008 ffffffffffffffff",
      "00000000 00000003",
      2_000_000,
    ],
    ["seconds that no date has", "0009 0001 00000000", "ffffffff ffffffff", (2 ** 64 - 1) * 1e6],
  ])("say when in %s", (_, options, units, utcMicroseconds) => {
    expect(read(bytes(section + line(options) + packet(units))).packets).toMatchObject([{ utcMicroseconds }]);
  });

  test("begin their lines anew in each section, and may hold blocks that nobody knows", () => {
    const unknown = "0000000b 00000010 deadbeef 00000010";
    const file = section + line("0002 0001 61000000") + unknown + section + line("0002 0001 62000000");
    expect(read(bytes(file + packet("00000000 00000000"))).packets).toMatchObject([{ line: "b" }]);
    expect(read(bytes(section + line("") + section + packet("00000000 00000000"))).fault).toMatch(
      /does not describe/,
    );
  });

  test("say the direction in the low two bits of the flags, beside much else", () => {
    const flags = "0001 0003 61626300 0002 0004 00000a5";
    for (const [bits, direction] of [
      ["d", "inbound"],
      ["e", "outbound"],
      ["c", undefined],
    ] as const) {
      const file = section + line("") + packet("00000000 00000000", `${flags}${bits}`);
      expect(read(bytes(file)).packets).toMatchObject([{ direction }]);
    }
  });
});

describe("a file that is wrong", () => {
  const changed = (at: number, hex: string): Uint8Array => {
    const file = FILE.slice();
    file.set(bytes(hex), at);
    return file;
  };

  test.each([
    ["is empty", new Uint8Array(0), /^is no pcapng capture$/, 0],
    ["begins with something else", changed(0, "00"), /^is no pcapng capture$/, 0],
    ["has an unknown byte order", changed(8, "00"), /no known byte order/, 0],
    ["has an unknown version", changed(12, "02"), /version/, 0],
    ["has a block of no length", changed(0x58 + 4, "00000000"), /impossible length/, 0],
    ["has a block shorter than its own frame", changed(0x58 + 4, "08000000"), /impossible length/, 0],
    ["has a block of an odd length", changed(0x58 + 4, "35000000"), /impossible length/, 0],
    ["has a block longer than the file", changed(0x58 + 4, "fcffffff"), /cut short/, 0],
    ["has a block whose two lengths differ", changed(0x58 + 0x34 - 4, "30000000"), /two lengths/, 0],
    ["has a packet of an unknown line", changed(0x58 + 8, "01000000"), /does not describe/, 0],
    ["has a packet longer than its block", changed(0x58 + 20, "ffffffff"), /longer than its block/, 0],
    ["has a second packet that is cut short", FILE.subarray(0, -1), /cut short/, 1],
  ])("that %s gives what is whole before it, and one reason", (_, file, reason, packets) => {
    const { packets: whole, fault } = read(file);
    expect(fault).toMatch(reason);
    expect(whole).toHaveLength(packets);
  });

  test("that ends anywhere gives the packets that are whole", () => {
    for (let length = 0; length < FILE.length; length++) {
      const { packets, fault } = read(FILE.subarray(0, length));
      const isWhole = [0x30, 0x58, 0x58 + 0x34].includes(length);
      expect(fault === undefined).toBe(isWhole);
      expect(packets).toHaveLength(length >= 0x58 + 0x34 ? 1 : 0);
    }
  });

  test("that describes lines without end is given up", () => {
    const lines = Array.from({ length: 4097 }, () => interfaceDescription(1, ""));
    expect(read(concat(sectionHeader(""), ...lines)).fault).toMatch(/more than 4096 lines/);
  });

  test("never throws, whatever stands in it", () => {
    const edits = fc.array(
      fc.record({
        at: fc.integer({ min: 0, max: FILE.length - 1 }),
        value: fc.integer({ min: 0, max: 255 }),
      }),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(edits, fc.uint8Array({ maxLength: 64 }), (changes, tail) => {
        const file = concat(FILE, tail);
        for (const { at, value } of changes) file[at] = value;
        const { packets, fault } = read(file);
        expect(packets.length).toBeLessThanOrEqual(4);
        if (fault !== undefined) expect(fault).toMatch(/^[a-z][^\n]+$/);
      }),
      { seed: 4, numRuns: 500 },
    );
  });
});

test("a file is known by its first four bytes", () => {
  expect(isPcapng(FILE)).toBe(true);
  expect(isPcapng(FILE.subarray(0, 3))).toBe(false);
  expect(isPcapng(bytes("d4c3b2a1 02000400"))).toBe(false);
});
