// A head-end whose program is killed at some change of its groups' file.
import { afterEach, expect, test } from "vitest";
import { toHex } from "../../../../firmware/protocol/bytes.ts";
import { findOption, OPTION } from "../../../../firmware/protocol/coap/message.ts";
import type { GroupRegistry } from "../../../../host-tools/head-end/groups/group-registry.ts";
import { block } from "./block.ts";

const CHANGES: readonly string[] = [
  "create",
  "end",
  "add",
  "remove",
  "dismiss",
  "rekey",
  "settle",
  "admit",
  "mark",
  "takeNumbers",
];
const worlds: ReturnType<typeof block>[] = [];

afterEach(() => {
  for (const world of worlds.splice(0)) world.close();
});

/** Ends the program at one of its changes, which is written or is not, and lets it do nothing more. */
function killedAt(change: number, when: "before" | "after") {
  let changes = 0;
  const kill = (): never => {
    throw new Error("killed");
  };
  return (groups: GroupRegistry): GroupRegistry =>
    new Proxy(groups, {
      get(_, name: string) {
        const method = Reflect.get(groups, name);
        if (typeof method !== "function") return method;
        return (...args: unknown[]) => {
          const number = CHANGES.includes(name) ? ++changes : changes;
          if (number > change || (number === change && when === "before")) return kill();
          const result = Reflect.apply(method, groups, args);
          return number === change && CHANGES.includes(name) ? kill() : result;
        };
      },
    });
}

/** Of the ten changes of this making of a group; all of them pass. */
const KILLS = [
  [3, "before"],
  [5, "after"],
  [6, "before"],
  [8, "after"],
] as const;

test.each(KILLS)(
  "at change %i, %s it is written, the next one completes the group, and no number seals two requests",
  async (change, when) => {
    const world = block({ meters: 2, firstGroups: killedAt(change, when) });
    worlds.push(world);
    await expect(world.create("M1", "M2")).rejects.toThrow("killed");
    world.restartHeadEnd();
    const { groups } = world;
    const left = groups.find("B7");
    if (left === undefined) await world.create("M1", "M2");
    else await world.manage((manager) => manager.add("B7", ["M1", "M2"]));
    await world.manage((manager) => manager.remove("B7", ["M2"]));
    await world.manage((manager) => manager.add("B7", ["M2"]));
    expect((await world.read()).outcomes).toEqual({ M1: "answered", M2: "answered" });
    const sealed = new Map<string, string>();
    for (const { message } of world.dap.requests) {
      const option = toHex(findOption(message, OPTION.oscore) ?? new Uint8Array());
      // Of the group's keys are those that name its Gid.
      if (option.length < 14) continue;
      const payload = toHex(message.payload);
      expect(sealed.get(option) ?? payload).toBe(payload);
      sealed.set(option, payload);
    }
    expect(sealed.size).toBeGreaterThan(4);
  },
);
