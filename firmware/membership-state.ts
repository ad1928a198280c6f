// What a storage has of the groups that the meter is in.
import type { StorageResult } from "../hal/ports/storage.ts";
import type { JournalRecord } from "./journal/journal.ts";
import type { RetentionRule } from "./journal/replay.ts";
import type { CborValue } from "./protocol/cbor.ts";
import type { KeptMembership } from "./protocol/group/member.ts";
import { MEMBERSHIPS_MAX } from "./protocol/group/memberships.ts";
import { arrayItems } from "./protocol/readings/answer-fields.ts";
import { decodeMembership, encodeMembership } from "./protocol/readings/membership.ts";

const MEMBERSHIPS = 29;
/** A membership of a head-end whose id is as long as can be takes 230 bytes. */
const MEMBERSHIP_BYTES_MAX = 768;
const HASH_BYTES = 32;

/** All are one record, so that each write says what there is. */
export const MEMBERSHIP_RULES: readonly RetentionRule[] = [
  { kind: MEMBERSHIPS, keepRecords: 1, recordBytesMax: MEMBERSHIPS_MAX * MEMBERSHIP_BYTES_MAX },
];

export interface MembershipStateParts {
  /** What the journal had of each kind. */
  readonly found: ReadonlyMap<number, CborValue>;
  /** Something that was durable is gone: what is left may be of before a group's end. */
  readonly isDamaged: boolean;
  /** Makes records durable. */
  readonly append: (records: readonly JournalRecord[]) => StorageResult;
}

/** The memberships of one storage. */
export class MembershipState {
  readonly #kept: readonly KeptMembership[];
  readonly #append: MembershipStateParts["append"];

  constructor({ found, isDamaged, append }: MembershipStateParts) {
    this.#append = append;
    this.#kept = isDamaged ? [] : membershipsFromCbor(found.get(MEMBERSHIPS));
  }

  /** Those of before this start; what cannot be read is none. */
  kept(): readonly KeptMembership[] {
    return this.#kept;
  }

  /** Makes these durable in the place of all before; false where the storage takes no more. */
  save(memberships: readonly KeptMembership[]): boolean {
    const value = memberships.map(({ peerHash, membership, numbers }) => [
      ...[peerHash, encodeMembership(membership), numbers],
    ]);
    return this.#append([{ kind: MEMBERSHIPS, value }]) === "done";
  }
}

function membershipsFromCbor(value: CborValue | undefined): KeptMembership[] {
  return (arrayItems(value) ?? []).flatMap((item) => membershipFromCbor(item) ?? []);
}

function membershipFromCbor(value: CborValue): KeptMembership | undefined {
  const [peerHash, body, numbers] = arrayItems(value) ?? [];
  const membership = body instanceof Uint8Array ? decodeMembership(body) : undefined;
  if (!(peerHash instanceof Uint8Array) || peerHash.length !== HASH_BYTES) return undefined;
  if (membership === undefined || typeof numbers !== "number" || numbers < 0) return undefined;
  return { peerHash, membership, numbers };
}
