// Single reads through a DAP over bad links, in virtual time: how long each of them took.
import { integerBelow, SeededRandom, uniform } from "../../hal/emulated/seeded-random.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import { HeadEndError } from "../../host-tools/head-end/errors.ts";
import { Block } from "../../host-tools/world/block.ts";
import { settle } from "../../host-tools/world/single-line.ts";
import type { SouthKind } from "../../host-tools/world/south.ts";
import { configuration } from "../support/configuration.ts";

export interface LatencyOptions {
  readonly south: SouthKind;
  readonly reads: number;
  readonly loss: number;
  readonly seed: string;
  readonly meters?: number;
}

export interface LatencyFigures {
  readonly reads: number;
  /** Reads without an answer, by what the head-end said of it. */
  readonly failed: Readonly<Record<string, number>>;
  readonly within15Seconds: number;
  readonly seconds: Readonly<Record<"p50" | "p95" | "p99" | "most", number>>;
}

/** What flow B takes: nearly always, and always. */
const USUAL_MS = 15_000;
const MOST_MS = 30_000;
const USUAL_SHARE = 0.99;
/** Between two reads, on average: a person's, or a collection's that hurries. */
const PAUSE_MS = 4000;

/** Reads one meter of a block after the other, which chance picks; loss is on both links of the DAP. */
export async function latencyOfReads(options: LatencyOptions): Promise<LatencyFigures> {
  const { south, reads, loss, seed, meters = 50 } = options;
  const block = new Block({
    ...{ seed, meters, south, southLoss: loss, northLoss: loss, configuration },
    ...{ crypto: opensslEngine, startUtcMs: Date.UTC(2026, 10, 24) },
  });
  const random = new SeededRandom(`${seed} reads`);
  const took: number[] = [];
  const failed: Record<string, number> = {};
  for (let read = 0; read < reads; read++) {
    block.clock.advanceBy(-Math.log(1 - uniform(random)) * PAUSE_MS);
    const id = block.ids[integerBelow(random, meters)] as string;
    const startMs = block.clock.monotonicMs();
    try {
      await settle(block.clock, block.headEnd.readRegisters(block.target(id, 2 * MOST_MS)));
      took.push(block.clock.monotonicMs() - startMs);
    } catch (error) {
      if (!(error instanceof HeadEndError)) throw error;
      failed[error.kind] = (failed[error.kind] ?? 0) + 1;
    }
  }
  block.stop();
  return { reads, failed, ...figuresOf(took) };
}

function figuresOf(took: readonly number[]): Pick<LatencyFigures, "within15Seconds" | "seconds"> {
  const sorted = [...took].sort((a, b) => a - b);
  const at = (share: number): number => (sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN) / 1000;
  return {
    within15Seconds: took.filter((ms) => ms <= USUAL_MS).length,
    seconds: { p50: at(0.5), p95: at(0.95), p99: at(0.99), most: at(1) },
  };
}

/** True where every read was answered in the time that flow B has, and nearly all in its usual time. */
export function isInTime({ reads, failed, within15Seconds, seconds }: LatencyFigures): boolean {
  const isAnswered = Object.keys(failed).length === 0;
  return isAnswered && within15Seconds >= USUAL_SHARE * reads && seconds.most <= MOST_MS / 1000;
}
