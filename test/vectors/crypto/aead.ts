import type { AeadName } from "../../../hal/ports/crypto.ts";
import { hex } from "./hex.ts";

export interface AeadVector {
  readonly source: string;
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  readonly aad: Uint8Array;
  readonly plaintext: Uint8Array;
  readonly sealed: Uint8Array;
}

const vector = (
  source: string,
  key: string,
  nonce: string,
  aad: string,
  plaintext: string,
  sealed: string,
): AeadVector => ({
  source,
  key: hex(key),
  nonce: hex(nonce),
  aad: hex(aad),
  plaintext: hex(plaintext),
  sealed: hex(sealed),
});

const COUNTED_KEY = "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf";
const RANDOM_KEY = "d7828d13b2b0bdc325a76236df93cc6b";
const COUNTED_8 = "0001020304050607";
const COUNTED_12 = "000102030405060708090a0b";

/** RFC 3610 8: header as additional data, then what was encrypted, then the result without the header. */
const rfc3610 = (number: number, ...fields: [string, string, string, string, string]): AeadVector =>
  vector(`RFC 3610 8, packet vector ${number}`, ...fields);

/** The packet vectors with a tag of 8 bytes. */
export const RFC_3610_TAG_8: readonly AeadVector[] = [
  rfc3610(
    1,
    COUNTED_KEY,
    "00000003020100a0a1a2a3a4a5",
    COUNTED_8,
    "08090a0b0c0d0e0f101112131415161718191a1b1c1d1e",
    "588c979a61c663d2f066d0c2c0f989806d5f6b61dac38417e8d12cfdf926e0",
  ),
  rfc3610(
    2,
    COUNTED_KEY,
    "00000004030201a0a1a2a3a4a5",
    COUNTED_8,
    "08090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    "72c91a36e135f8cf291ca894085c87e3cc15c439c9e43a3ba091d56e10400916",
  ),
  rfc3610(
    3,
    COUNTED_KEY,
    "00000005040302a0a1a2a3a4a5",
    COUNTED_8,
    "08090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
    "51b1e5f44a197d1da46b0f8e2d282ae871e838bb64da8596574adaa76fbd9fb0c5",
  ),
  rfc3610(
    4,
    COUNTED_KEY,
    "00000006050403a0a1a2a3a4a5",
    COUNTED_12,
    "0c0d0e0f101112131415161718191a1b1c1d1e",
    "a28c6865939a9a79faaa5c4c2a9d4a91cdac8c96c861b9c9e61ef1",
  ),
  rfc3610(
    5,
    COUNTED_KEY,
    "00000007060504a0a1a2a3a4a5",
    COUNTED_12,
    "0c0d0e0f101112131415161718191a1b1c1d1e1f",
    "dcf1fb7b5d9e23fb9d4e131253658ad86ebdca3e51e83f077d9c2d93",
  ),
  rfc3610(
    6,
    COUNTED_KEY,
    "00000008070605a0a1a2a3a4a5",
    COUNTED_12,
    "0c0d0e0f101112131415161718191a1b1c1d1e1f20",
    "6fc1b011f006568b5171a42d953d469b2570a4bd87405a0443ac91cb94",
  ),
  rfc3610(
    13,
    RANDOM_KEY,
    "00412b4ea9cdbe3c9696766cfa",
    "0be1a88bace018b1",
    "08e8cf97d820ea258460e96ad9cf5289054d895ceac47c",
    "4cb97f86a2a4689a877947ab8091ef5386a6ffbdd080f8e78cf7cb0cddd7b3",
  ),
  rfc3610(
    14,
    RANDOM_KEY,
    "0033568ef7b2633c9696766cfa",
    "63018f76dc8a1bcb",
    "9020ea6f91bdd85afa0039ba4baff9bfb79c7028949cd0ec",
    "4ccb1e7ca981befaa0726c55d378061298c85c92814abc33c52ee81d7d77c08a",
  ),
  rfc3610(
    15,
    RANDOM_KEY,
    "00103fe41336713c9696766cfa",
    "aa6cfa36cae86b40",
    "b916e0eacc1c00d7dcec68ec0b3bbb1a02de8a2d1aa346132e",
    "b1d23a2220ddc0ac900d9aa03c61fcf4a559a4417767089708a776796edb723506",
  ),
  rfc3610(
    16,
    RANDOM_KEY,
    "00764c63b8058e3c9696766cfa",
    "d0d0735c531e1becf049c244",
    "12daac5630efa5396f770ce1a66b21f7b2101c",
    "14d253c3967b70609b7cbb7c499160283245269a6f49975bcadeaf",
  ),
  rfc3610(
    17,
    RANDOM_KEY,
    "00f8b678094e3b3c9696766cfa",
    "77b60f011c03e1525899bcae",
    "e88b6a46c78d63e52eb8c546efb5de6f75e9cc0d",
    "5545ff1a085ee2efbf52b2e04bee1e2336c73e3f762c0c7744fe7e3c",
  ),
  rfc3610(
    18,
    RANDOM_KEY,
    "00d560912d3f703c9696766cfa",
    "cd9044d2b71fdb8120ea60c0",
    "6435acbafb11a82e2f071d7ca4a5ebd93a803ba87f",
    "009769ecabdf48625594c59251e6035722675e04c847099e5ae0704551",
  ),
];

