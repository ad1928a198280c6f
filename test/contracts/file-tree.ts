import { describe, expect, test } from "vitest";
import type { FileTree } from "../../hal/ports/file-tree.ts";

/** A tree under test, empty at first. */
export interface FileTreeFixture {
  readonly tree: FileTree;
  /** What is found after an orderly end and a new start. */
  reopen(): FileTree;
  close(): void;
}

const bytes = (...values: number[]) => Uint8Array.from(values);

/** What any FileTree does while the power stays on. */
export function fileTreeContract(name: string, make: () => FileTreeFixture): void {
  describe(`${name} is a FileTree`, () => {
    const withTree = (run: (tree: FileTree, fixture: FileTreeFixture) => void): void => {
      const fixture = make();
      try {
        run(fixture.tree, fixture);
      } finally {
        fixture.close();
      }
    };

    test("it begins empty, and nothing is where nothing was made", () =>
      withTree((tree) => {
        expect(tree.list("")).toEqual([]);
        expect(tree.list("a")).toEqual([]);
        for (const path of ["a", "a/b"]) {
          expect([tree.kindOf(path), tree.read(path), tree.sizeOf(path), tree.readLink(path)]).toEqual(
            Array(4).fill(undefined),
          );
        }
      }));

    test("files lie in folders that must be there, and are read back as they were written", () =>
      withTree((tree) => {
        const all = Uint8Array.from({ length: 256 }, (_, i) => i);
        expect(tree.write("a/b.bin", all)).toBe("broken");
        expect(tree.makeFolder("a/b")).toBe("broken");
        expect([tree.makeFolder("a"), tree.makeFolder("a")]).toEqual(["done", "done"]);
        expect(tree.write("a/b.bin", all)).toBe("done");
        expect(tree.write("a/empty", bytes())).toBe("done");
        expect([tree.read("a/b.bin"), tree.sizeOf("a/b.bin")]).toEqual([all, 256]);
        expect([tree.read("a/empty"), tree.sizeOf("a/empty")]).toEqual([bytes(), 0]);
        expect([tree.kindOf("a"), tree.kindOf("a/b.bin")]).toEqual(["folder", "file"]);
        expect([tree.read("a"), tree.sizeOf("a")]).toEqual([undefined, undefined]);
        expect([...tree.list("a")].sort()).toEqual(["b.bin", "empty"]);
        expect(tree.list("")).toEqual(["a"]);
      }));

    test("a write replaces the whole file, an append adds to its end and makes it if need be", () =>
      withTree((tree) => {
        tree.append("log", bytes(1, 2));
        tree.append("log", bytes(3));
        expect(tree.read("log")).toEqual(bytes(1, 2, 3));
        tree.write("log", bytes(4));
        tree.append("log", bytes(5));
        expect(tree.sync("log")).toBe("done");
        tree.append("log", bytes(6));
        expect(tree.read("log")).toEqual(bytes(4, 5, 6));
      }));

    test("more files than anybody has open at once keep their bytes apart", () =>
      withTree((tree) => {
        const names = Array.from({ length: 12 }, (_, i) => `file-${i}`);
        for (const [i, file] of names.entries()) tree.append(file, bytes(1, i));
        for (const [i, file] of names.entries()) tree.append(file, bytes(2, i));
        expect(names.map((file) => tree.sync(file))).toEqual(names.map(() => "done"));
        expect(names.map((file) => tree.read(file))).toEqual(names.map((_, i) => bytes(1, i, 2, i)));
      }));

    test("a folder or a link is no file, and a file or a link no folder", () =>
      withTree((tree) => {
        tree.makeFolder("folder");
        tree.write("file", bytes(1));
        tree.link("link", "folder");
        for (const path of ["folder", "link"]) {
          expect([tree.write(path, bytes(2)), tree.append(path, bytes(2)), tree.sync(path)]).toEqual(
            Array(3).fill("broken"),
          );
        }
        for (const path of ["file", "link"])
          expect([tree.makeFolder(path), tree.syncFolder(path)]).toEqual(["broken", "broken"]);
        expect(tree.write("file/x", bytes(2))).toBe("broken");
      }));

    test("a link says where it points and is never followed, neither at the end of a path nor on its way", () =>
      withTree((tree) => {
        tree.makeFolder("real");
        tree.write("real/file", bytes(1));
        expect(tree.link("link", "real")).toBe("done");
        expect(tree.link("to-file", "real/file")).toBe("done");
        expect(tree.link("out", "../../../etc")).toBe("done");
        expect(tree.link("link", "elsewhere")).toBe("broken");
        expect([tree.kindOf("link"), tree.readLink("link")]).toEqual(["link", "real"]);
        expect([tree.kindOf("out"), tree.readLink("out")]).toEqual(["link", "../../../etc"]);
        expect(tree.readLink("real/file")).toBeUndefined();
        expect([tree.read("to-file"), tree.sizeOf("to-file"), tree.list("link")]).toEqual([
          ...[undefined, undefined, []],
        ]);
        const through = "link/file";
        expect([tree.kindOf(through), tree.read(through), tree.sizeOf(through)]).toEqual(
          Array(3).fill(undefined),
        );
        expect([tree.write(through, bytes(9)), tree.append(through, bytes(9))]).toEqual(["broken", "broken"]);
        expect([tree.makeFolder("link/x"), tree.link("link/y", "z")]).toEqual(["broken", "broken"]);
        expect([tree.sync(through), tree.rename("link/file", "stolen")]).toEqual(["broken", "broken"]);
        expect([tree.remove(through), tree.removeAll("link")]).toEqual(["done", "done"]);
        expect(tree.read("real/file")).toEqual(bytes(1));
        expect([...tree.list("")].sort()).toEqual(["out", "real", "to-file"]);
      }));

    test("removing takes a file, a link or an empty folder, and nothing is no fault", () =>
      withTree((tree) => {
        tree.makeFolder("folder");
        tree.write("folder/file", bytes(1));
        tree.link("link", "folder");
        expect(tree.remove("folder")).toBe("broken");
        for (const path of ["folder/file", "folder", "link", "nothing", "no/thing"])
          expect(tree.remove(path)).toBe("done");
        expect(tree.list("")).toEqual([]);
        tree.write("folder", bytes(2));
        expect(tree.read("folder")).toEqual(bytes(2));
      }));

    test("all below a folder goes with it, and what its links point to stays", () =>
      withTree((tree) => {
        for (const folder of ["keep", "slot", "slot/app", "slot/app/deep"]) tree.makeFolder(folder);
        for (const file of ["keep/file", "slot/app/main.mjs", "slot/app/deep/x"]) tree.write(file, bytes(1));
        tree.link("slot/app/link", "../../keep");
        expect([tree.removeAll("slot"), tree.removeAll("slot"), tree.removeAll("no/thing")]).toEqual(
          Array(3).fill("done"),
        );
        expect(tree.list("")).toEqual(["keep"]);
        expect(tree.read("keep/file")).toEqual(bytes(1));
        tree.write("file", bytes(1));
        expect(tree.removeAll("file")).toBe("done");
      }));

    test("a rename puts a file or a link in the place of another, with its bytes", () =>
      withTree((tree) => {
        tree.write("old", bytes(1));
        tree.write("new", bytes(2));
        tree.append("new", bytes(3));
        expect(tree.rename("new", "old")).toBe("done");
        expect([tree.read("old"), tree.read("new")]).toEqual([bytes(2, 3), undefined]);
        tree.append("old", bytes(4));
        tree.append("new", bytes(5));
        expect([tree.read("old"), tree.read("new")]).toEqual([bytes(2, 3, 4), bytes(5)]);
        tree.link("current", "slots/a");
        tree.link("current.new", "slots/b");
        expect([tree.rename("current.new", "current"), tree.readLink("current")]).toEqual([
          "done",
          "slots/b",
        ]);
        tree.makeFolder("folder");
        expect([tree.rename("old", "folder"), tree.rename("nothing", "old")]).toEqual(["broken", "broken"]);
        expect(tree.rename("folder", "elsewhere")).toBe("broken");
      }));

    test("arrays that were given or taken may be changed and change nothing inside", () =>
      withTree((tree) => {
        const given = bytes(1, 2, 3);
        tree.write("a", given);
        given.fill(9);
        tree.append("a", given.subarray(0, 1));
        tree.read("a")?.fill(7);
        expect(tree.read("a")).toEqual(bytes(1, 2, 3, 9));
      }));

    test("what was synced is there after a new start", () =>
      withTree((tree, { reopen }) => {
        tree.makeFolder("slots");
        tree.write("slots/a", bytes(1));
        tree.link("current", "slots/a");
        expect([tree.sync("slots/a"), tree.syncFolder("slots"), tree.syncFolder("")]).toEqual(
          Array(3).fill("done"),
        );
        const again = reopen();
        expect([again.read("slots/a"), again.readLink("current")]).toEqual([bytes(1), "slots/a"]);
      }));

    test("what is not there cannot be synced", () =>
      withTree((tree) => {
        expect([tree.sync("nothing"), tree.syncFolder("nothing")]).toEqual(["broken", "broken"]);
        expect(tree.list("")).toEqual([]);
      }));

    test.each([
      "",
      "/",
      "/a",
      "a/",
      "a//b",
      ".",
      "..",
      "../a",
      "a/..",
      ".a",
      "a\\b",
      "a\u0000",
      "a b",
      "ä",
      "-a",
    ])("%j is no path: it throws", (path) =>
      withTree((tree) => {
        expect(() => tree.kindOf(path)).toThrow("no path");
        expect(() => tree.read(path)).toThrow("no path");
        expect(() => tree.write(path, bytes(1))).toThrow("no path");
        expect(() => tree.removeAll(path)).toThrow("no path");
        expect(() => tree.rename("a", path)).toThrow("no path");
        expect(() => tree.link(path, "a")).toThrow("no path");
      }),
    );

    test("a path has at most eight segments of at most 128 characters", () =>
      withTree((tree) => {
        expect(() => tree.kindOf("1/2/3/4/5/6/7/8/9")).toThrow("no path");
        expect(() => tree.kindOf("a".repeat(129))).toThrow("no path");
        expect(tree.kindOf("1/2/3/4/5/6/7/8")).toBeUndefined();
        expect(tree.write("a".repeat(128), bytes(1))).toBe("done");
      }));
  });
}
