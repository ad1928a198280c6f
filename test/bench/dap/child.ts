// The other processes of `npm run bench -- dap`: all meters in one, and the DAP, each told by its first argument. The
// parent is told by messages what there is, and asks for figures by messages.
import { TrustList } from "../../../firmware/identity/trust.ts";
import { answerWith, CODE, FORMAT } from "../../../firmware/protocol/coap/message.ts";
import { Drive } from "../../../firmware/protocol/drive.ts";
import { SecureServer } from "../../../firmware/protocol/secure-server.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { systemClock } from "../../../hal/node/system-clock.ts";
import { systemRandom } from "../../../hal/node/system-random.ts";
import { UdpLink } from "../../../hal/node/udp-link.ts";
import { MemoryStorage } from "../../../hal/storage/memory-storage.ts";
import { Dap } from "../../../host-tools/dap/dap.ts";
import { Routes } from "../../../host-tools/dap/forward/routes.ts";
import { BODY, dapIdentity, headEnd, meter } from "./parties.ts";

const HERE = "127.0.0.1";

const [, , kind, ...rest] = process.argv;
if (kind === "meters") process.send?.({ stations: await meters(Number(rest[0])) });
else process.send?.({ stations: [await dap(rest)] });

process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuMicroseconds: user + system, rssMegabytes: process.memoryUsage.rss() / 1e6 });
});

/** Stand-ins that prove themselves and seal what they answer as meters do, and measure nothing. */
async function meters(count: number): Promise<string[]> {
  const trust = new TrustList([headEnd().credential]);
  const stations: string[] = [];
  for (let place = 0; place < count; place++) {
    const link = await UdpLink.serve(HERE, 0);
    const server = new SecureServer({
      ...{ crypto: opensslEngine, random: systemRandom, traits: link.traits, trust },
      identity: meter(place),
      resources: { links: [], serve: () => answerWith(CODE.content, FORMAT.cbor, BODY) },
    });
    new Drive(server, link, systemClock, () => {});
    stations.push(link.local);
  }
  return stations;
}

async function dap(stations: readonly string[]): Promise<string> {
  const north = await UdpLink.serve(HERE, 0);
  const { link: south } = await UdpLink.reach(HERE, 1);
  const places = stations.map((station, place) => ({ alias: `M${place + 1}`, line: 0, station }));
  const trust = new TrustList([headEnd().credential]);
  new Dap({
    ...{ clock: systemClock, random: systemRandom, north, lines: [south], names: ["udp"] },
    ...{ routes: new Routes(places), storage: new MemoryStorage() },
    parties: { crypto: opensslEngine, identity: dapIdentity(), trust },
    settings: { thirdParty: false, distribute: "per-meter", return: "forward", holdSeconds: 0 },
  });
  return north.local;
}
