// Reads a group, by the way that was chosen, after all that has to be done before.
import { tolerant } from "../../../firmware/protocol/tolerance.ts";
import type { DapStatus } from "../../dap/operator/status.ts";
import type { Answer, HeadEnd, Target } from "../client.ts";
import { HeadEndError } from "../errors.ts";
import type { BodyQuestion } from "../questions.ts";
import type { GroupAsks } from "./group-asks.ts";
import type { GroupManager } from "./group-manager.ts";
import { type MemberReport, readOneByOne, readTogether, type Together } from "./group-reading.ts";
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
  /** How late answers may be: whoever forwards may keep the request so long for members that are away. */
  readonly toleranceSeconds?: number | undefined;
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
  const { distribute, answers, among } = await howToAsk(parts, name, plan);
  const { collectMs, toleranceSeconds } = plan;
  if (distribute === "per-meter" && answers === "forward")
    return readEach(parts, name, question, toleranceSeconds, tell);
  const joinings = await manager.prepare(name);
  const group = manager.own(name);
  const patience = { timeoutMs: collectMs, ...(toleranceSeconds !== undefined && { toleranceSeconds }) };
  const patientOf = ({ headEnd, target }: LinePlace): LinePlace => ({
    headEnd,
    target: { ...target, ...patience },
  });
  const together = togetherBy({ distribute, answers, among }, allOf(name), placeOf, patientOf);
  const onLost = (id: string): void => void groups.mark(name, group, id, "waiting");
  const before = { ...asks.traffic };
  const tolerantQuestion = { ...question, content: tolerant(question.content, toleranceSeconds) };
  await readTogether({ asks, group, joinings, together, placeOf, onLost }, tolerantQuestion, tell);
  return {
    requestBytes: asks.traffic.requestBytes - before.requestBytes,
    responseBytes: asks.traffic.responseBytes - before.responseBytes,
  };
}

interface Way {
  readonly distribute: Distribution;
  readonly answers: Answers;
  /** Whom the DAP has in the group; undefined where nobody knows. */
  readonly among?: readonly string[] | undefined;
}

/** As it is wanted, or else as the DAP offers it. Rejects with {@link HeadEndError} where it does not offer what is wanted. */
async function howToAsk(
  { dapStatus, allOf }: GroupReaderParts,
  name: string,
  { distribute, answers }: GroupReadPlan,
): Promise<Way> {
  const isPlain = distribute === "per-meter" && answers !== "bundle";
  if (answers === "bundle" && allOf(name) === undefined)
    throw new HeadEndError("not-there", "Only a DAP bundles answers: give --via, or leave --return out.");
  if (isPlain || dapStatus === undefined)
    return { distribute: distribute ?? "per-meter", answers: answers ?? "forward" };
  const status = await dapStatus();
  const offered = {
    answers: status.return === "bundle" ? "bundle" : "forward",
    distribute: offeredTo(name, status),
  } as const;
  if (answers === "bundle" && offered.answers !== "bundle")
    throw notOffered(status, "bundles no answers", "--return bundle");
  if (distribute === "fan-out" && offered.distribute !== "fan-out") throw notFannedOut(status, name);
  const among = status.groups[name];
  return { distribute: distribute ?? offered.distribute, answers: answers ?? offered.answers, among };
}

/** How the DAP takes requests for a group. */
function offeredTo(name: string, { distribute, groups }: DapStatus): Distribution {
  return distribute === "fan-out" && Object.hasOwn(groups, name) ? "fan-out" : "per-meter";
}

function notFannedOut(status: DapStatus, name: string): HeadEndError {
  if (status.distribute !== "fan-out") return notOffered(status, "serves no groups", "--distribute fan-out");
  return new HeadEndError(
    "not-there",
    `The DAP ${status.id} knows no group ${name}: add it to its routes file, or leave --distribute out.`,
  );
}

function togetherBy(
  { distribute, answers, among }: Way,
  all: LinePlace | undefined,
  placeOf: GroupReaderParts["placeOf"],
  patientOf: (place: LinePlace) => LinePlace,
): Together {
  if (all === undefined) return { how: "alone" };
  if (distribute === "fan-out") return { how: "all", place: patientOf(all), answers, among };
  return { how: "each", placeOf: (id) => patientOf(placeOf(id)) };
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
  toleranceSeconds: number | undefined,
  tell: (report: MemberReport<Body>) => void,
): Promise<GroupTraffic> {
  const patience = toleranceSeconds === undefined ? {} : { toleranceSeconds };
  const traffic = { requestBytes: 0, responseBytes: 0 };
  const ids = manager.own(name).members.map(({ id }) => id);
  const read = async (id: string): Promise<Answer<Body>> => {
    const { headEnd, target } = placeOf(id);
    const answer = await headEnd.read({ ...target, ...patience }, question);
    traffic.requestBytes += answer.size.requestBytes;
    traffic.responseBytes += answer.size.responseBytes;
    return answer;
  };
  await readOneByOne(ids, read, tell);
  return traffic;
}
