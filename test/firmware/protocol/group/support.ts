// A group of one head-end and two meters, each with what it alone knows.
import { type Identity, newIdentity } from "../../../../firmware/identity/identity.ts";
import {
  deriveGroup,
  type GroupContext,
  type GroupPair,
  type GroupParty,
  pairWith,
} from "../../../../firmware/protocol/group/context.ts";
import { groupCredential } from "../../../../firmware/protocol/group/credential.ts";
import { SeededRandom } from "../../../../hal/emulated/seeded-random.ts";
import type { CryptoEngine } from "../../../../hal/ports/crypto.ts";

export interface GroupOfThree {
  readonly headEnd: GroupContext;
  readonly meters: readonly [GroupContext, GroupContext];
  /** The head-end's view of each meter, and each meter's of the head-end. */
  readonly toMeters: readonly [GroupPair, GroupPair];
  readonly toHeadEnd: readonly [GroupPair, GroupPair];
  readonly parties: readonly [GroupParty, GroupParty, GroupParty];
}

export interface Epoch {
  readonly gid?: Uint8Array;
  readonly masterSecret?: Uint8Array;
  readonly seed?: string;
}

/** What the head-end and the meters derive, each with its own engine. */
export function groupOfThree(headEndsCrypto: CryptoEngine, metersCrypto: CryptoEngine, epoch: Epoch = {}) {
  const { gid = Uint8Array.of(0x0b, 7), masterSecret = new Uint8Array(16).fill(0x5a), seed = "" } = epoch;
  const identities = (["H", "M1", "M2"] as const).map((id) =>
    newIdentity(headEndsCrypto, new SeededRandom(`${seed}${id}`), {
      ...{ role: id === "H" ? "head-end" : "meter", id, development: true },
    }),
  ) as [Identity, Identity, Identity];
  const parties = identities.map(({ credential }, i): GroupParty => {
    const own = groupCredential(headEndsCrypto, credential);
    if (own === undefined) throw new Error("an identity without a key that signs");
    return { id: Uint8Array.of(i), credential: own };
  }) as [GroupParty, GroupParty, GroupParty];
  const [manager, ...members] = parties;
  const contextOf = (crypto: CryptoEngine, place: number): GroupContext =>
    deriveGroup(crypto, {
      ...{ gid, masterSecret, masterSalt: Uint8Array.of(1, 2, 3), manager: manager.credential },
      ...{
        own: parties[place] as GroupParty,
        signingSecretKey: identities[place]?.signingSecretKey as Uint8Array,
      },
    });
  const headEnd = contextOf(headEndsCrypto, 0);
  const meters = [contextOf(metersCrypto, 1), contextOf(metersCrypto, 2)] as const;
  const toMeters = members.map((member) => pairWith(headEnd, member)) as [GroupPair, GroupPair];
  const toHeadEnd = meters.map((meter) => pairWith(meter, manager)) as [GroupPair, GroupPair];
  return { headEnd, meters, toMeters, toHeadEnd, parties } satisfies GroupOfThree;
}
