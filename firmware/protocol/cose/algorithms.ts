import type { AeadName, CurveName, SignatureName } from "../../../hal/ports/crypto.ts";

/** COSE algorithm numbers of the AEADs (RFC 9053 4.1 to 4.3). */
export const AEAD_NUMBERS: Readonly<Record<AeadName, number>> = {
  A128GCM: 1,
  "AES-CCM-16-64-128": 10,
  "ChaCha20/Poly1305": 24,
  "AES-CCM-16-128-128": 30,
};

/** COSE elliptic curve numbers of the curves for key agreement (RFC 9053 7.1). */
export const CURVE_NUMBERS: Readonly<Record<CurveName, number>> = { "P-256": 1, X25519: 4 };

/** COSE curve number of Ed25519, which only signs (RFC 9053 7.1). */
export const COSE_CURVE_ED25519 = 6;

/** ECDSA on P-256 with SHA-256 (RFC 9053 2.1). */
export const ES256 = -7;

/** COSE algorithm numbers of the signatures (RFC 9053 2.1, 2.2). */
export const SIGNATURE_NUMBERS: Readonly<Record<SignatureName, number>> = { ES256, EdDSA: -8 };

/** The AEAD that the COSE number stands for, or undefined for one that no engine has. */
export function aeadByNumber(number: number): AeadName | undefined {
  return (Object.keys(AEAD_NUMBERS) as AeadName[]).find((name) => AEAD_NUMBERS[name] === number);
}
