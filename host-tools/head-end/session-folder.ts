// A head-end's sessions in a folder: whoever asks next goes on with them, one process at a time.
import { createHash } from "node:crypto";
import { readdirSync, rmSync, statSync } from "node:fs";
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

/** Keys for a day: to their owner alone. */
const FILE_MODE = 0o600;

const Hex = v.pipe(
  v.string(),
  v.transform((text) => fromHex(text)),
  v.instance(Uint8Array),
);
const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(-1));
const FileSchema = v.strictObject({
  meterbench: v.literal("session"),
  inode: v.string(),
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
  heard: Count,
});

/**
 * Takes the sessions of `identity` over `line`. Undefined where another process has them, who would use the same numbers,
 * and on systems other than Linux, where that cannot be told: sessions end with the process then. Rejects with a
 * LineError where it cannot be told on Linux.
 */
export async function holdSessions(place: SessionPlace): Promise<HeldSessions | undefined> {
  if (process.platform !== "linux") return undefined;
  const { folder, identity, line } = place;
  const owner = toHex(identity.credential.bytes);
  const release = await holdExclusively(`sessions ${owner} ${line}`);
  if (release === undefined) return undefined;
  removeOld(folder);
  const pathOf = (to: Station): string => {
    const name = createHash("sha256").update([owner, line, to].join("\n")).digest("hex");
    return join(folder, `${name.slice(0, 32)}.json`);
  };
  return {
    find: (to) => readSession(pathOf(to)),
    save: (to, session) => writeSession(pathOf(to), session),
    forget: (to) => rmSync(pathOf(to), { force: true }),
    utcMs: () => Date.now(),
    release,
  };
}

/** Ends all sessions with a peer, whoever held them; `peerHash` is of its credential. */
export function endSessions(folder: string, peerHash: Uint8Array): void {
  for (const path of sessionFiles(folder)) {
    const session = readSession(path);
    if (session === undefined || toHex(session.peerHash) === toHex(peerHash)) rmSync(path, { force: true });
  }
}

/** Nobody comes back for what has outlived its keys. */
function removeOld(folder: string): void {
  for (const path of sessionFiles(folder)) {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats !== undefined && Date.now() - stats.mtimeMs > KEY_LIMITS.ageMs) rmSync(path, { force: true });
  }
}

function sessionFiles(folder: string): string[] {
  if (statSync(folder, { throwIfNoEntry: false }) === undefined) return [];
  const names = readdirSync(folder).filter((name) => /^[0-9a-f]{32}\.json$/.test(name));
  return names.map((name) => join(folder, name));
}

/** What cannot be read, was made by others, or is a copy, is no session: EDHOC makes another. */
function readSession(path: string): KeptSession | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  const file = readPrivateFile(path);
  if ("exposure" in file) return undefined;
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), FileSchema), file.text);
  if (!parsed.success) return undefined;
  const {
    meterbench: _,
    inode,
    peerHash,
    bornUtcMs,
    numbers,
    messages,
    forgeries,
    heard,
    ...material
  } = parsed.output;
  // The file of a copied or restored folder is another one. Its numbers may have been used since.
  if (inode !== String(stats.ino) || material.masterSecret.length !== AEAD_LENGTHS[material.aead].keyBytes)
    return undefined;
  return { peerHash, material, bornUtcMs, numbers, messages, forgeries, heard };
}

function writeSession(path: string, { peerHash, material, ...rest }: KeptSession): boolean {
  const { masterSecret, masterSalt, senderId, recipientId, aead } = material;
  const bytes = { peerHash, masterSecret, masterSalt, senderId, recipientId };
  const hex = Object.fromEntries(Object.entries(bytes).map(([name, value]) => [name, toHex(value)]));
  const text = (inode: string): string =>
    `${JSON.stringify({ meterbench: "session", inode, ...hex, aead, ...rest }, null, 2)}\n`;
  try {
    writeDurably(path, text, FILE_MODE);
    return true;
  } catch {
    return false;
  }
}
