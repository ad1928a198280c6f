import {
  closeSync,
  constants,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join, resolve } from "node:path";
import type { Storage, StorageResult } from "../ports/storage.ts";
import { syncFolder } from "./durable-file.ts";
import { holdExclusively } from "./exclusive.ts";
import { folderExposure, makePrivateFolder } from "./private-file.ts";
import { storageResult } from "./storage-result.ts";

/** Why a folder cannot be a storage: one sentence for a person, saying what, where and what to do. */
export class StorageError extends Error {
  override readonly name = "StorageError";
}

/** The port's names: flat, so that none leads out of the folder. */
const NAME = /^(?!\.)[a-z0-9.-]{1,64}$/;

/**
 * Files kept open. A failed write-back is told to those who have the file open, so that a file should stay so
 * from its writing to its sync; a journal has two under way at the most.
 */
const OPEN_FILES_MAX = 4;

const ADVICE: ReadonlyMap<string, string> = new Map([
  ["ENOTDIR", "a file is in the way; choose another folder"],
  ["EEXIST", "a file is in the way; choose another folder"],
  ["EACCES", "you lack the rights; choose a folder of your own"],
  ["EPERM", "you lack the rights; choose a folder of your own"],
  ["ENOENT", "no folder can be made there; choose another"],
  ["EROFS", "the file system is read-only; choose another folder"],
  ["ENOSPC", "the disk is full; make room or choose another folder"],
]);

/**
 * A folder as a {@link Storage}, for this process alone; it is made if need be, for its owner only. Rejects
 * with {@link StorageError} where it cannot be used.
 */
export async function openFileStorage(path: string): Promise<FileStorage> {
  const folder = privateFolder(path);
  const release = await holdExclusively(`storage ${folder}`);
  if (release === undefined)
    throw new StorageError(
      `The folder ${path} is in use by another process: end it or choose another folder.`,
    );
  return new FileStorage(folder, release);
}

function privateFolder(path: string): string {
  let exposure: string | undefined;
  let folder: string;
  try {
    makePrivateFolder(path);
    folder = realpathSync(resolve(path));
    readdirSync(folder);
    exposure = folderExposure(folder);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new StorageError(`Cannot use the folder ${path}: ${ADVICE.get(code ?? "") ?? message}.`);
  }
  if (exposure !== undefined) throw new StorageError(`The folder ${path} ${exposure}`);
  return folder;
}

/** Made by {@link openFileStorage}. */
export class FileStorage implements Storage {
  readonly #folder: string;
  readonly #release: () => void;
  /** Oldest first. */
  readonly #open = new Map<string, number>();
  /** Names whose sync failed: a second one that succeeds would prove nothing (fsync(2)). */
  readonly #unsyncable = new Set<string>();

  constructor(folder: string, release: () => void) {
    this.#folder = folder;
    this.#release = release;
  }

  /** Lets go of the folder; nothing may be called after it. */
  close(): void {
    for (const name of [...this.#open.keys()]) this.#closeFile(name);
    this.#release();
  }

  list(): readonly string[] {
    const entries = attempt(() => readdirSync(this.#folder, { withFileTypes: true })) ?? [];
    return entries.filter((entry) => entry.isFile() && NAME.test(entry.name)).map(({ name }) => name);
  }

  read(name: string): Uint8Array | undefined {
    const bytes = attempt(() => readFileSync(this.#path(name)));
    return bytes && Uint8Array.from(bytes);
  }

  write(name: string, bytes: Uint8Array): StorageResult {
    return storageResult(() => {
      this.#closeFile(name);
      writeAll(this.#openFile(name, constants.O_TRUNC), bytes);
    });
  }

  append(name: string, bytes: Uint8Array): StorageResult {
    return storageResult(() => writeAll(this.#open.get(name) ?? this.#openFile(name, 0), bytes));
  }

  remove(name: string): StorageResult {
    return storageResult(() => {
      this.#closeFile(name);
      rmSync(this.#path(name), { force: true });
      this.#unsyncable.delete(name);
    });
  }

  sync(name: string): StorageResult {
    if (this.#unsyncable.has(name)) return "broken";
    const synced = storageResult(() => fsyncSync(this.#open.get(name) ?? this.#openFile(name, 0)));
    if (synced !== "done") this.#unsyncable.add(name);
    return synced;
  }

  syncFolder(): StorageResult {
    return storageResult(() => syncFolder(this.#folder));
  }

  #path(name: string): string {
    if (!NAME.test(name)) throw new Error(`"${name}" is no name of a file in a storage`);
    return join(this.#folder, name);
  }

  #openFile(name: string, flags: number): number {
    const { O_WRONLY, O_CREAT, O_APPEND, O_NOFOLLOW = 0 } = constants;
    const file = openSync(this.#path(name), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | flags, 0o600);
    this.#open.set(name, file);
    const [oldest] = this.#open.keys();
    if (this.#open.size > OPEN_FILES_MAX && oldest !== undefined) this.#closeFile(oldest);
    return file;
  }

  #closeFile(name: string): void {
    const file = this.#open.get(name);
    if (file === undefined) return;
    this.#open.delete(name);
    closeSync(file);
  }
}

export function writeAll(file: number, bytes: Uint8Array): void {
  for (let offset = 0; offset < bytes.length; ) offset += writeSync(file, bytes, offset);
}

export function attempt<Value>(operation: () => Value): Value | undefined {
  try {
    return operation();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    return undefined;
  }
}
