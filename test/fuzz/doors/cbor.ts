import * as cborg from "cborg";
import {
  type CborValue,
  decodeCborSequence,
  encodeCbor,
  encodeCborSequence,
  firstItemLength,
} from "../../../firmware/protocol/cbor.ts";
import { type Door, must, mustEqual } from "./door.ts";

const STRICT: cborg.DecodeOptions = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowBigInt: true,
  useMaps: true,
  rejectDuplicateMapKeys: true,
};
/** Of the door's own limits: what is beyond them is refused, whatever another says. */
const DEPTH_MAX = 16;

/** What is taken is what writing it gives, and one item is taken exactly where cborg takes it as written so. */
export const cbor: Door = {
  name: "cbor",
  decoders: /\/firmware\/protocol\/cbor/,
  bytesMax: 400,
  samples: () => [
    encodeCborSequence([0, [0, Uint8Array.of(1, 0, 1, 8, 0, 255)], null, true, false]),
    // The text begins with the first byte of a byte order mark.
    encodeCbor([1_764_028_800, 2 ** 33, -5, -(2 ** 40), "\uff21\u6c34", 23, 24, 256, 65_536]),
    encodeCbor(
      new Map<number | string, CborValue>([
        [2, "42"],
        [-1, new Uint8Array(30)],
        ["a", [1]],
        [8, new Map([[1, 2]])],
      ]),
    ),
    new Uint8Array(20).fill(0x81),
  ],
  check(input) {
    const items = decodeCborSequence(input);
    const first = firstItemLength(input);
    if (items !== undefined) {
      mustEqual("the items written again", encodeCborSequence(items), input);
      must("its first item", items.length === 0 || first === encodeCborSequence(items.slice(0, 1)).length);
    }
    const [only] = items?.length === 1 ? items : [];
    const wanted = asCborgSees(input);
    if (only === undefined && wanted === undefined) return;
    if (only === undefined || wanted === undefined)
      throw new Error(only === undefined ? "refused, but taken by cborg" : "taken, but refused by cborg");
    mustEqual("what cborg writes", Uint8Array.from(cborg.encode(only, cborg.rfc8949EncodeOptions)), input);
  },
};

/** The value, where cborg takes the bytes, it is of our kinds, and it is written as we write. */
function asCborgSees(bytes: Uint8Array): CborValue | undefined {
  try {
    const value = cborg.decode(bytes, STRICT) as CborValue;
    if (!isOurs(value, 0)) return undefined;
    const written = encodeCbor(value);
    return written.length === bytes.length && written.every((byte, i) => byte === bytes[i])
      ? value
      : undefined;
  } catch {
    return undefined;
  }
}

function isOurs(value: CborValue, depth: number): boolean {
  if (depth > DEPTH_MAX) return false;
  if (Array.isArray(value)) return value.every((item) => isOurs(item, depth + 1));
  if (!(value instanceof Map)) return true;
  return [...value].every(
    ([key, item]) => (typeof key === "number" || typeof key === "string") && isOurs(item, depth + 1),
  );
}
