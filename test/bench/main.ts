// `npm run bench [-- --json]`: the one place for figures. Peers are measured in the same run.
import { nobleEngine } from "meterbench/hal";
import { opensslEngine } from "meterbench/hal/node";
import { handshakesPerSecond } from "./handshakes.ts";
import { profileBytesPerInterval } from "./profiles.ts";
import { measure } from "./rates.ts";
import { startUp } from "./start-up.ts";

const EIGHT = 8;

const { readyMilliseconds, rssMegabytes } = await startUp();
const echo = await measure("echo", 1);
const noble = await measure("noble", 1);
const openssl = await measure("openssl", 1);
const coap = await measure("coap", 1);
const figures = {
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
const text = JSON.stringify(
  figures,
  (_, value) => (typeof value === "number" ? Number(value.toPrecision(4)) : value),
  2,
);
process.stdout.write(`${text}\n`);
process.exit(0);
