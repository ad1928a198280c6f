// `npm run bench [-- SET] [-- --json]`: the one place for figures. Peers are measured in the same run.
import { nobleEngine } from "meterbench/hal";
import { opensslEngine } from "meterbench/hal/node";
import { handshakesPerSecond } from "./handshakes.ts";
import { meterFigures } from "./meter.ts";
import { profileBytesPerInterval } from "./profiles.ts";
import { measure } from "./rates.ts";
import { startUp } from "./start-up.ts";

type Figures = Readonly<Record<string, number | Readonly<Record<string, number>>>>;

const EIGHT = 8;

/** By name; `reads` is the one that is run where none is named. */
const SETS: Readonly<Record<string, () => Figures | Promise<Figures>>> = {
  reads: readFigures,
  meter: meterFigures,
};

const name = process.argv.slice(2).find((argument) => !argument.startsWith("-")) ?? "reads";
const set = Object.hasOwn(SETS, name) ? SETS[name] : undefined;
if (set === undefined) {
  process.stderr.write(`No set of figures is called ${name}: name one of ${Object.keys(SETS).join(", ")}.\n`);
  process.exit(2);
}
const text = JSON.stringify(
  await set(),
  (_, value) => (typeof value === "number" ? Number(value.toPrecision(4)) : value),
  2,
);
process.stdout.write(`${text}\n`);
process.exit(0);

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
