import { hex } from "./hex.ts";

/** RFC 7748 5.2: scalar times u coordinate. The second has the u coordinate's unused top bit set. */
export const X25519_PRODUCTS = [
  {
    scalar: hex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
    u: hex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"),
    product: hex("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"),
  },
  {
    scalar: hex("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d"),
    u: hex("e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493"),
    product: hex("95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"),
  },
];

/** RFC 7748 5.2: both scalar and u start as 9; each round's scalar is the next round's u. */
export const X25519_ITERATED = {
  start: hex(`09${"00".repeat(31)}`),
  after1: hex("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"),
  after1000: hex("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"),
};

interface Exchange {
  readonly source: string;
  readonly curve: "X25519" | "P-256";
  readonly secretKeys: readonly [Uint8Array, Uint8Array];
  readonly publicKeys: readonly [Uint8Array, Uint8Array];
  readonly shared: Uint8Array;
}

export const EXCHANGES: readonly Exchange[] = [
  {
    source: "RFC 7748 6.1",
    curve: "X25519",
    secretKeys: [
      hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"),
      hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"),
    ],
    publicKeys: [
      hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"),
      hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"),
    ],
    shared: hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"),
  },
  {
    source: "RFC 5903 8.1",
    curve: "P-256",
    secretKeys: [
      hex("c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433"),
      hex("c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53"),
    ],
    publicKeys: [
      hex(`04 dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180
              5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3`),
      hex(`04 d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63
              56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab`),
    ],
    shared: hex("d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"),
  },
];

/** Little-endian u coordinates of order 1, 2, 4 and 8 on Curve25519 and its twist, and their other encodings. */
export const X25519_LOW_ORDER: readonly Uint8Array[] = [
  hex("00".repeat(32)),
  hex(`01${"00".repeat(31)}`),
  hex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
  hex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
  hex(`ec${"ff".repeat(30)}7f`),
  hex(`ed${"ff".repeat(30)}7f`),
  hex(`ee${"ff".repeat(30)}7f`),
  hex(`${"00".repeat(31)}80`),
  hex(`ee${"ff".repeat(31)}`),
];

/** Order n of P-256, and the prime p of its field (SEC 2 2.4.2). */
export const P256_N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
export const P256_P = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;