/** Packet vectors with a tag of 10 bytes, which no COSE algorithm has: for the composition itself. */
export const RFC_3610_TAG_10: readonly AeadVector[] = [
  rfc3610(
    7,
    COUNTED_KEY,
    "00000009080706a0a1a2a3a4a5",
    COUNTED_8,
    "08090a0b0c0d0e0f101112131415161718191a1b1c1d1e",
    "0135d1b2c95f41d5d1d4fec185d166b8094e999dfed96c048c56602c97acbb7490",
  ),
  rfc3610(
    12,
    COUNTED_KEY,
    "0000000e0d0c0ba0a1a2a3a4a5",
    COUNTED_12,
    "0c0d0e0f101112131415161718191a1b1c1d1e1f20",
    "c0ffa0d6f05bdb67f24d43a4338d2aa4bed7b20e43cd1aa31662e7ad65d6db",
  ),
  rfc3610(
    24,
    RANDOM_KEY,
    "008d493b30ae8b3c9696766cfa",
    "6e37a6ef546d955d34ab6059",
    "abf21c0b02feb88f856df4a37381bce3cc128517d4",
    "f32905b88a641b04b9c9ffb58cc390900f3da12ab16dce9e82efa16da62059",
  ),
];

const OSCORE_REQUEST_AAD = "8368456e63727970743040488501810a40411440";
const OSCORE_REQUEST = "01b3747631";
const OSCORE_RESPONSE = "45ff48656c6c6f20576f726c6421";

/** The COSE objects of RFC 8613's example messages. */
const RFC_8613: readonly AeadVector[] = [
  vector(
    "RFC 8613 C.4",
    "f0910ed7295e6ad4b54fc793154302ff",
    "4622d4dd6d944168eefb549868",
    OSCORE_REQUEST_AAD,
    OSCORE_REQUEST,
    "612f1092f1776f1c1668b3825e",
  ),
  vector(
    "RFC 8613 C.5",
    "321b26943253c7ffb6003b0b64d74041",
    "bf35ae297d2dace910c52e99ed",
    "8368456e63727970743040498501810a4100411440",
    OSCORE_REQUEST,
    "4ed339a5a379b0b8bc731fffb0",
  ),
  vector(
    "RFC 8613 C.6",
    "af2a1300a5e95788b356336eeecd2b92",
    "2ca58fb85ff1b81c0b7181b84a",
    OSCORE_REQUEST_AAD,
    OSCORE_REQUEST,
    "72cd7273fd331ac45cffbe55c3",
  ),
  vector(
    "RFC 8613 C.7",
    "ffb14e093c94c9cac9471648b4f98710",
    "4622d4dd6d944168eefb549868",
    OSCORE_REQUEST_AAD,
    OSCORE_RESPONSE,
    "dbaad1e9a7e7b2a813d3c31524378303cdafae119106",
  ),
  vector(
    "RFC 8613 C.8",
    "ffb14e093c94c9cac9471648b4f98710",
    "4722d4dd6d944169eefb54987c",
    OSCORE_REQUEST_AAD,
    OSCORE_RESPONSE,
    "4d4c13669384b67354b2b6175ff4b8658c666a6cf88e",
  ),
];

/** McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B. */
const GCM: readonly AeadVector[] = [
  vector(
    "GCM test case 1",
    "00000000000000000000000000000000",
    "000000000000000000000000",
    "",
    "",
    "58e2fccefa7e3061367f1d57a4e7455a",
  ),
  vector(
    "GCM test case 4",
    "feffe9928665731c6d6a8f9467308308",
    "cafebabefacedbaddecaf888",
    "feedfacedeadbeeffeedfacedeadbeefabaddad2",
    `d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
     1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39`,
    `42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e
     21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091
     5bc94fbc3221a5db94fae95ae7121a47`,
  ),
];

const SUNSCREEN =
  "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, " +
  "sunscreen would be it.";

const CHACHA: readonly AeadVector[] = [
  vector(
    "RFC 8439 2.8.2",
    "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
    "070000004041424344454647",
    "50515253c0c1c2c3c4c5c6c7",
    Buffer.from(SUNSCREEN).toString("hex"),
    `d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6
     3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36
     92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc
     3ff4def08e4b7a9de576d26586cec64b6116
     1ae10b594f09e26a7e902ecbd0600691`,
  ),
];

/** Published vectors by algorithm. No RFC has one for a 16-byte tag with a 13-byte nonce. */
export const AEAD_VECTORS: readonly (AeadVector & { readonly aead: AeadName })[] = [
  ...[...RFC_3610_TAG_8, ...RFC_8613].map((one) => ({ aead: "AES-CCM-16-64-128" as const, ...one })),
  ...GCM.map((one) => ({ aead: "A128GCM" as const, ...one })),
  ...CHACHA.map((one) => ({ aead: "ChaCha20/Poly1305" as const, ...one })),
];
