// A head-end's sessions in a folder: whoever asks next goes on with them, one process at a time.
import { createHash } from "node:crypto";
import {
  type BigIntStats,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
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
import { holdExclusively } from "../../hal/node/exclusive.ts";
import { readPrivateFile } from "../../hal/node/private-file.ts";
import { AEAD_LENGTHS, type AeadName } from "../../hal/ports/crypto.ts";
import type { Station } from "../../hal/ports/link.ts";

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
 * Takes the sessions of `identity` over `line`. Undefined where another process has them, who would use the same numbers,
 * and where that cannot be told, as on systems other than Linux: sessions end with the process then.
 */
export async function holdSessions(place: SessionPlace): Promise<HeldSessions | undefined> {
  if (process.platform !== "linux" || ![BOOT_ID_FILE, NETWORK_LINK].every(existsSync)) return undefined;
  const { folder, identity, line } = place;
  const owner = toHex(identity.credential.bytes);
  const release = await holdExclusively(`sessions ${owner} ${line}`).catch(() => undefined);
  if (release === undefined) return undefined;
  removeOld(folder);
  const pathOf = (to: Station): string => {
    const name = createHash("sha256").update([owner, line, to].join("\n")).digest("hex");
    return join(folder, `${name.slice(0, 32)}.json`);
  };
  /** Of each file of ours: whose session it is, and what tells it from others. */
  const ours = new Map<string, { readonly secret: string; readonly original: string | undefined }>();
  const remember = (path: string, session: KeptSession): void => {
    ours.set(path, { secret: toHex(session.material.masterSecret), original: originalAt(path) });
  };
  return {
    find(to) {
      const path = pathOf(to);
      const session = readSession(path);
      if (session !== undefined) remember(path, session);
      return session;
    },
    save(to, session) {
      const path = pathOf(to);
      const known = ours.get(path);
      const isGoingOn = known?.secret === toHex(session.material.masterSecret);
      // Who took it away may put it back, and what is numbered from now on would not be in it.
      if (isGoingOn && (known.original === undefined || known.original !== originalAt(path))) return false;
      if (!writeSession(path, session)) return false;
      remember(path, session);
      return true;
    },
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

/** With what a process left that ended as it wrote; none where there is no such folder. */
function sessionFiles(folder: string): string[] {
  try {
    const names = readdirSync(folder).filter((name) => /^[0-9a-f]{32}\.json(\.[0-9a-f]{8})?$/.test(name));
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
  if (original !== originalAt(path)) return undefined;
  if (masterSecret.length !== AEAD_LENGTHS[aead].keyBytes) return undefined;
  if (Math.max(senderId.length, recipientId.length) > idBytesMax(aead)) return undefined;
  return { ...rest, material: { masterSecret, masterSalt, senderId, recipientId, aead } };
}

/**
 * What tells a file from its copies, whose numbers may have been used since: the file of a restored folder was born
 * later, of a snapshot it is on another device, and whoever puts a whole disk back starts from it. Undefined where the
 * file system does not say when a file was born: inodes are used again.
 */
function originalOf({ dev, ino, birthtimeNs }: BigIntStats): string | undefined {
  if (birthtimeNs === 0n) return undefined;
  const start = `${readFileSync(BOOT_ID_FILE, "utf8").trim()} ${readlinkSync(NETWORK_LINK)}`;
  return `${start} ${dev} ${ino} ${birthtimeNs}`;
}

function originalAt(path: string): string | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats && originalOf(stats);
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
  const text = (stats: BigIntStats): string =>
    `${JSON.stringify({ meterbench: "session", original: originalOf(stats), ...hex, aead, ...rest }, null, 2)}\n`;
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
