import { chmodSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  exposureOf,
  folderExposure,
  makePrivateFolder,
  readPrivateFile,
} from "../../../hal/node/private-file.ts";
import { emptyFolder } from "../../support/command.ts";

const FILE = { kind: "file", path: "a.key.json" } as const;
const FOLDER = { kind: "folder", path: "home" } as const;
const [ROOT, ME, SOMEBODY] = [0, 1000, 1001];

let folder: ReturnType<typeof emptyFolder>;
beforeEach(() => {
  folder = emptyFolder();
});
afterEach(() => folder.remove());

describe("a file with a secret", () => {
  test.each([0o600, 0o400, 0o700, 0o611])("of mode %o is its owner's alone", (mode) => {
    expect(exposureOf(FILE, { mode: 0o100000 | mode, uid: ME }, ME)).toBeUndefined();
  });

  test.each([0o640, 0o620, 0o604, 0o602, 0o644, 0o666])("of mode %o is refused, with the mend", (mode) => {
    expect(exposureOf(FILE, { mode, uid: ME }, ME)).toBe(
      "can be read or changed by others: run 'chmod 600 a.key.json'.",
    );
  });

  test("is read, or not where others may read it too", () => {
    const path = join(folder.path, "a.key.json");
    writeFileSync(path, "secret", { mode: 0o600 });
    expect(readPrivateFile(path)).toEqual({ text: "secret" });
    chmodSync(path, 0o640);
    expect(readPrivateFile(path)).toEqual({ exposure: expect.stringContaining(`chmod 600 ${path}`) });
    expect(() => readPrivateFile(join(folder.path, "nothing"))).toThrow("ENOENT");
  });
});

describe("a folder of secrets", () => {
  test.each([0o700, 0o750, 0o755, 0o711])("of mode %o may be looked into", (mode) => {
    expect(exposureOf(FOLDER, { mode: 0o040000 | mode, uid: ME }, ME)).toBeUndefined();
  });

  test.each([0o770, 0o720, 0o702, 0o777, 0o1777])("of mode %o is refused, with the mend", (mode) => {
    expect(exposureOf(FOLDER, { mode, uid: ME }, ME)).toBe("can be changed by others: run 'chmod 700 home'.");
  });

  test("is looked at as it is, and one that is not there is nobody's", () => {
    expect(folderExposure(folder.path)).toBeUndefined();
    chmodSync(folder.path, 0o770);
    expect(folderExposure(folder.path)).toContain(`chmod 700 ${folder.path}`);
    expect(folderExposure(join(folder.path, "nothing"))).toBeUndefined();
  });
});

describe("a private folder", () => {
  test("is made with those above it, for its owner only, and left alone where it is there", () => {
    const path = join(folder.path, "a", "b");
    makePrivateFolder(path);
    makePrivateFolder(path);
    for (const made of [path, join(folder.path, "a")]) expect(statSync(made).mode & 0o777).toBe(0o700);
  });

  test("is refused where a file is in the way, and where a file system takes none", () => {
    writeFileSync(join(folder.path, "file"), "");
    expect(() => makePrivateFolder(join(folder.path, "file", "a"))).toThrow("ENOTDIR");
    if (process.platform === "linux") expect(() => makePrivateFolder("/proc/nothing/a")).toThrow("ENOENT");
  });
});

describe("what belongs to another user", () => {
  test.each([FILE, FOLDER])("is refused, whatever its mode: a $kind", (place) => {
    expect(exposureOf(place, { mode: 0o600, uid: SOMEBODY }, ME)).toBe(
      `belongs to another user: use a ${place.kind} of your own.`,
    );
  });

  test("is taken if that is root, and by root, who can read all anyway", () => {
    expect(exposureOf(FILE, { mode: 0o600, uid: ROOT }, ME)).toBeUndefined();
    expect(exposureOf(FILE, { mode: 0o600, uid: SOMEBODY }, ROOT)).toBeUndefined();
    expect(exposureOf(FILE, { mode: 0o644, uid: SOMEBODY }, ROOT)).toContain("chmod 600");
  });
});
