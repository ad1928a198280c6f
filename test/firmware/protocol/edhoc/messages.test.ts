import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, fromHex, toHex } from "../../../../firmware/protocol/bytes.ts";
import { decodeCbor } from "../../../../firmware/protocol/cbor.ts";
import {
  decodeCredentialId,
  decodeIdentifier,
  encodeCredentialId,
  encodeIdentifier,
} from "../../../../firmware/protocol/edhoc/identifiers.ts";
import {
  decodeCiphertext,
  decodeError,
  decodeMessage1,
  decodeMessage2,
  decodePlaintext2,
  decodePlaintext3,
  decodePlaintext4,
  encodeCiphertext,
  encodeMessage1,
  encodeMessage2,
  encodePlaintext2,
  encodePlaintext3,
  encodeSuitesError,
  encodeUnspecifiedError,
} from "../../../../firmware/protocol/edhoc/messages.ts";

function hex(text: string): Uint8Array {
  const bytes = fromHex(text);
  if (bytes === undefined) throw new Error(`no hex: ${text}`);
  return bytes;
}

const RUNS = { seed: 9528, numRuns: 250 };
const bytesUpTo = (maxLength: number) => fc.uint8Array({ maxLength });

describe("identifiers", () => {
  test.each([
    ["21", "21"],
    ["0d", "0d"],
    ["18", "4118"],
    ["38", "4138"],
    ["abcd", "42abcd"],
    ["17", "17"],
    ["37", "37"],
    ["1f", "411f"],
    ["", "40"],
    ["ff", "41ff"],
  ])("h'%s' travels as %s (RFC 9528 3.3.2)", (identifier, wire) => {
    expect(toHex(encodeIdentifier(hex(identifier)))).toBe(wire);
    expect(decodeIdentifier(decodeCbor(hex(wire)))).toEqual(hex(identifier));
  });

  test.each(["4121", "4100", "4137", "1818", "3818", "6121", "f5", "80"])("%s is no identifier", (wire) => {
    expect(decodeIdentifier(decodeCbor(hex(wire)))).toBeUndefined();
  });

  test.each([
    ["a10441ff", "41ff"],
    ["a1044121", "21"],
    ["a10440", "40"],
    ["a2044121054101", "a2044121054101"],
    ["a11822822e4879f2a41b510c1f9b", "a11822822e4879f2a41b510c1f9b"],
    ["a1046141", "a1046141"],
  ])("ID_CRED_x %s travels as %s (RFC 9528 3.5.3.2)", (idCred, wire) => {
    expect(toHex(encodeCredentialId(hex(idCred)))).toBe(wire);
    expect(decodeCredentialId(decodeCbor(hex(wire)))).toEqual(hex(idCred));
  });

  test.each(["a1044121", "a10441ff", "a0", "4121", "6161", "f6"])(
    "%s is no ID_CRED_x on the wire",
    (wire) => {
      expect(decodeCredentialId(decodeCbor(hex(wire)))).toBeUndefined();
    },
  );
});

