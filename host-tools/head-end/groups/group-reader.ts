// Reads a group, by the way that was chosen, after all that has to be done before.
import type { Answer, HeadEnd, Target } from "../client.ts";
import type { BodyQuestion } from "../questions.ts";
import type { GroupAsks } from "./group-asks.ts";
import type { GroupManager } from "./group-manager.ts";
import { type MemberReport, readOneByOne, readTogether } from "./group-reading.ts";
import type { GroupRegistry } from "./group-registry.ts";

/** `fan-out`: one request, which whoever forwards gives to all; `per-meter`: one to each, over its own session. */
export const DISTRIBUTIONS = ["per-meter", "fan-out"] as const;
export type Distribution = (typeof DISTRIBUTIONS)[number];

/** A meter's line, or a DAP's, and where something is on it. */
export interface LinePlace {
  readonly headEnd: HeadEnd;
  readonly target: Target;
}

export interface GroupReaderParts {
  readonly groups: GroupRegistry;
  readonly manager: GroupManager;
  readonly asks: GroupAsks;
  /** Throws a {@link HeadEndError} where there is no way to a meter. */
  readonly placeOf: (id: string) => LinePlace;
  /** Where a group is asked as a whole; undefined without a DAP. */
  readonly allOf: (name: string) => LinePlace | undefined;
}

export interface GroupReadPlan {
  readonly distribute: Distribution;
  /** Of a fan-out: answers come one by one, or together in the end. */
  readonly answers: "forward" | "bundle";
  /** How long answers to one request for all may take. */
  readonly collectMs: number;
}

/** CoAP bytes of a read, without repetitions, and without what was to be done before it. */
export interface GroupTraffic {
  readonly requestBytes: number;
  readonly responseBytes: number;
}

/**
 * Reads a group: each member is told of once, as soon as it is known how it stands. Rejects with {@link HeadEndError} where
 * there is no such group, or whoever forwards will not have it.
 */
export async function readGroup<Body>(
  parts: GroupReaderParts,
  name: string,
  question: BodyQuestion<Body>,
  { distribute, answers, collectMs }: GroupReadPlan,
  tell: (report: MemberReport<Body>) => void,
): Promise<GroupTraffic> {
  if (distribute === "per-meter") return readEach(parts, name, question, tell);
  const { groups, manager, asks, placeOf, allOf } = parts;
  const joinings = await manager.prepare(name);
  const group = manager.own(name);
  const place = allOf(name);
  const all = place && { ...place, target: { ...place.target, timeoutMs: collectMs } };
  const onLost = (id: string): void => void groups.mark(name, group.epoch, id, "waiting");
  const before = { ...asks.traffic };
  await readTogether({ asks, group, joinings, answers, all, placeOf, onLost }, question, tell);
  return {
    requestBytes: asks.traffic.requestBytes - before.requestBytes,
    responseBytes: asks.traffic.responseBytes - before.responseBytes,
  };
}

async function readEach<Body>(
  { manager, placeOf }: GroupReaderParts,
  name: string,
  question: BodyQuestion<Body>,
  tell: (report: MemberReport<Body>) => void,
): Promise<GroupTraffic> {
  const traffic = { requestBytes: 0, responseBytes: 0 };
  const ids = manager.own(name).members.map(({ id }) => id);
  const read = async (id: string): Promise<Answer<Body>> => {
    const { headEnd, target } = placeOf(id);
    const answer = await headEnd.read(target, question);
    traffic.requestBytes += answer.size.requestBytes;
    traffic.responseBytes += answer.size.responseBytes;
    return answer;
  };
  await readOneByOne(ids, read, tell);
  return traffic;
}
