import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EMPTY, fromText, toHex } from "../../../../firmware/protocol/bytes.ts";
import { decodeMessage, encodeMessage } from "../../../../firmware/protocol/coap/codec.ts";
import {
  CODE,
  type CoapMessage,
  codeKind,
  codeText,
  isCritical,
  OPTION,
  pathOf,
  sortOptions,
} from "../../../../firmware/protocol/coap/message.ts";
import { hex } from "./helpers.ts";

const TEMPERATURE = toHex(fromText("temperature"));
const DEGREES = toHex(fromText("22.3 C"));

function get(type: CoapMessage["type"], messageId: number, token: string): CoapMessage {
  const options = [{ number: OPTION.uriPath, value: fromText("temperature") }];
  return { type, code: CODE.get, messageId, token: hex(token), options, payload: EMPTY };
}

function content(type: CoapMessage["type"], messageId: number, token: string): CoapMessage {
  const payload = fromText("22.3 C");
  return { type, code: CODE.content, messageId, token: hex(token), options: [], payload };
}

function bare(type: CoapMessage["type"], messageId: number): CoapMessage {
  return { type, code: CODE.empty, messageId, token: EMPTY, options: [], payload: EMPTY };
}

const VECTORS: readonly [string, string, CoapMessage][] = [
  ["RFC 7252 figure 16, request", `40017d34bb${TEMPERATURE}`, get("CON", 0x7d34, "")],
  ["RFC 7252 figure 16, answer", `60457d34ff${DEGREES}`, content("ACK", 0x7d34, "")],
  ["RFC 7252 figure 17, request", `41017d3520bb${TEMPERATURE}`, get("CON", 0x7d35, "20")],
  ["RFC 7252 figure 17, answer", `61457d3520ff${DEGREES}`, content("ACK", 0x7d35, "20")],
  ["RFC 7252 figure 20, empty ACK", "60007d38", bare("ACK", 0x7d38)],
  ["RFC 7252 figure 20, separate answer", `4145ad7b53ff${DEGREES}`, content("CON", 0xad7b, "53")],
  ["RFC 7252 figure 22, request", `51017d4075bb${TEMPERATURE}`, get("NON", 0x7d40, "75")],
  ["RFC 7252 figure 22, answer", `5145ad7d75ff${DEGREES}`, content("NON", 0xad7d, "75")],
  ["RFC 7252 figure 21, RST", "7000ad7c", bare("RST", 0xad7c)],
];

describe("a CoAP message", () => {
  test.each(VECTORS)("reads and writes byte for byte: %s", (_, bytes, message) => {
    expect(toHex(encodeMessage(message))).toBe(bytes);
    expect(decodeMessage(hex(bytes))).toEqual(message);
  });

  test("from another implementation (aiocoap, protected by OSCORE) is read", () => {
    const bytes = hex("4202029b11f2930a01f4ff429ccc29891f20a78a1bdd68ae7b");
    expect(decodeMessage(bytes)).toEqual({
      type: "CON",
      code: CODE.post,
      messageId: 0x029b,
      token: hex("11f2"),
      options: [{ number: OPTION.oscore, value: hex("0a01f4") }],
      payload: hex("429ccc29891f20a78a1bdd68ae7b"),
    });
  });

  test.each([
    [12, 0, "c0"],
    [13, 13, `dd0000${"61".repeat(13)}`],
    [268, 12, `dcff${"61".repeat(12)}`],
    [269, 268, `ed0000ff${"61".repeat(268)}`],
    [65535, 269, `eefef20000${"61".repeat(269)}`],
  ])("has option %i of %i bytes with the shortest head", (number, length, option) => {
    const options = [{ number, value: new Uint8Array(length).fill(0x61) }];
    const message: CoapMessage = { ...bare("NON", 1), code: CODE.get, options };
    expect(toHex(encodeMessage(message))).toBe(`50010001${option}`);
    expect(decodeMessage(hex(`50010001${option}`))).toEqual(message);
  });

  test("survives the way there and back, whatever is in it", () => {
    const option = fc.record({
      number: fc.integer({ min: 0, max: 65535 }),
      value: fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ minLength: 260, maxLength: 300 })),
    });
    const message = fc.record({
      type: fc.constantFrom("CON" as const, "NON" as const, "ACK" as const, "RST" as const),
      code: fc.integer({ min: 1, max: 255 }),
      messageId: fc.integer({ min: 0, max: 65535 }),
      token: fc.uint8Array({ maxLength: 8 }),
      options: fc.array(option, { maxLength: 12 }).map(sortOptions),
      payload: fc.uint8Array({ maxLength: 40 }),
    });
    const property = fc.property(message, (original) => {
      expect(decodeMessage(encodeMessage(original))).toEqual(original);
    });
    fc.assert(property, { seed: 7252, numRuns: 250 });
  });

  test("that was read is written as the same bytes, but for the form of its option heads", () => {
    const property = fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const message = decodeMessage(Uint8Array.of(0x41, ...bytes));
      if ("error" in message) return;
      expect(decodeMessage(encodeMessage(message))).toEqual(message);
    });
    fc.assert(property, { seed: 7252, numRuns: 400 });
  });
});

