import { hex } from "./hex.ts";

/** FIPS 180-2 B.1 and B.2, and the empty message. */
export const SHA_256 = [
  { message: "", digest: hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855") },
  { message: "abc", digest: hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") },
  {
    message: "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
    digest: hex("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
  },
];

const countedBytes = (first: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => first + index);

/** RFC 5869 A.1 to A.3. */
export const HKDF_SHA_256 = [
  {
    source: "RFC 5869 A.1",
    inputKeyingMaterial: new Uint8Array(22).fill(0x0b),
    salt: countedBytes(0, 13),
    info: countedBytes(0xf0, 10),
    pseudorandomKey: hex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"),
    output: hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"),
  },
  {
    source: "RFC 5869 A.2",
    inputKeyingMaterial: countedBytes(0, 80),
    salt: countedBytes(0x60, 80),
    info: countedBytes(0xb0, 80),
    pseudorandomKey: hex("06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244"),
    output: hex(`b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c
                 59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71
                 cc30c58179ec3e87c14c01d5c1f3434f1d87`),
  },
  {
    source: "RFC 5869 A.3",
    inputKeyingMaterial: new Uint8Array(22).fill(0x0b),
    salt: new Uint8Array(0),
    info: new Uint8Array(0),
    pseudorandomKey: hex("19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04"),
    output: hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"),
  },
];
