import { describe, expect, test } from "vitest";
import type { KeyStore } from "../../hal/ports/key-store.ts";

/** A store under test that keeps `current` at first, and the same one as the next start finds it. */
export interface KeyStoreFixture {
  readonly store: KeyStore;
  reopen(): KeyStore;
  close(): void;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What any KeyStore does with its two places. */
export function keyStoreContract(name: string, make: (current: Uint8Array) => KeyStoreFixture): void {
  describe(`${name} is a KeyStore`, () => {
    const withStore = (run: (fixture: KeyStoreFixture) => void): void => {
      const fixture = make(bytes("one"));
      try {
        run(fixture);
      } finally {
        fixture.close();
      }
    };
    const places = (store: KeyStore) => [store.read("current"), store.read("next")];

    test("has the current key and no next one at first", () =>
      withStore(({ store }) => {
        expect(places(store)).toEqual([bytes("one"), undefined]);
      }));

    test("keeps the next key beside the current one, over a start, and the newest of several", () =>
      withStore(({ store, reopen }) => {
        expect(store.keepNext(bytes("two"))).toBe("done");
        expect(store.keepNext(bytes("three"))).toBe("done");
        for (const each of [store, reopen()]) expect(places(each)).toEqual([bytes("one"), bytes("three")]);
      }));

    test("puts the next key into the place of the current one, which is gone, and none is next any more", () =>
      withStore(({ store, reopen }) => {
        store.keepNext(bytes("two"));
        expect(store.promote()).toBe("done");
        for (const each of [store, reopen()]) expect(places(each)).toEqual([bytes("two"), undefined]);
      }));

    test("without a next key stays as it is", () =>
      withStore(({ store, reopen }) => {
        expect(store.promote()).toBe("done");
        expect(places(reopen())).toEqual([bytes("one"), undefined]);
      }));

    test("gives copies: what is done to them changes no key", () =>
      withStore(({ store }) => {
        const key = bytes("two");
        store.keepNext(key);
        key.fill(0);
        store.read("next")?.fill(0);
        expect(store.read("next")).toEqual(bytes("two"));
      }));
  });
}
