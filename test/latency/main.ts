// `npm run latency [-- --reads N] [--seed S]`: reads through a DAP over bad links, and ones that it holds; one JSON document,
// exit 1 where one was too late.
import { parseArgs } from "node:util";
import { SOUTH_KINDS } from "../../host-tools/world/south.ts";
import { HOLDS, type HoldFigures, heldRead, isKept } from "./holds.ts";
import { isInTime, type LatencyFigures, latencyOfReads } from "./reads.ts";

const LOSS = 0.1;

const { values } = parseArgs({
  options: { reads: { type: "string", default: "2000" }, seed: { type: "string", default: "1" } },
});
const reads = Number(values.reads);
if (!Number.isInteger(reads) || reads < 1) {
  process.stderr.write(`--reads takes a number from 1 on, not ${values.reads}.\n`);
  process.exit(2);
}
const links: Record<string, LatencyFigures> = {};
const holds: HoldFigures[] = [];
for (const south of SOUTH_KINDS) {
  links[south] = await latencyOfReads({ south, reads, loss: LOSS, seed: values.seed });
  for (const hold of HOLDS) holds.push(await heldRead({ south, ...hold }));
}
process.stdout.write(`${JSON.stringify({ seed: values.seed, loss: LOSS, links, holds }, null, 2)}\n`);
process.exitCode = Object.values(links).every(isInTime) && holds.every(isKept) ? 0 : 1;
