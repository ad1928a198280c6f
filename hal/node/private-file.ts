// Files with secrets, and folders of them: whether anybody else could read or change them.
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";

/** What a file system says of who may do what; `mode` has the bits of POSIX. */
export interface Ownership {
  readonly mode: number;
  readonly uid: number;
}

const ROOT = 0;

/**
 * The text of a file that holds a secret, or why it is none, as the end of a sentence. Throws what
 * Node's file functions throw where it cannot be read.
 */
export function readPrivateFile(path: string): { readonly text: string } | { readonly exposure: string } {
  const file = openSync(path, "r");
  try {
    const exposure = exposureOf({ kind: "file", path }, fstatSync(file));
    return exposure === undefined ? { text: readFileSync(file, "utf8") } : { exposure };
  } finally {
    closeSync(file);
  }
}

/**
 * Makes a folder and those above it where they are not there, for their owner only. Throws what Node's file
 * functions throw; their own recursion never ends where a file system takes no folders, as /proc.
 */
export function makePrivateFolder(path: string): void {
  if (isFolder(path)) return;
  makePrivateFolder(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process may have been quicker.
    if (!isFolder(path)) throw error;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/**
 * Why others could change what is in a folder, as the end of a sentence; undefined if they could not, or
 * if it is not there.
 */
export function folderExposure(path: string): string | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats && exposureOf({ kind: "folder", path }, stats);
}

/** What {@link exposureOf} knows of: a file with a secret, and a folder where secrets are looked for. */
export interface Place {
  readonly kind: "file" | "folder";
  readonly path: string;
}

const FORBIDDEN = {
  file: { bits: 0o066, fault: "can be read or changed by others", mode: "600" },
  folder: { bits: 0o022, fault: "can be changed by others", mode: "700" },
} as const;

/**
 * Why a place with such rights is not private to the user `uid`, as the end of a sentence; undefined if it
 * is, or where the platform has no users and rights.
 */
export function exposureOf(
  { kind, path }: Place,
  { mode, uid: owner }: Ownership,
  uid = process.getuid?.(),
): string | undefined {
  if (uid === undefined) return undefined;
  // What is root's is as good as one's own; root itself can read all anyway, as in a container.
  if (owner !== uid && owner !== ROOT && uid !== ROOT)
    return `belongs to another user: use a ${kind} of your own.`;
  const { bits, fault, mode: mended } = FORBIDDEN[kind];
  return (mode & bits) === 0 ? undefined : `${fault}: run 'chmod ${mended} ${path}'.`;
}
