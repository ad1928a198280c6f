import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../../../firmware/protocol/bytes.ts";
import {
  type Block,
  blockAt,
  blockBytes,
  blockOption,
  bodySizes,
  readBlock,
} from "../../../../firmware/protocol/coap/block.ts";
import { CODE, OPTION } from "../../../../firmware/protocol/coap/message.ts";
import { IP, LINE_9600 } from "./helpers.ts";

const read = (...values: string[]) =>
  readBlock(
    {
      code: CODE.get,
      options: values.map((hex) => ({ number: OPTION.block2, value: fromHex(hex) as Uint8Array })),
      payload: new Uint8Array(0),
    },
    OPTION.block2,
  );

describe("a Block option", () => {
  test.each<[string, Block]>([
    ["", { number: 0, more: false, sizeExponent: 0 }],
    ["0e", { number: 0, more: true, sizeExponent: 6 }],
    ["33", { number: 3, more: false, sizeExponent: 3 }],
    ["0100", { number: 16, more: false, sizeExponent: 0 }],
    ["fffffe", { number: 0xfffff, more: true, sizeExponent: 6 }],
  ])("%s is read and written alike", (hex, block) => {
    expect(read(hex)).toEqual(block);
    expect(toHex(blockOption(OPTION.block2, block).value)).toBe(hex);
  });

  test("with leading zeros is read too: RFC 7252 3.2 asks for the shortest form of senders only", () => {
    expect(read("00000e")).toEqual({ number: 0, more: true, sizeExponent: 6 });
  });

  test("of the reserved size 7, or of four bytes, is refused with 4.00", () => {
    for (const hex of ["07", "0f", "00000000"]) expect(read(hex)).toEqual({ refusal: CODE.badRequest });
  });

  test("that is there twice is refused with 4.02", () => {
    expect(read("00", "00")).toEqual({ refusal: CODE.badOption });
  });

  test("that is not there is no block", () => {
    expect(read()).toBeUndefined();
  });
});

describe("the block size", () => {
  test("cuts a body of any length into full blocks and a last one", () => {
    expect([0, 32, 64].map((offset) => blockAt(offset, 70, 1))).toEqual([
      { number: 0, more: true, sizeExponent: 1 },
      { number: 1, more: true, sizeExponent: 1 },
      { number: 2, more: false, sizeExponent: 1 },
    ]);
    expect(blockAt(32, 64, 1).more).toBe(false);
    expect(blockAt(0, 0, 6)).toEqual({ number: 0, more: false, sizeExponent: 6 });
  });

  test.each([
    ["an IP link", IP, 1024],
    ["a line at 9600 baud, where 1024 bytes take more than a second", LINE_9600, 512],
    ["a line at 1200 baud", { ...LINE_9600, bitsPerSecond: 1200 }, 64],
    ["a radio with datagrams of 222 bytes", { ...IP, mtuBytes: 222 }, 64],
    ["a radio with datagrams of 51 bytes", { ...IP, mtuBytes: 51 }, 16],
  ])("suits %s", (_, traits, bytes) => {
    const sizes = bodySizes(traits);
    expect(blockBytes(sizes)).toBe(bytes);
    expect(sizes.wholeBytesMax).toBeGreaterThanOrEqual(bytes);
  });
});
