import { describe, expect, test } from "vitest";
import { fromHex, fromText, fromUint } from "../../../firmware/protocol/bytes.ts";
import { encodeMessage } from "../../../firmware/protocol/coap/codec.ts";
import { CODE, FORMAT, OPTION, resourceRequest } from "../../../firmware/protocol/coap/message.ts";
import { encodeOscoreOption } from "../../../firmware/protocol/oscore/option.ts";
import { encodeClockSet } from "../../../firmware/protocol/readings/clock-reading.ts";
import { encodeEventRequest } from "../../../firmware/protocol/readings/event-reading.ts";
import { encodeRegisterRequest } from "../../../firmware/protocol/readings/register-reading.ts";
import { EMPTY_TARIFF_TABLE } from "../../../firmware/protocol/readings/tariff.ts";
import { encodeTariffPlan } from "../../../firmware/protocol/readings/tariff-table.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { encodeBundle } from "../../../host-tools/dap/forward/bundle.ts";
import { ContextPair } from "../../../host-tools/decode/context-pair.ts";
import { Explainer, type Layer } from "../../../host-tools/decode/explain.ts";
import { readContextFile } from "../../../host-tools/oscore-context/context-file.ts";

function explain(hex: string, explainer = new Explainer()): Layer[] {
  return explainer.explain(fromHex(hex) ?? new Uint8Array());
}

function withContext(file: object): Explainer {
  const context = readContextFile(JSON.stringify(file));
  if ("error" in context) throw new Error(context.error);
  return new Explainer(new ContextPair(opensslEngine, context));
}

describe("frames on a line", () => {
  test("a slipmux frame is explained down to its CoAP message", () => {
    expect(explain("c0a94101 1234 dbdc b16d 8303 c0")).toEqual([
      { layer: "slipmux", fields: { type: "CoAP", bytes: 10, fcs: "holds" } },
      {
        layer: "coap",
        fields: expect.objectContaining({
          type: "CON",
          "message id": 0x1234,
          token: "c0",
          code: "0.01 GET",
          path: "/m",
        }),
      },
    ]);
  });

  test("several frames in a row are explained one by one", () => {
    const layers = explain("c00a48656c6c6f20576f726c6421c0c0a940010000bc38c0");
    expect(layers.map(({ layer, fields }) => [layer, fields["type"]])).toEqual([
      ["slipmux", "diagnostic"],
      ["slipmux", "CoAP"],
      ["coap", "CON"],
    ]);
    expect(layers[0]?.fields["text"]).toBe("Hello World!");
  });

  test.each([
    ["a damaged FCS", "c0a940010000bc39c0", "the FCS does not hold"],
    ["another frame type", "c0450000c0", "a type that is not served"],
    ["no whole frame", "c0a94001", "no whole frame"],
    ["a token length that no message has", "4f010000", "no CoAP message (token)"],
    ["nothing much", "00", "no CoAP message (too-short)"],
  ])("%s is named", (_, hex, error) => {
    expect(explain(hex).at(-1)?.fields["error"]).toBe(error);
  });
});

