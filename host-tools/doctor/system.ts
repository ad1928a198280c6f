/** What looking at the system gave: what is there, nothing, or that this user may not look. */
export type Look<Found> = { readonly found: Found } | "absent" | "denied";

/** What a file is. Rights are the low nine bits of `mode`. */
export interface FileFacts {
  readonly mode: number;
  readonly userId: number;
  readonly groupId: number;
  /** The file system's device number, and the file's number on it. */
  readonly device: number;
  readonly inode: number;
}

/**
 * The system as ports and doctor look at it. Everything is read only, by path, and at once; text comes
 * cut to 64 KiB and lists to 65,536 names, which nothing that is looked at needs more of.
 */
export interface System {
  /** As Node names it: `linux`, `darwin`, `win32`. */
  readonly platform: string;
  /** Node's version without the v: `20.19.0`. */
  readonly nodeVersion: string;
  readonly userName: string;
  readonly userId: number;
  /** Every group that this process is in. */
  readonly groupIds: readonly number[];
  /** The folders that programs are looked for in. */
  readonly programFolders: readonly string[];
  text(path: string): Look<string>;
  /** Names in a folder, sorted. */
  names(folder: string): Look<readonly string[]>;
  /** Where a symbolic link leads, as it is written there. */
  link(path: string): Look<string>;
  /** The path without symbolic links. */
  realPath(path: string): Look<string>;
  facts(path: string): Look<FileFacts>;
  mayReadAndWrite(path: string): boolean;
  mayRun(path: string): boolean;
}

/** What was found, or undefined where nothing was or may be. */
export function foundIn<Found>(look: Look<Found>): Found | undefined {
  return typeof look === "string" ? undefined : look.found;
}

/** The first line of a file, as sysfs has one in each; undefined where it is not there or empty. */
export function lineOf(system: System, path: string): string | undefined {
  return foundIn(system.text(path))?.split("\n", 1)[0]?.trim() || undefined;
}

/** The last part of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The path without its last part. */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}
