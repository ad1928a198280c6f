import { fromHex, fromText } from "../../../../firmware/protocol/bytes.ts";
import { decodeMessage } from "../../../../firmware/protocol/coap/codec.ts";
import {
  CODE,
  type CoapContent,
  type CoapMessage,
  type CoapOption,
  OPTION,
} from "../../../../firmware/protocol/coap/message.ts";
import { deriveContext, type OscoreContext } from "../../../../firmware/protocol/oscore/context.ts";
import { nobleEngine } from "../../../../hal/crypto/noble.ts";
import { opensslEngine } from "../../../../hal/node/openssl.ts";
import type { AeadName, CryptoEngine } from "../../../../hal/ports/crypto.ts";

export const ENGINES: readonly CryptoEngine[] = [nobleEngine, opensslEngine];

/** The bytes of a hex string that is known to be one. */
export function hex(text: string): Uint8Array {
  const bytes = fromHex(text);
  if (bytes === undefined) throw new Error(`not hex: ${text}`);
  return bytes;
}

/** A message that is known to be one. */
export function message(datagram: string | Uint8Array): CoapMessage {
  const decoded = decodeMessage(typeof datagram === "string" ? hex(datagram) : datagram);
  if ("error" in decoded) throw new Error(decoded.error);
  return decoded;
}

/** Both ends of one context: the client's ID is 0a, the server's empty. */
export function pair(
  crypto: CryptoEngine,
  aead: AeadName = "AES-CCM-16-64-128",
): { client: OscoreContext; server: OscoreContext } {
  const secret = { masterSecret: hex("aa".repeat(16)), masterSalt: hex("0102"), aead };
  const clientId = hex("0a");
  const serverId = hex("");
  return {
    client: deriveContext(crypto, { ...secret, senderId: clientId, recipientId: serverId }),
    server: deriveContext(crypto, { ...secret, senderId: serverId, recipientId: clientId }),
  };
}

export function option(number: number, value: Uint8Array | string = ""): CoapOption {
  return { number, value: typeof value === "string" ? fromText(value) : value };
}

/** GET /r with more options, which must come in order around Uri-Path (11). */
export function getRequest(before: CoapOption[] = [], after: CoapOption[] = []): CoapContent {
  return {
    code: CODE.get,
    options: [...before, option(OPTION.uriPath, "r"), ...after],
    payload: new Uint8Array(0),
  };
}

/** 2.05 with a body. */
export function answer(body = "230 V", options: CoapOption[] = []): CoapContent {
  return { code: CODE.content, options, payload: fromText(body) };
}

/** What a call must have given. */
export function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("nothing was given");
  return value;
}
