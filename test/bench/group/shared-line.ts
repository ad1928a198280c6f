// Meters of one RS-485 line in turn, and one of them that does not wait for its turn.
import { settle } from "../../../host-tools/world/single-line.ts";
import { WatchedBlock } from "./watched-block.ts";

const IN_TURN_METERS = 32;
const BABBLING_METERS = 16;
const BABBLING = "M7";
const BABBLE_PAUSE_MS = 500;
const TIMEOUT_MS = 180_000;

export interface InTurn {
  readonly meters: number;
  readonly read: number;
  readonly virtualSeconds: number;
  readonly lineSeconds: number;
}

export interface Babbling {
  readonly babbling: string;
  /** Whom the DAP tells of as speaking unasked. */
  readonly reported: readonly string[];
  /** Of the others, and how many of those were read. */
  readonly others: number;
  readonly read: number;
}

/** All meters of a line, asked at once, so that the DAP always has somebody to ask. */
export async function readInTurn(): Promise<InTurn> {
  const watched = new WatchedBlock({ south: "rs485", meters: IN_TURN_METERS });
  await readAll(watched, watched.block.ids);
  const { took, result } = await watched.watch(() => readAll(watched, watched.block.ids));
  watched.block.stop();
  return {
    ...{ meters: IN_TURN_METERS, read: result },
    ...{ virtualSeconds: took.virtualSeconds, lineSeconds: took.boundSeconds ?? Number.NaN },
  };
}

export async function readBesideBabbling(): Promise<Babbling> {
  const watched = new WatchedBlock({
    ...{ south: "rs485", meters: BABBLING_METERS },
    babbling: new Map([[BABBLING, BABBLE_PAUSE_MS]]),
  });
  const { block } = watched;
  const others = block.ids.filter((id) => id !== BABBLING);
  // Whoever has never been asked has no name that he could be told by.
  await readAll(watched, block.ids);
  const read = await readAll(watched, others);
  const [line] = (await block.operate(TIMEOUT_MS)).lines;
  block.stop();
  return {
    ...{ babbling: BABBLING, reported: Object.keys(line?.unasked ?? {}) },
    ...{ others: others.length, read },
  };
}

/** How many of these were read. */
async function readAll({ block }: WatchedBlock, ids: readonly string[]): Promise<number> {
  const reads = ids.map((id) => block.headEnd.readRegisters({ ...block.target(id, TIMEOUT_MS), expect: id }));
  const ends = await settle(block.clock, Promise.allSettled(reads));
  return ends.filter(({ status }) => status === "fulfilled").length;
}
