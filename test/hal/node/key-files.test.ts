import { chmodSync, existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { keyFiles } from "../../../hal/node/key-files.ts";
import { keyStoreContract } from "../../contracts/key-store.ts";
import { emptyFolder } from "../../support/command.ts";

function keyFile(current: Uint8Array) {
  const folder = emptyFolder();
  const path = join(folder.path, "M1.key.json");
  writeFileSync(path, current, { mode: 0o600 });
  return { folder, path, store: keyFiles(path) };
}

keyStoreContract("two key files", (current) => {
  const { folder, path, store } = keyFile(current);
  return { store, reopen: () => keyFiles(path), close: () => folder.remove() };
});

test("both files are for their owner alone, and nothing else is left in their folder", () => {
  const { folder, path, store } = keyFile(Uint8Array.of(1));
  writeFileSync(`${path}.next.new`, "left by a cut");
  store.keepNext(Uint8Array.of(2));
  expect(statSync(`${path}.next`).mode & 0o777).toBe(0o600);
  store.promote();
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder.path)).toEqual(["M1.key.json"]);
  folder.remove();
});

test("a next key that others could have put there is none", () => {
  const { folder, path, store } = keyFile(Uint8Array.of(1));
  store.keepNext(Uint8Array.of(2));
  chmodSync(`${path}.next`, 0o666);
  expect(store.read("next")).toBeUndefined();
  folder.remove();
});

test("a folder that is gone is a fault, and no exception", () => {
  const { folder, path, store } = keyFile(Uint8Array.of(1));
  folder.remove();
  expect(existsSync(path)).toBe(false);
  expect(store.keepNext(Uint8Array.of(2))).toBe("broken");
  expect(store.promote()).toBe("done");
});
