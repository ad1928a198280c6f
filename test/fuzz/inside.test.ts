// What somebody with the right keys can send to a meter: any request whatever, inside of good protection.
import { describe, expect, test } from "vitest";
import { TrustList } from "../../firmware/identity/trust.ts";
import { fromText } from "../../firmware/protocol/bytes.ts";
import { decodeMessage, encodeMessage } from "../../firmware/protocol/coap/codec.ts";
import {
  answerWith,
  CODE,
  type CoapContent,
  type CoapOption,
  FORMAT,
  OPTION,
  sortOptions,
} from "../../firmware/protocol/coap/message.ts";
import { deriveContext } from "../../firmware/protocol/oscore/context.ts";
import { protectRequest, unprotectResponse } from "../../firmware/protocol/oscore/protect.ts";
import { MemorySequence } from "../../firmware/protocol/oscore/sender-sequence.ts";
import { SecureServer } from "../../firmware/protocol/secure-server.ts";
import { nobleEngine } from "../../hal/crypto/noble.ts";
import { integerBelow, SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import { IP } from "../firmware/protocol/coap/helpers.ts";
import { FUZZ_INPUTS } from "../support/fuzz.ts";
import { identity } from "../support/secured-line.ts";

const SEED = 7959;
const EMPTY = new Uint8Array(0);
const NUMBERS = Object.values(OPTION).filter((n) => n !== OPTION.oscore && n !== OPTION.proxyUri);
const METHODS = [CODE.get, CODE.post, CODE.put, CODE.delete, CODE.fetch, 6, 7, 31];

/** A meter with a preset context, and its peer, who asks anything and opens what is said. */
function ends(crypto: CryptoEngine) {
  const shared = { masterSecret: new Uint8Array(16).fill(7) };
  const [clientId, serverId] = [Uint8Array.of(1), Uint8Array.of(2)];
  const client = deriveContext(crypto, { ...shared, senderId: clientId, recipientId: serverId });
  const sequence = new MemorySequence();
  const server = new SecureServer({
    crypto,
    random: new SeededRandom(1),
    traits: IP,
    identity: identity("meter", "M1"),
    trust: new TrustList([]),
    presets: [
      {
        peer: { id: "preset" },
        parameters: { ...shared, senderId: serverId, recipientId: clientId },
        sequence: new MemorySequence(),
      },
    ],
    resources: {
      links: [{ path: "r" }],
      serve: ({ content }) =>
        answerWith(CODE.content, FORMAT.cbor, new Uint8Array(content.payload.length * 3)),
    },
  });
  let nowMs = 0;
  /** The answer to a request, undefined for none; a message that is too long for the link throws. */
  const ask = (content: CoapContent): CoapContent | undefined => {
    const request = protectRequest(client, sequence, content);
    if (request === undefined) throw new Error("no number");
    const messageId = request.number & 0xffff;
    const datagram = encodeMessage({ ...request.content, type: "CON", messageId, token: EMPTY });
    nowMs += 100;
    server.receive(nowMs, "peer", datagram);
    const out = server.nextDatagram();
    if (server.nextDatagram() !== undefined) throw new Error("two answers");
    while (server.nextEvent() !== undefined);
    if ((out?.bytes.length ?? 0) > IP.mtuBytes) throw new Error(`an answer of ${out?.bytes.length} bytes`);
    const message = decodeMessage(out?.bytes ?? EMPTY);
    return "error" in message ? undefined : unprotectResponse(client, request.binding, message);
  };
  return { ask };
}

/** Half of them are a first or second block, of 16 or 1024 bytes: what the payloads below fit. */
function anyOption(random: SeededRandom): CoapOption {
  const [block1, block2] = [OPTION.block1, OPTION.block2];
  if (integerBelow(random, 2) === 0) {
    const value = [[], [0x08], [0x10], [0x18], [0x0e], [0x1e]][integerBelow(random, 6)] as number[];
    return { number: integerBelow(random, 3) === 0 ? block2 : block1, value: Uint8Array.from(value) };
  }
  const known = NUMBERS[integerBelow(random, NUMBERS.length)] as number;
  const number = integerBelow(random, 8) > 0 ? known : 2000 + integerBelow(random, 60_000);
  return { number, value: random.bytes(integerBelow(random, 6)) };
}

describe.each([
  ["openssl", opensslEngine],
  ["noble", nobleEngine],
] as const)("on %s", (_, crypto) => {
  test(`${FUZZ_INPUTS / 10} requests of any options neither throw nor get two answers or one too long, and the next good one is served (seed ${SEED})`, () => {
    const random = new SeededRandom(SEED);
    const { ask } = ends(crypto);
    const path = { number: OPTION.uriPath, value: fromText("r") };
    let echo: CoapOption | undefined;
    const codes = new Map<number, number>();
    for (let run = 0; run < FUZZ_INPUTS / 10; run++) {
      const options = Array.from({ length: integerBelow(random, 4) }, () => anyOption(random));
      const fresh = echo === undefined || integerBelow(random, 4) === 0 ? [] : [echo];
      const answer = ask({
        code: METHODS[integerBelow(random, METHODS.length)] as number,
        options: sortOptions([path, ...options, ...fresh]),
        payload: random.bytes([0, 16, 64, 1024, 7][integerBelow(random, 5)] as number),
      });
      echo = answer?.options.find(({ number }) => number === OPTION.echo) ?? echo;
      codes.set(answer?.code ?? 0, (codes.get(answer?.code ?? 0) ?? 0) + 1);
      if (run % 100 > 0) continue;
      expect(ask({ code: CODE.get, options: [path], payload: EMPTY })?.code, `after ${run}`).toBeDefined();
    }
    // The inputs must reach what they are for.
    const reached = [CODE.content, CODE.continue, CODE.unauthorized, CODE.badOption, CODE.badRequest];
    for (const code of [...reached, CODE.requestEntityIncomplete])
      expect(codes.get(code), `${code}`).toBeGreaterThan(0);
  });
});
