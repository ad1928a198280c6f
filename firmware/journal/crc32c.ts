// CRC-32C (Castagnoli), as iSCSI uses it: RFC 3720 12.1, with test vectors in its appendix B.4.

/** Castagnoli's polynomial 1EDC6F41, least significant bit first. */
const POLYNOMIAL_REFLECTED = 0x82f63b78;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let register = byte;
  for (let bit = 0; bit < 8; bit++) {
    register = register & 1 ? (register >>> 1) ^ POLYNOMIAL_REFLECTED : register >>> 1;
  }
  return register;
});

/** The CRC-32C of `bytes` from `start` up to but not `end`, 0 to FFFFFFFF. */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let register = 0xffffffff;
  for (let i = start; i < end; i++) {
    register = (register >>> 8) ^ (TABLE[(register ^ (bytes[i] as number)) & 0xff] as number);
  }
  return ~register >>> 0;
}
