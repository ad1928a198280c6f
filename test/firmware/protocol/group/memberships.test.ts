import { describe, expect, test } from "vitest";
import { unprotectGroupAnswer } from "../../../../firmware/protocol/group/protect.ts";
import type { Membership } from "../../../../firmware/protocol/readings/membership.ts";
import {
  credentialAt,
  defined,
  GroupMeter,
  type GroupStorage,
  groupOf,
  HeadEndSide,
  headEndIdentity,
  prove,
  UTC_SECONDS,
} from "../../../support/group-line.ts";

const H = headEndIdentity("H");

function newMeter(storage?: GroupStorage) {
  const other = headEndIdentity("H2");
  const meter = new GroupMeter("M1", { served: [H, other], ...(storage && { storage }) });
  const headEnd = new HeadEndSide(H);
  return { meter, other, headEnd, by: credentialAt(meter, headEnd) };
}

function epoch(n: number, more: object = {}): Membership {
  const options = { gid: Uint8Array.of(0x0b, n), keyGeneration: n, masterSecret: new Uint8Array(16).fill(n) };
  return new HeadEndSide(H, { ...options, ...more }).membership(1);
}

describe("a meter takes a membership", () => {
  test("of a head-end that it serves, and the same one again as if told once", () => {
    const { meter, by, headEnd } = newMeter();
    expect(meter.memberships.join(by, headEnd.membership(1))).toBe("joined");
    const member = meter.memberships.find(headEnd.membership(1).gid, new Uint8Array());
    expect(meter.memberships.join(by, headEnd.membership(1))).toBe("joined");
    expect(meter.memberships.find(headEnd.membership(1).gid, new Uint8Array())).toBe(member);
  });

  test("and not one with other algorithms, whatever these are", () => {
    const { meter, by, headEnd } = newMeter();
    const told = headEnd.membership(1);
    for (const [name, number] of Object.entries({ aead: 30, groupEncryption: 10, signature: -8, hkdf: 7 })) {
      const algorithms = { ...told.algorithms, [name]: number };
      expect(meter.memberships.join(by, { ...told, algorithms })).toBe("algorithms");
    }
  });

  test("and not with the credential of another head-end, or of nobody, or from whom it has not enrolled", () => {
    const { meter, by, other, headEnd } = newMeter();
    const told = headEnd.membership(1);
    expect(meter.memberships.join(credentialAt(meter, new HeadEndSide(other)), told)).toBe("credential");
    expect(meter.memberships.join(by, { ...told, headEndCredential: new Uint8Array(90) })).toBe("credential");
    expect(meter.memberships.join({ id: "H" }, told)).toBe("credential");
    expect(meter.memberships.join(H.credential, told)).toBe("joined");
  });

  test("and not one whose time is over; while the time is not known it takes any", () => {
    const { meter, by } = newMeter();
    const over = epoch(1, { validUntilSeconds: UTC_SECONDS });
    expect(meter.memberships.join(by, over)).toBe("over");
    meter.utcSeconds = undefined;
    expect(meter.memberships.join(by, over)).toBe("joined");
  });

  test("in the place of the epoch before, and never goes back to an older one", () => {
    const { meter, by } = newMeter();
    expect(meter.memberships.join(by, epoch(1))).toBe("joined");
    const before = defined(meter.memberships.find(Uint8Array.of(0x0b, 1), new Uint8Array()));
    expect(meter.memberships.join(by, epoch(2))).toBe("joined");
    expect(meter.memberships.find(Uint8Array.of(0x0b, 1), new Uint8Array())).toBeUndefined();
    expect(before.pair.senderKey).toEqual(new Uint8Array(16));
    expect(before.membership.masterSecret).toEqual(new Uint8Array(16));
    expect(meter.memberships.join(by, epoch(1))).toBe("conflict");
    expect(meter.memberships.join(by, epoch(3, { keyGeneration: 2 }))).toBe("conflict");
    expect(meter.memberships.join(by, epoch(2, { masterSecret: new Uint8Array(16) }))).toBe("conflict");
  });

  test("up to four, and more once one is over or was left", () => {
    const { meter, by } = newMeter();
    const joinGroup = (n: number, validUntilSeconds = UTC_SECONDS + 60) =>
      meter.memberships.join(by, epoch(n, { group: `G${n}`, validUntilSeconds }));
    for (const n of [1, 2, 3]) expect(joinGroup(n)).toBe("joined");
    expect(joinGroup(4, UTC_SECONDS + 600)).toBe("joined");
    expect(joinGroup(5)).toBe("full");
    expect(meter.memberships.leave(by, Uint8Array.of(0x0b, 2))).toBe("left");
    expect(joinGroup(5)).toBe("joined");
    expect(joinGroup(6)).toBe("full");
    meter.utcSeconds = UTC_SECONDS + 60;
    expect(joinGroup(6, UTC_SECONDS + 600)).toBe("joined");
    expect(meter.memberships.find(Uint8Array.of(0x0b, 1), new Uint8Array())).toBeUndefined();
  });
});

