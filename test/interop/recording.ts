// Datagrams that other implementations exchanged with ours, as the fixtures in test/vectors/interop have them.
import { expect } from "vitest";
import { concat, fromHex, toHex } from "../../firmware/protocol/bytes.ts";
import {
  type CoapContent,
  type CoapMessage,
  decodeMessage,
  decodeOptionsAndPayload,
  encodeOptionsAndPayload,
  OPTION,
} from "../../firmware/protocol/coap/message.ts";
import { MemorySequence } from "../../firmware/protocol/oscore/sender-sequence.ts";
import type { PresetContext } from "../../firmware/protocol/sessions.ts";
import type { LinkTraits } from "../../hal/ports/link.ts";

/** One datagram, in hex. */
export interface RecordedDatagram {
  /** `stranger`: somebody between the two, who has no keys. */
  readonly from: string;
  readonly bytes: string;
  /** The OSCORE plaintext, as an implementation that is neither of the two ends decrypted it. */
  readonly inner?: string;
  /** It never arrived. */
  readonly lost?: boolean;
}

/** The context of a recording. */
export interface RecordedContext {
  readonly masterSecret: string;
  readonly masterSalt: string;
  readonly clientId: string;
  readonly serverId: string;
}

/** As the UDP link has them: they order what a client does while it waits. */
export const UDP_TRAITS: LinkTraits = {
  mtuBytes: 1152,
  bitsPerSecond: undefined,
  bitsPerByte: 8,
  framingBytes: 0,
  roundTripMs: 500,
  halfDuplex: false,
};

/** Who is at the other end of a replay. */
export const STATION = "127.0.0.1:5683";

/** The bytes of hex that a fixture has. */
export function bytesOf(text: string): Uint8Array {
  const bytes = fromHex(text);
  if (bytes === undefined) throw new Error(`no hex: ${text}`);
  return bytes;
}

/** The message that recorded bytes are. */
export function messageOf(bytes: Uint8Array): CoapMessage {
  const message = decodeMessage(bytes);
  if ("error" in message) throw new Error(message.error);
  return message;
}

/** The content that an OSCORE plaintext says. */
export function contentOf(inner: string): CoapContent {
  const [code = 0, ...rest] = bytesOf(inner);
  const body = decodeOptionsAndPayload(Uint8Array.from(rest));
  if ("error" in body) throw new Error(body.error);
  return { code, ...body };
}

/** The plaintext that content came from; where it was sent to (Uri-Port) came from outside. */
export function innerOf({ code, options, payload }: CoapContent): string {
  const inner = options.filter(({ number }) => number !== OPTION.uriPort);
  return toHex(concat(Uint8Array.of(code), encodeOptionsAndPayload(inner, payload)));
}

/** The recorded context as one end has it, its numbers going on at `firstNumber`. */
export function presetOf(
  context: RecordedContext,
  end: "client" | "server",
  firstNumber: number,
): PresetContext {
  const [client, server] = [bytesOf(context.clientId), bytesOf(context.serverId)];
  const [senderId, recipientId] = end === "client" ? [client, server] : [server, client];
  return {
    peer: { id: "recorded" },
    parameters: {
      masterSecret: bytesOf(context.masterSecret),
      masterSalt: bytesOf(context.masterSalt),
      senderId,
      recipientId,
    },
    sequence: new MemorySequence({ first: firstNumber }),
  };
}

/** Nothing may be left to send. */
export function expectSilence(endpoint: { nextDatagram(): { bytes: Uint8Array } | undefined }): void {
  const left = endpoint.nextDatagram();
  expect(left && toHex(left.bytes)).toBeUndefined();
}
