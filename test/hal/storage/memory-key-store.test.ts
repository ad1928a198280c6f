import { expect, test } from "vitest";
import { MemoryKeyStore } from "../../../hal/storage/memory-key-store.ts";
import { PowerCut } from "../../../hal/storage/memory-storage.ts";
import { keyStoreContract } from "../../contracts/key-store.ts";

keyStoreContract("MemoryKeyStore", (current) => {
  const store = new MemoryKeyStore(current);
  return { store, reopen: () => store.afterCut(), close: () => {} };
});

test.each([
  ["before", [1], undefined],
  ["after", [1], [2]],
] as const)("a cut %s a change leaves it undone or done, and nothing more is done afterwards", (...row) => {
  const [when, current, next] = row;
  const store = new MemoryKeyStore(Uint8Array.of(1));
  store.cutAt(1, when);
  expect(() => store.keepNext(Uint8Array.of(2))).toThrow(PowerCut);
  expect(() => store.promote()).toThrow(PowerCut);
  const left = store.afterCut();
  expect(left.read("current")).toEqual(Uint8Array.from(current));
  expect(left.read("next")).toEqual(next && Uint8Array.from(next));
});
