import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { namedTestFiles } from "../../../../host-tools/hil/run/test-files.ts";
import { emptyFolder } from "../../../support/command.ts";

let folder: ReturnType<typeof emptyFolder>;

beforeEach(() => {
  folder = emptyFolder();
  for (const path of ["a.hil.ts", "b.test.ts", "deep/c.hil.js", "node_modules/d.hil.ts", "empty/readme.md"]) {
    mkdirSync(join(folder.path, path, ".."), { recursive: true });
    writeFileSync(join(folder.path, path), "");
  }
});
afterEach(() => folder.remove());

test("a folder stands for the files of tests below it, packages left out, and a file for itself", () => {
  const at = (path: string): string => join(folder.path, path);
  expect(namedTestFiles([folder.path])).toEqual({ files: [at("a.hil.ts"), at("deep/c.hil.js")] });
  expect(namedTestFiles([at("a.hil.ts"), folder.path])).toEqual({
    files: [at("a.hil.ts"), at("deep/c.hil.js")],
  });
  expect(namedTestFiles([at("b.test.ts")])).toEqual({ files: [at("b.test.ts")] });
});

test("a path that gives no file of tests is an error with the path", () => {
  expect(namedTestFiles([join(folder.path, "none")])).toEqual({
    error: `There is no ${folder.path}/none: name files of tests, or folders of them.`,
  });
  expect(namedTestFiles([join(folder.path, "empty")])).toEqual({
    error: `${folder.path}/empty holds no file of tests, which are named such as read.hil.ts.`,
  });
});
