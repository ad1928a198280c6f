// Datagrams that other implementations exchanged with ours, as the fixtures in test/vectors/interop have them.
import { expect } from "vitest";
import { concat, fromHex, toHex } from "../../firmware/protocol/bytes.ts";
import {
  decodeMessage,
  decodeOptionsAndPayload,
  encodeOptionsAndPayload,
} from "../../firmware/protocol/coap/codec.ts";
import {
  type CoapContent,
  type CoapMessage,
  findOption,
  OPTION,
} from "../../firmware/protocol/coap/message.ts";
import { MemorySequence } from "../../firmware/protocol/oscore/sender-sequence.ts";
import type { PresetContext } from "../../firmware/protocol/sessions.ts";
import { SeededRandom } from "../../hal/emulated/seeded-random.ts";
import type { LinkTraits } from "../../hal/ports/link.ts";
import type { Random } from "../../hal/ports/random.ts";

/** One datagram, in hex. */
export interface RecordedDatagram {
  /** `stranger`: somebody between the two, who has no keys. */
  readonly from: string;
  readonly bytes: string;
  /** The OSCORE plaintext, as an implementation that is neither of the two ends decrypted it. */
  readonly inner?: string;
  /** Bytes of {@link LONG_BODY} that end the plaintext, from here to there. */
  readonly body?: readonly number[];
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

/** 3000 bytes, of which none shows where a block ends. */
const LONG_BODY = Uint8Array.from({ length: 3000 }, (_, i) => (i * 7) & 0xff);

/** As the UDP link has them: they order what a client does while it waits. */
export const UDP_TRAITS: LinkTraits = {
  mtuBytes: 1152,
  bitsPerSecond: undefined,
  bitsPerByte: 8,
  framingBytes: 0,
  roundTripMs: 500,
  halfDuplex: false,
  addressing: "station",
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

/** The content of a protected datagram; undefined for any other. */
export function protectedContentOf({ inner, body }: RecordedDatagram): CoapContent | undefined {
  if (inner === undefined) return undefined;
  return contentOf(
    body === undefined ? inner : inner + toHex(LONG_BODY.subarray(...(body as [number, number]))),
  );
}

/** The values of an option inside of what one end sent, in their order, each once. */
export function valuesIn(datagrams: readonly RecordedDatagram[], from: string, option: number): string[] {
  const values = datagrams.flatMap((datagram) => {
    const content = datagram.from === from ? protectedContentOf(datagram) : undefined;
    const value = content && findOption(content, option);
    return value === undefined ? [] : [toHex(value)];
  });
  return [...new Set(values)];
}

/** Chance that draws what was drawn then, from each named source in turn; no other draw shows in a recording. */
export function recordedRandom(sources: Readonly<Record<string, readonly string[]>>): Random {
  const random = new SeededRandom("replay");
  return {
    bytes: (length) => random.bytes(length),
    fork: (name) => drawing(sources[name] ?? [], random.fork(name)),
  };
}

function drawing(recorded: readonly string[], afterwards: Random): Random {
  const left = [...recorded];
  return {
    bytes(length) {
      const next = left.shift();
      return next === undefined ? afterwards.bytes(length) : bytesOf(next);
    },
    fork: (name) => afterwards.fork(name),
  };
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
