// Who is on an emulated bench, all by its seed.
import { type Identity, newIdentity } from "../../../firmware/identity/identity.ts";
import type { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import type { CryptoEngine } from "../../../hal/ports/crypto.ts";

/** Who asks meters, and who signs orders to their relays. */
export interface BenchParties {
  readonly headEnd: Identity;
  readonly operator: Identity | undefined;
}

export function emulatedParties(crypto: CryptoEngine, random: SeededRandom): BenchParties {
  const party = (role: "head-end" | "operator"): Identity =>
    newIdentity(crypto, random.fork(`${role} key`), { role, id: role, development: true });
  return { headEnd: party("head-end"), operator: party("operator") };
}

export function emulatedMeterKey(crypto: CryptoEngine, random: SeededRandom, id: string): Identity {
  return newIdentity(crypto, random.fork(`key of ${id}`), { role: "meter", id, development: true });
}
