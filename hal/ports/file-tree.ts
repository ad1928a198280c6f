import type { StorageResult } from "./storage.ts";

/** What stands at a path; `other` is a device, a socket, a pipe. */
export type FileKind = "file" | "folder" | "link" | "other";

/** At most eight segments; none has a dot at its start, so that none is a way up or hidden. */
const PATH = /^[A-Za-z0-9_@+][A-Za-z0-9._@+-]{0,127}(\/[A-Za-z0-9_@+][A-Za-z0-9._@+-]{0,127}){0,7}$/;

/** True for a path that a {@link FileTree} takes: "slots/a/app/main.mjs". */
export function isTreePath(path: string): boolean {
  return PATH.test(path);
}

/**
 * Folders, files and symbolic links below one root, for installers and loaders.
 *
 * A caller may assume what it may of a {@link Storage}, and no more: bytes are durable only after `sync` of that file,
 * names only after `syncFolder` of the folder that they are in, both answered with "done". Before that any part may be
 * lost at a cut, in any order. A rename is one step, within one folder.
 *
 * Paths are relative, as {@link isTreePath} says; another one is a bug of the caller and throws. Links are never
 * followed: a path that leads through one has nothing there, and cannot be written.
 */
export interface FileTree {
  kindOf(path: string): FileKind | undefined;
  /** Names of all that is in a folder, in no order, also names that no path can have; "" is the root. */
  list(folder: string): readonly string[];
  /** A file's bytes; undefined where there is none, or none that can be read. */
  read(path: string): Uint8Array | undefined;
  /** Bytes of a file, before anybody reads it. */
  sizeOf(path: string): number | undefined;
  /** Where a link points, as it was written. */
  readLink(path: string): string | undefined;
  /** Makes or replaces a file, in a folder that is there. */
  write(path: string, bytes: Uint8Array): StorageResult;
  /** Adds to the end of a file, which is made if need be. */
  append(path: string, bytes: Uint8Array): StorageResult;
  /** "done" where the folder is there already. */
  makeFolder(path: string): StorageResult;
  /** A file, a link or an empty folder; "done" where there is nothing. */
  remove(path: string): StorageResult;
  /** All that there is at a path and below it, whatever its names; no link is followed. Not one step. */
  removeAll(path: string): StorageResult;
  /** Replaces the file or link that stands at `to`. */
  rename(from: string, to: string): StorageResult;
  /** Makes a symbolic link where nothing is; `target` is text to the tree. */
  link(path: string, target: string): StorageResult;
  /** Makes a file's bytes durable. After a fault its state is unknown: remove it, and write another one. */
  sync(path: string): StorageResult;
  /** Makes creations, removals and renames in a folder durable; "" is the root. */
  syncFolder(folder: string): StorageResult;
}
