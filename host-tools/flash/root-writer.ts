// Writing in a mounted tree: a link on the way is never followed, as it may lead to this machine's own files.
import {
  fchmodSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { replaceWith, syncFolder } from "../../hal/node/durable-file.ts";
import type { SetUpFile, SetUpLink } from "./set-up.ts";
import { FlashError } from "./target.ts";

const FOLDER_MODE = 0o755;
/** Readings and keys are below it. */
const PRIVATE = "var/lib/meterbench";
const PRIVATE_MODE = 0o700;

/** Puts a file there whole and durable, in the place of a file or link that is there. */
export function writeBelow(root: string, { path, mode, bytes }: SetUpFile): void {
  makeFolders(root, path.split("/").slice(0, -1));
  const to = join(root, path);
  refuseFolderAt(to);
  replaceWith(freshName(to), to, mode, (file) => {
    // The umask is this machine's affair.
    fchmodSync(file, mode);
    return bytes;
  });
}

/** Of the same name each time, and away first: what a cut has left, a meter's key among it, does not stay beside its file. */
function freshName(path: string): string {
  const fresh = `${path}.new`;
  rmSync(fresh, { recursive: true, force: true });
  return fresh;
}

/** Puts a symbolic link there, in the place of a file or link that is there. */
export function linkBelow(root: string, { path, target }: SetUpLink): void {
  const folder = makeFolders(root, path.split("/").slice(0, -1));
  const to = join(root, path);
  if (isLinkTo(to, target)) return;
  refuseFolderAt(to);
  const temporary = freshName(to);
  symlinkSync(target, temporary);
  renameSync(temporary, to);
  syncFolder(folder);
}

/** What is read here is a loader at the most; a card could have anything in its place. */
const READ_BYTES_MAX = 8 << 20;

/** A file's bytes; undefined where there is none, or none of a size that it could have. */
export function readBelow(root: string, path: string): Uint8Array | undefined {
  const segments = path.split("/");
  if (!isFolderBelow(root, segments.slice(0, -1))) return undefined;
  const stats = lstatSync(join(root, path), { throwIfNoEntry: false });
  return stats?.isFile() && stats.size <= READ_BYTES_MAX ? readFileSync(join(root, path)) : undefined;
}

/** Removes a file; nothing is done where there is none. */
export function removeBelow(root: string, path: string): void {
  if (readBelow(root, path) !== undefined) rmSync(join(root, path));
}

/** Names of what is in a folder; none where it is not there. */
export function listBelow(root: string, path: string): readonly string[] {
  return isFolderBelow(root, path.split("/")) ? readdirSync(join(root, path)) : [];
}

/** What root has made in a folder of somebody else's is that one's too: the meter has a user of its own. */
export function handOver(root: string, path: string): void {
  if (process.getuid?.() !== 0 || !isFolderBelow(root, path.split("/"))) return;
  const { uid, gid } = lstatSync(join(root, path));
  if (uid !== 0) handOverAll(join(root, path), uid, gid);
}

function handOverAll(folder: string, uid: number, gid: number): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const stats = lstatSync(path);
    // A file that has another name elsewhere may be none of the meter's.
    if (stats.uid === 0 && (stats.isDirectory() || stats.nlink === 1)) lchownSync(path, uid, gid);
    if (stats.isDirectory()) handOverAll(path, uid, gid);
  }
}

/** The folder's path here, made where need be; a link on the way is refused. */
export function folderBelow(root: string, path: string): string {
  return makeFolders(root, path.split("/"));
}

/** False where nothing is; a link on the way is refused, as it is no way for a writer either. */
function isFolderBelow(root: string, segments: readonly string[]): boolean {
  for (const [i] of segments.entries()) {
    const here = join(root, ...segments.slice(0, i + 1));
    if (lstatSync(here, { throwIfNoEntry: false }) === undefined) return false;
    refuseUnlessFolder(here);
  }
  return true;
}

function makeFolders(root: string, segments: readonly string[]): string {
  let folder = root;
  for (const [i, segment] of segments.entries()) {
    const above = folder;
    folder = join(folder, segment);
    if (lstatSync(folder, { throwIfNoEntry: false }) !== undefined) {
      refuseUnlessFolder(folder);
      continue;
    }
    const isPrivate = `${segments.slice(0, i + 1).join("/")}/`.startsWith(`${PRIVATE}/`);
    mkdirSync(folder, { mode: isPrivate ? PRIVATE_MODE : FOLDER_MODE });
    syncFolder(above);
  }
  return folder;
}

function refuseUnlessFolder(path: string): void {
  const stats = lstatSync(path);
  if (stats.isDirectory()) return;
  const what = stats.isSymbolicLink() ? "a link, which could lead anywhere" : "no folder";
  throw new FlashError("unusable", `${path} is ${what}: put a folder there, and look at who made it.`);
}

function refuseFolderAt(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory())
    throw new FlashError("unusable", `${path} is a folder, and a file belongs there: remove it.`);
}

function isLinkTo(path: string, target: string): boolean {
  return (
    lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true && readlinkSync(path) === target
  );
}
