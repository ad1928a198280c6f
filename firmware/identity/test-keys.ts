// Public keys whose secrets are printed in standards or are obvious: nobody's identity.
import { toHex } from "../protocol/bytes.ts";

/** 32 bytes each: the x-coordinate for P-256, the whole key for X25519 and Ed25519. */
const TEST_KEYS: ReadonlySet<string> = new Set([
  // RFC 9529 chapter 3: static and ephemeral keys of both ends (P-256).
  "ac75e9ece3e50bfc8ed60399889522405c47bf16df96660a41298cb4307f7eb6",
  "bbc34960526ea4d32e940cad2a234148ddc21791a12afbcbac93622046dd44f0",
  "8af6f430ebe18d34184017a9a11bf511c8dff8f834730b96c1b7c8dbca2fc3b6",
  "419701d7f00a26c2dc587a36dd752549f33763c893422c8ea0f955a13a4ff5d5",
  // RFC 9529 chapter 2: signing keys of both ends (Ed25519).
  "ed06a8ae61a829ba5fa54525c9d07f48dd44a302f43e0f23d8cc20b73085141e",
  "a1db47b95184854ad12a0c1a354e418aace33aa0f2c662c00b3ac55de92f9359",
  // RFC 6979 A.2.5, RFC 5903 8.1 and the curve's generator (P-256).
  "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
  "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180",
  "d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63",
  "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
  // RFC 7748 6.1 (X25519).
  "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
  "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
  // RFC 8032 7.1 tests 1 to 3 (Ed25519).
  "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
  "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
  "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
  // Secrets of 32 zero bytes, 32 bytes FF, and the bytes 00 to 1F, on each curve where they are one.
  "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29",
  "2fe57da347cd62431528daac5fbb290730fff684afc4cfc2ed90995f58cb3b74",
  "76a1592044a6e4f511265bca73a604d90b0529d1df602be30a19a9257660d1f5",
  "847c0d2c375234f365e660955187a3735a0f7613d1609d3a6a4d8c53aeaa5a22",
  "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8",
  "8f40c5adb68f25624ae5b214ea767a6ec94d829d3d7b5e1ad1ba6f3e2138285f",
  "7a593180860c4037c83c12749845c8ee1424dd297fadcb895e358255d2c7d2b2",
]);

/** True for a public key (32 bytes, or 65 bytes 04 || x || y) whose secret is public. */
export function isTestKey(publicKey: Uint8Array): boolean {
  return TEST_KEYS.has(toHex(publicKey.length === 65 ? publicKey.slice(1, 33) : publicKey));
}
