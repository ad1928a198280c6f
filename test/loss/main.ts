// `npm run loss [-- --reads N] [--seed S]`: reads over bad lines, one JSON document; exit 1 where one went wrong.
import { parseArgs } from "node:util";
import type { LinkFaults } from "../../hal/emulated/faulty-link.ts";
import { ALL_FAULTS, isWell, readsUnderLoss } from "./reads.ts";

const { lose = 0, repeat = 0, reorder = 0, reorderDelayMs = 0 } = ALL_FAULTS;
const LINES: Readonly<Record<string, LinkFaults>> = {
  loss: { lose },
  duplication: { repeat },
  reordering: { reorder, reorderDelayMs },
  all: ALL_FAULTS,
};

const { values } = parseArgs({
  options: { reads: { type: "string", default: "10000" }, seed: { type: "string", default: "1" } },
});
const reads = Number(values.reads);
if (!Number.isInteger(reads) || reads < 1) {
  process.stderr.write(`--reads takes a number from 1 on, not ${values.reads}.\n`);
  process.exit(2);
}
const figures = Object.entries(LINES).map(([line, faults]) => ({
  line,
  ...readsUnderLoss({ reads, faults, seed: values.seed }),
}));
process.stdout.write(`${JSON.stringify({ seed: values.seed, lines: figures }, null, 2)}\n`);
process.exitCode = figures.every(isWell) ? 0 : 1;
