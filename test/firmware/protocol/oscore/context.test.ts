import { describe, expect, test } from "vitest";
import { EMPTY, fromUint, toHex } from "../../../../firmware/protocol/bytes.ts";
import { encodeCbor } from "../../../../firmware/protocol/cbor.ts";
import { AEAD_NUMBERS } from "../../../../firmware/protocol/cose/algorithms.ts";
import {
  additionalData,
  deriveContext,
  nonceOf,
  type OscoreContext,
} from "../../../../firmware/protocol/oscore/context.ts";
import { nobleEngine } from "../../../../hal/crypto/noble.ts";
import { AEAD_LENGTHS, type AeadName } from "../../../../hal/ports/crypto.ts";
import { hex } from "./support.ts";

const AEADS = Object.keys(AEAD_LENGTHS) as AeadName[];

function context(senderId: string, recipientId: string, aead: AeadName = "AES-CCM-16-64-128"): OscoreContext {
  const ids = { senderId: hex(senderId), recipientId: hex(recipientId) };
  return deriveContext(nobleEngine, { masterSecret: hex("bb".repeat(16)), aead, ...ids });
}

describe("a security context", () => {
  test.each(AEADS)("%s gives keys and Common IV of its lengths", (aead) => {
    const { sender, recipient, commonIv } = context("01", "02", aead);
    const { keyBytes, nonceBytes } = AEAD_LENGTHS[aead];
    expect([sender.key.length, recipient.key.length, commonIv.length]).toEqual([
      keyBytes,
      keyBytes,
      nonceBytes,
    ]);
  });

  test.each(AEADS)("%s puts size of the ID, ID and number into the nonce", (aead) => {
    const { sender, commonIv } = context("010203040506", "", aead);
    const plain = nonceOf(sender, hex("aabbccddee")).map((byte, i) => byte ^ (commonIv[i] as number));
    const padding = "00".repeat(AEAD_LENGTHS[aead].nonceBytes - 12);
    expect(toHex(plain)).toBe(`06${padding}010203040506aabbccddee`);
  });

  test.each(AEADS)(
    "%s has the AAD that a plain CBOR encoding gives, for each length of ID and number",
    (aead) => {
      const idBytesMax = AEAD_LENGTHS[aead].nonceBytes - 6;
      for (let idBytes = 0; idBytes <= idBytesMax; idBytes++) {
        const { sender } = context("5a".repeat(idBytes), "00", aead);
        for (const number of [0, 1, 255, 256, 2 ** 16, 2 ** 24, 2 ** 32, 2 ** 40 - 1]) {
          const partialIv = fromUint(number);
          const external = encodeCbor([1, [AEAD_NUMBERS[aead]], sender.id, partialIv, EMPTY]);
          expect(additionalData(sender, partialIv)).toEqual(encodeCbor(["Encrypt0", EMPTY, external]));
        }
      }
    },
  );

  test("takes no ID that is longer than the nonce has room for", () => {
    expect(() => context("01".repeat(7), "")).not.toThrow();
    expect(() => context("01".repeat(8), "")).toThrow();
    expect(() => context("", "01".repeat(7), "A128GCM")).toThrow();
  });

  test("takes no two equal IDs, as both ends would then use the same nonces", () => {
    expect(() => context("01", "01")).toThrow();
    expect(() => context("", "")).toThrow();
  });

  test("an ID of zero bytes, of one zero and of two are three different ones", () => {
    const nonces = ["", "00", "0000"].map((id) => toHex(nonceOf(context(id, "01").sender, hex("00"))));
    expect(new Set(nonces).size).toBe(3);
  });
});
