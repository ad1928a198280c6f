// The group manager (RFC 10021 3): who is in a group, and that each member is given its keys over a session of its own.
import { equal, toHex } from "../../../firmware/protocol/bytes.ts";
import { groupCredential } from "../../../firmware/protocol/group/credential.ts";
import type { Identity } from "../../../firmware/identity/identity.ts";
import type { CryptoEngine } from "../../../hal/ports/crypto.ts";
import type { HeadEnd, Target } from "../client.ts";
import { HeadEndError } from "../errors.ts";
import type { Registry } from "../registry.ts";
import { isServed } from "../registry-file.ts";
import { type Group, groupPlateOf, isWornOut, membershipOf, misfit, ruleValue } from "./group.ts";
import type { GroupRegistry, NewGroup } from "./group-registry.ts";

/** How a meter is reached: the head-end on its line, and where it is there; or why it cannot be, as a sentence. */
export type Way =
  | { readonly headEnd: MemberHeadEnd; readonly target: Target }
  | { readonly trouble: HeadEndError };

type MemberHeadEnd = Pick<HeadEnd, "readNameplate" | "joinGroup" | "leaveGroup" | "renewSession">;

export interface GroupManagerParts {
  readonly groups: GroupRegistry;
  readonly registry: Pick<Registry, "content" | "describes">;
  readonly crypto: CryptoEngine;
  readonly identity: Identity;
  readonly utcMs: () => number;
  readonly wayTo: (id: string) => Way;
  /** Has a member prove that it has the epoch's keys, and knows which of the head-end's numbers are new. */
  readonly prove: (group: Group, id: string, way: Exclude<Way, { trouble: unknown }>) => Promise<void>;
}

/** How it stands with a member after it was to be given keys. */
export interface Joining {
  readonly id: string;
  readonly outcome: "joined" | "unfit" | "waiting";
  /** Why it has not joined. */
  readonly why?: string;
}

/** Handshakes, nameplates and keys under way at once: on one line they wait for each other anyway. */
const JOINING_AT_ONCE = 4;
