import { fromText } from "../../../firmware/protocol/bytes.ts";
import { decodeMessage, encodeMessage } from "../../../firmware/protocol/coap/codec.ts";
import { CoapEndpoint } from "../../../firmware/protocol/coap/exchange.ts";
import {
  answerWith,
  CODE,
  type CoapContent,
  type CoapMessage,
  FORMAT,
  findOption,
  hasPath,
  isRequestCode,
  OPTION,
  pathOf,
  resourceRequest,
} from "../../../firmware/protocol/coap/message.ts";
import { hostOf, selectorOf } from "../../../firmware/protocol/coap/selection.ts";
import { readOscoreOption } from "../../../firmware/protocol/oscore/option.ts";
import type { LinkTraits } from "../../../hal/ports/link.ts";
import type { Random } from "../../../hal/ports/random.ts";
import { type Door, must, mustEqual } from "./door.ts";

const EMPTY = new Uint8Array(0);
/** The first token is 00, the first Message ID 0: what an answer must have to be one. */
const NO_CHANCE: Random = { bytes: (length) => new Uint8Array(length), fork: () => NO_CHANCE };
const TRAITS: LinkTraits = {
  mtuBytes: 1152,
  bitsPerSecond: undefined,
  bitsPerByte: 8,
  framingBytes: 0,
  roundTripMs: 0,
  halfDuplex: false,
  addressing: "station",
};

function message(
  type: "CON" | "NON" | "ACK" | "RST",
  content: CoapContent,
  token = Uint8Array.of(0),
): Uint8Array {
  return encodeMessage({
    type,
    messageId: 0,
    token: content.code === CODE.empty ? EMPTY : token,
    ...content,
  });
}

const isForM7 = selectorOf({ ...TRAITS, addressing: "uri-host" }, "m7");

/** A message comes back as it was read, a station of a shared line sees at a glance whether it is its own, and an endpoint answers it once at the most. */
export const coap: Door = {
  name: "coap",
  decoders: /\/firmware\/protocol\/(coap\/|oscore\/option)/,
  bytesMax: 1300,
  samples: () => [
    message("CON", resourceRequest(CODE.fetch, "p", Uint8Array.of(0x81, 0))),
    message("NON", {
      ...resourceRequest(CODE.get, "r"),
      options: [option(OPTION.uriHost, "m7"), option(OPTION.uriPath, "r")],
    }),
    message("CON", {
      code: CODE.post,
      options: [{ number: OPTION.oscore, value: Uint8Array.of(9, 20, 1) }],
      payload: new Uint8Array(14),
    }),
    message("ACK", answerWith(CODE.content, FORMAT.cbor, Uint8Array.of(1))),
    message("CON", answerWith(CODE.content, FORMAT.cbor, Uint8Array.of(1)), Uint8Array.of(1)),
    message("NON", {
      code: CODE.content,
      options: [option(OPTION.requestTag, "x".repeat(300)), { number: 65_000, value: EMPTY }],
      payload: EMPTY,
    }),
    ...(["CON", "ACK", "RST"] as const).map((type) =>
      message(type, { code: CODE.empty, options: [], payload: EMPTY }),
    ),
  ],
  check(input) {
    const read = decodeMessage(input);
    if (!("error" in read)) {
      const written = encodeMessage(read);
      must("a longer message", written.length <= input.length);
      const again = decodeMessage(written);
      if ("error" in again) throw new Error(`its own message is refused: ${again.error}`);
      mustEqual("the message written again", encodeMessage(again), written);
      must("a path of segments", pathOf(read) !== "p" || hasPath(read, [fromText("p")]));
      readOscoreOption(read);
      must("another choice of station than the message's", isForM7(input) === isRequestForM7(read));
    }
    isForM7(input);
    checkEndpoint(input);
  },
};

function isRequestForM7(read: CoapMessage): boolean {
  const isRequest = isRequestCode(read.code) && (read.type === "CON" || read.type === "NON");
  return isRequest && hostOf(read) === "m7";
}

/** An endpoint with one request for one answer, and one for many of which the answers must be genuine. */
function checkEndpoint(input: Uint8Array): void {
  const endpoint = new CoapEndpoint({ random: NO_CHANCE, traits: TRAITS });
  const request = resourceRequest(CODE.get, "r");
  const isGenuine = (answer: CoapContent): boolean => findOption(answer, OPTION.contentFormat) !== undefined;
  endpoint.request(0, "peer", request, { untilMs: 1000 });
  endpoint.request(0, "peer", request, { untilMs: 1000, answers: "many", isGenuine });
  while (endpoint.nextDatagram() !== undefined);
  let sent = 0;
  for (const nowMs of [1, 2]) {
    endpoint.receive(nowMs, "peer", input);
    for (let event = endpoint.nextEvent(); event !== undefined; event = endpoint.nextEvent())
      if (event.kind === "request")
        endpoint.respond(nowMs, event.exchange, request.payload.length > 0 ? request : ANSWER);
    while (endpoint.nextDatagram() !== undefined) sent++;
  }
  must("more than one datagram for one", sent <= 2);
  endpoint.wake(2000);
}

const ANSWER = answerWith(CODE.content, FORMAT.cbor, Uint8Array.of(0x80));

function option(number: number, text: string): { number: number; value: Uint8Array } {
  return { number, value: fromText(text) };
}
