import { describe, expect, test } from "vitest";
import { identityIssued, readCwtFile, writeCwtFile } from "../../../../firmware/identity/cwt-file.ts";
import { Identity, rotatedIdentity } from "../../../../firmware/identity/identity.ts";
import { concat, toHex } from "../../../../firmware/protocol/bytes.ts";
import { type CborValue, decodeCbor, encodeCbor } from "../../../../firmware/protocol/cbor.ts";
import { claimsOf } from "../../../../firmware/protocol/cose/credential.ts";
import {
  cwtOf,
  decodeCredential,
  decodeCwt,
  isSignedBy,
  signCwt,
} from "../../../../firmware/protocol/cose/cwt.ts";
import { decodeSign1, signSign1 } from "../../../../firmware/protocol/cose/sign1.ts";
import { nobleEngine } from "../../../../hal/crypto/noble.ts";
import { SeededRandom } from "../../../../hal/emulated/seeded-random.ts";
import { opensslEngine } from "../../../../hal/node/openssl.ts";
import { identity } from "../../../support/secured-line.ts";
import { SIGN1 } from "../../../vectors/cose/sign1.ts";
import { hex } from "../../../vectors/crypto/hex.ts";

const meter = identity("meter", "M1");
const issuer = identity("issuer", "CA", "another");
const ISSUE = {
  ...{ issuer: "CA", role: "meter" },
  ...{ issuedAtSeconds: 1_795_478_400, expiresAtSeconds: 1_827_014_400 },
};
const issued = signCwt(opensslEngine, issuer.signingSecretKey, meter.credential, ISSUE);
const issuerKey = issuer.credential.signingKey ?? hex("");

/** A CWT of these claims, signed by the issuer. */
function cwt(change: (claims: Map<number | string, CborValue>) => unknown): Uint8Array {
  const claims = new Map<number | string, CborValue>(claimsOf(meter.credential));
  for (const [claim, value] of [
    [1, "CA"],
    [4, ISSUE.expiresAtSeconds],
    [6, ISSUE.issuedAtSeconds],
    [-65539, "meter"],
  ] as const)
    claims.set(claim, value);
  change(claims);
  return signSign1(opensslEngine, issuer.signingSecretKey, hex(""), encodeCbor(claims));
}

