import { describe, expect, test } from "vitest";
import { crc32c } from "../../../firmware/journal/crc32c.ts";
import { decodeFrame, encodeFrame, FLAG, PAYLOAD_BYTES_MAX } from "../../../firmware/journal/frame.ts";
import { Journal } from "../../../firmware/journal/journal.ts";
import { fromHex, fromText, toHex } from "../../../firmware/protocol/bytes.ts";
import { MemoryStorage } from "../../../hal/storage/memory-storage.ts";
import { event, interval, open, register, settled } from "./helpers.ts";

/** RFC 3720 appendix B.4 gives CRCs as the bytes go over the wire, lowest first. */
const RFC3720 = [
  ["32 bytes of zeroes", new Uint8Array(32), 0x8a9136aa],
  ["32 bytes of ones", new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ["32 bytes of incrementing 00..1f", Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
  ["32 bytes of decrementing 1f..00", Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
] as const;

describe("CRC-32C", () => {
  test.each(RFC3720)("of %s is RFC 3720's", (_, bytes, crc) => {
    expect(crc32c(bytes)).toBe(crc);
  });

  test("of 123456789 is the catalogue's check value, also as a part of more bytes", () => {
    expect(crc32c(fromText("123456789"))).toBe(0xe3069283);
    expect(crc32c(fromText("__123456789__"), 2, 11)).toBe(0xe3069283);
  });
});

describe("a frame", () => {
  const fields = { sequence: 0x01020304, boot: 0x0506, kind: 7, flags: FLAG.continued };
  const payload = Uint8Array.of(0x82, 0x01, 0x02);
  const HEX = "4d4a 0003 01020304 0506 07 02 820102 ae0b52e5";

  test("is these bytes, and read back from them", () => {
    expect(toHex(encodeFrame({ ...fields, payload }))).toBe(HEX.replaceAll(" ", ""));
    const bytes = fromHex(`ff${HEX}ff`) as Uint8Array;
    const frame = decodeFrame(bytes, 1);
    expect(frame).toMatchObject({ ...fields, byteLength: bytes.length - 2 });
    expect([frame?.payload, frame?.bytes]).toEqual([payload, bytes.subarray(1, -1)]);
    expect([0, 2, 99].map((offset) => decodeFrame(bytes, offset))).toEqual([undefined, undefined, undefined]);
  });

  test("is none when a bit is wrong, a byte is missing or a flag is unknown", () => {
    const bytes = encodeFrame({ ...fields, payload });
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const damaged = bytes.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(decodeFrame(damaged, 0)).toBeUndefined();
    }
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeFrame(bytes.subarray(0, length), 0)).toBeUndefined();
    }
    expect(decodeFrame(encodeFrame({ ...fields, flags: 4, payload }), 0)).toBeUndefined();
  });

  test("longer than any record of ours is neither written nor read", () => {
    const longest = new Uint8Array(PAYLOAD_BYTES_MAX);
    expect(decodeFrame(encodeFrame({ ...fields, payload: longest }), 0)?.payload).toHaveLength(4096);
    const tooLong = new Uint8Array(PAYLOAD_BYTES_MAX + 1);
    expect(() => encodeFrame({ ...fields, payload: tooLong })).toThrow("4097 bytes");
  });
});

/** The frames of a file, each with a space between its fields and without its CRC. */
function framesOf(disk: MemoryStorage, name: string): string[] {
  const bytes = disk.read(name) ?? new Uint8Array(0);
  const frames: string[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const frame = decodeFrame(bytes, offset);
    if (frame === undefined) return [...frames, `bad: ${toHex(bytes.subarray(offset))}`];
    const { sequence, boot, kind, flags, payload } = frame;
    frames.push([sequence, boot, kind, flags, toHex(payload)].join(" "));
    offset += frame.bytes.length;
  }
  return frames;
}

describe("the files", () => {
  test("of a journal have these frames: sequence, boot, kind, flags, payload", () => {
    const disk = new MemoryStorage();
    const journal = open(disk);
    journal.append([register(5), interval(1)]);
    journal.note(event("a"));
    journal.append([event("b")]);
    journal.snapshot();
    open(disk).append([event("c")]);
    expect([...disk.list()].sort()).toEqual([
      "segment-00000001.log",
      "segment-00000003.log",
      "snapshot-0.log",
    ]);
    // The first record of a batch says that all before it is durable (1), all but the last that more follow (2).
    const records = ["1 1 1 3 05", "2 1 2 0 01", "3 1 3 1 6161", "4 1 3 0 6162"];
    expect(framesOf(disk, "segment-00000001.log")).toEqual(["0 1 0 1 820100", ...records]);
    const end = "4 1 255 0 1a782ac052";
    expect(framesOf(disk, "snapshot-0.log")).toEqual(["4 1 254 0 83010204", ...records, end]);
    expect(framesOf(disk, "segment-00000003.log")).toEqual(["4 2 0 1 820104", "5 2 3 1 6163"]);
  });

  test("are these bytes after one record", () => {
    const disk = new MemoryStorage();
    open(disk).append([event("a")]);
    const head = "4d4a 0003 00000000 0001 00 01 820100 f24d48e5";
    const record = "4d4a 0002 00000001 0001 03 01 6161 c3584976";
    expect(disk.read("segment-00000001.log")).toEqual(fromHex(head + record));
  });

  test("of other names are left alone", () => {
    const foreign = new Map([
      ["segment-1.log", Uint8Array.of(1)],
      ["notes.txt", Uint8Array.of(2)],
    ]);
    const disk = new MemoryStorage(foreign);
    const journal = open(disk);
    expect(journal.append([event("a")])).toBe("done");
    expect(journal.recovery).toEqual({ lastSequence: 0, discardedBytes: 0, damage: [] });
    expect(disk.read("segment-1.log")).toEqual(Uint8Array.of(1));
    expect(disk.read("notes.txt")).toEqual(Uint8Array.of(2));
  });

  test("of a segment of another format are discarded, and never appended to", () => {
    const disk = new MemoryStorage();
    open(disk).append([event("a")]);
    const name = "segment-00000001.log";
    const old = disk.read(name) as Uint8Array;
    const other = encodeFrame({
      sequence: 0,
      boot: 1,
      kind: 0,
      flags: 1,
      payload: Uint8Array.of(0x82, 0x02, 0x00),
    });
    const changed = new MemoryStorage(new Map([[name, Uint8Array.from([...other, ...old.subarray(19)])]]));
    const journal = Journal.open(settled(changed), { rules: [] });
    expect(journal.recovery.discardedBytes).toBe(old.length);
    expect(journal.recovery.damage).toHaveLength(1);
  });
});
