// Reads a group, by the way that was chosen, after all that has to be done before.
import type { DapStatus } from "../../dap/operator/status.ts";
import type { Answer, HeadEnd, Target } from "../client.ts";
import { HeadEndError } from "../errors.ts";
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
  /** What the DAP offers, which it is to be asked before it gives a request to many; undefined where none is known. */
  readonly dapStatus?: (() => Promise<DapStatus>) | undefined;
}

/** How answers to one request for all come: one by one, or together in the end. */
export const ANSWERS = ["forward", "bundle"] as const;
type Answers = (typeof ANSWERS)[number];

/** What is left open is as the DAP offers it. */
export interface GroupReadPlan {
  readonly distribute?: Distribution | undefined;
  readonly answers?: Answers | undefined;
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
  plan: GroupReadPlan,
  tell: (report: MemberReport<Body>) => void,
): Promise<GroupTraffic> {
  const { groups, manager, asks, placeOf, allOf } = parts;
  manager.own(name);
  const { distribute, answers } = await howToAsk(parts, name, plan);
  const place = allOf(name);
  if (distribute === "per-meter" && (answers === "forward" || place === undefined))
    return readEach(parts, name, question, tell);
  const joinings = await manager.prepare(name);
  const group = manager.own(name);
  const all = place && { ...place, target: { ...place.target, timeoutMs: plan.collectMs } };
  const onLost = (id: string): void => void groups.mark(name, group.epoch, id, "waiting");
  const before = { ...asks.traffic };
  await readTogether({ asks, group, joinings, distribute, answers, all, placeOf, onLost }, question, tell);
  return {
    requestBytes: asks.traffic.requestBytes - before.requestBytes,
    responseBytes: asks.traffic.responseBytes - before.responseBytes,
  };
}

/** As it is wanted, or else as the DAP offers it. Rejects with {@link HeadEndError} where it does not offer what is wanted. */
async function howToAsk(
  { dapStatus }: GroupReaderParts,
  name: string,
  plan: GroupReadPlan,
): Promise<{ readonly distribute: Distribution; readonly answers: Answers }> {
  const { distribute, answers = "forward" } = plan;
  const each = { distribute: "per-meter", answers } as const;
  if (dapStatus === undefined) return { ...each, distribute: distribute ?? "per-meter" };
  if (distribute === "per-meter" && answers === "forward") return each;
  const status = await dapStatus();
  refuseUnoffered(status, plan);
  if (distribute === "per-meter" || status.distribute !== "fan-out") return each;
  const isKnown = Object.hasOwn(status.groups, name);
  if (!isKnown && distribute === "fan-out")
    throw new HeadEndError(
      "not-there",
      `The DAP ${status.id} knows no group ${name}: add it to its routes file, or leave --distribute out.`,
    );
  const offered = status.return === "bundle" ? "bundle" : "forward";
  return isKnown ? { distribute: "fan-out", answers: plan.answers ?? offered } : each;
}

function refuseUnoffered(status: DapStatus, { distribute, answers }: GroupReadPlan): void {
  if (answers === "bundle" && status.return !== "bundle")
    throw notOffered(status, "bundles no answers", "--return bundle");
  if (distribute === "fan-out" && status.distribute !== "fan-out")
    throw notOffered(status, "serves no groups", "--distribute fan-out");
}

function notOffered({ id, thirdParty }: DapStatus, what: string, option: string): HeadEndError {
  const whose = thirdParty ? "is a third-party one and " : "";
  return new HeadEndError(
    "not-there",
    `The DAP ${id} ${whose}${what}: leave ${option} out, or start it so (meterbench dap --help).`,
  );
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
