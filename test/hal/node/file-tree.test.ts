import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { StorageError } from "../../../hal/node/file-storage.ts";
import { type NodeFileTree, openFileTree } from "../../../hal/node/file-tree.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import type { FileTree } from "../../../hal/ports/file-tree.ts";
import { PowerCut } from "../../../hal/storage/disk-model.ts";
import { fileTreeContract } from "../../contracts/file-tree.ts";
import { boardWith, mustInstall, partsOf, slotsOn } from "../../firmware/update/board.ts";
import { imageOf } from "../../firmware/update/images.ts";
import { emptyFolder } from "../../support/command.ts";

fileTreeContract("a folder", () => {
  const folder = emptyFolder();
  let tree = openFileTree(folder.path);
  return {
    tree,
    reopen: () => {
      tree.close();
      tree = openFileTree(folder.path);
      return tree;
    },
    close: () => {
      tree.close();
      folder.remove();
    },
  };
});

let folder: ReturnType<typeof emptyFolder>;
let tree: NodeFileTree;
beforeEach(() => {
  folder = emptyFolder();
  tree = openFileTree(folder.path);
});
afterEach(() => {
  tree.close();
  folder.remove();
});

const bytes = (...values: number[]) => Uint8Array.from(values);
const at = (path: string) => join(folder.path, path);

describe("a folder as a tree", () => {
  test("must be there", () => {
    expect(() => openFileTree(at("nothing"))).toThrow(StorageError);
    writeFileSync(at("file"), "");
    expect(() => openFileTree(at("file"))).toThrow(
      /^There is no folder .*file: make it or name another one\.$/,
    );
  });

  test("must be one that may be looked into: to whom sees nothing, all would be empty", () => {
    chmodSync(folder.path, 0o300);
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(65_534);
    try {
      expect(() => openFileTree(folder.path)).toThrow(
        /cannot be looked into: come as its owner, or as root\.$/,
      );
    } finally {
      if (isRoot) process.seteuid?.(0);
      chmodSync(folder.path, 0o700);
    }
  });

  test("may be reached by a link, and has nothing behind the links in it", () => {
    const outside = emptyFolder();
    writeFileSync(join(outside.path, "secret"), "secret");
    symlinkSync(folder.path, join(outside.path, "root"));
    symlinkSync(outside.path, at("out"));
    const byLink = openFileTree(join(outside.path, "root"));
    byLink.write("file", bytes(1));
    expect(tree.read("file")).toEqual(bytes(1));
    expect([byLink.read("out/secret"), byLink.write("out/secret", bytes(1))]).toEqual([undefined, "broken"]);
    expect(byLink.removeAll("out")).toBe("done");
    expect(readFileSync(join(outside.path, "secret"), "utf8")).toBe("secret");
    byLink.close();
    outside.remove();
  });

  test("tells names that no path can have, and removes them with the rest", () => {
    mkdirSync(at("slot/.hidden"), { recursive: true });
    writeFileSync(at("slot/.hidden/a b"), "");
    expect(tree.list("slot")).toEqual([".hidden"]);
    expect(tree.removeAll("slot")).toBe("done");
    expect(existsSync(at("slot"))).toBe(false);
  });

  test("takes a pipe for what it is, and does not wait at it", () => {
    execFileSync("mkfifo", [at("pipe")]);
    expect([tree.kindOf("pipe"), tree.read("pipe"), tree.sizeOf("pipe")]).toEqual([
      ...["other", undefined, undefined],
    ]);
    expect([tree.write("pipe", bytes(1)), tree.remove("pipe")]).toEqual(["broken", "done"]);
  });

  test("is private to its owner in what is made there", () => {
    tree.makeFolder("slots");
    tree.write("slots/a", bytes(1));
    expect([statSync(at("slots")).mode & 0o777, statSync(at("slots/a")).mode & 0o777]).toEqual([
      0o700, 0o600,
    ]);
  });

  test.runIf(process.getuid?.() === 0)("that belongs to somebody else has root's files as that one's", () => {
    chownSync(folder.path, 1234, 1235);
    const theirs = openFileTree(folder.path);
    theirs.makeFolder("slots");
    theirs.write("slots/a", bytes(1));
    theirs.link("current", "slots/a");
    theirs.close();
    for (const path of ["slots", "slots/a", "current"]) {
      const { uid, gid } = lstatSync(at(path));
      expect([path, uid, gid]).toEqual([path, 1234, 1235]);
    }
  });
});