describe("protected messages", () => {
  // RFC 8613 C.4 and C.7.
  const request = "44025d1f00003974396c6f63616c686f7374620914ff612f1092f1776f1c1668b3825e";
  const answer = "64445d1f0000397490ffdbaad1e9a7e7b2a813d3c31524378303cdafae119106";
  const secret = "0102030405060708090a0b0c0d0e0f10";
  const file = { masterSecret: secret, masterSalt: "9e7ca92223786340", senderId: "", recipientId: "01" };

  test("without keys one sees method class, names for proxies, number, kid and sizes, and nothing inside", () => {
    const layers = explain(request);
    expect(layers.map(({ layer }) => layer)).toEqual(["coap", "oscore"]);
    expect(layers[0]?.fields).toMatchObject({
      code: "0.02 POST",
      options: "Uri-Host localhost, OSCORE 0914",
    });
    expect(layers[1]?.fields).toEqual({ "partial IV": 20, kid: "", "ciphertext bytes": 13 });
    expect(JSON.stringify(layers)).not.toContain("tv1");
  });

  test.each([
    ["as the client sees it", file],
    ["as the server sees it", { ...file, senderId: "01", recipientId: "" }],
  ])("with the context %s, request and answer are opened", (_, context) => {
    const explainer = withContext(context);
    expect(explain(request, explainer).at(-1)).toEqual({
      layer: "plaintext",
      fields: { code: "0.01 GET", path: "/tv1", options: "Uri-Host localhost" },
    });
    expect(explain(answer, explainer).slice(-2)).toEqual([
      { layer: "plaintext", fields: { code: "2.05", "payload bytes": 12 } },
      { layer: "bytes", fields: { text: "Hello World!" } },
    ]);
  });

  test("with another context, and for an answer whose request was not seen, it says so", () => {
    const other = withContext({ ...file, masterSecret: "00" });
    expect(explain(request, other).at(-1)?.fields["error"]).toBe("these keys do not open it");
    expect(explain(answer, withContext(file)).at(-1)?.fields["error"]).toBe("these keys do not open it");
  });

  test.each([
    ["{}", "is no OSCORE context file"],
    ["no JSON", "is not JSON"],
    [JSON.stringify({ ...file, masterSecret: "xyz" }), "is no text of hex digits"],
    [JSON.stringify({ ...file, algorithm: 99 }), "names COSE algorithm 99"],
    [JSON.stringify({ ...file, recipientId: "" }), "has the same ID for both ends"],
    [JSON.stringify({ ...file, more: 1 }), "is no OSCORE context file"],
  ])("the context file %s is refused with a reason", (text, reason) => {
    expect(readContextFile(text)).toEqual({ error: expect.stringContaining(reason) });
  });
});

describe("EDHOC", () => {
  // RFC 9529 chapter 3, as CoAP carries it (RFC 9528 appendix A.2).
  const message1 = "0382060258208af6f430ebe18d34184017a9a11bf511c8dff8f834730b96c1b7c8dbca2fc3b637";
  const message2 =
    "582b419701d7f00a26c2dc587a36dd752549f33763c893422c8ea0f955a13a4ff5d59862a1eef9e0e7e1886fcd";

  test("message_1 shows method, suites, the ephemeral key and C_I", () => {
    const [, edhoc] = explain(`41020001aab16b1141fff5${message1}`);
    expect(edhoc).toEqual({
      layer: "edhoc",
      fields: {
        message: "message_1",
        method: 3,
        suites: "6 2",
        G_X: "8af6f430ebe18d34184017a9a11bf511c8dff8f834730b96c1b7c8dbca2fc3b6",
        C_I: "37",
      },
    });
  });

  test("message_2 shows the other ephemeral key and no more", () => {
    const [, edhoc] = explain(`61440001aac140ff${message2}`);
    expect(edhoc?.fields).toMatchObject({ message: "message_2", "ciphertext bytes": 11 });
  });

  test("an EDHOC error shows its code and text", () => {
    const [, edhoc] = explain("61800001aac140ff016c4544484f43206661696c6564");
    expect(edhoc?.fields).toMatchObject({ message: "error", code: 1, text: "EDHOC failed" });
  });
});

test("a CBOR body is written in diagnostic notation", () => {
  const [, cbor] = explain("61450001aac13cff84011920d843010203a1016161");
  expect(cbor).toEqual({ layer: "cbor", fields: { text: "[1, 8408, h'010203', {1: \"a\"}]" } });
});

test("a block is written as RFC 7959 writes it, and one that is none as its bytes", () => {
  const options = [
    { number: OPTION.etag, value: Uint8Array.of(1, 2) },
    { number: OPTION.block2, value: Uint8Array.of(0x2d) },
    { number: OPTION.block1, value: Uint8Array.of(0x07) },
    { number: OPTION.size1, value: Uint8Array.of(12, 0) },
  ];
  const content = { code: CODE.content, options, payload: new Uint8Array(0) };
  const [coap] = new Explainer().explainMessage(
    encodeMessage({ ...content, type: "ACK", messageId: 1, token: Uint8Array.of(1) }),
  );
  expect(coap?.fields["options"]).toBe("ETag 0102, Block2 2/1/512, Block1 07, Size1 3072");
});

test("a SenML pack is written in diagnostic notation too, its fractions as numbers", () => {
  const [, cbor] = explain("61450001aac170ff81a102c482201908fd");
  expect(cbor).toEqual({ layer: "cbor", fields: { text: "[{2: 230.1}]" } });
});

