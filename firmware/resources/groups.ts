// Resource `g`: the groups that the meter is read with.
import { bareAnswer, CODE, type CoapContent } from "../protocol/coap/message.ts";
import type { JoinRefusal, Memberships } from "../protocol/group/memberships.ts";
import { decodeLeaving, decodeMembership } from "../protocol/readings/membership.ts";
import { badRequest, type Method, NOT_STORED, type Resource } from "./resource.ts";

const REFUSALS: Readonly<Record<JoinRefusal, CoapContent>> = {
  algorithms: badRequest("a group with other algorithms than those of this meter"),
  credential: bareAnswer(CODE.forbidden, "the credential in it is not the group credential of who asks"),
  over: bareAnswer(CODE.conflict, "its time is over by this meter's clock"),
  conflict: bareAnswer(CODE.conflict, "another epoch has this Gid, or the generation is no newer one"),
  full: bareAnswer(CODE.conflict, "this meter is in as many groups as it can be"),
  "not-stored": NOT_STORED,
};

/** PUT: a membership, in the place of the epoch before of the same group. DELETE: the end of one. */
export function groupResource(memberships: Pick<Memberships, "join" | "leave">): Resource {
  const put: Method["answer"] = (body, { peer }) => {
    const membership = decodeMembership(body);
    if (membership === undefined) return badRequest("no membership of a group");
    const outcome = memberships.join(peer, membership);
    return outcome === "joined" ? bareAnswer(CODE.changed) : REFUSALS[outcome];
  };
  const remove: Method["answer"] = (body, { peer }) => {
    const gid = decodeLeaving(body);
    if (gid === undefined) return badRequest("no Gid");
    const outcome = memberships.leave(peer, gid);
    if (outcome === "not-stored") return NOT_STORED;
    return outcome === "left" ? bareAnswer(CODE.deleted) : bareAnswer(CODE.notFound, "no such membership");
  };
  return new Map<number, Method>([
    [CODE.put, { right: "read", answer: put }],
    [CODE.delete, { right: "read", answer: remove }],
  ]);
}
