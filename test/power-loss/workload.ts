import { Journal } from "../../firmware/journal/journal.ts";
import type { Storage } from "../../hal/ports/storage.ts";
import { type History, OPTIONS } from "./history.ts";

/** What a meter does with its journal, one after the other; a record is told by its kind. */
export type Step =
  | { readonly do: "append"; readonly kinds: readonly number[] }
  | { readonly do: "note"; readonly kind: number }
  | { readonly do: "sync" | "snapshot" | "reopen" };

const append = (...kinds: number[]): Step => ({ do: "append", kinds });
const note = (kind: number): Step => ({ do: "note", kind });

/**
 * Two days of a very small meter. Its segments fill and its snapshots come by themselves and when asked for, both
 * files of them in turn; it is started anew with and without notes pending, and right after a snapshot.
 */
export const WORKLOAD: readonly Step[] = [
  append(1),
  append(1, 2),
  note(1),
  note(1),
  append(3),
  append(2, 1, 3),
  { do: "snapshot" },
  append(1, 2),
  { do: "reopen" },
  note(1),
  append(2),
  note(3),
  { do: "sync" },
  append(1, 2, 2),
  note(1),
  { do: "reopen" },
  append(3),
  append(1, 2),
  { do: "snapshot" },
  append(1, 2),
  note(1),
  append(1),
  append(2, 2),
  append(1, 3),
  append(2, 2, 1),
  append(1, 2),
  { do: "snapshot" },
  { do: "reopen" },
  append(2, 1),
  note(1),
  append(2, 2, 1),
  append(1, 2, 3),
  append(2, 2, 1),
  append(2, 2, 1),
];

/** What it does when the power is back: enough to use what was recovered, and to fill a segment. */
export const AFTERWARDS: readonly Step[] = [
  append(1, 2),
  note(1),
  append(2, 2, 3),
  { do: "snapshot" },
  append(1),
];

/** Plays the steps; what a cut throws comes through. */
export function play(storage: Storage, history: History, steps: readonly Step[]): void {
  let journal = Journal.open(storage, OPTIONS);
  for (const step of steps) {
    if (step.do === "reopen") journal = Journal.open(storage, OPTIONS);
    else if (take(journal, history, step) === "done" && step.do !== "note") history.acknowledge();
  }
}

function take(journal: Journal, history: History, step: Exclude<Step, { do: "reopen" }>) {
  if (step.do === "append") return journal.append(history.batch(step.kinds));
  if (step.do === "note") return journal.note(history.batch([step.kind])[0] as never);
  return step.do === "sync" ? journal.sync() : journal.snapshot();
}
