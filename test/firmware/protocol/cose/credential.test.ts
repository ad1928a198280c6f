import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../../../firmware/protocol/bytes.ts";
import { type CborValue, encodeCbor } from "../../../../firmware/protocol/cbor.ts";
import {
  type CcsContent,
  credentialHash,
  decodeCcs,
  encodeCcs,
  kidOf,
} from "../../../../firmware/protocol/cose/credential.ts";
import { decodeIdentifier } from "../../../../firmware/protocol/edhoc/identifiers.ts";
import { nobleEngine } from "../../../../hal/crypto/noble.ts";
import { SeededRandom } from "../../../../hal/emulated/seeded-random.ts";
import { opensslEngine } from "../../../../hal/node/openssl.ts";
import { TRACE_3 } from "../../../vectors/edhoc/rfc9529.ts";

function hex(text: string): Uint8Array {
  const bytes = fromHex(text);
  if (bytes === undefined) throw new Error(`no hex: ${text}`);
  return bytes;
}

const x = Uint8Array.from({ length: 32 }, (_, i) => i);
const y = Uint8Array.from({ length: 32 }, (_, i) => 255 - i);
const CONTENTS: readonly CcsContent[] = [
  {
    id: "m-1",
    kid: hex("2b"),
    key: { kind: "P-256", publicKey: Uint8Array.of(4, ...x, ...y) },
    development: false,
  },
  { id: "m-2", kid: hex("07"), key: { kind: "X25519", publicKey: x }, development: true },
  { id: "m-3", kid: hex("abcd"), key: { kind: "Ed25519", publicKey: y }, development: false },
  {
    id: "m-4",
    kid: hex("07"),
    key: { kind: "P-256", publicKey: Uint8Array.of(4, ...x, ...y) },
    development: true,
    signingKey: Uint8Array.of(4, ...y, ...x),
  },
];

describe("a CCS", () => {
  test.each(CONTENTS)("for $key.kind comes back as it was", (content) => {
    const credential = encodeCcs(content);
    expect(credential).toMatchObject(content);
    expect(decodeCcs(credential.bytes)).toEqual(credential);
  });

  test("has its claims and its key in deterministic order, and is referred to by its kid", () => {
    const [p256, x25519] = CONTENTS.map((content) => encodeCcs(content));
    expect(toHex(p256?.bytes ?? x)).toBe(
      `a202636d2d3108a101a5010202412b2001215820${toHex(x)}225820${toHex(y)}`,
    );
    expect(toHex(p256?.idCred ?? x)).toBe("a104412b");
    expect(toHex(x25519?.bytes ?? x)).toBe(`a302636d2d3208a101a401010241072004215820${toHex(x)}3a00010000f5`);
  });

  test("has the key that signs, with its algorithm, beside EDHOC's", () => {
    const [, , , signing] = CONTENTS.map((content) => encodeCcs(content));
    expect(toHex(signing?.bytes ?? x)).toContain(
      `3a00010001a5010203262001215820${toHex(y)}225820${toHex(x)}`,
    );
  });

  test("says inside the authenticated bytes that it is for development", () => {
    const [content] = CONTENTS;
    if (content === undefined) throw new Error("no content");
    const production = encodeCcs(content);
    const development = encodeCcs({ ...content, development: true });
    expect(decodeCcs(production.bytes)?.development).toBe(false);
    expect(decodeCcs(development.bytes)?.development).toBe(true);
    expect(credentialHash(nobleEngine, production)).not.toEqual(credentialHash(nobleEngine, development));
  });

  test.each([
    ["I", "42-50-31-FF-EF-37-32-39", TRACE_3.credI, TRACE_3.publicKeyI, TRACE_3.idCredI],
    ["R", "example.edu", TRACE_3.credR, TRACE_3.publicKeyR, TRACE_3.idCredR],
  ])("of RFC 9529 section 3 is read: CRED_%s", (_role, id, bytes, publicKey, idCred) => {
    const credential = decodeCcs(hex(bytes));
    expect(credential).toMatchObject({ id, bytes: hex(bytes), idCred: hex(idCred), development: false });
    expect(credential?.key.kind).toBe("P-256");
    expect(toHex(credential?.key.publicKey ?? x)).toMatch(new RegExp(`^04${publicKey}.{64}$`));
  });

  test("with a key of the wrong length is a mistake and throws", () => {
    const short = { kind: "P-256", publicKey: x } as const;
    expect(() => encodeCcs({ id: "m", kid: hex("00"), key: short, development: false })).toThrow("32 bytes");
  });
});

