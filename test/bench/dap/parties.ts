import { type Identity, newIdentity, type Role } from "../../../firmware/identity/identity.ts";
import { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";

/** The answer of every meter. */
export const BODY: Uint8Array = new Uint8Array(60).fill(0x42);

function party(role: Role, id: string): Identity {
  return newIdentity(opensslEngine, new SeededRandom(id), { role, id, development: true });
}

export function headEnd(): Identity {
  return party("head-end", "H");
}

export function meter(place: number): Identity {
  return party("meter", `M${place + 1}`);
}

export function dapIdentity(): Identity {
  return party("dap", "DAP");
}
