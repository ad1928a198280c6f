import { describe, expect, test } from "vitest";
import type { Storage } from "../../hal/ports/storage.ts";

/** A storage under test, empty at first. */
export interface StorageFixture {
  readonly storage: Storage;
  /** What is found after an orderly end and a new start. */
  reopen(): Promise<Storage> | Storage;
  close(): void;
}

const bytes = (...values: number[]) => Uint8Array.from(values);

/** What any Storage does while the power stays on. */
export function storageContract(name: string, make: () => StorageFixture | Promise<StorageFixture>): void {
  describe(`${name} is a Storage`, () => {
    const withStorage = async (run: (fixture: StorageFixture) => Promise<void> | void): Promise<void> => {
      const fixture = await make();
      try {
        await run(fixture);
      } finally {
        fixture.close();
      }
    };

    test("it begins empty, and a file that is not there reads as nothing", () =>
      withStorage(({ storage }) => {
        expect(storage.list()).toEqual([]);
        expect(storage.read("a.log")).toBeUndefined();
      }));

    test("bytes are read back as they were written, also before any sync", () =>
      withStorage(({ storage }) => {
        const all = Uint8Array.from({ length: 256 }, (_, i) => i);
        expect(storage.write("a.log", all)).toBe("done");
        expect(storage.read("a.log")).toEqual(all);
        expect(storage.write("empty.log", bytes())).toBe("done");
        expect(storage.read("empty.log")).toEqual(bytes());
        expect([...storage.list()].sort()).toEqual(["a.log", "empty.log"]);
      }));

    test("a write replaces the whole file, an append adds to its end and makes it if need be", () =>
      withStorage(({ storage }) => {
        storage.append("a.log", bytes(1, 2));
        storage.append("a.log", bytes(3));
        expect(storage.read("a.log")).toEqual(bytes(1, 2, 3));
        storage.write("a.log", bytes(4));
        expect(storage.read("a.log")).toEqual(bytes(4));
        storage.append("a.log", bytes(5));
        expect(storage.sync("a.log")).toBe("done");
        storage.append("a.log", bytes(6));
        expect(storage.read("a.log")).toEqual(bytes(4, 5, 6));
      }));

    test("more files than anybody has open at once keep their bytes apart", () =>
      withStorage(({ storage }) => {
        const names = Array.from({ length: 12 }, (_, i) => `file-${i}.log`);
        for (const [i, file] of names.entries()) storage.append(file, bytes(1, i));
        for (const [i, file] of names.entries()) storage.append(file, bytes(2, i));
        expect(names.map((file) => storage.sync(file))).toEqual(names.map(() => "done"));
        expect(names.map((file) => storage.read(file))).toEqual(names.map((_, i) => bytes(1, i, 2, i)));
      }));

    test("a removed file is gone, may be made anew, and removing nothing is no fault", () =>
      withStorage(({ storage }) => {
        storage.write("a.log", bytes(1));
        expect(storage.remove("a.log")).toBe("done");
        expect(storage.list()).toEqual([]);
        expect(storage.read("a.log")).toBeUndefined();
        expect(storage.remove("a.log")).toBe("done");
        storage.append("a.log", bytes(2));
        expect(storage.read("a.log")).toEqual(bytes(2));
      }));

    test("arrays that were given or taken may be changed and change nothing inside", () =>
      withStorage(({ storage }) => {
        const given = bytes(1, 2, 3);
        storage.write("a.log", given);
        given.fill(9);
        storage.append("a.log", given.subarray(0, 1));
        storage.read("a.log")?.fill(7);
        expect(storage.read("a.log")).toEqual(bytes(1, 2, 3, 9));
      }));

    test("what was synced is there after a new start", () =>
      withStorage(async ({ storage, reopen }) => {
        storage.write("a.log", bytes(1));
        storage.write("b.log", bytes(2));
        expect(storage.sync("a.log")).toBe("done");
        expect(storage.syncFolder()).toBe("done");
        storage.remove("b.log");
        expect(storage.syncFolder()).toBe("done");
        const again = await reopen();
        expect(again.list()).toEqual(["a.log"]);
        expect(again.read("a.log")).toEqual(bytes(1));
      }));
  });
}
