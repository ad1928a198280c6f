// `npm run bench [-- SET] [-- --json]`: the one place for figures. Peers are measured in the same run.
import { parseArgs } from "node:util";
import { nobleEngine } from "meterbench/hal";
import { opensslEngine } from "meterbench/hal/node";
import { wakeUpFigures } from "../load/wake-up.ts";
import { boardFigures } from "./board.ts";
import { dapFigures } from "./dap/dap.ts";
import { groupFigures } from "./group/group.ts";
import { handshakesPerSecond } from "./handshakes.ts";
import { loadFigures } from "./load/load.ts";
import { meterFigures } from "./meter.ts";
import { profileBytesPerInterval } from "./profiles.ts";
import { measure } from "./rates.ts";
import { startUp } from "./start-up.ts";

/** `faults` says what is not as it must be; the exit code is 1 then. */
type Figures = Readonly<Record<string, unknown>> & { readonly faults?: readonly string[] };

const EIGHT = 8;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    // All output is JSON; the option says that somebody counts on it.
    json: { type: "boolean" },
    // Of `load`: how many, and whether the meter keeps each datagram, which must be found.
    reads: { type: "string", default: "1000000" },
    leak: { type: "boolean", default: false },
  },
});
const reads = Number(values.reads);

/** By name; `reads` is the one that is run where none is named. */
const SETS: Readonly<Record<string, () => Figures | Promise<Figures>>> = {
  reads: readFigures,
  meter: meterFigures,
  board: boardFigures,
  "wake-up": wakeUpFigures,
  dap: dapFigures,
  group: groupFigures,
  load: () =>
    loadFigures({ reads, isLeaking: values.leak, tell: (line) => process.stderr.write(`${line}\n`) }),
};

const name = positionals[0] ?? "reads";
const set = Object.hasOwn(SETS, name) ? SETS[name] : undefined;
if (set === undefined) {
  process.stderr.write(`No set of figures is called ${name}: name one of ${Object.keys(SETS).join(", ")}.\n`);
  process.exit(2);
}
if (!Number.isInteger(reads) || reads < 1000) {
  process.stderr.write(`--reads takes a whole number from 1000 on, not ${values.reads}.\n`);
  process.exit(2);
}
const figures = await set();
const text = JSON.stringify(
  figures,
  (_, value) => (typeof value === "number" ? Number(value.toPrecision(4)) : value),
  2,
);
process.stdout.write(`${text}\n`);
process.exit(figures.faults === undefined || figures.faults.length === 0 ? 0 : 1);

/** A secured read against plain ones and a bare echo, handshakes, sizes, and a meter's start. */
async function readFigures(): Promise<Figures> {
  const { readyMilliseconds, rssMegabytes } = await startUp();
  const echo = await measure("echo", 1);
  const noble = await measure("noble", 1);
  const openssl = await measure("openssl", 1);
  const coap = await measure("coap", 1);
  return {
    securedReadsPerSecond: { noble: noble.perSecond, openssl: openssl.perSecond },
    securedReadsPerSecondAt8: {
      noble: (await measure("noble", EIGHT)).perSecond,
      openssl: (await measure("openssl", EIGHT)).perSecond,
    },
    meterCpuMicrosecondsPerRead: {
      noble: noble.cpuMicrosecondsPerRequest,
      openssl: openssl.cpuMicrosecondsPerRequest,
    },
    handshakesPerSecond: {
      noble: handshakesPerSecond(nobleEngine),
      openssl: handshakesPerSecond(opensslEngine),
    },
    bareNodeEchoPerSecond: echo.perSecond,
    bareNodeEchoPerSecondAt8: (await measure("echo", EIGHT)).perSecond,
    plainNodeCoapReadsPerSecond: coap.perSecond,
    plainNodeCoapReadsPerSecondAt8: (await measure("coap", EIGHT)).perSecond,
    profileBytesPerInterval: profileBytesPerInterval(),
    serveReadyMilliseconds: readyMilliseconds,
    serveRssMegabytes: rssMegabytes,
  };
}
