// Options that say how a request travelled or what its sender wants, at the meter's door.
import { describe, expect, test } from "vitest";
import { fromText } from "../../../firmware/protocol/bytes.ts";
import { decodeMessage, encodeMessage } from "../../../firmware/protocol/coap/codec.ts";
import {
  bareAnswer,
  CODE,
  type CoapContent,
  type CoapMessage,
  hasValidHopLimit,
  isUnwanted,
  OPTION,
  resourceRequest,
  sortOptions,
  withOptions,
} from "../../../firmware/protocol/coap/message.ts";
import { type SecuredLineOptions, securedLine } from "../../support/secured-line.ts";

const BODY = Uint8Array.of(0x81, 0x00);
const GET = resourceRequest(CODE.get, "r");
const option = (number: number, ...bytes: number[]) => ({ number, value: Uint8Array.from(bytes) });

/** What the meter says to a stranger's message. */
function strangersAnswer(content: Pick<CoapContent, "code" | "options">): CoapMessage | undefined {
  const answers: CoapMessage[] = [];
  const asked = [
    encodeMessage({
      ...content,
      type: "CON",
      messageId: 1,
      token: new Uint8Array(0),
      payload: new Uint8Array(0),
    }),
  ];
  const line = securedLine({
    tap: (datagram, from) => {
      const message = decodeMessage(datagram);
      if (from === "meter" && !("error" in message)) answers.push(message);
    },
    between: (_, from) => (from === "meter" ? [] : asked.splice(0)),
  });
  line.ask(BODY);
  return answers[0];
}

describe("a Hop-Limit", () => {
  test.each([
    [[], false],
    [[0], false],
    [[1], true],
    [[16], true],
    [[255], true],
    [[1, 0], false],
    [[0, 0, 0, 0, 0, 0, 0, 0], false],
    [[255, 255, 255, 255, 255, 255, 255, 255], false],
  ])("of the bytes %j is one from 1 to 255 or none: %s (RFC 8768 3)", (bytes, isValid) => {
    expect(hasValidHopLimit(withOptions(GET, option(OPTION.hopLimit, ...bytes)))).toBe(isValid);
  });

  test("of 0 is refused with 4.00, protected or not; any other is as good as none", () => {
    const links = [".well-known", "core"].map((text) => ({ number: OPTION.uriPath, value: fromText(text) }));
    const withLimit = (hops: number) => ({
      code: CODE.get,
      options: sortOptions([...links, option(OPTION.hopLimit, hops)]),
    });
    expect(strangersAnswer(withLimit(0))?.code).toBe(CODE.badRequest);
    expect(strangersAnswer(withLimit(3))?.code).toBe(CODE.content);
    const { askFor } = securedLine();
    expect(askFor(withOptions(GET, option(OPTION.hopLimit, 16)))).toMatchObject({
      content: { code: CODE.content },
    });
  });

  test("changed on its way by a proxy does no harm to what is protected", () => {
    const { askFor } = securedLine({
      between: (datagram, from) => {
        const message = decodeMessage(datagram);
        if (from === "meter" || "error" in message) return [datagram];
        return [encodeMessage({ ...message, ...withOptions(message, option(OPTION.hopLimit, 9)) })];
      },
    });
    expect(askFor(GET)).toMatchObject({ content: { code: CODE.content } });
  });
});

