// Bodies of the resource `g`: what a meter is told of a group that it is read with, and which one it is to forget.
import { equal } from "../bytes.ts";
import { type CborValue, decodeCbor, encodeCbor } from "../cbor.ts";
import { arrayItems, decodeTime, isIntegerWithin } from "./answer-fields.ts";

/** COSE numbers of a group's algorithms: the first four in the order of the external_aad (RFC 10021 3.4). */
export interface GroupAlgorithms {
  /** AEAD of the pairwise mode. */
  readonly aead: number;
  readonly groupEncryption: number;
  readonly signature: number;
  readonly keyAgreement: number;
  /** The HKDF, by the number of its HMAC. */
  readonly hkdf: number;
}

/** One member's part in one epoch of a group. It has the credential of the head-end, and of no other member. */
export interface Membership {
  /** Group Identifier: another one in each epoch. */
  readonly gid: Uint8Array;
  readonly masterSecret: Uint8Array;
  readonly masterSalt: Uint8Array;
  readonly algorithms: GroupAlgorithms;
  readonly senderId: Uint8Array;
  readonly headEndSenderId: Uint8Array;
  /** The head-end's group credential, which is the group manager's too. */
  readonly headEndCredential: Uint8Array;
  readonly keyGeneration: number;
  /** UTC, whole seconds: requests of this epoch are refused from then on. */
  readonly validUntilSeconds: number;
  /** The group's name, the same in each epoch. */
  readonly group: string;
}

const GID_BYTES_MAX = 6;
/** The shorter nonce of the two ciphers, 12 bytes, has room for so many (RFC 10021 2.2). */
const SENDER_ID_BYTES_MAX = 6;
const SECRET_BYTES = { least: 16, most: 32 } as const;
const SALT_BYTES_MAX = 16;
const CREDENTIAL_BYTES_MAX = 512;
const KEY_GENERATION_MAX = 0xffffffff;
/** An alias (firmware/identity/): in a DAP's routes it stands where a meter's would. */
const GROUP_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/;

/**
 * `[Gid, Master Secret, salt, [aead, group encryption, signature, key agreement, hkdf], Sender ID, head-end's Sender ID,
 * head-end's credential, Key Generation Number, valid until, group]`. What cannot be told throws.
 */
export function encodeMembership(membership: Membership): Uint8Array {
  const { aead, groupEncryption, signature, keyAgreement, hkdf } = membership.algorithms;
  const body = encodeCbor([
    membership.gid,
    membership.masterSecret,
    membership.masterSalt,
    [aead, groupEncryption, signature, keyAgreement, hkdf],
    membership.senderId,
    membership.headEndSenderId,
    membership.headEndCredential,
    membership.keyGeneration,
    membership.validUntilSeconds,
    membership.group,
  ]);
  if (decodeMembership(body) === undefined) throw new Error(`no membership of a group: ${membership.group}`);
  return body;
}

/** The membership, or undefined where the body is none. Whether its algorithms are taken is not looked at. */
export function decodeMembership(body: Uint8Array): Membership | undefined {
  const [gid, masterSecret, masterSalt, algorithmItems, senderId, headEndSenderId, ...rest] =
    arrayItems(decodeCbor(body)) ?? [];
  const [headEndCredential, keyGeneration, validUntil, group, ...more] = rest;
  const algorithms = decodeAlgorithms(algorithmItems);
  const validUntilSeconds = decodeTime(validUntil);
  if (algorithms === undefined || typeof validUntilSeconds !== "number" || more.length > 0) return undefined;
  if (!isGid(gid) || !isBytes(masterSecret, SECRET_BYTES.least, SECRET_BYTES.most)) return undefined;
  if (!isBytes(masterSalt, 0, SALT_BYTES_MAX)) return undefined;
  if (!isSenderId(senderId) || !isSenderId(headEndSenderId) || equal(senderId, headEndSenderId))
    return undefined;
  if (!isBytes(headEndCredential, 1, CREDENTIAL_BYTES_MAX)) return undefined;
  if (!isIntegerWithin(keyGeneration, 0, KEY_GENERATION_MAX)) return undefined;
  if (typeof group !== "string" || !GROUP_PATTERN.test(group)) return undefined;
  const ids = { gid, senderId, headEndSenderId, headEndCredential };
  return { ...ids, masterSecret, masterSalt, algorithms, keyGeneration, validUntilSeconds, group };
}

/** `[Gid]`: the epoch that a member is to forget. */
export function encodeLeaving(gid: Uint8Array): Uint8Array {
  return encodeCbor([gid]);
}

/** The Gid, or undefined where the body is none. */
export function decodeLeaving(body: Uint8Array): Uint8Array | undefined {
  const [gid, ...more] = arrayItems(decodeCbor(body)) ?? [];
  return isGid(gid) && more.length === 0 ? gid : undefined;
}

function decodeAlgorithms(item: CborValue | undefined): GroupAlgorithms | undefined {
  const numbers = (arrayItems(item) ?? []).filter((number) => typeof number === "number");
  const [aead, groupEncryption, signature, keyAgreement, hkdf] = numbers;
  if (arrayItems(item)?.length !== 5 || aead === undefined || groupEncryption === undefined) return undefined;
  if (signature === undefined || keyAgreement === undefined || hkdf === undefined) return undefined;
  return { aead, groupEncryption, signature, keyAgreement, hkdf };
}

function isGid(item: CborValue | undefined): item is Uint8Array {
  return isBytes(item, 1, GID_BYTES_MAX);
}

function isSenderId(item: CborValue | undefined): item is Uint8Array {
  return isBytes(item, 0, SENDER_ID_BYTES_MAX);
}

function isBytes(item: CborValue | undefined, least: number, most: number): item is Uint8Array {
  return item instanceof Uint8Array && item.length >= least && item.length <= most;
}
