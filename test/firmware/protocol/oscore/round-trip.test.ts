import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeMessage, encodeMessage } from "../../../../firmware/protocol/coap/codec.ts";
import { CODE, type CoapContent, OPTION, sortOptions } from "../../../../firmware/protocol/coap/message.ts";
import {
  protectNumberedResponse,
  protectRequest,
  protectResponse,
  unprotectRequest,
  unprotectResponse,
} from "../../../../firmware/protocol/oscore/protect.ts";
import { ReplayWindow } from "../../../../firmware/protocol/oscore/replay-window.ts";
import { MemorySequence } from "../../../../firmware/protocol/oscore/sender-sequence.ts";
import { AEAD_LENGTHS, type AeadName } from "../../../../hal/ports/crypto.ts";
import { ENGINES, given, pair } from "./support.ts";

const NOT_PROTECTED: readonly number[] = [OPTION.oscore, OPTION.proxyUri];
const NUMBERS = Object.values(OPTION).filter((number) => !NOT_PROTECTED.includes(number));

const options = fc
  .array(
    fc.record({
      number: fc.oneof(fc.constantFrom(...NUMBERS), fc.integer({ min: 40, max: 65535 })),
      value: fc.uint8Array({ maxLength: 40 }),
    }),
    { maxLength: 12 },
  )
  .map((unsorted) => sortOptions(unsorted));

function contents(codes: readonly number[]): fc.Arbitrary<CoapContent> {
  const payload = fc.uint8Array({ maxLength: 1100, size: "max" });
  return fc.record({ code: fc.constantFrom(...codes), options, payload });
}

const requests = contents([CODE.get, CODE.post, CODE.put, CODE.delete, CODE.fetch]);
const answers = contents([CODE.content, CODE.changed, CODE.notFound, CODE.internalServerError]).map(
  (content) => ({
    ...content,
    options: content.options.filter(({ number }) => number !== OPTION.observe),
  }),
);

/** The content after a way as a datagram. */
function travelled(content: CoapContent): CoapContent {
  const token = Uint8Array.of(7);
  const decoded = decodeMessage(encodeMessage({ type: "CON", messageId: 1, token, ...content }));
  if ("error" in decoded) throw new Error(decoded.error);
  return { code: decoded.code, options: decoded.options, payload: decoded.payload };
}

const CASES = ENGINES.flatMap((engine) =>
  (Object.keys(AEAD_LENGTHS) as AeadName[]).map((aead) => ({ aead, engine, name: engine.name })),
);

describe.each(CASES)("$aead on $name", ({ aead, engine }) => {
  const { client, server } = pair(engine, aead);

  test("any request and its answers come out as they went in", () => {
    const numbers = fc.oneof(fc.nat({ max: 300 }), fc.integer({ min: 0, max: 2 ** 40 - 2 }));
    fc.assert(
      fc.property(requests, answers, numbers, (request, answer, first) => {
        const sent = given(protectRequest(client, new MemorySequence({ first }), request));
        const received = unprotectRequest(server, new ReplayWindow(), travelled(sent.content));
        if ("refused" in received) throw new Error(received.refused);
        expect(received.content).toEqual(request);
        expect(received.number).toBe(first);
        const plain = protectResponse(server, received.binding, answer);
        const sequence = new MemorySequence({ first });
        const numbered = given(protectNumberedResponse(server, sequence, received.binding, answer));
        for (const content of [plain, numbered])
          expect(unprotectResponse(client, sent.binding, travelled(content))).toEqual(answer);
      }),
      { seed: 8613, numRuns: 12 },
    );
  });
});
