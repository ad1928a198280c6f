import { hex } from "./hex.ts";

/** NIST SP 800-38A F.5.1, and RFC 3686 6 test vector 2. */
export const AES_CTR = [
  {
    source: "NIST SP 800-38A F.5.1",
    key: hex("2b7e151628aed2a6abf7158809cf4f3c"),
    firstCounter: hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"),
    plaintext: hex(
      "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51" +
        "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
    ),
    ciphertext: hex(
      "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff" +
        "5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee",
    ),
  },
  {
    source: "RFC 3686 6, test vector 2",
    key: hex("7e24067817fae0d743d6ce1f32539163"),
    firstCounter: hex("006cb6dbc0543b59da48d90b00000001"),
    plaintext: hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
    ciphertext: hex("5104a106168a72d9790d41ee8edad388eb2e1efc46da57c8fce630df9141be28"),
  },
];
