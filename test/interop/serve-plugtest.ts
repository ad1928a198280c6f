// `node --import tsx test/interop/serve-plugtest.ts CONTEXT HOST:PORT`: a server of ours for another implementation's
// client, with the resources of the OSCORE plugtest, until it is stopped.
import { TrustList } from "../../firmware/identity/trust.ts";
import { Drive } from "../../firmware/protocol/drive.ts";
import { SecureServer } from "../../firmware/protocol/secure-server.ts";
import { parseAddress } from "../../hal/node/address.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import { systemClock } from "../../hal/node/system-clock.ts";
import { systemRandom } from "../../hal/node/system-random.ts";
import { UdpLink } from "../../hal/node/udp-link.ts";
import { holdPreset } from "../../host-tools/cli/preset.ts";
import { untilStopped } from "../../host-tools/cli/stop.ts";
import { identity } from "../support/secured-line.ts";
import { plugtestResources } from "./plugtest.ts";

const [contextPath = "", at = ""] = process.argv.slice(2);
const address = parseAddress(`udp:${at}`);
if ("error" in address || address.kind !== "udp")
  throw new Error("usage: serve-plugtest.ts CONTEXT HOST:PORT");
const { preset, release } = await holdPreset(contextPath, "client");
const link = await UdpLink.serve(address.host, address.port);
const server = new SecureServer({
  crypto: opensslEngine,
  random: systemRandom,
  traits: link.traits,
  identity: identity("meter", "plugtest"),
  trust: new TrustList([]),
  presets: [preset],
  resources: plugtestResources(),
});
const drive = new Drive(server, link, systemClock, (event) =>
  process.stdout.write(`${JSON.stringify(event)}\n`),
);
process.stdout.write(`serving at ${link.local}\n`);
await untilStopped();
drive.stop();
link.close();
release();
