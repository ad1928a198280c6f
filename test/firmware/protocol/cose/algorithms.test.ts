import { expect, test } from "vitest";
import {
  AEAD_NUMBERS,
  aeadByNumber,
  COSE_CURVE_ED25519,
  CURVE_NUMBERS,
} from "../../../../firmware/protocol/cose/algorithms.ts";

test("names have the numbers of the IANA COSE registries", () => {
  expect(AEAD_NUMBERS).toEqual({
    A128GCM: 1,
    "AES-CCM-16-64-128": 10,
    "ChaCha20/Poly1305": 24,
    "AES-CCM-16-128-128": 30,
  });
  expect({ ...CURVE_NUMBERS, Ed25519: COSE_CURVE_ED25519 }).toEqual({ "P-256": 1, X25519: 4, Ed25519: 6 });
});

test("an AEAD is found by its number, and none by that of AES-CCM-64-64-128", () => {
  for (const [name, number] of Object.entries(AEAD_NUMBERS)) expect(aeadByNumber(number)).toBe(name);
  expect(aeadByNumber(12)).toBeUndefined();
});
