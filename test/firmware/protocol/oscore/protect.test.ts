import { describe, expect, test } from "vitest";
import { concat, fromText, toHex } from "../../../../firmware/protocol/bytes.ts";
import { encodeOptionsAndPayload } from "../../../../firmware/protocol/coap/codec.ts";
import { CODE, type CoapContent, findOption, OPTION } from "../../../../firmware/protocol/coap/message.ts";
import { deriveContext, nonceOf, type OscoreContext } from "../../../../firmware/protocol/oscore/context.ts";
import { encodeOscoreOption } from "../../../../firmware/protocol/oscore/option.ts";
import {
  type BoundRequest,
  protectNumberedResponse,
  protectRequest,
  protectResponse,
  unprotectRequest,
  unprotectResponse,
} from "../../../../firmware/protocol/oscore/protect.ts";
import { ReplayWindow } from "../../../../firmware/protocol/oscore/replay-window.ts";
import { MemorySequence } from "../../../../firmware/protocol/oscore/sender-sequence.ts";
import { nobleEngine } from "../../../../hal/crypto/noble.ts";
import { answer, getRequest, given, hex, option, pair } from "./support.ts";

const { client, server } = pair(nobleEngine);

function sent(content: CoapContent, first = 0): BoundRequest {
  return given(protectRequest(client, new MemorySequence({ first }), content));
}

function received(content: CoapContent, window = new ReplayWindow()): BoundRequest {
  const result = unprotectRequest(server, window, content);
  if ("refused" in result) throw new Error(result.refused);
  return result;
}

function refusal(content: CoapContent, context = server, window = new ReplayWindow()): string | undefined {
  const result = unprotectRequest(context, window, content);
  return "refused" in result ? result.refused : undefined;
}

/** A message whose plaintext the client did not get from a CoAP message. */
function sealedRequest(plaintext: Uint8Array, context: OscoreContext = client): CoapContent {
  const { binding, content } = sent(getRequest());
  const key = context.sender.key;
  const payload = nobleEngine.seal(
    context.aead,
    key,
    nonceOf(client.sender, hex("00")),
    binding.aad,
    plaintext,
  );
  return { ...content, payload };
}

const numbersOf = (content: CoapContent): number[] => content.options.map(({ number }) => number);

describe("what a protected message shows", () => {
  test("a request is a POST with the OSCORE option and the options for proxies", () => {
    const forProxies = [option(OPTION.uriHost, "m7"), option(OPTION.uriPort, hex("1633"))];
    const { content } = sent(
      getRequest(forProxies, [option(OPTION.hopLimit, hex("10")), option(OPTION.accept)]),
    );
    expect(content.code).toBe(CODE.post);
    expect(numbersOf(content)).toEqual([OPTION.uriHost, OPTION.uriPort, OPTION.oscore, OPTION.hopLimit]);
  });

  test("an answer is a 2.04 with an empty OSCORE option, whatever it says", () => {
    for (const code of [CODE.content, CODE.notFound, CODE.internalServerError]) {
      const { binding } = received(sent(getRequest()).content);
      const content = protectResponse(server, binding, { ...answer(), code });
      expect(content.code).toBe(CODE.changed);
      expect(content.options).toEqual([option(OPTION.oscore)]);
    }
  });

  test("Max-Age, No-Response, Block and unknown options are inside only", () => {
    const unknown = 65308;
    const numbers = [OPTION.maxAge, OPTION.block2, OPTION.block1, OPTION.noResponse, unknown];
    const { content } = sent(
      getRequest(
        [],
        numbers.map((number) => option(number, hex("1a"))),
      ),
    );
    expect(numbersOf(content)).toEqual([OPTION.oscore]);
    expect(numbersOf(received(content).content)).toEqual([OPTION.uriPath, ...numbers]);
  });

  test("an Observe request is a FETCH that shows its Observe, a notification a 2.05 that does", () => {
    const observe = option(OPTION.observe, hex(""));
    const request = sent(getRequest([observe]));
    expect(request.content.code).toBe(CODE.fetch);
    expect(findOption(request.content, OPTION.observe)).toEqual(observe.value);
    const { binding } = received(request.content);
    const notification = answer("1", [option(OPTION.observe, hex("2a"))]);
    const content = given(protectNumberedResponse(server, new MemorySequence(), binding, notification));
    expect(content.code).toBe(CODE.content);
    expect(findOption(content, OPTION.observe)).toEqual(hex("2a"));
    const read = given(unprotectResponse(client, request.binding, content));
    expect(findOption(read, OPTION.observe)).toEqual(hex(""));
  });

  test("a request of a context with an ID Context carries it as kid context", () => {
    const ids = { senderId: hex("01"), recipientId: hex("02"), idContext: hex("c0ffee") };
    const context = deriveContext(nobleEngine, { masterSecret: hex("aa"), ...ids });
    const { content } = given(protectRequest(context, new MemorySequence(), getRequest()));
    expect(toHex(given(findOption(content, OPTION.oscore)))).toBe("190003c0ffee01");
  });

  test("content with an OSCORE option or a Proxy-Uri is a bug and throws", () => {
    expect(() => sent(getRequest([option(OPTION.oscore)]))).toThrow();
    expect(() => sent(getRequest([], [option(OPTION.proxyUri, "coap://m7/r")]))).toThrow();
  });
});

