// Many histories as one, each repeatable by its own seed.
import { type Figures, history } from "./history.ts";
import type { CarelessEnd } from "./mutants.ts";

/** A world of its own for so many cuts: what went before them is then not too long to look at. */
const CUTS_PER_HISTORY = 500;

export interface HistoriesOptions {
  readonly seed: string;
  readonly cuts: number;
  readonly careless?: CarelessEnd | undefined;
}

/** All figures together, and the seeds of the histories that had a fault. */
export function histories({ seed, cuts, careless }: HistoriesOptions): Figures & { faulty: string[] } {
  const remove = careless?.install?.();
  try {
    const parts: Figures[] = [];
    const faulty: string[] = [];
    for (let done = 0; done < cuts; done += CUTS_PER_HISTORY) {
      const own = done === 0 ? seed : `${seed}.${done / CUTS_PER_HISTORY}`;
      const part = history({ seed: own, cuts: Math.min(CUTS_PER_HISTORY, cuts - done), mutant: careless });
      if (!isWell(part)) faulty.push(own);
      parts.push(part);
    }
    return { ...parts.reduce(together), faulty };
  } finally {
    remove?.();
  }
}

/** True where nothing happened that must not. */
export function isWell({ faults }: Figures): boolean {
  return Object.values(faults).every((count) => count === 0);
}

function together(a: Figures, b: Figures): Figures {
  return { ...added(a, b), faults: added(a.faults, b.faults) };
}

/** Counts add up; of what is the most of all, the most. */
function added<Of extends object>(a: Of, b: Of): Of {
  const sums = Object.entries(a).map(([name, value]) => {
    const other = (b as Record<string, number>)[name] ?? 0;
    return [name, name.endsWith("Max") ? Math.max(value, other) : value + other];
  });
  return Object.fromEntries(sums) as Of;
}
