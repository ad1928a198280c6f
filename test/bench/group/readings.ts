// A block read in each way, on one kind of link.
import type { GroupReadPlan } from "../../../host-tools/head-end/groups/group-reader.ts";
import {
  type BodyQuestion,
  profileQuestion,
  registersQuestion,
} from "../../../host-tools/head-end/questions.ts";
import { BlockGroup, type EchoRound } from "../../../host-tools/world/block-group.ts";
import type { SouthKind } from "../../../host-tools/world/south.ts";
import { emptyFolder } from "../../support/command.ts";
import { START_MS, type Took, WatchedBlock } from "./watched-block.ts";

const DAY_MS = 86_400_000;
const TIMEOUT_MS = 60_000;
const REGISTER = "1-0:1.8.0*255";

/** What is asked: one register of each meter, or 96 quarters of an hour. */
export const QUESTIONS = {
  registers: registersQuestion([REGISTER]),
  intervals: profileQuestion({
    ...{ profile: 0, register: REGISTER, startSeconds: START_MS / 1000, count: 96, step: 1 },
  }),
} as const;
export type QuestionName = keyof typeof QUESTIONS;

/** `unicast`: one request to each, over its own session, and each answer by itself; bundled one is by the group's keys. */
export const WAYS = {
  unicast: { distribute: "per-meter", answers: "forward" },
  "per meter, bundled": { distribute: "per-meter", answers: "bundle" },
  "fan-out, forwarded": { distribute: "fan-out", answers: "forward" },
  "fan-out, bundled": { distribute: "fan-out", answers: "bundle" },
} as const;
export type WayName = keyof typeof WAYS;

export interface ReadFigures extends Took {
  readonly answered: number;
  readonly late: number;
  readonly missing: number;
}

export interface LinkFigures {
  readonly join: Took;
  readonly echoRound: EchoRound;
  readonly reads: Readonly<Record<QuestionName, Readonly<Record<WayName, ReadFigures>>>>;
}

/** Fifty meters that have measured for a day, on a link of which so much is lost. */
export async function linkFigures(south: SouthKind, southLoss: number): Promise<LinkFigures> {
  const watched = new WatchedBlock({ south, southLoss });
  const folder = emptyFolder();
  try {
    const { block } = watched;
    block.play(DAY_MS);
    const status = await block.operate(TIMEOUT_MS);
    const group = new BlockGroup(block, `${folder.path}/groups.json`, status);
    const { took: join, result: echoRound } = await watched.watch(() => group.join());
    const read = (name: QuestionName) => allWays(watched, group, QUESTIONS[name]);
    const reads = { registers: await read("registers"), intervals: await read("intervals") };
    return { join, echoRound, reads };
  } finally {
    watched.block.stop();
    folder.remove();
  }
}

async function allWays(
  watched: WatchedBlock,
  group: BlockGroup,
  question: BodyQuestion<unknown>,
): Promise<Record<WayName, ReadFigures>> {
  const read = (way: WayName) => readFigures(watched, group, question, WAYS[way]);
  return {
    unicast: await read("unicast"),
    "per meter, bundled": await read("per meter, bundled"),
    "fan-out, forwarded": await read("fan-out, forwarded"),
    "fan-out, bundled": await read("fan-out, bundled"),
  };
}

async function readFigures(
  watched: WatchedBlock,
  group: BlockGroup,
  question: BodyQuestion<unknown>,
  plan: Omit<GroupReadPlan, "collectMs">,
): Promise<ReadFigures> {
  const { took, result } = await watched.watch(
    () => group.read(question, { ...plan, collectMs: TIMEOUT_MS }),
    ({ seconds }) => seconds,
  );
  const count = (outcome: string): number =>
    result.reports.filter((report) => report.outcome === outcome).length;
  return {
    ...took,
    ...{ answered: count("answered"), late: count("late"), missing: count("missing") + count("refused") },
  };
}