describe("what a receiver takes from outside", () => {
  const withOuter = (content: CoapContent, ...outer: [number, string][]): CoapContent => ({
    ...content,
    options: [...content.options, ...outer.map(([number, value]) => option(number, value))].sort(
      (a, b) => a.number - b.number,
    ),
  });

  test("nothing that may be inside: such options are dropped", () => {
    const forged = withOuter(
      sent(getRequest()).content,
      [OPTION.observe, ""],
      [OPTION.uriPath, "x"],
      [OPTION.contentFormat, "<"],
      [OPTION.maxAge, ""],
      [OPTION.uriQuery, "all"],
      [OPTION.block2, "1"],
      [OPTION.noResponse, "2"],
      [65000, "unknown"],
    );
    expect(received(forged).content).toEqual(getRequest());
    const response = protectResponse(server, received(sent(getRequest()).content).binding, answer());
    const aged = withOuter(response, [4, "etag"], [OPTION.maxAge, ""]);
    expect(unprotectResponse(client, sent(getRequest()).binding, aged)).toEqual(answer());
  });

  test("options for proxies, and the EDHOC option", () => {
    const outer = [
      OPTION.uriHost,
      OPTION.uriPort,
      OPTION.hopLimit,
      OPTION.edhoc,
      OPTION.proxyUri,
      OPTION.proxyScheme,
    ];
    const forwarded = withOuter(sent(getRequest()).content, ...outer.map((n): [number, string] => [n, "v"]));
    expect(numbersOf(received(forwarded).content)).toEqual([3, 7, 11, 16, 21, 35, 39]);
  });

  test("not an option for proxies that is inside too: that one is genuine", () => {
    const inner = encodeOptionsAndPayload(
      [option(OPTION.uriHost, "mine"), option(OPTION.uriPath, "r")],
      hex(""),
    );
    const forged = withOuter(sealedRequest(concat(hex("01"), inner)), [OPTION.uriHost, "theirs"]);
    expect(received(forged).content).toEqual(getRequest([option(OPTION.uriHost, "mine")]));
  });

  test("not the code: FETCH without a Content-Format is as good as POST", () => {
    for (const code of [CODE.fetch, CODE.put, CODE.get])
      expect(received({ ...sent(getRequest()).content, code }).content).toEqual(getRequest());
  });
});

