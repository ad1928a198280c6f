import { describe, expect, test } from "vitest";
import { Journal } from "../../../firmware/journal/journal.ts";
import { ReservedSequence } from "../../../firmware/protocol/oscore/sender-sequence.ts";
import { MemoryStorage } from "../../../hal/storage/memory-storage.ts";
import { event, interval, KIND, OPTIONS, open, register, settled, values, withFile } from "./helpers.ts";

const FIRST = "segment-00000001.log";

/** What a power cut leaves where nothing survives that it may take. */
function cut(disk: MemoryStorage): MemoryStorage {
  return disk.afterCut({ bytes: "none", folder: "none" });
}

function fill(journal: Journal, from: number, to: number): void {
  for (let number = from; number <= to; number++) expect(journal.append([interval(number)])).toBe("done");
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

describe("recovery", () => {
  test("of an empty storage is an empty journal, that can be written", () => {
    const journal = open(new MemoryStorage());
    expect(journal.recovery).toEqual({ lastSequence: 0, discardedBytes: 0, damage: [] });
    expect([journal.state, journal.records(KIND.interval)]).toEqual(["ready", []]);
  });

  test("gives records of all kinds in the order they were added, with their sequences and start", () => {
    const disk = new MemoryStorage();
    open(disk).append([register(7), interval(1), event("power-up")]);
    const journal = open(cut(disk));
    journal.append([event("clock")]);
    expect(journal.records(KIND.event, KIND.register)).toEqual([
      { kind: KIND.register, sequence: 1, boot: 1, value: 7 },
      { kind: KIND.event, sequence: 3, boot: 1, value: "power-up" },
      { kind: KIND.event, sequence: 4, boot: 2, value: "clock" },
    ]);
  });

  test("finds what was noted only after a sync or an append", () => {
    const disk = new MemoryStorage();
    const journal = open(disk);
    journal.note(register(1));
    expect(values(open(cut(disk)), KIND.register)).toEqual([]);
    journal.sync();
    journal.note(register(2));
    expect(values(open(cut(disk)), KIND.register)).toEqual([1]);
    journal.append([interval(1)]);
    expect(values(open(cut(disk)), KIND.register)).toEqual([2]);
  });

  test("stops at a torn record, says how many bytes it discards, and calls it no damage", () => {
    const disk = new MemoryStorage();
    const journal = open(disk);
    fill(journal, 1, 3);
    const whole = disk.read(FIRST) as Uint8Array;
    const torn = open(withFile(disk, FIRST, whole.subarray(0, -1)));
    expect(torn.recovery).toEqual({ lastSequence: 2, discardedBytes: 16, damage: [] });
    expect(values(torn, KIND.interval)).toEqual([1, 2]);
  });

  test("uses a batch whole or not at all", () => {
    const disk = new MemoryStorage();
    open(disk).append([interval(1), interval(2), interval(3)]);
    const whole = disk.read(FIRST) as Uint8Array;
    for (let missing = 1; missing <= 3 * 17; missing++) {
      const found = open(withFile(disk, FIRST, whole.subarray(0, -missing)));
      expect(values(found, KIND.interval)).toEqual([]);
      expect(found.recovery.damage).toEqual([]);
    }
  });

  test("never adds to a segment of an earlier start", () => {
    const disk = new MemoryStorage();
    fill(open(disk), 1, 2);
    const before = disk.read(FIRST);
    fill(open(disk), 3, 4);
    expect(disk.read(FIRST)).toEqual(before);
    expect(values(open(disk), KIND.interval)).toEqual([1, 2, 3, 4]);
  });

  test("writes anew what it cannot know to be durable: what a reader has seen stays", () => {
    const disk = new MemoryStorage();
    const killed = open(disk);
    killed.append([interval(1)]);
    // The process is killed, and the system still has these bytes, until the power goes.
    killed.note(interval(2));
    expect(values(open(disk), KIND.interval)).toEqual([1, 2]);
    expect(values(open(cut(disk)), KIND.interval)).toEqual([1, 2]);
  });

  test("starts that write nothing leave no more files", () => {
    let disk = new MemoryStorage();
    fill(open(disk), 1, 2);
    for (let start = 0; start < 50; start++) {
      disk = settled(disk);
      expect(values(open(disk), KIND.interval)).toEqual([1, 2]);
    }
    expect(disk.list().length).toBeLessThan(4);
  });
});

describe("snapshots", () => {
  /** Three snapshots' worth of intervals, with an event before them all. */
  function longLived(): MemoryStorage {
    const disk = new MemoryStorage();
    const journal = open(disk);
    journal.append([event("first")]);
    fill(journal, 1, 150);
    return settled(disk);
  }

  test("keep the newest of each kind: no flood of intervals evicts an event, nor the other way round", () => {
    const disk = longLived();
    const journal = open(disk);
    expect(values(journal, KIND.event)).toEqual(["first"]);
    expect(values(journal, KIND.interval)).toEqual(range(131, 150));
    for (const n of range(1, 150)) journal.append([event(`e${n}`)]);
    expect(values(open(disk), KIND.interval)).toEqual(range(131, 150));
    expect(values(open(disk), KIND.event)).toEqual(["e146", "e147", "e148", "e149", "e150"]);
  });

  test("bound the disk, however long the journal is written", () => {
    const disk = new MemoryStorage();
    const journal = open(disk);
    const sizes: number[] = [];
    for (const n of range(1, 2000)) {
      journal.append([interval(n), register(n)]);
      sizes.push(disk.list().reduce((sum, name) => sum + (disk.read(name)?.length ?? 0), 0));
    }
    // Two snapshots, the segments from the older one on and those until the next is due.
    expect(Math.max(...sizes)).toBeLessThan(2 * 27 * 40 + 2 * (3 + 1) * 256);
    expect(disk.list().length).toBeLessThanOrEqual(2 + 2 * (3 + 1));
    expect(journal.counters.bytesWritten / 2000).toBeLessThan(3 * 40);
    expect(journal.counters.syncs).toBeGreaterThan(2000);
  });

  test("that are damaged are told, and the other one and the segments give all the same", () => {
    const disk = longLived();
    const [newest] = ["snapshot-0.log", "snapshot-1.log"].sort(
      (a, b) => sequenceOf(disk, b) - sequenceOf(disk, a),
    );
    const damaged = withFile(disk, newest as string, Uint8Array.of(1, 2, 3));
    const journal = open(damaged);
    expect(journal.recovery.damage).toEqual([
      { what: "snapshot", sequence: sequenceOf(disk, newest as string) },
    ]);
    expect(values(journal, KIND.interval)).toEqual(range(131, 150));
    expect(values(journal, KIND.event)).toEqual(["first"]);
    expect(open(settled(damaged)).recovery.damage).toEqual([]);
  });

  test("that nothing was added to are not written again", () => {
    const disk = new MemoryStorage();
    const journal = open(disk);
    journal.append([interval(1)]);
    journal.snapshot();
    const { operations } = disk;
    expect(journal.snapshot()).toBe("done");
    expect(disk.operations).toBe(operations);
  });

  function sequenceOf(disk: MemoryStorage, name: string): number {
    return new DataView((disk.read(name) as Uint8Array).buffer).getUint32(4);
  }
});

describe("damage to what was durable", () => {
  /** Ten intervals in the one segment of a start, and as many in that of the next. */
  function twoStarts(): MemoryStorage {
    const disk = new MemoryStorage();
    fill(open(disk), 1, 10);
    fill(open(disk), 11, 20);
    return settled(disk);
  }

  function flipped(disk: MemoryStorage, name: string, offset: number, bit = 0x10): MemoryStorage {
    const bytes = disk.read(name) as Uint8Array;
    bytes[offset] = (bytes[offset] as number) ^ bit;
    return withFile(disk, name, bytes);
  }

  test("is told as a gap; the records around it are used", () => {
    const journal = open(flipped(twoStarts(), FIRST, 19 + 4 * 17));
    expect(journal.recovery.damage).toEqual([{ what: "gap", fromSequence: 5, toSequence: 9 }]);
    expect(values(journal, KIND.interval)).toEqual([...range(1, 4), ...range(10, 20)]);
    expect(journal.append([interval(21)])).toBe("done");
  });

  test("is told in the last segment, too, where a record behind it proves that it was durable", () => {
    const journal = open(flipped(twoStarts(), "segment-00000002.log", 19 + 3 * 17));
    expect(journal.recovery.damage).toEqual([{ what: "gap", fromSequence: 13, toSequence: 19 }]);
    expect(values(journal, KIND.interval)).toEqual(range(1, 12));
  });

  test("is told once: the next start has a snapshot without it", () => {
    const disk = flipped(twoStarts(), FIRST, 19 + 4 * 17);
    const journal = open(disk);
    fill(journal, 21, 22);
    const again = open(settled(disk));
    expect(again.recovery).toMatchObject({ damage: [], lastSequence: 22 });
    expect(values(again, KIND.interval)).toEqual([...range(1, 4), ...range(10, 22)]);
  });

  test("is told where a whole segment is gone", () => {
    const journal = open(withFile(twoStarts(), FIRST, undefined));
    expect(journal.recovery.damage).toEqual([{ what: "gap", fromSequence: 1, toSequence: 9 }]);
    expect(values(journal, KIND.interval)).toEqual(range(10, 20));
  });

  test("that comes while it runs ends writing before a snapshot can hide it", () => {
    const disk = new MemoryStorage();
    const journal = open(disk);
    fill(journal, 1, 5);
    const bytes = disk.read(FIRST) as Uint8Array;
    bytes[40] = 0xff;
    disk.write(FIRST, bytes);
    expect(journal.snapshot()).toBe("broken");
    expect(journal.state).toBe("broken");
  });

  test("of each single byte is found: no record is invented or silently missing", () => {
    const disk = new MemoryStorage();
    const journal = Journal.open(disk, { ...OPTIONS, segmentBytes: 128, segmentsPerSnapshot: 2 });
    for (const n of range(1, 14)) journal.append([n % 5 === 0 ? event(`e${n}`) : interval(n)]);
    const whole = open(settled(disk)).records(KIND.interval, KIND.event);
    for (const name of disk.list()) {
      const { length } = disk.read(name) as Uint8Array;
      for (let offset = 0; offset < length; offset++) {
        const found = open(flipped(disk, name, offset, 1 << (offset & 7)));
        const { discardedBytes, damage } = found.recovery;
        const records = found.records(KIND.interval, KIND.event);
        const isAll = records.length === whole.length;
        if (name.startsWith("snapshot")) expect(records).toEqual(whole);
        expect(isAll || discardedBytes > 0 || damage.length > 0).toBe(true);
        expect(whole).toEqual(expect.arrayContaining(records));
      }
    }
  });
});

describe("numbers of a sender", () => {
  test("are reserved in the journal: each start begins at the mark of the one before", () => {
    const disk = new MemoryStorage();
    const numbersOf = (journal: Journal): ReservedSequence => {
      const mark = values(journal, KIND.senderNumber)[0] ?? 0;
      const reserve = (value: number) => journal.append([{ kind: KIND.senderNumber, value }]) === "done";
      return new ReservedSequence(mark as number, reserve);
    };
    const first = numbersOf(open(disk));
    expect([first.next(), first.next()]).toEqual([0, 1]);
    expect(numbersOf(open(cut(disk))).next()).toBe(64);
  });

  test("are not given where the reservation is not durable", () => {
    const disk = new MemoryStorage();
    const journal = open(disk);
    disk.failAt({ operation: disk.operations + 2, fault: "broken" });
    const reserve = (value: number) => journal.append([{ kind: KIND.senderNumber, value }]) === "done";
    expect(new ReservedSequence(0, reserve).next()).toBeUndefined();
  });
});

describe("senseless use", () => {
  test.each([
    ["a kind without a rule", { kind: 9, value: 1 }],
    ["a record longer than its rule says", { kind: KIND.event, value: "x".repeat(40) }],
    ["a record that no reader takes", { kind: KIND.event, value: "ok".repeat(2), nested: nest(20) }],
  ])(
    "is a bug and thrown: %s",
    (_, { kind, value, nested }: { kind: number; value: unknown; nested?: unknown }) => {
      const journal = open(new MemoryStorage());
      expect(() => journal.append([{ kind, value: (nested ?? value) as never }])).toThrow();
      expect(journal.append([interval(1)])).toBe("done");
    },
  );

  test("is a batch that fits in no segment, and a rule that keeps nothing", () => {
    const batch = Array.from({ length: 20 }, (_, i) => interval(i));
    expect(() => open(new MemoryStorage()).append(batch)).toThrow("a batch of 340 bytes");
    for (const rule of [
      { kind: 0, keepRecords: 1, recordBytesMax: 1 },
      { kind: 1, keepRecords: 0, recordBytesMax: 1 },
      { kind: 1, keepRecords: 1, recordBytesMax: 5000 },
    ]) {
      expect(() => Journal.open(new MemoryStorage(), { rules: [rule] })).toThrow();
    }
  });
});

function nest(depth: number): unknown {
  return depth === 0 ? 1 : [nest(depth - 1)];
}
