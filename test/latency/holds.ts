// A DAP that holds what is asked of meters that are away for a while, in virtual time.
import { opensslEngine } from "../../hal/node/openssl.ts";
import { HeadEndError } from "../../host-tools/head-end/errors.ts";
import { Block } from "../../host-tools/world/block.ts";
import { settle } from "../../host-tools/world/single-line.ts";
import type { SouthKind } from "../../host-tools/world/south.ts";
import { configuration } from "../support/configuration.ts";

export interface HoldOptions {
  readonly south: SouthKind;
  readonly holdSeconds: number;
  /** How long nothing goes to and from the meters after one of them is asked. */
  readonly awaySeconds: number;
}

export interface HoldFigures extends HoldOptions {
  /** From the question on; undefined where no answer came. */
  readonly answeredSeconds: number | undefined;
  /** Whether the DAP still has what it was asked, after the time that it holds. */
  readonly heldAfterwards: number;
}

const METERS = 3;
const TIMEOUT_MS = 60_000;
/** How much longer than the DAP the head-end waits. */
const PATIENCE_MS = 60_000;

/** Times that meters are away, some within what the DAP holds and one beyond. */
export const HOLDS: readonly Omit<HoldOptions, "south">[] = [
  { holdSeconds: 5, awaySeconds: 2 },
  { holdSeconds: 5, awaySeconds: 10 },
  { holdSeconds: 300, awaySeconds: 120 },
  { holdSeconds: 300, awaySeconds: 240 },
  { holdSeconds: 300, awaySeconds: 310 },
];

/** Asks a meter with which there is a session, as all meters go away, and has them come back. */
export async function heldRead(options: HoldOptions): Promise<HoldFigures> {
  const { south, holdSeconds, awaySeconds } = options;
  const block = new Block({
    ...{ seed: 1, meters: METERS, south, configuration, dap: { return: "hold", holdSeconds } },
    ...{ crypto: opensslEngine, startUtcMs: Date.UTC(2026, 10, 24) },
  });
  const [id = ""] = block.ids;
  await block.operate(TIMEOUT_MS);
  const read = (timeoutMs: number) => block.headEnd.readRegisters(block.target(id, timeoutMs));
  await settle(block.clock, read(TIMEOUT_MS));
  block.southLoss = 1;
  block.clock.after(awaySeconds * 1000, () => {
    block.southLoss = 0;
  });
  const startMs = block.clock.monotonicMs();
  const answeredMs = await settle(
    block.clock,
    read(holdSeconds * 1000 + PATIENCE_MS).then(
      () => block.clock.monotonicMs(),
      (error) => {
        if (!(error instanceof HeadEndError)) throw error;
        return undefined;
      },
    ),
  );
  block.clock.advanceBy(Math.max(0, startMs + holdSeconds * 1000 + 1 - block.clock.monotonicMs()));
  const { held } = block.dap.status();
  block.stop();
  const answeredSeconds = answeredMs === undefined ? undefined : (answeredMs - startMs) / 1000;
  return { ...options, answeredSeconds, heldAfterwards: held };
}

/** True where an answer came in the time that the DAP holds if it could come in that time, and none afterwards. */
export function isKept({ holdSeconds, awaySeconds, answeredSeconds, heldAfterwards }: HoldFigures): boolean {
  if (heldAfterwards > 0) return false;
  if (awaySeconds >= holdSeconds) return answeredSeconds === undefined;
  return answeredSeconds !== undefined && answeredSeconds >= awaySeconds && answeredSeconds <= holdSeconds;
}
