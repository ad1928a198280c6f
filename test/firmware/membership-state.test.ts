// The groups of a meter in its journal, and in a whole meter over a cut.
import { describe, expect, test } from "vitest";
import { Journal } from "../../firmware/journal/journal.ts";
import { MEMBERSHIP_RULES, MembershipState } from "../../firmware/membership-state.ts";
import type { CborValue } from "../../firmware/protocol/cbor.ts";
import { GROUP_ALGORITHMS } from "../../firmware/protocol/group/algorithms.ts";
import type { KeptMembership } from "../../firmware/protocol/group/member.ts";
import { MemoryStorage } from "../../hal/storage/memory-storage.ts";

const KIND = 29;

function open(storage: MemoryStorage, isDamaged = false) {
  const found = new Map<number, CborValue>();
  const journal = Journal.open(storage, {
    rules: MEMBERSHIP_RULES,
    onRecovered: ({ kind, value }) => void found.set(kind, value),
  });
  return new MembershipState({ found, isDamaged, append: (records) => journal.append(records) });
}

function cut(storage: MemoryStorage): MemoryStorage {
  return storage.afterCut({ bytes: "none", folder: "none" });
}

/** As large as can be, but for the id in the head-end's credential. */
function membership(n: number): KeptMembership {
  const bytes = (length: number) => new Uint8Array(length).fill(n);
  return {
    peerHash: bytes(32),
    membership: {
      ...{ gid: bytes(6), masterSecret: bytes(32), masterSalt: bytes(16), algorithms: GROUP_ALGORITHMS },
      ...{ senderId: bytes(6), headEndSenderId: bytes(5), headEndCredential: bytes(512) },
      ...{ keyGeneration: 0xffffffff, validUntilSeconds: 1_795_564_800, group: "B".repeat(32) },
    },
    numbers: 2 ** 40,
  };
}

describe("memberships in a journal", () => {
  test("are there after a cut as they were saved last, four of the largest too", () => {
    const storage = new MemoryStorage();
    const state = open(storage);
    const four = [1, 2, 3, 4].map(membership);
    expect(state.kept()).toEqual([]);
    expect(state.save([membership(9)])).toBe(true);
    expect(state.save(four)).toBe(true);
    expect(open(cut(storage)).kept()).toEqual(four);
  });

  test("are dropped where something durable was lost, as they may be of before a group's end", () => {
    const storage = new MemoryStorage();
    open(storage).save([membership(1)]);
    expect(open(storage, true).kept()).toEqual([]);
  });

  test.each<[string, CborValue]>([
    ["nothing of it", 7],
    ["an item of another form", [[1, 2, 3]]],
    ["a hash of another length", [[new Uint8Array(31), new Uint8Array(1), 0]]],
    ["a body that is none", [[new Uint8Array(32), new Uint8Array(1), 0]]],
  ])("that cannot be read are none: %s", (_, value) => {
    const found = new Map([[KIND, value]]);
    expect(new MembershipState({ found, isDamaged: false, append: () => "done" }).kept()).toEqual([]);
  });

  test("are not saved where the storage takes no more", () => {
    const state = new MembershipState({ found: new Map(), isDamaged: false, append: () => "full" });
    expect(state.save([membership(1)])).toBe(false);
  });
});
