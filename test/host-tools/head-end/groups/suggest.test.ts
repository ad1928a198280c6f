import { describe, expect, test } from "vitest";
import type { Group } from "../../../../host-tools/head-end/groups/group.ts";
import { suggestGroups } from "../../../../host-tools/head-end/groups/suggest.ts";
import type { Enrolment } from "../../../../host-tools/head-end/registry-file.ts";
import { identity } from "../../../support/secured-line.ts";

function meter(id: string, plate?: readonly [block: string, digest: string, policy: string]): Enrolment {
  const { credential } = identity("meter", id);
  const enrolment = { id, credential, state: "proved" } as const;
  if (plate === undefined) return enrolment;
  const [block, configurationDigest, chargingPolicyId] = plate;
  return { ...enrolment, plate: { block, configurationDigest, chargingPolicyId } };
}

function group(name: string, ...ids: string[]): Group {
  const members = ids.map((id) => ({ id, state: "joined" }) as const);
  const bytes = new Uint8Array(4);
  const keys = { gid: bytes, masterSecret: bytes, masterSalt: bytes };
  const counts = { keyGeneration: 1, bornUtcMs: 0, nextSenderId: 1, nextNumber: 0 };
  return { name, rule: "configuration", headEnd: bytes, members, epoch: { ...keys, ...counts } };
}

describe("suggestions of groups", () => {
  test("have the meters of a block that are set alike, and those that are charged alike where that is another set", () => {
    const meters = [
      meter("M1", ["B7", "aa", "day"]),
      meter("M2", ["B7", "aa", "day"]),
      meter("M3", ["B7", "bb", "day"]),
      meter("M4", ["B8", "aa", ""]),
    ];
    expect(suggestGroups(meters, []).proposals).toEqual([
      { name: "B7", rule: "configuration", block: "B7", value: "aa", members: ["M1", "M2"] },
      { name: "B7-2", rule: "charging-policy", block: "B7", value: "day", members: ["M1", "M2", "M3"] },
    ]);
  });

  test("leave out groups that there are, and names that are taken, by meters too", () => {
    const meters = ["B7", "M2", "M3"].map((id) => meter(id, ["B7", "aa", ""]));
    expect(suggestGroups(meters, [group("old", "M3", "M2", "B7")]).proposals).toEqual([]);
    const { proposals } = suggestGroups(meters, [group("B7-2", "M2")]);
    expect(proposals.map(({ name }) => name)).toEqual(["B7-3"]);
  });

  test("name a block that can be no name 'group', and say whose nameplate nobody has read", () => {
    const meters = [meter("M1", ["Hof 7", "aa", ""]), meter("M2", ["Hof 7", "aa", ""]), meter("M3")];
    const { proposals, unknown } = suggestGroups(meters, []);
    expect(proposals.map(({ name, block }) => [name, block])).toEqual([["group", "Hof 7"]]);
    expect(unknown).toEqual(["M3"]);
  });
});
