import { describe, expect, test } from "vitest";
import { messageBytes } from "../../../../firmware/protocol/coap/codec.ts";
import {
  CODE,
  type CoapContent,
  FORMAT,
  findOption,
  OPTION,
  resourceRequest,
  withOptions,
} from "../../../../firmware/protocol/coap/message.ts";
import { kidOfAnswer, unprotectGroupAnswer } from "../../../../firmware/protocol/group/protect.ts";
import { nobleEngine } from "../../../../hal/crypto/noble.ts";
import { opensslEngine } from "../../../../hal/node/openssl.ts";
import { defined, groupOf, HeadEndSide, headEndIdentity, prove, READ } from "../../../support/group-line.ts";

const HOST = { number: OPTION.uriHost, value: new TextEncoder().encode("M1") };

describe.each([nobleEngine, opensslEngine])("a block of meters with the engine $name", (crypto) => {
  test("is read by one request, whose answers only the head-end opens, each as its member's", () => {
    const { headEnd, meters, pairs } = groupOf(["M1", "M2", "M3"], { crypto });
    const asked = headEnd.forAll();
    const answers = meters.map((meter) => defined(meter.receive(asked.content)[0]));
    for (const [i, answer] of answers.entries()) {
      expect(answer).toMatchObject({ type: "ACK", code: CODE.changed });
      expect(kidOfAnswer(answer)).toEqual(Uint8Array.of(i + 1));
      for (const [j, pair] of pairs.entries()) {
        const opened = unprotectGroupAnswer(pair, asked.binding, answer);
        expect(opened?.code).toBe(i === j ? CODE.content : undefined);
      }
    }
    expect(meters.map(({ served }) => served.length)).toEqual([1, 1, 1]);
  });
});

describe("on the line", () => {
  test("a request for all takes 84 bytes, one for a register 89, and an answer 2 more than in a session", () => {
    const headEnd = new HeadEndSide(headEndIdentity("H"), { gid: new Uint8Array(6).fill(1) });
    for (let i = 0; i < 300; i++) headEnd.numbers.next();
    const bytesOf = (content: CoapContent): number => messageBytes(content, 1);
    const fetch = { ...resourceRequest(CODE.fetch, "r"), payload: Uint8Array.of(0x81, 2) };
    const withFormat = withOptions(fetch, {
      number: OPTION.contentFormat,
      value: Uint8Array.of(FORMAT.cbor),
    });
    // The head-end's Sender ID is empty here.
    expect(bytesOf(headEnd.forAll(READ).content)).toBe(84);
    expect(bytesOf(headEnd.forAll(withFormat).content)).toBe(89);
    const { headEnd: asker, meters } = groupOf(["M1"]);
    const answer = defined(defined(meters[0]).receive(asker.forAll().content)[0]);
    expect(findOption(answer, OPTION.oscore)).toHaveLength(2);
  });
});

