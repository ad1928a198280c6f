// What a group of meters is to its head-end, and when its keys are to be replaced.
import { toHex } from "../../../firmware/protocol/bytes.ts";
import { GROUP_ALGORITHMS } from "../../../firmware/protocol/group/algorithms.ts";
import type { Membership } from "../../../firmware/protocol/readings/membership.ts";
import type { Nameplate } from "../../../firmware/protocol/readings/nameplate.ts";

/** What the meters of a group have in common: how they measure and bill, or by which policy their owners are charged. */
export const GROUP_RULES = ["configuration", "charging-policy"] as const;
export type GroupRule = (typeof GROUP_RULES)[number];

/** What its nameplate says of a meter where groups are concerned. */
export interface GroupPlate {
  readonly block: string;
  /** Hex. */
  readonly configurationDigest: string;
  readonly chargingPolicyId: string;
}

/**
 * `waiting`: it has yet to be given this epoch's keys; `joined`: it has proved that it has them; `unfit`: its nameplate
 * says that it is not of this group.
 */
export const MEMBER_STATES = ["waiting", "joined", "unfit"] as const;
export type MemberState = (typeof MEMBER_STATES)[number];

export interface GroupMember {
  readonly id: string;
  readonly state: MemberState;
  /** In this epoch, since keys were first sent there. */
  readonly senderId?: Uint8Array | undefined;
}

/** The keys of a group, as long as it has them. */
export interface GroupEpoch {
  readonly gid: Uint8Array;
  readonly masterSecret: Uint8Array;
  readonly masterSalt: Uint8Array;
  readonly keyGeneration: number;
  readonly bornUtcMs: number;
  /** The next one that a member gets: none is used twice in an epoch. */
  readonly nextSenderId: number;
  /** The next number of the head-end's own requests: all below may have been used. */
  readonly nextNumber: number;
}

export interface Group {
  readonly name: string;
  readonly rule: GroupRule;
  /** What nameplates must say; of a new group that of the first meter that joins. */
  readonly block?: string | undefined;
  readonly value?: string | undefined;
  /** The group credential of the head-end that its members obey. */
  readonly headEnd: Uint8Array;
  readonly members: readonly GroupMember[];
  readonly epoch: GroupEpoch;
}

/** Answers to a group have no forward secrecy: whoever gets hold of its secret reads a day's at the most. */
export const EPOCH_MS = 86_400_000;
/** Requests of an epoch, numbers that were skipped among them. */
export const EPOCH_NUMBERS_MAX = 2 ** 16;
export const HEAD_END_SENDER_ID: Uint8Array = Uint8Array.of(0);
/** A group is a block of flats or a street: whoever has more makes two. */
export const MEMBERS_MAX = 250;

/** Of all that a nameplate says. */
export function groupPlateOf({ block, configurationDigest, chargingPolicyId }: Nameplate): GroupPlate {
  return { block, configurationDigest: toHex(configurationDigest), chargingPolicyId };
}

export function isSamePlate(one: GroupPlate, other: GroupPlate): boolean {
  return (
    one.block === other.block &&
    one.configurationDigest === other.configurationDigest &&
    one.chargingPolicyId === other.chargingPolicyId
  );
}

/** True where the keys have had their time. A clock that went back says nothing of their age. */
export function isWornOut({ bornUtcMs, nextNumber }: GroupEpoch, utcMs: number): boolean {
  const ageMs = utcMs - bornUtcMs;
  return ageMs < 0 || ageMs >= EPOCH_MS || nextNumber >= EPOCH_NUMBERS_MAX;
}

/** The shortest bytes of a member's number; 0 is the head-end's. */
export function senderIdOf(number: number): Uint8Array {
  return number < 0x100 ? Uint8Array.of(number) : Uint8Array.of(number >> 8, number & 0xff);
}

/** What a member is given of an epoch. */
export function membershipOf({ name, epoch, headEnd }: Group, senderId: Uint8Array): Membership {
  const { gid, masterSecret, masterSalt, keyGeneration, bornUtcMs } = epoch;
  return {
    ...{ gid, masterSecret, masterSalt, keyGeneration, senderId },
    algorithms: GROUP_ALGORITHMS,
    headEndSenderId: HEAD_END_SENDER_ID,
    headEndCredential: headEnd,
    validUntilSeconds: Math.floor((bornUtcMs + EPOCH_MS) / 1000),
    group: name,
  };
}

/** What the rule looks at. */
export function ruleValue(rule: GroupRule, plate: GroupPlate): string {
  return rule === "configuration" ? plate.configurationDigest : plate.chargingPolicyId;
}

/** Why a meter with this plate is not of the group, as the end of a sentence; undefined for one that is. */
export function misfit({ name, rule, block, value }: Group, plate: GroupPlate): string | undefined {
  if (block !== undefined && plate.block !== block)
    return `is of the block "${plate.block}", and ${name} is of "${block}"`;
  const own = ruleValue(rule, plate);
  if (rule === "charging-policy" && own === "") return "has no charging policy";
  if (value === undefined || own === value) return undefined;
  return rule === "configuration"
    ? `is set otherwise than ${name}: its configuration digest is ${own}, and not ${value}`
    : `is charged by the policy "${own}", and ${name} by "${value}"`;
}
