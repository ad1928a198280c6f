// What a storage has of the meter's sessions, and how often it was started.
import { AEAD_LENGTHS } from "../hal/ports/crypto.ts";
import type { StorageResult } from "../hal/ports/storage.ts";
import type { JournalRecord } from "./journal/journal.ts";
import type { RetentionRule } from "./journal/replay.ts";
import type { CborValue } from "./protocol/cbor.ts";
import { AEAD_NUMBERS, aeadByNumber } from "./protocol/cose/algorithms.ts";
import type { KeptSession } from "./protocol/kept-session.ts";
import { idBytesMax } from "./protocol/oscore/context.ts";
import { arrayItems } from "./protocol/readings/answer-fields.ts";

const KIND = { sessions: 14, starts: 15 } as const;

/** Four of each of four head-ends, at 130 bytes at the most; a server has no more. */
const SESSIONS_MAX = 16;
const SESSION_BYTES_MAX = 160;
const HASH_BYTES = 32;
const SALT_BYTES = 8;
const STARTS_MAX = 2 ** 32 - 1;

/** All sessions are one record, so that each write says what there is. */
export const SESSION_RULES: readonly RetentionRule[] = [
  { kind: KIND.sessions, keepRecords: 1, recordBytesMax: SESSIONS_MAX * SESSION_BYTES_MAX },
  { kind: KIND.starts, keepRecords: 1, recordBytesMax: 8 },
];

export interface SessionStateParts {
  /** What the journal had of each kind. */
  readonly found: ReadonlyMap<number, CborValue>;
  /** Something that was durable is gone: what is left of sessions may be of before their end. */
  readonly isDamaged: boolean;
  /** Makes records durable. */
  readonly append: (records: readonly JournalRecord[]) => StorageResult;
}

/** The sessions and starts of one storage. */
export class SessionState {
  /** This start's number, from 1 on; undefined where the storage takes no more. */
  readonly starts: number | undefined;
  readonly #kept: readonly KeptSession[];
  readonly #append: SessionStateParts["append"];

  /** Counts the start, which is durable before anybody hears of it. */
  constructor({ found, isDamaged, append }: SessionStateParts) {
    this.#append = append;
    this.#kept = isDamaged ? [] : sessionsFromCbor(found.get(KIND.sessions));
    const before = found.get(KIND.starts);
    const starts = Math.min(STARTS_MAX, (typeof before === "number" ? before : 0) + 1);
    const counted = append([{ kind: KIND.starts, value: starts }]);
    this.starts = counted === "done" ? starts : undefined;
  }

  /** The sessions of before this start; what cannot be read is none. */
  kept(): readonly KeptSession[] {
    return this.#kept;
  }

  /** Makes these durable in the place of all before; false where the storage takes no more. */
  save(sessions: readonly KeptSession[]): boolean {
    const value = sessions.slice(-SESSIONS_MAX).map(sessionToCbor);
    return this.#append([{ kind: KIND.sessions, value }]) === "done";
  }
}

function sessionToCbor({ peerHash, material, bornUtcMs, ...marks }: KeptSession): CborValue {
  const { masterSecret, masterSalt, senderId, recipientId, aead } = material;
  const ends = [masterSecret, masterSalt, senderId, recipientId, AEAD_NUMBERS[aead]];
  return [peerHash, ...ends, Math.floor(bornUtcMs), marks.numbers, marks.messages, marks.forgeries];
}

function sessionsFromCbor(value: CborValue | undefined): KeptSession[] {
  return (arrayItems(value) ?? []).flatMap((item) => sessionFromCbor(item) ?? []);
}

function sessionFromCbor(value: CborValue): KeptSession | undefined {
  const [peerHash, masterSecret, masterSalt, senderId, recipientId, ...numbers] = arrayItems(value) ?? [];
  const [aeadNumber = -1, bornUtcMs, used, messages, forgeries] = numbers.map(count);
  const aead = aeadByNumber(aeadNumber);
  if (aead === undefined || !isBytes(peerHash, HASH_BYTES, HASH_BYTES)) return undefined;
  const { keyBytes } = AEAD_LENGTHS[aead];
  if (!isBytes(masterSecret, keyBytes, keyBytes) || !isBytes(masterSalt, SALT_BYTES, SALT_BYTES))
    return undefined;
  if (!isBytes(senderId, 0, idBytesMax(aead)) || !isBytes(recipientId, 0, idBytesMax(aead))) return undefined;
  if (bornUtcMs === undefined || used === undefined || messages === undefined || forgeries === undefined) {
    return undefined;
  }
  const material = { masterSecret, masterSalt, senderId, recipientId, aead };
  return { peerHash, material, bornUtcMs, numbers: used, messages, forgeries, heard: -1 };
}

function count(value: CborValue): number | undefined {
  return typeof value === "number" && value >= 0 ? value : undefined;
}

function isBytes(value: CborValue | undefined, least: number, most: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length >= least && value.length <= most;
}
