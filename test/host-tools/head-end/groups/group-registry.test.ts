import { copyFileSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { toHex } from "../../../../firmware/protocol/bytes.ts";
import { SeededRandom } from "../../../../hal/emulated/seeded-random.ts";
import { RegistryError } from "../../../../host-tools/head-end/errors.ts";
import {
  EPOCH_MS,
  EPOCH_NUMBERS_MAX,
  isWornOut,
  senderIdOf,
} from "../../../../host-tools/head-end/groups/group.ts";
import { GroupRegistry } from "../../../../host-tools/head-end/groups/group-registry.ts";
import { emptyFolder } from "../../../support/command.ts";

const HEAD_END = Uint8Array.of(1, 2, 3);
const folders: ReturnType<typeof emptyFolder>[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) folder.remove();
});

/** A registry of the group B7 with these meters. */
function groupOf(...ids: string[]) {
  const folder = emptyFolder();
  folders.push(folder);
  const world = { utcMs: Date.UTC(2026, 10, 24) };
  const path = join(folder.path, "groups.json");
  const groups = new GroupRegistry(path, new SeededRandom("groups"), () => world.utcMs);
  groups.create({ name: "B7", rule: "configuration", headEnd: HEAD_END });
  groups.add("B7", ids);
  const b7 = () => {
    const group = groups.find("B7");
    if (group === undefined) throw new Error("B7 is gone");
    return group;
  };
  return { groups, world, path, b7 };
}

