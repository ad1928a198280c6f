import { beforeAll, describe, expect, test } from "vitest";
import type { Identity } from "../../../firmware/identity/identity.ts";
import { PUBLIC_SECRETS } from "../../../firmware/identity/public-secrets.ts";
import { isTestKey } from "../../../firmware/identity/test-keys.ts";
import { refusalOf } from "../../../firmware/identity/trust.ts";
import { EMPTY, toHex } from "../../../firmware/protocol/bytes.ts";
import { encodeCcs, type KeyKind } from "../../../firmware/protocol/cose/credential.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { systemRandom } from "../../../hal/node/system-random.ts";
import type { CryptoEngine } from "../../../hal/ports/crypto.ts";
import { constantLoad } from "../../../host-tools/loads/load.ts";
import { singleLine } from "../../../host-tools/world/single-line.ts";
import { configuration } from "../../support/configuration.ts";
import { identity } from "../../support/secured-line.ts";
import { SIGN1 } from "../../vectors/cose/sign1.ts";
import { EXCHANGES } from "../../vectors/crypto/agreement.ts";
import { hex } from "../../vectors/crypto/hex.ts";
import { ED25519 } from "../../vectors/crypto/signatures.ts";
import { TRACE_2, TRACE_3 } from "../../vectors/edhoc/rfc9529.ts";

const KINDS: readonly KeyKind[] = ["P-256", "X25519", "Ed25519"];
const SEEDS = ["M1", "M2", "H", "another", "thief", "a", "b"];
const DEMO_SEEDS = 64;

function publicKeyOf(kind: KeyKind, secret: Uint8Array): Uint8Array[] {
  if (kind === "Ed25519") return [opensslEngine.signingPublicKey("EdDSA", secret)];
  // Not all bytes are a scalar of P-256.
  const usable = opensslEngine.agreementKey(kind, secret);
  return usable === undefined ? [] : [opensslEngine.agreementPublicKey(kind, usable)];
}

function publicKeysOf({ credential: { key, signingKey = EMPTY } }: Identity): Uint8Array[] {
  return [key.publicKey, signingKey];
}

/** The keys of identities as the tests of this repository make them, of each kind. */
function fixtures(): Uint8Array[] {
  const ways = [{ suite: 2 }, { suite: 0 }, { suite: 0, authentication: "signature" }] as const;
  return SEEDS.flatMap((seed) => ways.flatMap((way) => publicKeysOf(identity("meter", "M1", seed, way))));
}

/** What the demonstration makes both ends' keys of, seen as it makes them. */
function demoKeys(seed: number): Uint8Array[] {
  const made: Uint8Array[] = [];
  const crypto: CryptoEngine = {
    ...opensslEngine,
    agreementPublicKey(curve, secretKey) {
      const publicKey = opensslEngine.agreementPublicKey(curve, secretKey);
      made.push(publicKey);
      return publicKey;
    },
    signingPublicKey(signature, secretKey) {
      const publicKey = opensslEngine.signingPublicKey(signature, secretKey);
      made.push(publicKey);
      return publicKey;
    },
  };
  const load = constantLoad("none", 0);
  singleLine({ seed, load, startUtcMs: 0, crypto, baud: 9600, pollIntervalMs: 1000, configuration }).stop();
  expect(made.length).toBeGreaterThanOrEqual(4);
  return made.slice(0, 4);
}

function smallScalars(): Uint8Array[] {
  return [1, 2, 3, 4, 5, 6, 7, 8].flatMap((scalar) => {
    const secret = new Uint8Array(32);
    secret[31] = scalar;
    return publicKeyOf("P-256", secret);
  });
}

/** Of one byte 32 times, and of bytes that count up from 0 or 1. */
function patterns(): Uint8Array[] {
  const secrets = [
    ...Array.from({ length: 256 }, (_, byte) => new Uint8Array(32).fill(byte)),
    ...[0, 1].map((first) => Uint8Array.from({ length: 32 }, (_, i) => first + i)),
  ];
  return KINDS.flatMap((kind) => secrets.flatMap((secret) => publicKeyOf(kind, secret)));
}

/** Public keys that standards print, with the place. */
const PRINTED = [
  ...[TRACE_2, TRACE_3]
    .flatMap((trace) => [trace.publicKeyI, trace.publicKeyR, trace.publicKeyX, trace.publicKeyY])
    .map((key) => ["RFC 9529", hex(key)] as const),
  ...SIGN1.map(({ source, publicKey }) => [source, publicKey] as const),
  ...ED25519.filter(({ source }) => source.startsWith("RFC")).map(
    ({ source, publicKey }) => [source, publicKey] as const,
  ),
  ...EXCHANGES.flatMap(({ source, publicKeys }) => publicKeys.map((key) => [source, key] as const)),
];

let recomputed: readonly Uint8Array[];
beforeAll(() => {
  const demos = Array.from({ length: DEMO_SEEDS }, (_, seed) => demoKeys(seed)).flat();
  recomputed = [...fixtures(), ...demos, ...smallScalars(), ...patterns()];
});

describe("keys whose secrets are public", () => {
  test("the list is of this repository's fixtures, the demonstration and obvious secrets, no more and no less", () => {
    const starts = recomputed.map((key) => toHex(key.length === 65 ? key.slice(1, 6) : key.slice(0, 5)));
    const listed = PUBLIC_SECRETS.join("").match(/.{10}/g) ?? [];
    expect(listed).toEqual([...new Set(starts)].sort());
  });

  test("none of them is taken by the production profile, whatever its credential says, and all by development", () => {
    for (const publicKey of recomputed) {
      expect(isTestKey(publicKey)).toBe(true);
    }
    const { key } = identity("meter", "M1").credential;
    const credential = encodeCcs({ id: "M1", kid: Uint8Array.of(1), key, development: false });
    expect(refusalOf("production", credential)).toMatch(/secret/);
    expect(refusalOf("development", credential)).toBeUndefined();
  });

  test.each(PRINTED)("a key printed in %s is known", (_, publicKey) => {
    expect(isTestKey(publicKey)).toBe(true);
  });

  test("keys of real chance are not among them", () => {
    const made = KINDS.flatMap((kind) =>
      Array.from({ length: 20 }, () => publicKeyOf(kind, systemRandom.bytes(32))).flat(),
    );
    expect(made.length).toBeGreaterThan(50);
    expect(made.filter(isTestKey)).toEqual([]);
  });
});