test.each([
  ["r", CODE.fetch, encodeRegisterRequest(["1-0:1.8.0*255"]), "[0]"],
  ["e", CODE.fetch, encodeEventRequest({ log: "fraud", from: 7, count: 32 }), "[2, 7, 32]"],
  [
    "c",
    CODE.put,
    encodeClockSet({ utcMs: 1000, challenge: new Uint8Array(8) }),
    "[1000, h'0000000000000000']",
  ],
  ["t", CODE.put, encodeTariffPlan({ active: EMPTY_TARIFF_TABLE }), "[[[], [], [], []]]"],
] as const)("a body of %s is told with its resource", (path, code, body, text) => {
  const message = {
    type: "CON" as const,
    messageId: 1,
    token: Uint8Array.of(1),
    ...resourceRequest(code, path, body),
  };
  const [coap, cbor] = new Explainer().explainMessage(encodeMessage(message));
  expect(coap?.fields["path"]).toBe(`/${path}`);
  expect(cbor).toEqual({ layer: "cbor", fields: { text } });
});

describe("what a DAP sees of groups", () => {
  const hex = (message: Parameters<typeof encodeMessage>[0]): Layer[] =>
    new Explainer().explain(encodeMessage(message));
  const header = { type: "CON", messageId: 1, token: Uint8Array.of(1) } as const;

  test("of a request for all: the group's name, its Gid, the head-end's number and kid, sizes, and nothing inside", () => {
    const option = encodeOscoreOption({
      ...{ partialIv: Uint8Array.of(5), kid: Uint8Array.of(0) },
      ...{ kidContext: Uint8Array.of(1, 2, 3, 4), isGroupMode: true },
    });
    const options = [
      { number: OPTION.uriHost, value: fromText("B7") },
      { number: OPTION.oscore, value: option },
      { number: OPTION.delayTolerance, value: Uint8Array.of(60) },
      { number: OPTION.bundle, value: new Uint8Array() },
      { number: OPTION.multicastTimeout, value: Uint8Array.of(30) },
    ];
    const layers = hex({ ...header, code: CODE.post, options, payload: new Uint8Array(70) });
    expect(layers).toEqual([
      {
        layer: "coap",
        fields: expect.objectContaining({
          code: "0.02 POST",
          options: "Uri-Host B7, OSCORE 3905040102030400, Delay-Tolerance 60, Bundle, Multicast-Timeout 30",
        }),
      },
      {
        layer: "oscore",
        fields: {
          "partial IV": 5,
          kid: "00",
          Gid: "01020304",
          mode: "for all of a group, signed",
          "ciphertext bytes": 6,
          "signature bytes": 64,
        },
      },
    ]);
  });

  test("of a bundle: who has answered by which kid and at what length, who has not, and why", () => {
    const answered = {
      ...{ alias: "M1", code: CODE.changed, payload: new Uint8Array(18) },
      oscoreOption: encodeOscoreOption({
        partialIv: undefined,
        kidContext: undefined,
        kid: Uint8Array.of(1),
      }),
    };
    const refused = {
      alias: "M2",
      code: CODE.unauthorized,
      oscoreOption: undefined,
      payload: new Uint8Array(),
    };
    const payload = encodeBundle({
      answers: [answered, refused],
      missing: [{ alias: "M3", reason: "no-answer" }],
    });
    const format = { number: OPTION.contentFormat, value: fromUint(FORMAT.bundle) };
    const layers = hex({ ...header, code: CODE.content, options: [format], payload });
    expect(layers.slice(1)).toEqual([
      { layer: "bundle", fields: { bytes: payload.length, answers: 2, missing: 1 } },
      { layer: "bundled", fields: { alias: "M1", code: "2.04", kid: "01", "ciphertext bytes": 18 } },
      { layer: "bundled", fields: { alias: "M2", code: "4.01", "payload bytes": 0 } },
      { layer: "missing", fields: { alias: "M3", reason: "no-answer" } },
    ]);
  });

  test("a bundle that is none is shown as bytes", () => {
    const format = { number: OPTION.contentFormat, value: fromUint(FORMAT.bundle) };
    const layers = hex({ ...header, code: CODE.content, options: [format], payload: Uint8Array.of(0x80) });
    expect(layers.at(-1)).toEqual({ layer: "bytes", fields: { hex: "80" } });
  });
});