describe("a membership ends", () => {
  test("by the word of who has told it, and of nobody else", () => {
    const { meter, by, other, headEnd } = newMeter();
    const told = headEnd.membership(1);
    meter.memberships.join(by, told);
    expect(meter.memberships.leave(credentialAt(meter, new HeadEndSide(other)), told.gid)).toBe("unknown");
    expect(meter.memberships.leave(by, Uint8Array.of(9))).toBe("unknown");
    expect(meter.memberships.leave(by, told.gid)).toBe("left");
    expect(meter.memberships.find(told.gid, new Uint8Array())).toBeUndefined();
  });

  test("with the trust in its head-end, for good", () => {
    const storage: GroupStorage = { kept: [] };
    const { meter, by, headEnd } = newMeter(storage);
    meter.memberships.join(by, headEnd.membership(1));
    meter.revoke("H");
    expect(storage.kept).toEqual([]);
  });

  test("a day after it was told, whatever the clock says", () => {
    const { meter, by, headEnd } = newMeter();
    const { gid } = headEnd.membership(1);
    meter.memberships.join(by, headEnd.membership(1));
    meter.utcSeconds = undefined;
    meter.nowMs = 24 * 3_600_000 - 1;
    expect(meter.memberships.find(gid, new Uint8Array())).toBeDefined();
    meter.nowMs++;
    expect(meter.memberships.find(gid, new Uint8Array())).toBeUndefined();
  });
});

describe("a membership over a power cut", () => {
  test("is there again, and is served once an Echo was repeated, under numbers that were never used", () => {
    const storage: GroupStorage = { kept: [] };
    const { headEnd, meters, pairs } = groupOf(["M1"], { storage });
    const [meter, pair] = [defined(meters[0]), defined(pairs[0])];
    meter.receive(headEnd.forAll().content);
    const kept = defined(storage.kept[0]).numbers;
    meter.restart();
    const asked = headEnd.forAll();
    const [challenge] = meter.receive(asked.content);
    expect(unprotectGroupAnswer(pair, asked.binding, defined(challenge))?.code).toBe(0x81);
    expect(defined(storage.kept[0]).numbers).toBeGreaterThan(kept);
    expect(prove(headEnd, pair, meter)?.code).toBe(0x45);
    expect(meter.served).toHaveLength(2);
  });

  test("is not there where it could not be stored, and the one before is kept", () => {
    const storage: GroupStorage = { kept: [] };
    const { meter, by } = newMeter(storage);
    meter.memberships.join(by, epoch(1));
    storage.fails = true;
    expect(meter.memberships.join(by, epoch(2))).toBe("not-stored");
    expect(meter.memberships.leave(by, Uint8Array.of(0x0b, 1))).toBe("not-stored");
    expect(meter.memberships.find(Uint8Array.of(0x0b, 1), new Uint8Array())).toBeDefined();
    expect(meter.memberships.find(Uint8Array.of(0x0b, 2), new Uint8Array())).toBeUndefined();
  });

  test("is none of a head-end that is no longer trusted then", () => {
    const storage: GroupStorage = { kept: [] };
    const { meter, by, headEnd } = newMeter(storage);
    meter.memberships.join(by, headEnd.membership(1));
    meter.trust.revoke("H");
    meter.restart();
    expect(meter.memberships.find(headEnd.membership(1).gid, new Uint8Array())).toBeUndefined();
  });
});