describe("bytes that are no CoAP message", () => {
  test.each([
    ["nothing", "", { error: "too-short" }],
    ["three bytes", "400100", { error: "too-short" }],
    ["version 0", "00010001", { error: "version" }],
    ["version 2", "80010001", { error: "version" }],
    ["version 3", "c0010001", { error: "version" }],
    ["a token length of 9", `4901abcd${"00".repeat(9)}`, { error: "token", confirmableId: 0xabcd }],
    ["a token length of 15", `4f01abcd${"00".repeat(15)}`, { error: "token", confirmableId: 0xabcd }],
    ["a token cut short", "4401abcd010203", { error: "token", confirmableId: 0xabcd }],
    ["an empty message with a token", "4100abcd01", { error: "empty", confirmableId: 0xabcd }],
    ["an empty message with bytes after it", "4000abcd00", { error: "empty", confirmableId: 0xabcd }],
    ["an option value cut short", "4001abcdb3aabb", { error: "option", confirmableId: 0xabcd }],
    ["an extended delta cut off", "4001abcdd0", { error: "option", confirmableId: 0xabcd }],
    ["an extended delta of two bytes cut short", "4001abcde000", { error: "option", confirmableId: 0xabcd }],
    ["an extended length cut off", "4001abcd0d", { error: "option", confirmableId: 0xabcd }],
    ["an extended length of two bytes cut short", "4001abcd0e00", { error: "option", confirmableId: 0xabcd }],
    ["the reserved delta 15", "4001abcdf0", { error: "option", confirmableId: 0xabcd }],
    ["the reserved length 15", "4001abcd0f", { error: "option", confirmableId: 0xabcd }],
    ["option number 65536", "4001abcde0fef310", { error: "option", confirmableId: 0xabcd }],
    ["an option number far above", "4001abcde0ffffe0ffff", { error: "option", confirmableId: 0xabcd }],
    ["65 options", `4001abcd${"00".repeat(65)}`, { error: "option", confirmableId: 0xabcd }],
    ["a marker without a payload", "4001abcdff", { error: "payload", confirmableId: 0xabcd }],
  ])("are refused: %s", (_, bytes, error) => {
    expect(decodeMessage(hex(bytes))).toEqual(error);
  });

  test("name a Message ID to reset only where they are confirmable", () => {
    for (const first of ["59", "69", "79"]) {
      expect(decodeMessage(hex(`${first}01abcd${"00".repeat(9)}`))).toEqual({ error: "token" });
    }
  });

  test("are told from the longest messages that are just allowed", () => {
    expect(decodeMessage(hex(`4801abcd${"00".repeat(8)}`))).toMatchObject({ token: new Uint8Array(8) });
    expect(decodeMessage(hex(`4001abcd${"00".repeat(64)}`))).toMatchObject({ messageId: 0xabcd });
    expect(decodeMessage(hex("4001abcde0fef2"))).toMatchObject({
      options: [{ number: 65535, value: EMPTY }],
    });
  });
});

describe("writing a message", () => {
  test.each([
    ["a token of 9 bytes", { token: new Uint8Array(9) }],
    ["a Message ID of 65536", { messageId: 65536 }],
    ["a negative Message ID", { messageId: -1 }],
    [
      "options out of order",
      { options: [OPTION.uriPath, OPTION.uriHost].map((number) => ({ number, value: EMPTY })) },
    ],
    ["option 65536", { options: [{ number: 65536, value: EMPTY }] }],
    ["an option value of 65805 bytes", { options: [{ number: 1, value: new Uint8Array(65805) }] }],
  ])("with %s is a bug and throws", (_, wrong) => {
    expect(() => encodeMessage({ ...get("CON", 1, ""), ...wrong })).toThrow();
  });
});

describe("codes and options", () => {
  test("a code belongs to a kind by its class", () => {
    const kinds = { 0: "empty", 1: "request", 31: "request", 32: "reserved", 63: "reserved" } as const;
    for (const [code, kind] of Object.entries(kinds)) expect(codeKind(Number(code))).toBe(kind);
    for (const code of [CODE.created, CODE.content, CODE.badRequest, CODE.proxyingNotSupported]) {
      expect(codeKind(code)).toBe("response");
    }
    for (const code of [0xc0, 0xe1, 0xff]) expect(codeKind(code)).toBe("reserved");
    expect(codeText(CODE.content)).toBe("2.05");
    expect(codeText(CODE.entityTooLarge)).toBe("4.13");
  });

  test("an odd option number is critical", () => {
    expect([OPTION.uriPath, OPTION.oscore].map(isCritical)).toEqual([true, true]);
    expect([OPTION.contentFormat, OPTION.echo].map(isCritical)).toEqual([false, false]);
  });

  test("a path is its segments joined, and none where a segment is no UTF-8", () => {
    const path = (...segments: Uint8Array[]) => ({
      ...bare("CON", 1),
      options: segments.map((value) => ({ number: OPTION.uriPath, value })),
    });
    expect(pathOf(path())).toBe("");
    expect(pathOf(path(fromText(".well-known"), fromText("core")))).toBe(".well-known/core");
    expect(pathOf(path(hex("ff")))).toBeUndefined();
  });
});