describe("a request", () => {
  test("comes out as it went in", () => {
    const content: CoapContent = {
      code: CODE.fetch,
      options: [option(OPTION.uriHost, "m7"), option(OPTION.uriPath, "p"), option(OPTION.contentFormat, "<")],
      payload: fromText("body"),
    };
    const request = received(sent(content, 300).content);
    expect(request.content).toEqual(content);
    expect(request.number).toBe(300);
  });

  test("is not sent where the sequence is at its end", () => {
    expect(protectRequest(client, new MemorySequence({ limit: 0 }), getRequest())).toBeUndefined();
  });

  test.each([
    ["without an OSCORE option", undefined],
    ["with an empty one", ""],
    ["without a number", "080a"],
    ["without a kid", "0100"],
    ["with a malformed one", "0f"],
  ])("%s is refused for its option", (_what, value) => {
    const options = value === undefined ? [] : [option(OPTION.oscore, hex(value))];
    expect(refusal({ ...sent(getRequest()).content, options })).toBe("option");
  });

  test.each([
    ["another kid", "09000b"],
    ["a kid of 200 bytes", `0900${"0a".repeat(200)}`],
    ["a kid context where there is none", "1900010a0a"],
  ])("with %s is refused as another context's", (_what, value) => {
    const options = [option(OPTION.oscore, hex(value))];
    expect(refusal({ ...sent(getRequest()).content, options })).toBe("context");
  });

  test("may leave the ID Context out, and may not name another", () => {
    const shared = { masterSecret: hex("aa"), idContext: hex("c0ffee") };
    const [id, peer] = [hex("01"), hex("02")];
    const asker = deriveContext(nobleEngine, { ...shared, senderId: id, recipientId: peer });
    const asked = deriveContext(nobleEngine, { ...shared, senderId: peer, recipientId: id });
    const { content } = given(protectRequest(asker, new MemorySequence(), getRequest()));
    const named = (value: string): CoapContent => ({
      ...content,
      options: [option(OPTION.oscore, hex(value))],
    });
    expect(refusal(content, asked)).toBeUndefined();
    expect(refusal(named("090001"), asked)).toBeUndefined();
    expect(refusal(named("190003decade01"), asked)).toBe("context");
  });

  test("that came before is refused, as is its number again", () => {
    const window = new ReplayWindow();
    const { content } = sent(getRequest());
    received(content, window);
    expect(refusal(content, server, window)).toBe("replay");
    expect(refusal(sent({ ...getRequest(), code: CODE.post }).content, server, window)).toBe("replay");
  });

  test("that was overtaken is taken, once", () => {
    const window = new ReplayWindow();
    received(sent(getRequest(), 5).content, window);
    const overtaken = sent(getRequest(), 3).content;
    received(overtaken, window);
    expect(refusal(overtaken, server, window)).toBe("replay");
  });

  test.each([
    ["no bytes", ""],
    ["fewer bytes than a tag", "0102"],
    ["a tag alone", "0102030405060708"],
  ])("with %s for a ciphertext is refused", (_what, payload) => {
    expect(refusal({ ...sent(getRequest()).content, payload: hex(payload) })).toBe("decrypt");
  });

  test("that is genuine and no request is refused, and its number is spent", () => {
    const noRequests: [string, Uint8Array][] = [
      ["no code", hex("")],
      ["an answer's code", hex("45")],
      ["the empty code", hex("00")],
      ["a signal's code", hex("e2")],
      ["an option cut short", hex("01b374")],
      ["a payload marker and no payload", hex("01b172ff")],
      ["OSCORE inside", hex("0190")],
    ];
    for (const [what, plaintext] of noRequests) {
      const window = new ReplayWindow();
      expect(refusal(sealedRequest(plaintext), server, window), what).toBe("plaintext");
      expect(window.isFresh(0), what).toBe(false);
    }
  });

  test("with an unknown critical option inside goes to the application", () => {
    const content = getRequest([], [option(65001, "?")]);
    expect(received(sent(content).content).content).toEqual(content);
  });

  test("of the server itself, sent back to it, is refused", () => {
    const own = given(protectRequest(server, new MemorySequence(), getRequest()));
    expect(refusal(own.content)).toBe("context");
  });

  test("of which any bit was changed is refused and leaves the window as it was", () => {
    const { content } = sent(getRequest(), 20);
    const value = encodeOscoreOption({ partialIv: hex("14"), kidContext: undefined, kid: hex("0a") });
    const window = new ReplayWindow();
    for (const [field, bytes] of [
      ["payload", content.payload],
      ["option", value],
    ] as const)
      for (let bit = 0; bit < 8 * bytes.length; bit++) {
        const forged = bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
        const changed =
          field === "payload"
            ? { ...content, payload: forged }
            : { ...content, options: [option(OPTION.oscore, forged)] };
        expect(refusal(changed, server, window), `${field}, bit ${bit}`).not.toBeUndefined();
      }
    expect(window.isFresh(0)).toBe(true);
    expect(refusal(content, server, window)).toBeUndefined();
  });
});

