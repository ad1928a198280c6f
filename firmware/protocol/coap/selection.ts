// Whom a datagram is for, on a line where all hear everything: RFC 7252 3 and 5.10.1.
import type { LinkTraits } from "../../../hal/ports/link.ts";
import { equal, fromText } from "../bytes.ts";
import { type CoapContent, findOption, isRequestCode, OPTION } from "./message.ts";

const HEADER_BYTES = 4;
/** Version 1, and the types CON and NON. */
const REQUEST_TYPES: readonly number[] = [0b01_00, 0b01_01];
const TOKEN_BYTES_MAX = 8;
/** A length that has one more byte behind it, for 13 to 268 (RFC 7252 3.1). */
const ONE_BYTE_MORE = 13;

const UTF8 = new TextDecoder();

/**
 * What a station called `host` looks at: everything on a link that brings it its own, and on a line that all share only
 * requests in its name. What others say there, their answers above all, gets no sign of it, not even a refusal.
 */
export function selectorOf({ addressing }: LinkTraits, host: string): (datagram: Uint8Array) => boolean {
  const name = fromText(host);
  return addressing === "station" ? () => true : (datagram) => isRequestTo(name, datagram);
}

/** The Uri-Host as a text; undefined where there is none. */
export function hostOf(content: CoapContent): string | undefined {
  const host = findOption(content, OPTION.uriHost);
  return host && UTF8.decode(host);
}

/** Reads no further than the Uri-Host: most of what is heard is for others. */
function isRequestTo(host: Uint8Array, datagram: Uint8Array): boolean {
  let at = optionsAt(datagram);
  for (let number = 0; number < OPTION.uriHost; ) {
    const head = datagram[at++];
    // Up to Uri-Host a nibble has room for each number.
    if (head === undefined || head >> 4 > OPTION.uriHost) return false;
    number += head >> 4;
    let length = head & 0x0f;
    if (length > ONE_BYTE_MORE) return false;
    if (length === ONE_BYTE_MORE) length += datagram[at++] ?? 0;
    if (number === OPTION.uriHost) return equal(datagram.subarray(at, at + length), host);
    at += length;
  }
  return false;
}

/** Where the options of a request begin; beyond the end for what is none. */
function optionsAt(datagram: Uint8Array): number {
  const [first = 0, code = 0] = datagram;
  const isRequest = isRequestCode(code) && REQUEST_TYPES.includes(first >> 4);
  const tokenBytes = first & 0x0f;
  return isRequest && tokenBytes <= TOKEN_BYTES_MAX ? HEADER_BYTES + tokenBytes : datagram.length;
}