describe("messages and plaintexts come back as they were", () => {
  const ead = fc.constantFrom(
    { bytes: hex(""), isCritical: false },
    { bytes: hex("0041e900"), isCritical: false },
    { bytes: hex("190102420102"), isCritical: false },
    { bytes: hex("0020"), isCritical: true },
  );
  const idCred = fc.constantFrom(...["a1044121", "a10441ff", "a2044121054101", "a1182241aa"].map(hex));
  const fields3 = fc.record({ idCred, proof: bytesUpTo(64), ead });
  const fields2 = fc.record({ connectionId: bytesUpTo(8), idCred, proof: bytesUpTo(64), ead });
  const fields1 = fc.record({
    method: fc.nat(3),
    suites: fc.array(fc.integer({ min: -24, max: 25 }), { minLength: 1, maxLength: 8 }),
    publicKey: bytesUpTo(48),
    connectionId: bytesUpTo(8),
    ead,
  });

  test("message_1", () => {
    fc.assert(
      fc.property(fields1, (message) => {
        expect(decodeMessage1(concat(encodeMessage1(message), message.ead.bytes))).toEqual(message);
      }),
      RUNS,
    );
  });

  test("message_2, message_3 and message_4", () => {
    const publicKey = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const ciphertext = fc.uint8Array({ minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(fc.record({ publicKey, ciphertext }), (message) => {
        expect(decodeMessage2(encodeMessage2(message))).toEqual(message);
        expect(decodeCiphertext(encodeCiphertext(message.ciphertext))).toEqual(message.ciphertext);
      }),
      RUNS,
    );
  });

  test("PLAINTEXT_2, PLAINTEXT_3 and PLAINTEXT_4", () => {
    fc.assert(
      fc.property(fields2, fields3, (plaintext2, plaintext3) => {
        expect(decodePlaintext2(encodePlaintext2(plaintext2))).toEqual(plaintext2);
        expect(decodePlaintext3(encodePlaintext3(plaintext3))).toEqual(plaintext3);
        expect(decodePlaintext4(plaintext3.ead.bytes)).toEqual(plaintext3.ead);
      }),
      RUNS,
    );
  });
});

describe("what is no message", () => {
  const key = `5820${"aa".repeat(32)}`;

  test.each([
    ["nothing", ""],
    ["a method that is text", `613302${key}0e`],
    ["no connection identifier", `0302${key}`],
    ["an empty list of suites", `0380${key}0e`],
    ["a list with one suite", `038102${key}0e`],
    ["a suite that is text", `0382026132${key}0e`],
    ["more suites than there are", `0391${"02".repeat(17)}${key}0e`],
    ["a tag", `03c102${key}0e`],
    ["a float", `03f94000${key}0e`],
    ["EAD_1 that starts with a value", `0302${key}0e4100`],
    ["EAD_1 of two values", `0302${key}0e0041004100`],
    ["more than 2048 bytes", `0302${key}0e005907d8${"00".repeat(2008)}`],
  ])("message_1: %s", (_what, text) => {
    expect(decodeMessage1(hex(text))).toBeUndefined();
  });

  test("message_1 may have up to 2048 bytes", () => {
    const padded = hex(`0302${key}0e005907d7${"00".repeat(2007)}`);
    expect(padded).toHaveLength(2048);
    expect(decodeMessage1(padded)).toMatchObject({ method: 3, ead: { isCritical: false } });
  });

  test("message_1 may have 28 items of external data, and not one more", () => {
    expect(decodeMessage1(hex(`0302${key}0e${"00".repeat(28)}`))).toBeDefined();
    expect(decodeMessage1(hex(`0302${key}0e${"00".repeat(29)}`))).toBeUndefined();
  });

  test.each([
    ["a key and no ciphertext", key],
    ["less than a key", "4100"],
    ["two byte strings", `5821${"aa".repeat(33)}40`],
    ["an error", "0202"],
    ["text", `7821${"61".repeat(33)}`],
  ])("message_2: %s", (_what, text) => {
    expect(decodeMessage2(hex(text))).toBeUndefined();
  });

  test.each(["", "00", "4041", "4040", "6161"])("message_3: %s", (text) => {
    expect(decodeCiphertext(hex(text))).toBeUndefined();
  });

  test.each(["40", "f5", "c1", "00ff"])("PLAINTEXT_4: %s", (text) => {
    expect(decodePlaintext4(hex(text))).toBeUndefined();
  });
});

describe("errors", () => {
  test("have one text, or our suites", () => {
    expect(decodeError(encodeUnspecifiedError())).toEqual({ code: 1, text: "EDHOC failed" });
    expect(toHex(encodeSuitesError([2]))).toBe("0202");
    expect(toHex(encodeSuitesError([9, 8]))).toBe("02820908");
    expect(decodeError(hex("02820908"))).toEqual({ code: 2, suites: [9, 8] });
  });

  test("with other codes are known by their code alone", () => {
    expect(decodeError(hex("03f5"))).toEqual({ code: 3 });
    expect(decodeError(hex("20a0"))).toEqual({ code: -1 });
  });

  test.each(["", "01", "0101", "00f5", "02", "026132", "0280", "028102", "03f5f5", "4101", "01ff"])(
    "are not what %s is",
    (text) => {
      expect(decodeError(hex(text))).toBeUndefined();
    },
  );
});