describe("an answer", () => {
  test("under its request's nonce comes out as it went in", () => {
    const request = sent(getRequest());
    const content = protectResponse(server, received(request.content).binding, answer());
    expect(unprotectResponse(client, request.binding, content)).toEqual(answer());
  });

  test("under a number of the server's comes out as it went in, any number of times", () => {
    const request = sent(getRequest());
    const { binding } = received(request.content);
    const sequence = new MemorySequence();
    for (const body of ["1", "2", "3"]) {
      const content = given(protectNumberedResponse(server, sequence, binding, answer(body)));
      expect(unprotectResponse(client, request.binding, content)).toEqual(answer(body));
    }
  });

  test("uses the request's nonce once: a second one must have a number", () => {
    const { binding } = received(sent(getRequest()).content);
    protectResponse(server, binding, answer());
    expect(() => protectResponse(server, binding, answer())).toThrow("spent");
    expect(protectNumberedResponse(server, new MemorySequence(), binding, answer())).toBeDefined();
  });

  test("never takes the nonce at the end that sent the request", () => {
    const { binding } = sent(getRequest());
    expect(() => protectResponse(client, binding, answer())).toThrow("spent");
  });

  test("never has the nonce of another answer or of any request of its end", () => {
    const nonces: string[] = [];
    const engine = {
      ...nobleEngine,
      seal: (...[aead, key, nonce, aad, text]: Parameters<typeof nobleEngine.seal>) => {
        nonces.push(`${toHex(key)} ${toHex(nonce)}`);
        return nobleEngine.seal(aead, key, nonce, aad, text);
      },
    };
    const ends = pair(engine);
    const [clientNumbers, serverNumbers] = [new MemorySequence(), new MemorySequence()];
    for (let i = 0; i < 20; i++) {
      const request = given(protectRequest(ends.client, clientNumbers, getRequest()));
      const result = unprotectRequest(ends.server, new ReplayWindow(), request.content);
      if ("refused" in result) throw new Error(result.refused);
      protectResponse(ends.server, result.binding, answer());
      protectNumberedResponse(ends.server, serverNumbers, result.binding, answer());
      protectRequest(ends.server, serverNumbers, getRequest());
    }
    expect(nonces.length).toBe(80);
    expect(new Set(nonces).size).toBe(80);
  });

  test("is not sent under a number where the sequence is at its end", () => {
    const { binding } = received(sent(getRequest()).content);
    const none = new MemorySequence({ limit: 0 });
    expect(protectNumberedResponse(server, none, binding, answer())).toBeUndefined();
  });

  test("to one request is none to another", () => {
    const [first, second] = [sent(getRequest(), 1), sent(getRequest(), 2)];
    const { binding } = received(first.content);
    const plain = protectResponse(server, binding, answer());
    const numbered = given(protectNumberedResponse(server, new MemorySequence(), binding, answer()));
    for (const content of [plain, numbered]) {
      expect(unprotectResponse(client, second.binding, content)).toBeUndefined();
      expect(unprotectResponse(client, first.binding, content)).toEqual(answer());
    }
  });

  test("is not the request itself, sent back", () => {
    const request = sent(getRequest());
    expect(unprotectResponse(client, request.binding, request.content)).toBeUndefined();
  });

  test.each([
    ["without an OSCORE option", undefined],
    ["with a malformed one", "0f"],
    ["with a kid context", "1000"],
    ["with a kid that is not the server's", "080a"],
  ])("%s is not taken", (_what, value) => {
    const request = sent(getRequest());
    const content = protectResponse(server, received(request.content).binding, answer());
    const options = value === undefined ? [] : [option(OPTION.oscore, hex(value))];
    expect(unprotectResponse(client, request.binding, { ...content, options })).toBeUndefined();
  });

  test("with the server's kid is taken", () => {
    const request = sent(getRequest());
    const content = protectResponse(server, received(request.content).binding, answer());
    const options = [option(OPTION.oscore, hex("08"))];
    expect(unprotectResponse(client, request.binding, { ...content, options })).toEqual(answer());
  });

  test("of which any bit was changed is not taken", () => {
    const request = sent(getRequest());
    const { binding } = received(request.content);
    const content = given(protectNumberedResponse(server, new MemorySequence(), binding, answer()));
    for (let bit = 0; bit < 8 * content.payload.length; bit++) {
      const payload = content.payload.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
      expect(
        unprotectResponse(client, request.binding, { ...content, payload }),
        `bit ${bit}`,
      ).toBeUndefined();
    }
    const otherNumber = { ...content, options: [option(OPTION.oscore, hex("0101"))] };
    expect(unprotectResponse(client, request.binding, otherNumber)).toBeUndefined();
    const noNumber = { ...content, options: [option(OPTION.oscore)] };
    expect(unprotectResponse(client, request.binding, noNumber)).toBeUndefined();
  });

  test("that is genuine and has a request's code is not taken", () => {
    const request = sent(getRequest());
    const content = protectResponse(server, received(request.content).binding, getRequest());
    expect(unprotectResponse(client, request.binding, content)).toBeUndefined();
  });
});

