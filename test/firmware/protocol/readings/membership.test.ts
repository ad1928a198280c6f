import { describe, expect, test } from "vitest";
import { type CborValue, decodeCbor, encodeCbor } from "../../../../firmware/protocol/cbor.ts";
import { GROUP_ALGORITHMS } from "../../../../firmware/protocol/group/algorithms.ts";
import {
  decodeLeaving,
  decodeMembership,
  encodeLeaving,
  encodeMembership,
  type Membership,
} from "../../../../firmware/protocol/readings/membership.ts";

const MEMBERSHIP: Membership = {
  gid: Uint8Array.of(0x0b, 7, 1),
  masterSecret: Uint8Array.from({ length: 16 }, (_, i) => i),
  masterSalt: Uint8Array.of(8, 7, 6, 5, 4, 3, 2, 1),
  algorithms: GROUP_ALGORITHMS,
  senderId: Uint8Array.of(1),
  headEndSenderId: new Uint8Array(),
  headEndCredential: Uint8Array.of(0xa0),
  keyGeneration: 3,
  validUntilSeconds: 1_795_564_800,
  group: "B7",
};

const ITEMS = decodeCbor(encodeMembership(MEMBERSHIP)) as readonly CborValue[];

describe("a membership", () => {
  test("comes back as it was given", () => {
    expect(decodeMembership(encodeMembership(MEMBERSHIP))).toEqual(MEMBERSHIP);
  });

  test("has its algorithms in the order of the external_aad", () => {
    expect(ITEMS[3]).toEqual([10, -65534, -7, -27, 5]);
  });

  test("is refused with a field too few, too many, or of another kind in any place", () => {
    expect(decodeMembership(encodeCbor(ITEMS.slice(0, -1)))).toBeUndefined();
    expect(decodeMembership(encodeCbor([...ITEMS, 0]))).toBeUndefined();
    for (let i = 0; i < ITEMS.length; i++) {
      expect(decodeMembership(encodeCbor(ITEMS.with(i, true)))).toBeUndefined();
    }
  });

  test.each<[string, number, CborValue]>([
    ["an empty Gid", 0, new Uint8Array()],
    ["a Gid of 7 bytes", 0, new Uint8Array(7)],
    ["a secret of 15 bytes", 1, new Uint8Array(15)],
    ["a salt of 17 bytes", 2, new Uint8Array(17)],
    ["four algorithms", 3, [10, -65534, -7, -27]],
    ["an algorithm that has a name", 3, [10, "A128CTR", -7, -27, 5]],
    ["a Sender ID of 7 bytes", 4, new Uint8Array(7)],
    ["no credential", 6, new Uint8Array()],
    ["a negative generation", 7, -1],
    ["an end that is not known", 8, 0xffffffff],
    ["a group without a name", 9, ""],
    ["a group that is no alias", 9, "../B7"],
  ])("with %s is refused", (_, place, item) => {
    expect(decodeMembership(encodeCbor(ITEMS.with(place, item)))).toBeUndefined();
  });

  test("that cannot be told is not written", () => {
    expect(() => encodeMembership({ ...MEMBERSHIP, gid: new Uint8Array(7) })).toThrow("B7");
  });
});

describe("the body that ends a membership", () => {
  test("is its Gid, and nothing else", () => {
    expect(decodeLeaving(encodeLeaving(MEMBERSHIP.gid))).toEqual(MEMBERSHIP.gid);
    expect(decodeLeaving(encodeCbor([MEMBERSHIP.gid, 0]))).toBeUndefined();
    expect(decodeLeaving(encodeCbor(MEMBERSHIP.gid))).toBeUndefined();
    expect(decodeLeaving(new Uint8Array())).toBeUndefined();
  });
});
