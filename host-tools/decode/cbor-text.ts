import { toHex } from "../../firmware/protocol/bytes.ts";
import type { CborValue } from "../../firmware/protocol/cbor.ts";

/** A value in CBOR's diagnostic notation (RFC 8949 8). */
export function cborText(value: CborValue): string {
  if (value instanceof Uint8Array) return `h'${toHex(value)}'`;
  if (value instanceof Map) {
    return `{${[...value].map(([key, item]) => `${cborText(key)}: ${cborText(item)}`).join(", ")}}`;
  }
  if (Array.isArray(value)) return `[${value.map(cborText).join(", ")}]`;
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
