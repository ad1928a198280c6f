import { expect, test } from "vitest";
import { CRC16_X25_GOOD, crc16X25 } from "../../../hal/framing/crc.ts";

test.each([
  ["the check string 123456789", [...Buffer.from("123456789")], 0x906e],
  ["no bytes at all", [], 0x0000],
  ["00 01 02 03", [0, 1, 2, 3], 0xa729],
  ["a slipmux frame", [0xa9, 0x62, 0x84, 0x86, 0xae, 0x02, 0x00], 0x4afd],
])("the CRC-16/X-25 of %s is right", (_, bytes, crc) => {
  expect(crc16X25(Uint8Array.from(bytes))).toBe(crc);
});

test("bytes followed by their CRC, low byte first, give the good value of RFC 1662", () => {
  expect(CRC16_X25_GOOD).toBe(0x0f47);
  expect(crc16X25(Uint8Array.from([...Buffer.from("123456789"), 0x6e, 0x90]))).toBe(CRC16_X25_GOOD);
  expect(crc16X25(Uint8Array.from([...Buffer.from("123456789"), 0x90, 0x6e]))).not.toBe(CRC16_X25_GOOD);
});