describe("No-Response", () => {
  test.each([
    [[], []],
    [[0], []],
    [[2], [CODE.changed]],
    [[8], [CODE.notFound]],
    [[16], [CODE.serviceUnavailable]],
    [[26], [CODE.changed, CODE.notFound, CODE.serviceUnavailable]],
    [[26, 0], []],
  ])("of the bytes %j leaves out the classes of RFC 7967 2.1", (bytes, unwanted) => {
    const request = withOptions(GET, option(OPTION.noResponse, ...bytes));
    const codes = [CODE.changed, CODE.notFound, CODE.serviceUnavailable];
    expect(codes.filter((code) => isUnwanted(request, code))).toEqual(unwanted);
  });

  /** What a meter sends on a PUT with No-Response, after the handshake. */
  function sentOn(value: number, more: SecuredLineOptions = {}, of = PUT) {
    const sent: CoapMessage[] = [];
    const line = securedLine({
      serve: () => bareAnswer(CODE.changed),
      ...more,
      tap: (datagram, from) => {
        const message = decodeMessage(datagram);
        if (from === "meter" && !("error" in message)) sent.push(message);
      },
    });
    line.ask(BODY);
    sent.length = 0;
    line.served.length = 0;
    const ended = line.askFor(withOptions(of, option(OPTION.noResponse, value)), { withinMs: 30_000 });
    return { codes: sent.map(({ code }) => code), ended, served: line.served.length };
  }
  const PUT = resourceRequest(CODE.put, "c", BODY);

  test("takes a PUT's success for said by the ACK alone, and is served once", () => {
    // The challenge is told whatever is wanted: without it nothing is served.
    expect(sentOn(2)).toMatchObject({ codes: [CODE.changed, CODE.empty], served: 1 });
  });

  test("that leaves out successes lets failures through, and the other way round", () => {
    const failing = { serve: () => bareAnswer(CODE.forbidden) };
    expect(sentOn(2, failing)).toMatchObject({ ended: { content: { code: CODE.forbidden } } });
    expect(sentOn(24)).toMatchObject({ ended: { content: { code: CODE.changed } } });
  });

  test("changes nothing for who only reads, nor for a body in blocks", () => {
    expect(sentOn(26, {}, GET)).toMatchObject({ ended: { kind: "answer" } });
    const long = resourceRequest(CODE.put, "c", new Uint8Array(3000));
    expect(sentOn(26, {}, long)).toMatchObject({ ended: { kind: "answer" }, served: 1 });
  });
});

describe("discovery", () => {
  const asked = (...more: { number: number; value: Uint8Array }[]) => {
    const path = [".well-known", "core"].map((text) => ({ number: OPTION.uriPath, value: fromText(text) }));
    return { code: CODE.get, options: sortOptions([...path, ...more]), payload: new Uint8Array(0) };
  };
  const query = (text: string) => ({ number: OPTION.uriQuery, value: fromText(text) });

  test("gives the links that a query fits, all queries where there are several, none for one that is no text", () => {
    const links = (...more: Parameters<typeof asked>) =>
      new TextDecoder().decode(strangersAnswer(asked(...more))?.payload);
    expect(links()).toBe("</r>");
    expect(links(query("href=/r"))).toBe("</r>");
    expect(links(query("href=/x"))).toBe("");
    expect(links(query("href=/r"), query("rt=x"))).toBe("");
    expect(links({ number: OPTION.uriQuery, value: Uint8Array.of(0xff) })).toBe("");
  });

  test("is had in blocks, protected or not, and refuses a Block2 that is none", () => {
    const block = option(OPTION.block2, 0x00);
    expect(strangersAnswer(asked(block))).toMatchObject({ code: CODE.content, payload: fromText("</r>") });
    expect(strangersAnswer(asked(option(OPTION.block2, 0x10)))?.code).toBe(CODE.badRequest);
    expect(strangersAnswer(asked(option(OPTION.block2, 0x07)))?.code).toBe(CODE.badRequest);
    expect(strangersAnswer(asked(block, block))?.code).toBe(CODE.badOption);
    const { askFor } = securedLine();
    expect(askFor(asked(block))).toMatchObject({ content: { payload: fromText("</r>") } });
  });
});

test("a critical option that nobody knows is refused with 4.02, protected or not", () => {
  const unknown = option(65_001, 1);
  const path = [".well-known", "core"].map((text) => ({ number: OPTION.uriPath, value: fromText(text) }));
  expect(strangersAnswer({ code: CODE.get, options: [...path, unknown] })?.code).toBe(CODE.badOption);
  const { askFor } = securedLine();
  const links = { code: CODE.get, options: [...path, unknown], payload: new Uint8Array(0) };
  expect(askFor(links)).toMatchObject({ content: { code: CODE.badOption } });
});
