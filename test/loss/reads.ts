// Reads over a line that loses, repeats and reorders, in virtual time: how each of them ended.
import { equal } from "../../firmware/protocol/bytes.ts";
import { FaultyLink, type LinkFaults } from "../../hal/emulated/faulty-link.ts";
import { SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { securedLine } from "../support/secured-line.ts";

export interface LossOptions {
  readonly reads: number;
  readonly faults: LinkFaults;
  readonly seed: string;
}

export interface LossFigures {
  readonly reads: number;
  readonly answered: number;
  readonly failed: number;
  /** Answers with another body than was asked for. */
  readonly wrong: number;
  /** Reads that were told of more than once, or never. */
  readonly notOnce: number;
  /** Handler calls beyond one a read: a request that was handled twice, or asked again in a new session. */
  readonly servedAgain: number;
  readonly virtualSeconds: number;
}

/** As a fifth of all datagrams, each way, is lost, comes twice and comes late. */
export const ALL_FAULTS: LinkFaults = { lose: 0.2, repeat: 0.2, reorder: 0.2, reorderDelayMs: 50 };
/** Asked at once: reordering swaps answers only where there are several. */
const OUTSTANDING = 8;
const WITHIN_MS = 20_000;
/** Long enough for whatever is still on its way to arrive. */
const AFTERWARDS_MS = 600_000;

/** Asks the meter of a line to give back so many bodies, each unlike all others. */
export function readsUnderLoss({ reads, faults, seed }: LossOptions): LossFigures {
  let ends = 0;
  const line = securedLine({
    traits: { roundTripMs: 20 },
    wrap: (link, clock) => new FaultyLink(link, clock, new SeededRandom(`${seed} ${ends++}`), faults),
  });
  const bodies = new Map<number | undefined, Uint8Array>();
  const { clientEvents: events } = line;
  while (events.length < reads) {
    while (bodies.size < reads && bodies.size - events.length < OUTSTANDING) {
      const body = bodyOf(bodies.size);
      bodies.set(line.askLater(body, WITHIN_MS), body);
    }
    const before = events.length;
    if (!line.clock.runUntil(() => events.length > before, 2 * WITHIN_MS)) break;
  }
  line.clock.advanceBy(AFTERWARDS_MS);
  const told = new Map<number, number>();
  for (const { ask } of events) told.set(ask, (told.get(ask) ?? 0) + 1);
  const answers = events.filter((event) => event.kind === "answer");
  return {
    reads,
    answered: answers.length,
    failed: events.length - answers.length,
    wrong: answers.filter(({ ask, content }) => !equal(content.payload, bodies.get(ask) ?? bodyOf(-1)))
      .length,
    notOnce: [...bodies.keys()].filter((ask) => ask === undefined || told.get(ask) !== 1).length,
    servedAgain: Math.max(0, line.served.length - reads),
    virtualSeconds: Math.round((line.clock.monotonicMs() - AFTERWARDS_MS) / 1000),
  };
}

/** A CBOR number, as a body is CBOR. */
function bodyOf(read: number): Uint8Array {
  return Uint8Array.of(0x1a, read >>> 24, (read >>> 16) & 0xff, (read >>> 8) & 0xff, read & 0xff);
}

/** True where each read ended once, none with what is not its own, and nearly all with an answer. */
export function isWell({ reads, answered, wrong, notOnce }: LossFigures): boolean {
  return wrong === 0 && notOnce === 0 && answered >= 0.99 * reads;
}
