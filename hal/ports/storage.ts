/** `full`, `read-only` and `broken` are the world's; the data written before stays readable. */
export type StorageFault = "full" | "read-only" | "broken";

/** Done, or why not. A fault leaves the file as it was or with a torn tail, never with a hole. */
export type StorageResult = "done" | StorageFault;

/**
 * A folder of small files that survives power cuts, as far as `sync` and `syncFolder` were called.
 *
 * A caller may assume, and no more: bytes written are durable only after `sync` of that file
 * returned "done"; a file created, renamed or removed is so durably only after `syncFolder`.
 * Before that, any part of it may be lost at a cut, in any order, and a torn write may leave the
 * right length with wrong bytes. Names are flat, `[a-z0-9.-]`, at most 64 characters.
 */
export interface Storage {
  /** Names of all files, in no order. */
  list(): readonly string[];
  /** The file's bytes, or undefined where there is none; undefined for a name of `list` is unreadable. */
  read(name: string): Uint8Array | undefined;
  /** Makes or replaces a file. */
  write(name: string, bytes: Uint8Array): StorageResult;
  /** Adds to the end of a file, which is made if need be. */
  append(name: string, bytes: Uint8Array): StorageResult;
  remove(name: string): StorageResult;
  /** Makes the file's bytes durable. After a fault the file's state is unknown: do not try again. */
  sync(name: string): StorageResult;
  /** Makes creations and removals durable. */
  syncFolder(): StorageResult;
}
