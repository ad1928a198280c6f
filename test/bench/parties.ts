import { type Identity, newIdentity, type Role } from "../../firmware/identity/identity.ts";
import { SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";

function party(role: Role, id: string): Identity {
  return newIdentity(opensslEngine, new SeededRandom(id), { role, id, development: true });
}

export const METER = party("meter", "M1");
export const HEAD_END = party("head-end", "H");
/** The answer of every server that is measured. */
export const BODY = new Uint8Array(60).fill(0x42);
