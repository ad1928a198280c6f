import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type FileStorage, openFileStorage, StorageError } from "../../../hal/node/file-storage.ts";
import { storageContract } from "../../contracts/storage.ts";
import { emptyFolder, run } from "../../support/command.ts";

storageContract("a folder", async () => {
  const folder = emptyFolder();
  let storage = await openFileStorage(folder.path);
  return {
    storage,
    reopen: async () => {
      storage.close();
      storage = await openFileStorage(folder.path);
      return storage;
    },
    close: () => {
      storage.close();
      folder.remove();
    },
  };
});

let folder: ReturnType<typeof emptyFolder>;
let path: string;
const opened: FileStorage[] = [];
beforeEach(() => {
  folder = emptyFolder();
  path = join(folder.path, "data");
});
afterEach(() => {
  for (const storage of opened.splice(0)) storage.close();
  folder.remove();
});

async function open(): Promise<FileStorage> {
  const storage = await openFileStorage(path);
  opened.push(storage);
  return storage;
}

const bytes = (...values: number[]) => Uint8Array.from(values);

describe("a folder as a storage", () => {
  test("is made for its owner alone, and so are its files", async () => {
    const storage = await open();
    storage.write("a.log", bytes(1));
    storage.append("b.log", bytes(1));
    expect(statSync(path).mode & 0o777).toBe(0o700);
    for (const name of ["a.log", "b.log"]) expect(statSync(join(path, name)).mode & 0o777).toBe(0o600);
  });

  test("belongs to one at a time", async () => {
    const storage = await open();
    await expect(open()).rejects.toThrow(/^The folder .*data is in use by another process: .*\.$/);
    storage.close();
    opened.length = 0;
    expect((await open()).list()).toEqual([]);
  });

  test.each([
    ["a file", () => writeFileSync(path, "")],
    [
      "a folder that others may change",
      () => {
        mkdirSync(path);
        chmodSync(path, 0o777);
      },
    ],
    [
      "a path through a file",
      () => {
        writeFileSync(path, "");
        path = join(path, "below");
      },
    ],
  ])("is refused in one sentence where it is %s", async (_, prepare) => {
    prepare();
    const error = await open().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StorageError);
    expect((error as Error).message).toMatch(/^[^\n]*data[^\n]*\.$/);
  });

  test("shows no files of other names, no folders and no links, and leads nowhere else", async () => {
    const storage = await open();
    mkdirSync(join(path, "folder"));
    writeFileSync(join(folder.path, "outside"), "x");
    symlinkSync(join(folder.path, "outside"), join(path, "link"));
    for (const name of ["Note.TXT", ".hidden"]) writeFileSync(join(path, name), "");
    expect(storage.list()).toEqual([]);
    expect(storage.write("link", bytes(1))).toBe("broken");
    for (const name of ["../a", "/etc/x", "", "a/b", ".."]) {
      expect(() => storage.write(name, bytes(1))).toThrow("no name");
    }
    expect(readdirSync(folder.path).sort()).toEqual(["data", "outside"]);
  });

  test("answers a fault, and no exception, where the system refuses", async () => {
    const storage = await open();
    mkdirSync(join(path, "folder"));
    expect(storage.append("folder", bytes(1))).toBe("broken");
    expect(storage.sync("folder")).toBe("broken");
    expect(storage.read("folder")).toBeUndefined();
  });

  test("is full on a full disk, which leaves what was there", async () => {
    // util-linux' prlimit makes writes beyond a size fail with EFBIG; SIGXFSZ is ignored by Node.
    if (!existsSync("/usr/bin/prlimit")) return;
    const script = `
      import { openFileStorage } from "${process.cwd()}/dist/hal/node/index.js";
      const storage = await openFileStorage(${JSON.stringify(path)});
      const results = [600, 600, 600].map((size) => storage.append("a.log", new Uint8Array(size)));
      console.log(results.join(), storage.read("a.log").length);
      storage.close();`;
    const { stdout, stderr } = await run("/usr/bin/prlimit", [
      "--fsize=1000",
      process.execPath,
      "--input-type=module",
      "-e",
      script,
    ]);
    expect(stderr).toBe("");
    expect(stdout).toBe("done,full,full 1000\n");
  });
});
