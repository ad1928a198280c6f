import { describe, expect, test } from "vitest";
import { Journal } from "../../../firmware/journal/journal.ts";
import type { StorageFault } from "../../../hal/ports/storage.ts";
import { MemoryStorage, type StorageFaultPlan } from "../../../hal/storage/memory-storage.ts";
import { event, interval, KIND, OPTIONS, open, register, settled, values } from "./helpers.ts";

/** Two starts, with snapshots that come by themselves; gives the intervals that were acknowledged. */
function use(disk: MemoryStorage): { journal: Journal; acknowledged: number[] } {
  let journal = open(disk);
  const acknowledged: number[] = [];
  for (let number = 1; number <= 34; number++) {
    if (number === 18) journal = open(disk);
    journal.note(register(number));
    if (journal.append([interval(number), event(`e${number}`)]) === "done") acknowledged.push(number);
  }
  return { journal, acknowledged };
}

function operationsOfUse(): number {
  const disk = new MemoryStorage();
  use(disk);
  return disk.operations;
}

const FAULTS: readonly Omit<StorageFaultPlan, "operation">[] = [
  { fault: "full" },
  { fault: "full", short: true },
  { fault: "read-only", lasting: true },
  { fault: "broken" },
];

describe("a fault of the storage", () => {
  test.each(FAULTS)("%o at any operation loses nothing that was acknowledged", (plan) => {
    const operations = operationsOfUse();
    expect(operations).toBeGreaterThan(90);
    for (let operation = 1; operation <= operations; operation++) {
      const disk = new MemoryStorage();
      disk.failAt({ ...plan, operation });
      const { acknowledged } = use(disk);
      for (const survival of ["none", "torn"] as const) {
        const again = open(disk.afterCut({ bytes: survival, folder: "none" }));
        expect(again.recovery.damage).toEqual([]);
        // Each of both starts may have left one that was not acknowledged, in the ring of twenty.
        expect(values(again, KIND.interval)).toEqual(expect.arrayContaining(acknowledged.slice(-18)));
      }
    }
  });

  test.each<StorageFault>(["full", "read-only", "broken"])("%s ends writing and not reading", (fault) => {
    const disk = new MemoryStorage();
    const journal = open(disk);
    journal.append([interval(1)]);
    disk.failAt({ operation: disk.operations + 1, fault });
    expect(journal.append([interval(2)])).toBe(fault);
    expect(journal.state).toBe(fault);
    const { operations } = disk;
    expect([
      journal.note(interval(3)),
      journal.sync(),
      journal.snapshot(),
      journal.append([interval(4)]),
    ]).toEqual([fault, fault, fault, fault]);
    expect(disk.operations).toBe(operations);
    expect(values(journal, KIND.interval)).toEqual([1]);
  });

  test("of a sync is not answered by another sync, and another start writes what is in doubt into a new file", () => {
    const disk = new MemoryStorage();
    const journal = open(disk);
    disk.failAt({ operation: disk.operations + 2, fault: "broken" });
    expect([journal.append([interval(1)]), journal.sync()]).toEqual(["broken", "broken"]);
    const again = open(disk);
    expect(values(again, KIND.interval)).toEqual([1]);
    expect(again.append([interval(2)])).toBe("done");
    const after = open(disk.afterCut({ bytes: "none", folder: "none" }));
    expect(values(after, KIND.interval)).toEqual([1, 2]);
  });

  test("of a snapshot's sync leaves one that does not count, and the next one is a new file", () => {
    const disk = new MemoryStorage();
    const journal = open(disk);
    journal.append([interval(1)]);
    journal.snapshot();
    journal.append([interval(2)]);
    const [REMOVE, WRITE, SYNC] = [1, 1, 1];
    disk.failAt({ operation: disk.operations + REMOVE + WRITE + SYNC, fault: "broken" });
    expect(journal.snapshot()).toBe("broken");
    const again = open(disk);
    expect(again.recovery).toEqual({
      lastSequence: 2,
      discardedBytes: disk.read("snapshot-1.log")?.length,
      damage: [],
    });
    again.append([interval(3)]);
    expect(again.snapshot()).toBe("done");
    const after = open(disk.afterCut({ bytes: "none", folder: "none" }));
    expect(after.recovery).toEqual({ lastSequence: 3, discardedBytes: 0, damage: [] });
    expect(values(after, KIND.interval)).toEqual([1, 2, 3]);
  });

  test("while it is opened leaves a journal that can be read", () => {
    const disk = new MemoryStorage();
    open(disk).append([interval(1)]);
    const full = settled(disk);
    full.failAt({ operation: 1, fault: "read-only", lasting: true });
    const journal = open(full);
    expect([journal.state, journal.append([interval(2)])]).toEqual(["read-only", "read-only"]);
    expect(values(journal, KIND.interval)).toEqual([1]);
  });

  test("of reading one file ends writing, so that nothing takes its place", () => {
    const disk = new MemoryStorage();
    open(disk).append([interval(1)]);
    const unreadable = settled(disk);
    unreadable.read = () => undefined;
    const { operations } = unreadable;
    const journal = Journal.open(unreadable, OPTIONS);
    expect(journal.state).toBe("broken");
    expect(journal.recovery.damage).toEqual([{ what: "unreadable", name: "segment-00000001.log" }]);
    expect(unreadable.operations).toBe(operations);
  });
});
