// Public keys whose secrets anybody can know: nobody's identity.
import { toHex } from "../protocol/bytes.ts";
import { KEY_START_BYTES, PUBLIC_SECRETS } from "./public-secrets.ts";

/** Printed in standards. 32 bytes each: the x-coordinate for P-256, the whole key for X25519 and Ed25519. */
const PRINTED_KEYS: readonly string[] = [
  // RFC 9529 chapter 3: static and ephemeral keys of both ends (P-256).
  "ac75e9ece3e50bfc8ed60399889522405c47bf16df96660a41298cb4307f7eb6",
  "bbc34960526ea4d32e940cad2a234148ddc21791a12afbcbac93622046dd44f0",
  "8af6f430ebe18d34184017a9a11bf511c8dff8f834730b96c1b7c8dbca2fc3b6",
  "419701d7f00a26c2dc587a36dd752549f33763c893422c8ea0f955a13a4ff5d5",
  // RFC 9529 chapter 2: ephemeral keys (X25519) and signing keys of both ends (Ed25519).
  "31f82c7b5b9cbbf0f194d913cc12ef1532d328ef32632a4881a1c0701e237f04",
  "dc88d2d51da5ed67fc4616356bc8ca74ef9ebe8b387e623a360ba480b9b29d1c",
  "ed06a8ae61a829ba5fa54525c9d07f48dd44a302f43e0f23d8cc20b73085141e",
  "a1db47b95184854ad12a0c1a354e418aace33aa0f2c662c00b3ac55de92f9359",
  // RFC 6979 A.2.5 and RFC 5903 8.1 (P-256).
  "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
  "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180",
  "d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63",
  // RFC 9052 C.7 and RFC 8392 A.2.3 (P-256).
  "bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff",
  "143329cce7868e416927599cf65a34f3ce2ffda55a7eca69ed8919a394d42f0f",
  // RFC 7748 6.1 (X25519).
  "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
  "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
  // RFC 8032 7.1 (Ed25519).
  "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
  "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
  "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
  "278117fc144c72340f67d0f2316e8386ceffbf2b2428c9c51fef7c597f1d426e",
  "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
];

const START = new RegExp(`.{${2 * KEY_START_BYTES}}`, "g");

/** Beginnings of keys; of a P-256 key and its negative alike, for which x is the same. */
const KEY_STARTS: ReadonlySet<string> = new Set([
  ...PRINTED_KEYS.map((key) => key.slice(0, 2 * KEY_START_BYTES)),
  ...PUBLIC_SECRETS.flatMap((line) => line.match(START) ?? []),
]);

/** True for a public key (32 bytes, or 65 bytes 04 || x || y) whose secret is public. */
export function isTestKey(publicKey: Uint8Array): boolean {
  const first = publicKey.length === 65 ? 1 : 0;
  return KEY_STARTS.has(toHex(publicKey.subarray(first, first + KEY_START_BYTES)));
}
