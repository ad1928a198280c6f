// CBOR items in a file, each with its length and its CRC-32C before it: what a cut left torn is not taken for one.
import { crc32c } from "../../../firmware/journal/crc32c.ts";
import { concat, toUint } from "../../../firmware/protocol/bytes.ts";
import { type CborValue, decodeCbor, encodeCbor } from "../../../firmware/protocol/cbor.ts";

const LENGTH_BYTES = 4;
const HEAD_BYTES = 8;

/** An item as it stands in the file. */
export function framedItem(value: CborValue): Uint8Array {
  const body = encodeCbor(value);
  const head = new Uint8Array(HEAD_BYTES);
  const view = new DataView(head.buffer);
  view.setUint32(0, body.length);
  view.setUint32(LENGTH_BYTES, crc32c(body));
  return concat(head, body);
}

/** The whole items at the beginning of a file. Never throws. */
export function framedItems(file: Uint8Array | undefined): CborValue[] {
  const items: CborValue[] = [];
  for (let at = 0; file !== undefined && at + HEAD_BYTES <= file.length; ) {
    const bodyAt = at + HEAD_BYTES;
    const body = file.slice(bodyAt, bodyAt + toUint(file.subarray(at, at + LENGTH_BYTES)));
    const isWhole = crc32c(body) === toUint(file.subarray(at + LENGTH_BYTES, bodyAt));
    const item = isWhole ? decodeCbor(body) : undefined;
    if (item === undefined) break;
    items.push(item);
    at = bodyAt + body.length;
  }
  return items;
}
