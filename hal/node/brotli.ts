import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";

/** Brotli (RFC 7932) as small as it gets, and the same bytes each time. */
export function pack(bytes: Uint8Array): Uint8Array {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  return Uint8Array.from(brotliCompressSync(bytes, { params }));
}

/** What was packed; undefined for what is no Brotli, and for more than `bytesMax`, of which no more is unpacked. */
export function unpack(packed: Uint8Array, bytesMax: number): Uint8Array | undefined {
  try {
    // Node takes no limit of nothing.
    const bytes = brotliDecompressSync(packed, { maxOutputLength: Math.max(bytesMax, 1) });
    return bytes.length <= bytesMax ? Uint8Array.from(bytes) : undefined;
  } catch {
    return undefined;
  }
}
