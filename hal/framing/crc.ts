// CRC-16/X-25, the FCS-16 of RFC 1662 appendix C.2.

/** X.25's polynomial x^16 + x^12 + x^5 + 1, least significant bit first. */
const POLYNOMIAL_REFLECTED = 0x8408;

const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let register = byte;
  for (let bit = 0; bit < 8; bit++) {
    register = register & 1 ? (register >> 1) ^ POLYNOMIAL_REFLECTED : register >> 1;
  }
  return register;
});

/**
 * What {@link crc16X25} gives over any bytes followed by their own CRC, low byte first:
 * RFC 1662's good FCS, F0B8, after the final inversion.
 */
export const CRC16_X25_GOOD = 0xf0b8 ^ 0xffff;

/** The CRC-16/X-25 of the bytes, 0 to FFFF; it is sent low byte first (RFC 1662 C.1). */
export function crc16X25(bytes: Uint8Array): number {
  let register = 0xffff;
  for (const byte of bytes) register = (register >> 8) ^ (TABLE[(register ^ byte) & 0xff] as number);
  return register ^ 0xffff;
}
