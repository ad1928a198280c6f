import { EMPTY, fromHex, fromText, toHex } from "../../../../firmware/protocol/bytes.ts";
import { decodeMessage, encodeMessage } from "../../../../firmware/protocol/coap/codec.ts";
import { CoapEndpoint, type CoapEvent } from "../../../../firmware/protocol/coap/exchange.ts";
import {
  CODE,
  type CoapContent,
  type CoapMessage,
  OPTION,
} from "../../../../firmware/protocol/coap/message.ts";
import { SeededRandom } from "../../../../hal/emulated/seeded-random.ts";
import type { LinkTraits } from "../../../../hal/ports/link.ts";

/** What a UDP link states. */
export const IP: LinkTraits = {
  mtuBytes: 1152,
  bitsPerSecond: undefined,
  bitsPerByte: 8,
  framingBytes: 0,
  roundTripMs: 500,
  halfDuplex: false,
  addressing: "station",
};

/** A slipmux line at 9600 baud, 8N1. */
export const LINE_9600: LinkTraits = {
  mtuBytes: 1152,
  bitsPerSecond: 9600,
  bitsPerByte: 10,
  framingBytes: 5,
  roundTripMs: 20,
  halfDuplex: false,
  addressing: "station",
};

export function endpoint(traits: LinkTraits = IP, seed: number | string = 1): CoapEndpoint {
  return new CoapEndpoint({ random: new SeededRandom(seed), traits });
}

/** A request to `r` with a payload. */
export function get(payload: Uint8Array = EMPTY): CoapContent {
  return { code: CODE.get, options: [{ number: OPTION.uriPath, value: fromText("r") }], payload };
}

export function content(payload: Uint8Array = EMPTY): CoapContent {
  return { code: CODE.content, options: [], payload };
}

/** A message as a peer would send it. */
export function message(
  type: CoapMessage["type"],
  messageId: number,
  token: string,
  of: CoapContent,
): Uint8Array {
  return encodeMessage({ ...of, type, messageId, token: hex(token) });
}

export function empty(type: CoapMessage["type"], messageId: number): Uint8Array {
  return message(type, messageId, "", { code: CODE.empty, options: [], payload: EMPTY });
}

export function hex(text: string): Uint8Array {
  const bytes = fromHex(text);
  if (bytes === undefined) throw new Error(`no hex: ${text}`);
  return bytes;
}

export function decoded(bytes: Uint8Array | undefined): CoapMessage {
  const result = decodeMessage(bytes ?? EMPTY);
  if ("error" in result) throw new Error(`${toHex(bytes ?? EMPTY)}: ${result.error}`);
  return result;
}

/** All datagrams that wait to be sent, as hex. */
export function sentBy(coap: CoapEndpoint): string[] {
  const sent: string[] = [];
  for (let out = coap.nextDatagram(); out !== undefined; out = coap.nextDatagram())
    sent.push(toHex(out.bytes));
  return sent;
}

export function eventsOf(coap: CoapEndpoint): CoapEvent[] {
  const events: CoapEvent[] = [];
  for (let event = coap.nextEvent(); event !== undefined; event = coap.nextEvent()) events.push(event);
  return events;
}

/** The exchange of the one request that just came in. */
export function exchangeOf(coap: CoapEndpoint): number {
  const [event, ...more] = eventsOf(coap);
  if (event?.kind !== "request" || more.length > 0) throw new Error("not one request");
  return event.exchange;
}
