// A head-end's sessions in a folder: whoever asks next goes on with them, one process at a time.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import type { Identity } from "../../firmware/identity/identity.ts";
import type { ClientKeeping } from "../../firmware/protocol/asking-sessions.ts";
import { fromHex, toHex } from "../../firmware/protocol/bytes.ts";
import type { KeptSession } from "../../firmware/protocol/kept-session.ts";
import { KEY_LIMITS } from "../../firmware/protocol/oscore/key-use.ts";
import { holdExclusively } from "../../hal/node/exclusive.ts";
import { readPrivateFile } from "../../hal/node/private-file.ts";
import { AEAD_LENGTHS, type AeadName } from "../../hal/ports/crypto.ts";
import type { Station } from "../../hal/ports/link.ts";
import { writeDurably } from "../durable-file.ts";

/** The sessions of one head-end over one line, held by this process alone until released. */
export interface HeldSessions extends ClientKeeping {
  release(): void;
}

export interface SessionPlace {
  readonly folder: string;
  readonly identity: Identity;
  /** By what line the stations are reached, as an address. */
  readonly line: string;
}

/** Another one after each start of the machine (random(4)). */
const BOOT_ID_FILE = "/proc/sys/kernel/random/boot_id";

/** Keys for a day: to their owner alone. */
const FILE_MODE = 0o600;

const Hex = v.pipe(
  v.string(),
  v.transform((text) => fromHex(text)),
  v.instance(Uint8Array),
);
const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const FileSchema = v.strictObject({
  meterbench: v.literal("session"),
  original: v.string(),
  peerHash: Hex,
  masterSecret: Hex,
  masterSalt: Hex,
  senderId: Hex,
  recipientId: Hex,
  aead: v.picklist(Object.keys(AEAD_LENGTHS) as AeadName[]),
  bornUtcMs: Count,
  numbers: Count,
  messages: Count,
  forgeries: Count,
  heard: v.pipe(v.number(), v.safeInteger(), v.minValue(-1)),
});

/**
 * Takes the sessions of `identity` over `line`. Undefined where another process has them, who would use the same numbers,
 * and where that cannot be told, as on systems other than Linux: sessions end with the process then.
 */
export async function holdSessions(place: SessionPlace): Promise<HeldSessions | undefined> {
  if (process.platform !== "linux" || !existsSync(BOOT_ID_FILE)) return undefined;
  const { folder, identity, line } = place;
  const owner = toHex(identity.credential.bytes);
  const release = await holdExclusively(`sessions ${owner} ${line}`).catch(() => undefined);
  if (release === undefined) return undefined;
  removeOld(folder);
  const pathOf = (to: Station): string => {
    const name = createHash("sha256").update([owner, line, to].join("\n")).digest("hex");
    return join(folder, `${name.slice(0, 32)}.json`);
  };
  return {
    find: (to) => readSession(pathOf(to)),
    save: (to, session) => writeSession(pathOf(to), session),
    forget: (to) => removeIfCan(pathOf(to)),
    utcMs: () => Date.now(),
    release,
  };
}

/** Ends all sessions with a peer, whoever held them; `peerHash` is of its credential. */
export function endSessions(folder: string, peerHash: Uint8Array): void {
  for (const path of sessionFiles(folder)) {
    const session = readSession(path);
    if (session === undefined || toHex(session.peerHash) === toHex(peerHash)) removeIfCan(path);
  }
}

/** Nobody comes back for what has outlived its keys. */
function removeOld(folder: string): void {
  for (const path of sessionFiles(folder)) {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats !== undefined && Date.now() - stats.mtimeMs > KEY_LIMITS.ageMs) removeIfCan(path);
  }
}

/** What stays is no danger: its numbers are above all that were used. */
function removeIfCan(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {}
}

function sessionFiles(folder: string): string[] {
  if (statSync(folder, { throwIfNoEntry: false }) === undefined) return [];
  const names = readdirSync(folder).filter((name) => /^[0-9a-f]{32}\.json$/.test(name));
  return names.map((name) => join(folder, name));
}

/** What cannot be read, was made by others, or is a copy, is no session: EDHOC makes another. */
function readSession(path: string): KeptSession | undefined {
  const text = privateText(path);
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), FileSchema), text);
  if (!parsed.success) return undefined;
  const {
    meterbench: _,
    original,
    masterSecret,
    masterSalt,
    senderId,
    recipientId,
    aead,
    ...rest
  } = parsed.output;
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (stats === undefined || original !== originalOf(String(stats.ino))) return undefined;
  if (masterSecret.length !== AEAD_LENGTHS[aead].keyBytes) return undefined;
  return { ...rest, material: { masterSecret, masterSalt, senderId, recipientId, aead } };
}

/**
 * What tells a file from its copies, whose numbers may have been used since: the file of a restored folder has another
 * inode, and whoever puts a whole disk back starts from it.
 */
function originalOf(inode: string): string {
  return `${readFileSync(BOOT_ID_FILE, "utf8").trim()} ${inode}`;
}

function privateText(path: string): string | undefined {
  try {
    const file = readPrivateFile(path);
    return "text" in file ? file.text : undefined;
  } catch {
    return undefined;
  }
}

function writeSession(path: string, { peerHash, material, ...rest }: KeptSession): boolean {
  const { masterSecret, masterSalt, senderId, recipientId, aead } = material;
  const bytes = { peerHash, masterSecret, masterSalt, senderId, recipientId };
  const hex = Object.fromEntries(Object.entries(bytes).map(([name, value]) => [name, toHex(value)]));
  const text = (inode: string): string =>
    `${JSON.stringify({ meterbench: "session", original: originalOf(inode), ...hex, aead, ...rest }, null, 2)}\n`;
  try {
    writeDurably(path, text, FILE_MODE);
    return true;
  } catch {
    return false;
  }
}