describe("bytes are no credential", () => {
  const coseKey: [number, CborValue][] = [
    [1, 2],
    [2, hex("2b")],
    [-1, 1],
    [-2, x],
    [-3, y],
  ];
  const ccs = (key: [number, CborValue][], claims: [number, CborValue][] = []) =>
    encodeCbor(new Map<number, CborValue>([[2, "m"], [8, new Map([[1, new Map(key)]])], ...claims]));
  const changed = (parameter: number, value: CborValue) =>
    ccs(coseKey.map(([label, old]) => [label, label === parameter ? value : old]));
  const without = (parameter: number) => ccs(coseKey.filter(([label]) => label !== parameter));

  const signingKey: [number, CborValue][] = [
    [1, 2],
    [3, -7],
    [-1, 1],
    [-2, y],
    [-3, x],
  ];
  const signing = (change: (parameters: Map<number, CborValue>) => unknown) => {
    const parameters = new Map(signingKey);
    change(parameters);
    return ccs(coseKey, [[-65538, parameters]]);
  };

  test("but these are one, unless they are changed", () => {
    expect(decodeCcs(signing(() => {}))?.signingKey).toEqual(Uint8Array.of(4, ...y, ...x));
    expect(decodeCcs(ccs(coseKey))).toMatchObject({ id: "m", key: { kind: "P-256" } });
  });

  test.each([
    ["nothing", hex("")],
    ["no map", hex("80")],
    ["no subject", encodeCbor(new Map<number, CborValue>([[8, new Map([[1, new Map(coseKey)]])]]))],
    ["a subject that is no text", ccs(coseKey, [[2, 7]])],
    ["no confirmation", encodeCbor(new Map([[2, "m"]]))],
    ["a confirmation that is no COSE_Key", ccs(coseKey, [[8, new Map([[3, hex("00")]])]])],
    ["an expiry, which must not be overlooked", ccs(coseKey, [[4, 1_700_000_000]])],
    ["development: false, which only absence says", ccs(coseKey, [[-65537, false]])],
    ["a signing key that is none", ccs(coseKey, [[-65538, y]])],
    ["a signing key for another algorithm", signing((key) => key.set(3, -8))],
    ["a signing key of another curve", signing((key) => key.set(-1, 2))],
    ["a signing key with a kid", signing((key) => key.set(2, x))],
    ["a signing key with a short y", signing((key) => key.set(-3, x.slice(1)))],
    ["one key for both uses", signing((key) => key.set(-2, x).set(-3, y))],
    ["a key type that is not its curve's", changed(1, 1)],
    ["an unknown curve", changed(-1, 2)],
    ["a short x", changed(-2, x.slice(1))],
    ["y as a sign only", changed(-3, true)],
    ["an empty kid", changed(2, hex(""))],
    ["a kid that is a number", changed(2, 43)],
    ["no kid", without(2)],
    ["no y", without(-3)],
    ["a secret key beside the public one", ccs([...coseKey, [-4, x]])],
    ["bytes behind it", Uint8Array.of(...ccs(coseKey), 0)],
    ["keys out of order", hex(toHex(ccs(coseKey)).replace("010202412b", "02412b0102"))],
    ["far too many bytes", ccs(coseKey, [[2, "m".repeat(500)]])],
  ])("%s", (_what, bytes) => {
    expect(decodeCcs(bytes)).toBeUndefined();
  });
});

describe("a kid", () => {
  test("follows from the key, is one byte on the wire, and takes all such values", () => {
    const random = new SeededRandom("kids");
    const kids = Array.from({ length: 1500 }, () => kidOf(nobleEngine, random.bytes(65)));
    for (const kid of kids) {
      const [byte = 255] = kid;
      expect(decodeIdentifier(byte < 0x20 ? byte : 0x1f - byte)).toEqual(kid);
    }
    expect(new Set(kids.map(toHex)).size).toBe(48);
  });

  test("is the documented one", () => {
    // SHA-256 of 00 01 .. 1f starts with 63 0d: modulo 48 it is 13. Of 32 bytes 02, with 75 87: 39, thus 23 - 39.
    const twos = new Uint8Array(32).fill(2);
    for (const crypto of [nobleEngine, opensslEngine]) {
      expect(toHex(kidOf(crypto, x))).toBe("0d");
      expect(toHex(kidOf(crypto, twos))).toBe("2f");
    }
  });
});
