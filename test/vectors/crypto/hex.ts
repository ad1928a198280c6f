/** The bytes of hex digits, spaces allowed. */
export function hex(digits: string): Uint8Array {
  return Uint8Array.from(Buffer.from(digits.replace(/\s+/g, ""), "hex"));
}

/** `value` as 32 bytes, most significant first. */
export function bytes32(value: bigint): Uint8Array {
  return hex(value.toString(16).padStart(64, "0"));
}