describe("a notification", () => {
  const registration = (): BoundRequest => sent(getRequest([option(OPTION.observe)]));
  const notification = answer("1", [option(OPTION.observe)]);

  test("always has a number of its own", () => {
    const { binding } = received(registration().content);
    expect(binding.registers).toBe(true);
    expect(() => protectResponse(server, binding, notification)).toThrow("number");
  });

  test("is taken by a client that registered, and by no other", () => {
    for (const [request, taken] of [
      [registration(), true],
      [sent(getRequest([option(OPTION.observe, hex("01"))])), false],
      [sent(getRequest()), false],
    ] as const) {
      const { binding } = received(request.content);
      const content = given(protectNumberedResponse(server, new MemorySequence(), binding, notification));
      expect(unprotectResponse(client, request.binding, content) !== undefined).toBe(taken);
    }
  });

  test("may do without a number, as another implementation's first one does (RFC 8613 4.1.3.5.2)", () => {
    const sealedUnder = (request: BoundRequest): CoapContent => {
      const plaintext = concat(hex("45"), encodeOptionsAndPayload(notification.options, hex("31")));
      const { aad, nonce } = request.binding;
      const payload = nobleEngine.seal(server.aead, server.sender.key, nonce, aad, plaintext);
      return { code: CODE.content, options: [option(OPTION.oscore)], payload };
    };
    const request = registration();
    expect(unprotectResponse(client, request.binding, sealedUnder(request))).toEqual(notification);
    const plain = sent(getRequest());
    expect(unprotectResponse(client, plain.binding, sealedUnder(plain))).toBeUndefined();
  });

  test("is not needed: a plain answer to a registration is taken", () => {
    const request = registration();
    const content = protectResponse(server, received(request.content).binding, answer());
    expect(unprotectResponse(client, request.binding, content)).toEqual(answer());
  });
});
