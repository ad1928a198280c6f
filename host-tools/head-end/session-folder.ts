// A head-end's sessions in a folder: whoever asks next goes on with them, one process at a time.
import {
  type BigIntStats,
  existsSync,
  lstatSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  truncateSync,
} from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import type { Identity } from "../../firmware/identity/identity.ts";
import type { ClientKeeping } from "../../firmware/protocol/asking-sessions.ts";
import { fromHex, toHex } from "../../firmware/protocol/bytes.ts";
import type { KeptSession } from "../../firmware/protocol/kept-session.ts";
import { idBytesMax } from "../../firmware/protocol/oscore/context.ts";
import { KEY_LIMITS } from "../../firmware/protocol/oscore/key-use.ts";
import { writeDurably } from "../../hal/node/durable-file.ts";
import { holdAtOnce } from "../../hal/node/exclusive.ts";
import { AEAD_LENGTHS, type AeadName } from "../../hal/ports/crypto.ts";
import { BOOT_ID_FILE, originalOf } from "./original-file.ts";
import { nameOf, Places, privateText } from "./session-places.ts";

/** The sessions of one head-end, each held by this process alone from when it is asked for until all are released. */
export interface HeldSessions extends ClientKeeping {
  release(): void;
}

export interface SessionPlace {
  readonly folder: string;
  readonly identity: Identity;
  /** By what line this process reaches its places, as an address. */
  readonly line: string;
}

/** Who holds sessions is known among those of one network alone (network_namespaces(7)): a container has its own. */
const NETWORK_LINK = "/proc/self/ns/net";

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
 * The sessions of `identity`. A second process that asks for one gets none, as it would use the same numbers; undefined where
 * that cannot be told, as on systems other than Linux: sessions end with the process then.
 */
export function holdSessions({ folder, identity, line }: SessionPlace): HeldSessions | undefined {
  if (process.platform !== "linux" || ![BOOT_ID_FILE, NETWORK_LINK].every(existsSync)) return undefined;
  const owner = toHex(identity.credential.bytes);
  removeOld(folder);
  const places = new Places(folder, `${owner}\n${line}`);
  const pathOf = (peer: string): string => join(folder, `${nameOf(owner, peer)}.json`);
  const releases = new Map<string, () => void>();
  const isHeld = (peer: string): boolean => {
    if (releases.has(peer)) return true;
    const release = holdAtOnce(`session ${owner} ${peer}`);
    if (release !== undefined) releases.set(peer, release);
    return release !== undefined;
  };
  /** Of each file of ours: whose session it is, and what tells it from others. */
  const ours = new Map<string, { readonly secret: string; readonly original: string | undefined }>();
  const remember = (path: string, session: KeptSession): void => {
    ours.set(path, { secret: toHex(session.material.masterSecret), original: sessionOriginalAt(path) });
  };
  return {
    find(peer) {
      if (!isHeld(peer)) return undefined;
      const path = pathOf(peer);
      const session = readSession(path);
      if (session !== undefined) remember(path, session);
      return session;
    },
    save(peer, session) {
      if (!isHeld(peer)) return false;
      const path = pathOf(peer);
      const known = ours.get(path);
      const isGoingOn = known?.secret === toHex(session.material.masterSecret);
      // Who took it away may put it back, and what is numbered from now on would not be in it.
      if (isGoingOn && (known.original === undefined || known.original !== sessionOriginalAt(path)))
        return false;
      if (!writeSession(path, session)) return false;
      remember(path, session);
      return true;
    },
    forget(peer) {
      if (isHeld(peer)) removeIfCan(pathOf(peer));
    },
    lastAt: (place) => places.lastAt(place),
    foundAt: (place, peer) => places.foundAt(place, peer),
    utcMs: () => Date.now(),
    release() {
      for (const release of releases.values()) release();
      releases.clear();
    },
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
  for (const path of sessionFiles(folder, /^[0-9a-f]{32}\.(json|place)(\.[0-9a-f]{8})?$/)) {
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

/** With what a process left that ended as it wrote; none where there is no such folder. */
function sessionFiles(folder: string, form = /^[0-9a-f]{32}\.json(\.[0-9a-f]{8})?$/): string[] {
  try {
    const names = readdirSync(folder).filter((name) => form.test(name));
    return names.map((name) => join(folder, name));
  } catch {
    return [];
  }
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
  if (original !== sessionOriginalAt(path)) return undefined;
  if (masterSecret.length !== AEAD_LENGTHS[aead].keyBytes) return undefined;
  if (Math.max(senderId.length, recipientId.length) > idBytesMax(aead)) return undefined;
  return { ...rest, material: { masterSecret, masterSalt, senderId, recipientId, aead } };
}

/** A copy's numbers may have been used since; and another network's processes do not hold what these hold. */
function sessionOriginalOf(stats: BigIntStats): string | undefined {
  const original = originalOf(stats);
  return original && `${readlinkSync(NETWORK_LINK)} ${original}`;
}

function sessionOriginalAt(path: string): string | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats && sessionOriginalOf(stats);
}

function writeSession(path: string, { peerHash, material, ...rest }: KeptSession): boolean {
  const { masterSecret, masterSalt, senderId, recipientId, aead } = material;
  const bytes = { peerHash, masterSecret, masterSalt, senderId, recipientId };
  const hex = Object.fromEntries(Object.entries(bytes).map(([name, value]) => [name, toHex(value)]));
  const text = (stats: BigIntStats): string =>
    `${JSON.stringify({ meterbench: "session", original: sessionOriginalOf(stats), ...hex, aead, ...rest }, null, 2)}\n`;
  try {
    emptyOld(path);
    writeDurably(path, text, FILE_MODE);
    return true;
  } catch {
    return false;
  }
}

/** The one before may have other names (ln, cp -l, backups of links): by none of them is it a session any more. */
function emptyOld(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isFile()) truncateSync(path);
}
