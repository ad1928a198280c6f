import { Journal, type JournalOptions, type JournalRecord } from "../../../firmware/journal/journal.ts";
import { MemoryStorage } from "../../../hal/storage/memory-storage.ts";

export const KIND = { register: 1, interval: 2, event: 3, senderNumber: 4 } as const;

export const OPTIONS: JournalOptions = {
  rules: [
    { kind: KIND.register, keepRecords: 1, recordBytesMax: 32 },
    { kind: KIND.interval, keepRecords: 20, recordBytesMax: 32 },
    { kind: KIND.event, keepRecords: 5, recordBytesMax: 32 },
    { kind: KIND.senderNumber, keepRecords: 1, recordBytesMax: 16 },
  ],
  segmentBytes: 256,
  segmentsPerSnapshot: 3,
};

/** Small enough to be told apart by its number. */
export function interval(number: number): JournalRecord {
  return { kind: KIND.interval, value: number };
}

export function event(text: string): JournalRecord {
  return { kind: KIND.event, value: text };
}

export function register(milliwattHours: number): JournalRecord {
  return { kind: KIND.register, value: milliwattHours };
}

export function open(storage: MemoryStorage): Journal {
  return Journal.open(storage, OPTIONS);
}

export function values(journal: Journal, ...kinds: number[]): unknown[] {
  return journal.records(...kinds).map(({ value }) => value);
}

/** A disk with other bytes in one file. */
export function withFile(disk: MemoryStorage, name: string, bytes: Uint8Array | undefined): MemoryStorage {
  const files = new Map(disk.list().map((known) => [known, disk.read(known) ?? new Uint8Array(0)]));
  if (bytes === undefined) files.delete(name);
  else files.set(name, bytes);
  return new MemoryStorage(files);
}

/** What an orderly end leaves, to be opened again: nothing of it is pending. */
export function settled(disk: MemoryStorage): MemoryStorage {
  return disk.afterCut({ bytes: "all", folder: "all" });
}