describe("a member serves nothing", () => {
  test("after a join, until a pairwise request has repeated its Echo; and nothing of before that then", () => {
    const { headEnd, meters, pairs } = groupOf(["M1"], { proved: false });
    const [meter, pair] = [defined(meters[0]), defined(pairs[0])];
    const early = headEnd.forAll();
    const [challenge] = meter.receive(early.content);
    const told = unprotectGroupAnswer(pair, early.binding, defined(challenge));
    expect(told).toMatchObject({ code: CODE.unauthorized, options: [{ number: OPTION.echo }] });
    expect(meter.served).toHaveLength(0);
    expect(prove(headEnd, pair, meter)?.code).toBe(CODE.content);
    expect(meter.receive(early.content)).toMatchObject([{ code: CODE.unauthorized, options: [] }]);
    expect(meter.refusals()).toEqual(["replay"]);
    expect(meter.served).toHaveLength(1);
  });

  test("on an Echo that comes in a request for all: it could be another member's", () => {
    const { headEnd, meters, pairs } = groupOf(["M1"], { proved: false });
    const [meter, pair] = [defined(meters[0]), defined(pairs[0])];
    const first = headEnd.forOne(pair);
    const challenge = unprotectGroupAnswer(pair, first.binding, defined(meter.receive(first.content)[0]));
    const repeated = headEnd.forAll(withOptions(READ, ...defined(challenge).options));
    const again = unprotectGroupAnswer(pair, repeated.binding, defined(meter.receive(repeated.content)[0]));
    expect(again?.code).toBe(CODE.unauthorized);
    expect(meter.served).toHaveLength(0);
  });

  test.each([
    ["a statement", resourceRequest(CODE.fetch, "s")],
    ["the nameplate", resourceRequest(CODE.get, "i")],
    ["events", resourceRequest(CODE.fetch, "e")],
    ["the links", { ...resourceRequest(CODE.get, ".well-known"), options: [] }],
    ["a command, also on what it reads", resourceRequest(CODE.put, "r")],
    ["another membership", resourceRequest(CODE.put, "g")],
  ])("that asks for %s by a group's keys", (_, content) => {
    const { headEnd, meters, pairs } = groupOf(["M1"]);
    const [meter, pair] = [defined(meters[0]), defined(pairs[0])];
    const asked = headEnd.forAll(content);
    const answer = unprotectGroupAnswer(pair, asked.binding, defined(meter.receive(asked.content)[0]));
    expect(answer?.code).toBe(CODE.forbidden);
    expect(meter.served).toHaveLength(0);
  });

  test("of an epoch that is over", () => {
    const { headEnd, meters } = groupOf(["M1"]);
    const meter = defined(meters[0]);
    meter.utcSeconds = headEnd.membership(1).validUntilSeconds;
    expect(meter.receive(headEnd.forAll().content)).toMatchObject([{ code: CODE.unauthorized }]);
    expect(meter.refusals()).toEqual(["unknown-group"]);
  });
});

describe("what a member is asked", () => {
  test("by FETCH reaches its resource with its body", () => {
    const { headEnd, meters } = groupOf(["M1"]);
    const fetch = { ...resourceRequest(CODE.fetch, "r"), payload: Uint8Array.of(0x81, 2) };
    const content = withOptions(fetch, { number: OPTION.contentFormat, value: Uint8Array.of(FORMAT.cbor) });
    defined(meters[0]).receive(headEnd.forAll(content).content);
    expect(defined(meters[0]).served).toEqual([content]);
  });

  test("with Observe is answered once", () => {
    const { headEnd, meters, pairs } = groupOf(["M1"]);
    const asked = headEnd.forAll(withOptions(READ, { number: OPTION.observe, value: new Uint8Array() }));
    const answer = defined(defined(meters[0]).receive(asked.content)[0]);
    expect(findOption(answer, OPTION.observe)).toBeUndefined();
    expect(unprotectGroupAnswer(defined(pairs[0]), asked.binding, answer)?.code).toBe(CODE.content);
  });

  test("twice in the same bytes, from whatever station and with whatever alias, is answered the same and served once", () => {
    const { headEnd, meters } = groupOf(["M1"]);
    const meter = defined(meters[0]);
    const asked = headEnd.forAll();
    const [first] = meter.receive(asked.content);
    const inOtherWays: [CoapContent, object][] = [
      [asked.content, {}],
      [withOptions(asked.content, HOST), {}],
      [withOptions(asked.content, HOST), { from: "another dap" }],
      [asked.content, { type: "NON" }],
    ];
    for (const [content, how] of inOtherWays) {
      const [again] = meter.receive(content, how);
      expect(again).toMatchObject({ code: first?.code, options: first?.options, payload: first?.payload });
    }
    expect(meter.served).toHaveLength(1);
    meter.receive(headEnd.forAll().content);
    expect(meter.receive(asked.content)).toMatchObject([{ code: CODE.unauthorized, options: [] }]);
  });

  test("in bytes that only look like the last ones is a request of its own", () => {
    const { headEnd, meters } = groupOf(["M1"]);
    const meter = defined(meters[0]);
    const [one, other] = [headEnd.forAll(), headEnd.forAll()];
    meter.receive(one.content);
    const mixed = { ...other.content, payload: one.content.payload };
    expect(meter.receive(mixed)).toMatchObject([{ code: CODE.unauthorized }]);
    expect(meter.refusals()).toEqual(["decrypt"]);
  });
});
