import {
  closeSync,
  constants,
  fchownSync,
  fstatSync,
  fsyncSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  statSync,
  symlinkSync,
  unlinkSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { type FileKind, type FileTree, isTreePath } from "../ports/file-tree.ts";
import type { StorageResult } from "../ports/storage.ts";
import { syncFolder } from "./durable-file.ts";
import { attempt, StorageError, writeAll } from "./file-storage.ts";
import { storageResult } from "./storage-result.ts";

/**
 * Files kept open. A failed write-back is told to those who have the file open, so that a file should stay so
 * from its writing to its sync; an installer has one under way.
 */
const OPEN_FILES_MAX = 4;
const { O_APPEND, O_CREAT, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_RDONLY, O_TRUNC, O_WRONLY } = constants;

/**
 * A folder, which must be there, as a {@link FileTree}. What root makes in it belongs to whom the folder belongs, so that a
 * card that was written by root is the meter's. Throws {@link StorageError} where there is no folder, or
 * none that this user may look into.
 */
export function openFileTree(path: string): NodeFileTree {
  const root = attempt(() => realpathSync(resolve(path)));
  const stats = root === undefined ? undefined : attempt(() => statSync(root));
  if (root === undefined || !stats?.isDirectory())
    throw new StorageError(`There is no folder ${path}: make it or name another one.`);
  // To whom sees nothing, all would be empty: slots, and what was ever confirmed.
  if (attempt(() => [readdirSync(root), lstatSync(join(root, "."))]) === undefined)
    throw new StorageError(`The folder ${path} cannot be looked into: come as its owner, or as root.`);
  return new NodeFileTree(root, stats);
}

/** Made by {@link openFileTree}. */
export class NodeFileTree implements FileTree {
  readonly #root: string;
  /** Who is to own what is made; undefined where that is whoever makes it. */
  readonly #owner: { readonly uid: number; readonly gid: number } | undefined;
  /** Oldest first. */
  readonly #open = new Map<string, number>();

  constructor(root: string, { uid, gid }: Pick<Stats, "uid" | "gid">) {
    this.#root = root;
    this.#owner = process.getuid?.() === 0 && uid !== 0 ? { uid, gid } : undefined;
  }

  /** Lets go of what is open. */
  close(): void {
    for (const path of [...this.#open.keys()]) this.#closeFile(path);
  }

  kindOf(path: string): FileKind | undefined {
    const stats = this.#stats(path);
    if (stats?.isFile()) return "file";
    if (stats?.isDirectory()) return "folder";
    return stats && (stats.isSymbolicLink() ? "link" : "other");
  }

  list(folder: string): readonly string[] {
    const place = this.#folder(folder);
    return (place === undefined ? undefined : attempt(() => readdirSync(place))) ?? [];
  }

  read(path: string): Uint8Array | undefined {
    return this.#withFile(path, (file) => Uint8Array.from(readFileSync(file)));
  }

  sizeOf(path: string): number | undefined {
    return this.#withFile(path, (_, { size }) => size);
  }

  readLink(path: string): string | undefined {
    const place = this.#place(path);
    return place === undefined ? undefined : attempt(() => readlinkSync(place));
  }

  write(path: string, bytes: Uint8Array): StorageResult {
    this.#closeFile(path);
    return this.#change(path, (place) => writeAll(this.#openFile(path, place, O_TRUNC), bytes));
  }

  append(path: string, bytes: Uint8Array): StorageResult {
    return this.#change(path, (place) =>
      writeAll(this.#open.get(path) ?? this.#openFile(path, place, 0), bytes),
    );
  }

  makeFolder(path: string): StorageResult {
    if (this.kindOf(path) === "folder") return "done";
    return this.#change(path, (place) => {
      mkdirSync(place, { mode: 0o700 });
      this.#give(place);
    });
  }

  remove(path: string): StorageResult {
    const [kind, place] = [this.kindOf(path), this.#place(path)];
    if (kind === undefined || place === undefined) return "done";
    this.#closeFile(path);
    return storageResult(() => (kind === "folder" ? rmdirSync(place) : unlinkSync(place)));
  }

  removeAll(path: string): StorageResult {
    const place = this.#place(path);
    if (place === undefined) return "done";
    for (const open of [...this.#open.keys()]) if (`${open}/`.startsWith(`${path}/`)) this.#closeFile(open);
    return storageResult(() => rmSync(place, { recursive: true, force: true }));
  }

  rename(from: string, to: string): StorageResult {
    const [source, goal] = [this.#place(from), this.#place(to)];
    const kind = this.kindOf(from);
    if (source === undefined || goal === undefined || kind === undefined || kind === "folder")
      return "broken";
    this.#closeFile(from);
    this.#closeFile(to);
    return storageResult(() => renameSync(source, goal));
  }

  link(path: string, target: string): StorageResult {
    return this.#change(path, (place) => {
      symlinkSync(target, place);
      this.#give(place);
    });
  }

  sync(path: string): StorageResult {
    if (this.kindOf(path) !== "file") return "broken";
    return this.#change(path, (place) => fsyncSync(this.#open.get(path) ?? this.#openFile(path, place, 0)));
  }

  syncFolder(folder: string): StorageResult {
    const place = this.#folder(folder);
    return place === undefined ? "broken" : storageResult(() => syncFolder(place));
  }

  /** Where a path leads, whatever stands there; undefined where it does not lead through folders alone. */
  #place(path: string): string | undefined {
    if (!isTreePath(path)) throw new Error(`"${path}" is no path in a tree`);
    const segments = path.split("/");
    let place = this.#root;
    for (const segment of segments.slice(0, -1)) {
      place = join(place, segment);
      if (!attempt(() => lstatSync(place))?.isDirectory()) return undefined;
    }
    return join(place, segments.at(-1) as string);
  }

  #folder(path: string): string | undefined {
    if (path === "") return this.#root;
    return this.kindOf(path) === "folder" ? this.#place(path) : undefined;
  }

  #stats(path: string): Stats | undefined {
    const place = this.#place(path);
    return place === undefined ? undefined : attempt(() => lstatSync(place));
  }

  #withFile<Result>(path: string, use: (file: number, stats: Stats) => Result): Result | undefined {
    const place = this.#place(path);
    if (place === undefined) return undefined;
    return attempt(() => {
      // A pipe that somebody has put there would have nobody at its other end.
      const file = openSync(place, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      try {
        const stats = fstatSync(file);
        return stats.isFile() ? use(file, stats) : undefined;
      } finally {
        closeSync(file);
      }
    });
  }

  #change(path: string, change: (place: string) => unknown): StorageResult {
    const place = this.#place(path);
    return place === undefined ? "broken" : storageResult(() => change(place));
  }

  #openFile(path: string, place: string, flags: number): number {
    const file = openSync(place, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | flags, 0o600);
    if (this.#owner !== undefined) fchownSync(file, this.#owner.uid, this.#owner.gid);
    this.#open.set(path, file);
    const [oldest] = this.#open.keys();
    if (this.#open.size > OPEN_FILES_MAX && oldest !== undefined) this.#closeFile(oldest);
    return file;
  }

  /** A folder or a link that was just made. */
  #give(place: string): void {
    if (this.#owner !== undefined) lchownSync(place, this.#owner.uid, this.#owner.gid);
  }

  #closeFile(path: string): void {
    const file = this.#open.get(path);
    if (file === undefined) return;
    this.#open.delete(path);
    closeSync(file);
  }
}
