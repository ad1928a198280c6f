// Connection and credential identifiers as EDHOC carries them: RFC 9528 3.3.2 and 3.5.3.2.
import { type CborValue, decodeCbor, encodeCbor } from "../cbor.ts";
import { HEADER_KID } from "../cose/credential.ts";

/** An identifier's CBOR: the byte itself where it encodes an integer from -24 to 23, else a byte string. */
export function encodeIdentifier(identifier: Uint8Array): Uint8Array {
  return isOneByteInteger(identifier) ? identifier.slice() : encodeCbor(identifier);
}

/** The identifier that a CBOR item is, or undefined; a byte string that should be an integer is none. */
export function decodeIdentifier(item: CborValue | undefined): Uint8Array | undefined {
  if (item instanceof Uint8Array) return isOneByteInteger(item) ? undefined : item;
  return typeof item === "number" && item >= -24 && item <= 23 ? encodeCbor(item) : undefined;
}

/** ID_CRED_x as a plaintext carries it: a map with nothing but a kid is the kid as an identifier. */
export function encodeCredentialId(idCred: Uint8Array): Uint8Array {
  const kid = soleKid(decodeCbor(idCred));
  return kid === undefined ? idCred : encodeIdentifier(kid);
}

/** The encoded ID_CRED_x that a plaintext's item is, or undefined. */
export function decodeCredentialId(item: CborValue | undefined): Uint8Array | undefined {
  if (item instanceof Map)
    return item.size === 0 || soleKid(item) !== undefined ? undefined : encodeCbor(item);
  const kid = decodeIdentifier(item);
  return kid === undefined ? undefined : encodeCbor(new Map([[HEADER_KID, kid]]));
}

function soleKid(header: CborValue | undefined): Uint8Array | undefined {
  if (!(header instanceof Map) || header.size !== 1) return undefined;
  const kid: unknown = header.get(HEADER_KID);
  return kid instanceof Uint8Array ? kid : undefined;
}

function isOneByteInteger(identifier: Uint8Array): boolean {
  const [byte] = identifier;
  if (identifier.length !== 1 || byte === undefined) return false;
  return byte <= 0x17 || (byte >= 0x20 && byte <= 0x37);
}