describe("the registry of groups", () => {
  test("is read by its owner alone, and by another process as it was written", () => {
    const { groups, path, b7 } = groupOf("M1", "M2");
    groups.settle("B7", { block: "Hofstr. 7", value: "0011223344556677" });
    groups.admit("B7", "M1");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const other = new GroupRegistry(path, new SeededRandom("other"), () => 0);
    expect(other.list()).toEqual([b7()]);
    expect(b7()).toMatchObject({ block: "Hofstr. 7", value: "0011223344556677" });
  });

  test("has one group of a name", () => {
    const { groups, b7 } = groupOf("M1");
    const before = b7();
    expect(groups.create({ name: "B7", rule: "charging-policy", headEnd: HEAD_END })).toBe(false);
    expect(b7()).toEqual(before);
  });

  test("gives a member another Sender ID each time that it joins, and each ID once in an epoch", () => {
    const { groups } = groupOf("M1", "M2");
    const ids = ["M1", "M2", "M1", "M2", "M1"].map((id) =>
      toHex(groups.admit("B7", id)?.senderId as Uint8Array),
    );
    expect(ids).toEqual(["01", "02", "03", "04", "05"]);
    groups.remove("B7", ["M2"]);
    groups.add("B7", ["M2"]);
    // Another epoch, where nobody has had any.
    expect(toHex(groups.admit("B7", "M2")?.senderId as Uint8Array)).toBe("01");
    expect([senderIdOf(255), senderIdOf(256)]).toEqual([Uint8Array.of(255), Uint8Array.of(1, 0)]);
    expect(groups.admit("B7", "M9")).toBeUndefined();
  });

  test("gives numbers once, over restarts too, until the epoch has no more", () => {
    const { groups, path, b7 } = groupOf("M1");
    const { epoch } = b7();
    expect(groups.takeNumbers("B7", epoch, 8)).toBe(0);
    const restarted = new GroupRegistry(path, new SeededRandom("again"), () => 0);
    expect(restarted.takeNumbers("B7", epoch, 8)).toBe(8);
    expect(groups.takeNumbers("B7", epoch, EPOCH_NUMBERS_MAX - 16)).toBe(16);
    expect(isWornOut(b7().epoch, epoch.bornUtcMs)).toBe(true);
    expect(groups.takeNumbers("B7", epoch, 1)).toBeUndefined();
  });

  test("uses no number of keys that come from a copy of its file, and takes them for worn out", () => {
    const { groups, path, b7, world } = groupOf("M1");
    const { epoch } = b7();
    const backup = `${path}.backup`;
    copyFileSync(path, backup);
    expect(groups.takeNumbers("B7", epoch, 8)).toBe(0);
    rmSync(path);
    copyFileSync(backup, path);
    expect(groups.takeNumbers("B7", epoch, 8)).toBeUndefined();
    expect(isWornOut(b7().epoch, world.utcMs)).toBe(true);
    // Another change of the copy makes it no original.
    groups.add("B7", ["M2"]);
    expect(groups.takeNumbers("B7", epoch, 8)).toBeUndefined();
    groups.rekey("B7");
    expect(groups.takeNumbers("B7", b7().epoch, 8)).toBe(0);
  });

  test("has other keys after a member left, and none of the old ones is of use then", () => {
    const { groups, b7 } = groupOf("M1", "M2");
    const before = b7().epoch;
    const admitted = groups.admit("B7", "M1")?.group ?? expect.fail();
    groups.mark("B7", admitted, "M1", "joined");
    groups.remove("B7", ["M2"]);
    const { epoch, members } = b7();
    expect(members).toEqual([{ id: "M1", state: "waiting" }]);
    expect(epoch.keyGeneration).toBeGreaterThan(before.keyGeneration);
    for (const name of ["gid", "masterSecret", "masterSalt"] as const)
      expect(toHex(epoch[name])).not.toBe(toHex(before[name]));
    expect(groups.takeNumbers("B7", before, 1)).toBeUndefined();
    groups.mark("B7", admitted, "M1", "joined");
    expect(b7().members).toEqual([{ id: "M1", state: "waiting" }]);
  });

  test("replaces keys once, where two processes find them worn out or the same member gone", () => {
    const { groups, b7 } = groupOf("M1", "M2");
    const { epoch } = b7();
    groups.rekey("B7", epoch);
    const { gid } = b7().epoch;
    expect(toHex(gid)).not.toBe(toHex(epoch.gid));
    groups.rekey("B7", epoch);
    expect(b7().epoch.gid).toEqual(gid);
    groups.remove("B7", ["M2"]);
    const after = b7();
    expect(toHex(after.epoch.gid)).not.toBe(toHex(gid));
    groups.remove("B7", ["M2"]);
    expect(b7()).toEqual(after);
  });

  test("marks a member by the Sender ID that it was given last, whoever else had it join meanwhile", () => {
    const { groups, b7 } = groupOf("M1");
    const first = groups.admit("B7", "M1")?.group ?? expect.fail();
    const second = groups.admit("B7", "M1")?.group ?? expect.fail();
    groups.mark("B7", first, "M1", "joined");
    expect(b7().members).toMatchObject([{ state: "waiting" }]);
    groups.mark("B7", second, "M1", "joined");
    expect(b7().members).toMatchObject([{ state: "joined" }]);
  });

  test("takes keys for worn out after a day, and where the clock went back", () => {
    const { b7, world } = groupOf();
    expect(isWornOut(b7().epoch, world.utcMs + EPOCH_MS - 1)).toBe(false);
    expect(isWornOut(b7().epoch, world.utcMs + EPOCH_MS)).toBe(true);
    expect(isWornOut(b7().epoch, world.utcMs - 1)).toBe(true);
  });

  test("lets go who was never given keys without new ones, and nobody else", () => {
    const { groups, b7 } = groupOf("M1", "M2");
    const { epoch } = b7();
    groups.admit("B7", "M1");
    groups.dismiss("B7", ["M1", "M2"]);
    expect(b7().members.map(({ id }) => id)).toEqual(["M1"]);
    expect(b7().epoch.keyGeneration).toBe(epoch.keyGeneration);
  });

  test("says of a damaged file and of a group that is not there what to do, and no secret", () => {
    const { groups, path } = groupOf("M1");
    expect(() => groups.rekey("B8")).toThrow(/no group B8.*group list/);
    const secret = /"masterSecret": "(.*)"/.exec(readFileSync(path, "utf8"))?.[1] ?? "none";
    writeFileSync(path, readFileSync(path, "utf8").replace('"state": "waiting"', '"state": "x"'));
    try {
      groups.list();
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(RegistryError);
      expect((error as Error).message).toMatch(/damaged/);
      expect((error as Error).message).not.toContain(secret);
    }
  });
});
