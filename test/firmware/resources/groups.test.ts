// What resource `g` answers.
import { describe, expect, test } from "vitest";
import { READER } from "../../../firmware/identity/trust.ts";
import { CODE } from "../../../firmware/protocol/coap/message.ts";
import type { JoinRefusal } from "../../../firmware/protocol/group/memberships.ts";
import { encodeLeaving, encodeMembership } from "../../../firmware/protocol/readings/membership.ts";
import { groupResource } from "../../../firmware/resources/groups.ts";
import { HeadEndSide, headEndIdentity } from "../../support/group-line.ts";

const HEAD_END = headEndIdentity("H");
const MEMBERSHIP = new HeadEndSide(HEAD_END).membership(1);
const BY = { peer: HEAD_END.credential, rights: READER };

function answerOf(
  code: number,
  body: Uint8Array,
  outcome: JoinRefusal | "joined" | "left" | "unknown" = "full",
) {
  const heard: unknown[] = [];
  const resource = groupResource({
    join: (peer, membership) => {
      heard.push([peer, membership]);
      return outcome as JoinRefusal;
    },
    leave: (peer, gid) => {
      heard.push([peer, gid]);
      return outcome as "left";
    },
  });
  const answer = resource.get(code)?.answer(body, BY);
  return { code: answer?.code, heard };
}

describe("PUT of g", () => {
  test("makes a member, by the word of who asks", () => {
    const { code, heard } = answerOf(CODE.put, encodeMembership(MEMBERSHIP), "joined");
    expect(code).toBe(CODE.changed);
    expect(heard).toEqual([[HEAD_END.credential, MEMBERSHIP]]);
  });

  test.each<[JoinRefusal, number]>([
    ["algorithms", CODE.badRequest],
    ["credential", CODE.forbidden],
    ["over", CODE.conflict],
    ["conflict", CODE.conflict],
    ["full", CODE.conflict],
    ["not-stored", CODE.serviceUnavailable],
  ])("that is refused for %s says so", (refusal, code) => {
    expect(answerOf(CODE.put, encodeMembership(MEMBERSHIP), refusal).code).toBe(code);
  });

  test("of a body that is no membership is 4.00, and nobody hears of it", () => {
    expect(answerOf(CODE.put, encodeLeaving(MEMBERSHIP.gid))).toEqual({ code: CODE.badRequest, heard: [] });
  });
});

describe("DELETE of g", () => {
  test("ends a membership", () => {
    const { code, heard } = answerOf(CODE.delete, encodeLeaving(MEMBERSHIP.gid), "left");
    expect(code).toBe(CODE.deleted);
    expect(heard).toEqual([[HEAD_END.credential, MEMBERSHIP.gid]]);
  });

  test("of one that is not there is 4.04, of no Gid 4.00, and 5.03 where nothing can be stored", () => {
    expect(answerOf(CODE.delete, encodeLeaving(MEMBERSHIP.gid), "unknown").code).toBe(CODE.notFound);
    expect(answerOf(CODE.delete, encodeLeaving(MEMBERSHIP.gid), "not-stored").code).toBe(
      CODE.serviceUnavailable,
    );
    expect(answerOf(CODE.delete, encodeMembership(MEMBERSHIP)).code).toBe(CODE.badRequest);
  });
});
