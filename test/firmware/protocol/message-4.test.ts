// EDHOC for its own sake: somebody runs it, has nothing to ask, and wants to know that the keys are the same.
import { describe, expect, test } from "vitest";
import { TrustList } from "../../../firmware/identity/trust.ts";
import { concat } from "../../../firmware/protocol/bytes.ts";
import { encodeCbor } from "../../../firmware/protocol/cbor.ts";
import { decodeMessage, encodeMessage } from "../../../firmware/protocol/coap/codec.ts";
import {
  answerWith,
  CODE,
  type CoapMessage,
  FORMAT,
  findOption,
  OPTION,
  resourceRequest,
  withOptions,
} from "../../../firmware/protocol/coap/message.ts";
import { EdhocInitiator } from "../../../firmware/protocol/edhoc/initiator.ts";
import { SecureServer } from "../../../firmware/protocol/secure-server.ts";
import { linkPair } from "../../../hal/emulated/link-pair.ts";
import { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { VirtualClock } from "../../../hal/emulated/virtual-clock.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { identity } from "../../support/secured-line.ts";

const METER = identity("meter", "M1");
const HEAD = identity("head-end", "H");

/** A meter that was given message_3 alone, with this Accept; its answer, and the initiator that waits for it. */
function afterMessage3(accept?: number) {
  const [, { traits }] = linkPair(new VirtualClock({ utcMs: 0 }), {});
  const server = new SecureServer({
    ...{ crypto: opensslEngine, random: new SeededRandom("meter"), traits, identity: METER },
    trust: new TrustList([HEAD.credential]),
    resources: { links: [], serve: () => answerWith(CODE.content, FORMAT.cbor, Uint8Array.of(0)) },
  });
  const initiator = new EdhocInitiator({
    ...{ crypto: opensslEngine, random: new SeededRandom("head-end"), identity: HEAD },
    ...{ method: 3, suites: [2], connectionId: Uint8Array.of(5) },
    resolve: () => [METER.credential],
  });
  const post = (messageId: number, payload: Uint8Array): CoapMessage => {
    const plain = resourceRequest(CODE.post, "k", payload, FORMAT.connectionIdAndEdhoc);
    const option = { number: OPTION.accept, value: Uint8Array.of(accept ?? 0) };
    const content = accept === undefined ? plain : withOptions(plain, option);
    server.receive(
      0,
      "H",
      encodeMessage({ type: "CON", messageId, token: Uint8Array.of(messageId), ...content }),
    );
    const answer = decodeMessage(server.nextDatagram()?.bytes ?? new Uint8Array(0));
    if ("error" in answer) throw new Error(answer.error);
    return answer;
  };
  const outcome = initiator.receiveMessage2(post(1, concat(encodeCbor(true), initiator.message1())).payload);
  if ("failed" in outcome) throw new Error(outcome.failed);
  const { recipientId, senderId } = initiator.exportOscore();
  expect(recipientId).toEqual(Uint8Array.of(5));
  const message3 = concat(senderId, outcome.message3);
  return { answer: post(2, message3), copy: () => post(2, message3), initiator };
}

describe("message_3 by itself", () => {
  test("is answered by an empty 2.04 where nobody wants more", () => {
    const { answer } = afterMessage3();
    expect(answer).toMatchObject({ code: CODE.changed, options: [], payload: new Uint8Array(0) });
  });

  test("with Accept 64 gets message_4, by which the initiator knows that the keys are the same", () => {
    const { answer, initiator } = afterMessage3(FORMAT.edhoc);
    expect(answer.code).toBe(CODE.changed);
    expect(findOption(answer, OPTION.contentFormat)).toEqual(Uint8Array.of(FORMAT.edhoc));
    expect(initiator.receiveMessage4(answer.payload)).toBe("confirmed");
  });

  test("a copy of it gets the same message_4", () => {
    const { answer, copy } = afterMessage3(FORMAT.edhoc);
    expect(copy().payload).toEqual(answer.payload);
  });

  test("has a message_4 that is nobody else's: a bit of it changed confirms nothing", () => {
    const { answer, initiator } = afterMessage3(FORMAT.edhoc);
    const forged = answer.payload.map((byte, i) => (i === answer.payload.length - 1 ? byte ^ 1 : byte));
    expect(initiator.receiveMessage4(forged)).toBe("decryption");
  });
});