describe("a credential that an issuer has signed", () => {
  test("says what the credential says, and by whom and for how long", () => {
    const { id, kid, key, signingKey, development } = meter.credential;
    expect(issued).toMatchObject({ id, kid, key, signingKey, development, ...ISSUE });
    expect(decodeCwt(issued.bytes)).toEqual(issued);
    expect(decodeCredential(issued.bytes)).toEqual(issued);
    expect(decodeCwt(cwt(() => {}))).toMatchObject({ id, ...ISSUE });
  });

  test("is an untagged COSE_Sign1, and goes by value under kcwt", () => {
    expect(toHex(issued.idCred.slice(0, 2))).toBe("a10d");
    expect(toHex(issued.idCred.slice(2))).toBe(toHex(issued.bytes));
    expect(cwtOf(issued.idCred)).toEqual(issued.bytes);
    expect(cwtOf(meter.credential.idCred)).toBeUndefined();
    expect(cwtOf(hex("a10d"))).toBeUndefined();
    expect(issued.bytes.length).toBeLessThan(360);
  });

  test.each([nobleEngine, opensslEngine])(
    "holds under its issuer's key, and under no other ($name)",
    (crypto) => {
      expect(isSignedBy(crypto, issuerKey, issued)).toBe(true);
      expect(isSignedBy(crypto, meter.credential.signingKey ?? hex(""), issued)).toBe(false);
      expect(isSignedBy(crypto, issuer.credential.key.publicKey, issued)).toBe(false);
    },
  );

  test("of RFC 8392 is none of ours: it has no key", () => {
    const [, , example] = SIGN1;
    expect(decodeSign1(example?.sign1 ?? hex(""))).toBeDefined();
    expect(decodeCwt(example?.sign1 ?? hex(""))).toBeUndefined();
  });

  test("has one form: bits of it changed are no credential, or none that holds", () => {
    for (let bit = 0; bit < 8 * issued.bytes.length; bit += 3) {
      const changed = issued.bytes.slice();
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      const read = decodeCwt(changed);
      expect(read !== undefined && isSignedBy(opensslEngine, issuerKey, read)).toBe(false);
    }
  });

  test.each<[string, Uint8Array]>([
    ["no expiry", cwt((claims) => claims.delete(4))],
    ["no time of issue", cwt((claims) => claims.delete(6))],
    ["no issuer", cwt((claims) => claims.delete(1))],
    ["no role", cwt((claims) => claims.delete(-65539))],
    ["an issuer that is a number", cwt((claims) => claims.set(1, 1))],
    ["an expiry that is text", cwt((claims) => claims.set(4, "never"))],
    ["no key", cwt((claims) => claims.delete(8))],
    ["a subject that is a number", cwt((claims) => claims.set(2, 1))],
    ["an audience, which must not be overlooked", cwt((claims) => claims.set(3, "them"))],
    ["a time before which it does not hold", cwt((claims) => claims.set(5, 2_000_000_000))],
    ["claims that are an array", signSign1(opensslEngine, issuer.signingSecretKey, hex(""), hex("80"))],
    ["a tag", concat(hex("d2"), issued.bytes)],
    ["a CCS", meter.credential.bytes],
    ["far too many bytes", cwt((claims) => claims.set(1, "C".repeat(400)))],
  ])("is not one with %s", (_, bytes) => {
    expect(decodeCwt(bytes)).toBeUndefined();
  });

  test("that cannot be is not signed", () => {
    const issue = { ...ISSUE, issuer: "C".repeat(500) };
    expect(() => signCwt(opensslEngine, issuer.signingSecretKey, meter.credential, issue)).toThrow(
      "credential",
    );
  });
});

describe("the file of a signed credential", () => {
  test("gives it back, and makes its party known by it", () => {
    const read = readCwtFile(writeCwtFile(issued));
    expect(read).toEqual(issued);
    const known = identityIssued(meter, issued);
    expect(known instanceof Identity && known.credential).toEqual(issued);
    expect(known instanceof Identity && known.secretKey).toEqual(meter.secretKey);
  });

  test.each([
    ["is no file of a signed credential", "{"],
    ["is no file of a signed credential", '"cwt"'],
    ["is no file of a signed credential", JSON.stringify({ meterbench: "credential" })],
    ["has no signed credential that can be read", JSON.stringify({ meterbench: "cwt", cwt: "80" })],
    ["has no signed credential that can be read", JSON.stringify({ meterbench: "cwt" })],
    ["has names that are none", writeCwtFile({ ...issued, bytes: cwt((claims) => claims.set(2, "../x")) })],
    [
      "has names that are none",
      writeCwtFile({ ...issued, bytes: cwt((claims) => claims.set(-65539, "king")) }),
    ],
  ])("%s", (error, text) => {
    expect(readCwtFile(text)).toEqual({ error });
  });

  test("of before a rotation is not shown, and keeps nobody from starting", () => {
    const rotated = rotatedIdentity(opensslEngine, new SeededRandom("next"), meter);
    expect(identityIssued(rotated, issued)).toBe(rotated);
  });

  test("of somebody else, or of another role, is no party's", () => {
    expect(identityIssued(identity("meter", "M2"), issued)).toEqual({ error: "is not of the key of M2" });
    expect(identityIssued(identity("meter", "M1", "M2"), issued)).toEqual({
      error: "is not of the key of M1",
    });
    expect(identityIssued(identity("head-end", "M1"), issued)).toEqual({
      error: "is of a meter, and the key is a head-end's",
    });
  });
});

test("an ID_CRED_x with a CWT in it comes back from the map that carries it", () => {
  const header = decodeCbor(issued.idCred);
  expect(header instanceof Map && encodeCbor(header.get(13) ?? null)).toEqual(issued.bytes);
});
