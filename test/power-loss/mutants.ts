// Storages that lie as a careless journal would leave things: the checker must find each of them.

import type { Storage, StorageResult } from "../../hal/ports/storage.ts";
import type { MemoryStorage } from "../../hal/storage/memory-storage.ts";
import type { Wrap } from "./enumerate.ts";

/** All operations passed on, but those that are replaced. */
function withReplaced(disk: Storage, replaced: Partial<Storage>): Storage {
  return {
    list: () => disk.list(),
    read: (name) => disk.read(name),
    write: (name, bytes) => disk.write(name, bytes),
    append: (name, bytes) => disk.append(name, bytes),
    remove: (name) => disk.remove(name),
    sync: (name) => disk.sync(name),
    syncFolder: () => disk.syncFolder(),
    ...replaced,
  };
}

function unlessNamed(prefix: string, disk: MemoryStorage): (name: string) => StorageResult {
  return (name) => (name.startsWith(prefix) ? "done" : disk.sync(name));
}

/** Each sync reaches the disk at the next one. */
function lateSyncs(disk: MemoryStorage): Storage {
  let owed: () => StorageResult = () => "done";
  const later = (sync: () => StorageResult): StorageResult => {
    const result = owed();
    owed = sync;
    return result;
  };
  return withReplaced(disk, {
    sync: (name) => later(() => disk.sync(name)),
    syncFolder: () => later(() => disk.syncFolder()),
  });
}

/** Both snapshots are one file, which is replaced in place. */
function oneSnapshotFile(disk: MemoryStorage): Storage {
  const only = (name: string): string => (name.startsWith("snapshot") ? "snapshot-0.log" : name);
  return withReplaced(disk, {
    write: (name, bytes) => disk.write(only(name), bytes),
    sync: (name) => disk.sync(only(name)),
  });
}

export const MUTANTS: ReadonlyMap<string, Wrap> = new Map<string, Wrap>([
  ["records-not-synced", (disk) => withReplaced(disk, { sync: unlessNamed("segment", disk) })],
  ["snapshot-not-synced", (disk) => withReplaced(disk, { sync: unlessNamed("snapshot", disk) })],
  ["folder-not-synced", (disk) => withReplaced(disk, { syncFolder: () => "done" })],
  ["snapshot-replaced-in-place", oneSnapshotFile],
  ["acknowledged-before-the-sync", lateSyncs],
]);
