import { describe, expect, test } from "vitest";
import {
  type BytesSurvival,
  type FolderSurvival,
  MemoryStorage,
  PowerCut,
} from "../../../hal/storage/memory-storage.ts";
import { storageContract } from "../../contracts/storage.ts";

storageContract("memory", () => {
  const storage = new MemoryStorage();
  return { storage, reopen: () => storage.afterCut({ bytes: "none", folder: "none" }), close: () => {} };
});

const bytes = (...values: number[]) => Uint8Array.from(values);

/** One synced byte, then two appends of two. */
function withUnsynced(): MemoryStorage {
  const storage = new MemoryStorage(new Map([["a.log", bytes(1)]]));
  storage.append("a.log", bytes(2, 3));
  storage.append("a.log", bytes(4, 5));
  return storage;
}

describe("after a cut", () => {
  test.each<[BytesSurvival, number[]]>([
    ["none", [1]],
    ["all", [1, 2, 3, 4, 5]],
    ["torn", [1, 2, 3]],
    ["zeros", [1, 0, 0, 0, 0]],
    ["last-only", [1, 0, 0, 4, 5]],
    ["torn-and-zeros", [1, 2, 3, 0, 0]],
  ])("of un-synced bytes '%s' is found", (survival, expected) => {
    const disk = withUnsynced().afterCut({ bytes: survival, folder: "none" });
    expect(disk.read("a.log")).toEqual(Uint8Array.from(expected));
  });

  test("synced bytes are found, whatever happens to the others", () => {
    const storage = withUnsynced();
    storage.sync("a.log");
    storage.append("a.log", bytes(6));
    const disk = storage.afterCut({ bytes: "none", folder: "none" });
    expect(disk.read("a.log")).toEqual(bytes(1, 2, 3, 4, 5));
  });

  test("a replaced file is the old one until it is synced", () => {
    const storage = new MemoryStorage(new Map([["a.log", bytes(1, 1)]]));
    storage.write("a.log", bytes(2, 2, 2, 2));
    expect(storage.afterCut({ bytes: "none", folder: "none" }).read("a.log")).toEqual(bytes(1, 1));
    expect(storage.afterCut({ bytes: "torn", folder: "none" }).read("a.log")).toEqual(bytes(2, 2));
  });

  test.each<[FolderSurvival, string[]]>([
    ["none", ["old.log"]],
    ["first-half", ["new.log", "old.log"]],
    ["last-half", []],
    ["all", ["new.log"]],
  ])("of un-synced creations and removals '%s' is found", (survival, expected) => {
    const storage = new MemoryStorage(new Map([["old.log", bytes(1)]]));
    storage.write("new.log", bytes(2));
    storage.sync("new.log");
    storage.remove("old.log");
    const disk = storage.afterCut({ bytes: "none", folder: survival });
    expect([...disk.list()].sort()).toEqual(expected);
    storage.syncFolder();
    expect(storage.afterCut({ bytes: "none", folder: "none" }).list()).toEqual(["new.log"]);
  });

  test("the operation that was cut may have left something, and all later ones die too", () => {
    const storage = new MemoryStorage();
    storage.cutAt(2);
    expect(storage.write("a.log", bytes(1, 2))).toBe("done");
    expect(() => storage.append("a.log", bytes(3, 4))).toThrow(PowerCut);
    expect(() => storage.syncFolder()).toThrow(PowerCut);
    const disk = storage.afterCut({ bytes: "all", folder: "all" });
    expect(disk.read("a.log")).toEqual(bytes(1, 2, 3, 4));
  });
});

describe("faults on demand", () => {
  test("come at one operation, or from one on", () => {
    const storage = new MemoryStorage();
    storage.failAt({ operation: 2, fault: "full" });
    const results = [1, 2, 3].map((value) => storage.append("a.log", bytes(value)));
    expect(results).toEqual(["done", "full", "done"]);
    expect(storage.read("a.log")).toEqual(bytes(1, 3));
    storage.failAt({ operation: 4, fault: "read-only", lasting: true });
    expect([storage.append("a.log", bytes(4)), storage.remove("a.log")]).toEqual(["read-only", "read-only"]);
    expect(storage.read("a.log")).toEqual(bytes(1, 3));
  });

  test("may leave a short write", () => {
    const storage = new MemoryStorage();
    storage.failAt({ operation: 1, fault: "full", short: true });
    expect(storage.append("a.log", bytes(1, 2, 3, 4))).toBe("full");
    expect(storage.read("a.log")).toEqual(bytes(1, 2));
  });

  test("after a failed sync a second one says done and nothing is on the disk", () => {
    const storage = withUnsynced();
    storage.failAt({ operation: 3, fault: "broken" });
    expect([storage.sync("a.log"), storage.sync("a.log")]).toEqual(["broken", "done"]);
    expect(storage.afterCut({ bytes: "none", folder: "all" }).read("a.log")).toEqual(bytes(1));
  });
});
