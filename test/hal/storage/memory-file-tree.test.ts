import { describe, expect, test } from "vitest";
import { type BytesSurvival, type FolderSurvival, PowerCut } from "../../../hal/storage/disk-model.ts";
import { MemoryFileTree } from "../../../hal/storage/memory-file-tree.ts";
import { fileTreeContract } from "../../contracts/file-tree.ts";

const NOTHING = { bytes: "none", folder: "none" } as const;

fileTreeContract("memory", () => {
  const tree = new MemoryFileTree();
  return { tree, reopen: () => tree.afterCut(NOTHING), close: () => {} };
});

const bytes = (...values: number[]) => Uint8Array.from(values);

/** A folder with a file in it, all durable. */
function settled(): MemoryFileTree {
  const tree = new MemoryFileTree();
  tree.makeFolder("slots");
  tree.write("slots/a", bytes(1));
  tree.sync("slots/a");
  tree.syncFolder("slots");
  tree.syncFolder("");
  return tree;
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
    const tree = settled();
    tree.append("slots/a", bytes(2, 3));
    tree.append("slots/a", bytes(4, 5));
    expect(tree.afterCut({ bytes: survival, folder: "none" }).read("slots/a")).toEqual(
      Uint8Array.from(expected),
    );
  });

  test.each<[FolderSurvival, string[]]>([
    ["none", ["slots"]],
    ["first-half", ["1", "2", "slots"]],
    ["last-half", ["3", "4", "slots"]],
    ["every-second", ["2", "4", "slots"]],
    ["all", ["1", "2", "3", "4", "slots"]],
  ])("of un-synced names '%s' is found", (survival, expected) => {
    const tree = settled();
    for (const name of ["1", "2", "3", "4"]) tree.write(name, bytes(1));
    expect([...tree.afterCut({ bytes: "all", folder: survival }).list("")].sort()).toEqual(expected);
  });

  test("a synced file in a folder that was not is gone with it", () => {
    const tree = settled();
    tree.makeFolder("slots/b");
    tree.write("slots/b/x", bytes(1));
    tree.sync("slots/b/x");
    tree.syncFolder("slots/b");
    expect(tree.afterCut(NOTHING).kindOf("slots/b")).toBeUndefined();
    tree.syncFolder("slots");
    expect(tree.afterCut(NOTHING).read("slots/b/x")).toEqual(bytes(1));
  });

  test("a file is found under its name before its bytes are, and under the old one until the folder is synced", () => {
    const tree = settled();
    tree.write("slots/new", bytes(2, 3));
    tree.rename("slots/new", "slots/a");
    expect(tree.afterCut(NOTHING).read("slots/a")).toEqual(bytes(1));
    expect(tree.afterCut({ bytes: "none", folder: "all" }).read("slots/a")).toEqual(bytes());
    expect(tree.afterCut({ bytes: "torn", folder: "all" }).read("slots/a")).toEqual(bytes(2));
    tree.sync("slots/a");
    expect(tree.afterCut({ bytes: "none", folder: "all" }).read("slots/a")).toEqual(bytes(2, 3));
    expect(tree.afterCut({ bytes: "none", folder: "last-half" }).list("slots")).toEqual(["a"]);
  });

  test("a rename between folders may have reached one of them only, until both are synced", () => {
    const tree = settled();
    tree.rename("slots/a", "b");
    tree.syncFolder("");
    const left = tree.afterCut(NOTHING);
    expect([left.read("slots/a"), left.read("b")]).toEqual([bytes(1), bytes(1)]);
    tree.syncFolder("slots");
    expect(tree.afterCut(NOTHING).list("slots")).toEqual([]);
  });

  test("nothing more is done, and the tree of before is not touched by what is done to the one that is left", () => {
    const tree = settled();
    tree.cutAt(tree.operations + 1);
    expect(() => tree.write("x", bytes(1))).toThrow(PowerCut);
    expect(() => tree.syncFolder("")).toThrow(PowerCut);
    const left = tree.afterCut(NOTHING);
    left.removeAll("slots");
    expect(tree.afterCut(NOTHING).read("slots/a")).toEqual(bytes(1));
  });

  test("it is known whether there is anything to lose", () => {
    const tree = settled();
    expect(tree.unsynced).toEqual({ bytes: false, folderChanges: 0 });
    tree.append("slots/a", bytes(2));
    tree.makeFolder("slots/b");
    expect(tree.unsynced).toEqual({ bytes: true, folderChanges: 1 });
  });
});

test("nothing is pending of what was in a folder that is gone for certain", () => {
  const tree = settled();
  tree.write("slots/b", bytes(1));
  tree.removeAll("slots");
  expect(tree.unsynced.folderChanges).toBe(4);
  tree.syncFolder("");
  expect(tree.unsynced).toEqual({ bytes: false, folderChanges: 0 });
  expect(tree.afterCut(NOTHING).list("")).toEqual([]);
});

describe("a disk that fails", () => {
  test("full: the first half of the bytes is there, and then nothing more", () => {
    const tree = settled();
    tree.failAt({ operation: tree.operations + 1, fault: "full", short: true, lasting: true });
    expect(tree.write("x", bytes(1, 2, 3, 4))).toBe("full");
    expect(tree.read("x")).toEqual(bytes(1, 2));
    expect([tree.sync("x"), tree.makeFolder("y"), tree.remove("slots/a")]).toEqual(Array(3).fill("full"));
    expect(tree.read("slots/a")).toEqual(bytes(1));
  });

  test("a failed sync is not mended by a second one: the file must be written anew", () => {
    const tree = settled();
    tree.append("slots/a", bytes(2));
    tree.failAt({ operation: tree.operations + 1, fault: "broken" });
    expect([tree.sync("slots/a"), tree.sync("slots/a")]).toEqual(["broken", "done"]);
    expect(tree.afterCut(NOTHING).read("slots/a")).toEqual(bytes(1));
    tree.remove("slots/a");
    tree.write("slots/a", bytes(1, 2));
    expect([tree.sync("slots/a"), tree.syncFolder("slots")]).toEqual(["done", "done"]);
    expect(tree.afterCut(NOTHING).read("slots/a")).toEqual(bytes(1, 2));
  });
});
