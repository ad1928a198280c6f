import { fromText, toHex } from "../../../firmware/protocol/bytes.ts";
import {
  CODE,
  type CoapContent,
  findOption,
  OPTION,
  resourceRequest,
  withOptions,
} from "../../../firmware/protocol/coap/message.ts";
import { deriveContext } from "../../../firmware/protocol/oscore/context.ts";
import { encodePlaintext, unwrap } from "../../../firmware/protocol/oscore/message-fields.ts";
import { decodeOscoreOption, encodeOscoreOption } from "../../../firmware/protocol/oscore/option.ts";
import {
  protectRequest,
  unprotectRequest,
  unprotectResponse,
} from "../../../firmware/protocol/oscore/protect.ts";
import { ReplayWindow } from "../../../firmware/protocol/oscore/replay-window.ts";
import { MemorySequence } from "../../../firmware/protocol/oscore/sender-sequence.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { type Door, must, mustEqual } from "./door.ts";

const SHARED = { masterSecret: new Uint8Array(16).fill(7), idContext: Uint8Array.of(1, 2, 3) };
const [CLIENT, SERVER] = [Uint8Array.of(0x0a), Uint8Array.of(0x0b, 0x0c)];
const client = deriveContext(opensslEngine, { ...SHARED, senderId: CLIENT, recipientId: SERVER });
const server = deriveContext(opensslEngine, { ...SHARED, senderId: SERVER, recipientId: CLIENT });
const INSIDE = resourceRequest(CODE.fetch, "p", fromText("body"));

/** A genuine request under a number of two bytes, and the value of its option. */
const genuine = protectRequest(client, new MemorySequence({ first: 300 }), INSIDE) ?? none();
const VALUE = findOption(genuine.content, OPTION.oscore) ?? none();

function none(): never {
  throw new Error("no number");
}

/** The genuine request with another value of its option. */
function withValue(value: Uint8Array): CoapContent {
  return { ...genuine.content, options: [{ number: OPTION.oscore, value }] };
}

/** The genuine request as a proxy hands it on. */
const FORWARDED = withOptions(
  genuine.content,
  { number: OPTION.uriHost, value: fromText("m7") },
  { number: OPTION.hopLimit, value: Uint8Array.of(3) },
);

/** A value is read as it is written; only one that names the genuine number and sender opens the request. */
export const oscoreOption: Door = {
  name: "oscore-option",
  decoders: /\/firmware\/protocol\/oscore\//,
  bytesMax: 300,
  samples: () => [
    VALUE,
    new Uint8Array(0),
    Uint8Array.of(0x08),
    Uint8Array.of(0x01, 0x00),
    Uint8Array.of(0x19, 0x14, 0x02, 0x01, 0x02, 0x0a),
    Uint8Array.of(0x15, 1, 2, 3, 4, 5, 0),
    encodePlaintext(INSIDE),
    // What is inside goes before what is outside, and OSCORE is never inside.
    Uint8Array.of(CODE.fetch, 0x32, 0x6d, 0x38, 0x81, 0x70),
    Uint8Array.of(CODE.fetch, 0x90),
  ],
  check(input) {
    const option = decodeOscoreOption(input);
    if (!("refused" in option)) mustEqual("the option written again", encodeOscoreOption(option), input);
    const window = new ReplayWindow();
    const request = unprotectRequest(server, window, withValue(input));
    if ("refused" in request) must("a window that a refused request moved", window.isFresh(300));
    else
      must(
        "another request than was sent",
        request.number === 300 && toHex(request.content.payload) === toHex(INSIDE.payload),
      );
    must(
      "a request that answers itself",
      unprotectResponse(client, genuine.binding, withValue(input)) === undefined,
    );
    const inner = unwrap(FORWARDED, input);
    must("OSCORE inside of OSCORE", !inner?.options.some(({ number }) => number === OPTION.oscore));
  },
};