/** The same tree, until so many operations that change something were done; the process ends in the next one. */
function endingAfter(operations: number, of: FileTree): FileTree {
  let count = 0;
  const counted =
    <Inputs extends readonly unknown[], Result>(operation: (...inputs: Inputs) => Result) =>
    (...inputs: Inputs): Result => {
      if (count === operations) throw new PowerCut();
      count++;
      return operation(...inputs);
    };
  return {
    kindOf: (path) => of.kindOf(path),
    list: (path) => of.list(path),
    read: (path) => of.read(path),
    sizeOf: (path) => of.sizeOf(path),
    readLink: (path) => of.readLink(path),
    write: counted((path, content) => of.write(path, content)),
    append: counted((path, content) => of.append(path, content)),
    makeFolder: counted((path) => of.makeFolder(path)),
    remove: counted((path) => of.remove(path)),
    removeAll: counted((path) => of.removeAll(path)),
    rename: counted((from, to) => of.rename(from, to)),
    link: counted((path, target) => of.link(path, target)),
    sync: counted((path) => of.sync(path)),
    syncFolder: counted((path) => of.syncFolder(path)),
  };
}

/** True where it came to its end. */
function untilCut(run: () => void): boolean {
  try {
    run();
    return true;
  } catch (error) {
    if (!(error instanceof PowerCut)) throw error;
    return false;
  }
}

/** Sends image 7, installs it, and confirms it where it is started. */
function update(on: FileTree): void {
  const parts = partsOf(imageOf(7), 400);
  const from = slotsOn(on).report().incoming?.received ?? 0;
  for (const part of parts.filter(({ offset }) => offset >= from)) slotsOn(on).take(part);
  mustInstall(slotsOn(on).install(opensslEngine.sha256(imageOf(7))));
  const choice = slotsOn(on).choose();
  if (choice.kind === "start" && choice.isTrial) slotsOn(on).confirm(choice.slot);
}

describe("a process that ends in the midst of an update of a folder", () => {
  test("leaves an image to start, wherever that is, and the update comes to its end the next time", () => {
    const ends: string[] = [];
    for (let operations = 0, isWhole = false; !isWhole; operations += 3) {
      const root = at(`${operations}`);
      mkdirSync(root);
      const card = openFileTree(root);
      mustInstall(slotsOn(card).installImage(imageOf(6)));
      isWhole = untilCut(() => update(endingAfter(operations, card)));
      const choice = slotsOn(card).choose();
      if (choice.kind === "recovery") ends.push(`${operations}: ${choice.why}`);
      update(card);
      const again = slotsOn(card).choose();
      expect(again).toMatchObject({ kind: "start", isTrial: false, manifest: { sequence: 7 } });
      card.close();
    }
    expect(ends).toEqual([]);
  });
});

describe("a board's slots in a folder", () => {
  test("are installed, tried and confirmed as in memory, and are as many operations", () => {
    mustInstall(slotsOn(tree).installImage(imageOf(6)));
    mustInstall(slotsOn(tree).installImage(imageOf(7)));
    expect(slotsOn(tree).choose()).toMatchObject({ slot: "b", isTrial: true });
    expect(slotsOn(tree).confirm("b")).toBe("done");
    expect(slotsOn(tree).choose()).toMatchObject({ slot: "b", isTrial: false });
    expect(readFileSync(at("current/app/main.mjs"), "utf8")).toContain("image 7");
    const memory = boardWith(6);
    mustInstall(slotsOn(memory).installImage(imageOf(7)));
    slotsOn(memory).choose();
    slotsOn(memory).confirm("b");
    expect(slotsOn(tree).report()).toEqual(slotsOn(memory).report());
  });

  test("with a hidden file or a pipe among a slot's files are broken", () => {
    mustInstall(slotsOn(tree).installImage(imageOf(6)));
    writeFileSync(at("slots/a/.npmrc"), "");
    expect(slotsOn(tree).choose()).toMatchObject({ why: expect.stringContaining("slot a has .npmrc") });
    execFileSync("rm", [at("slots/a/.npmrc")]);
    execFileSync("mkfifo", [at("slots/a/app/pipe")]);
    expect(slotsOn(tree).choose()).toMatchObject({ why: expect.stringContaining("slot a has app/pipe") });
  });

  test("whose slot is a link to a folder outside are written beside it, and nothing outside is touched", () => {
    mustInstall(slotsOn(tree).installImage(imageOf(6)));
    const outside = emptyFolder();
    writeFileSync(join(outside.path, "keep"), "kept");
    symlinkSync(outside.path, at("slots/b"));
    mustInstall(slotsOn(tree).installImage(imageOf(7)));
    expect(lstatSync(at("slots/b")).isDirectory()).toBe(true);
    expect(readFileSync(join(outside.path, "keep"), "utf8")).toBe("kept");
    outside.remove();
  });
});
