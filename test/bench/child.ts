// The serving processes of the benchmark: one kind each, told by the first argument, on a port of their own.
// They run what is built, as a user has it: imports by the package's name lead to dist/.
import { createSocket } from "node:dgram";
import coap from "coap";
import { answerWith, CODE, Drive, FORMAT, SecureServer, TrustList } from "meterbench/firmware";
import { type CryptoEngine, nobleEngine } from "meterbench/hal";
import { openLink, opensslEngine, parseAddress, systemClock, systemRandom } from "meterbench/hal/node";
import { BODY, HEAD_END, METER } from "./parties.ts";

const [, , kind, portText] = process.argv;
const port = Number(portText);

switch (kind) {
  case "echo":
    await echo();
    break;
  case "coap":
    await plainCoap();
    break;
  case "noble":
    await meter(nobleEngine);
    break;
  case "openssl":
    await meter(opensslEngine);
    break;
}
// Processor time so far, in microseconds, whenever it is asked for.
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuMicroseconds: user + system });
});
process.send?.({ ready: true });

function echo(): Promise<void> {
  const socket = createSocket("udp4");
  socket.on("message", (datagram, { port: to, address }) => socket.send(datagram, to, address));
  return new Promise((resolve) => socket.bind(port, "127.0.0.1", resolve));
}

function plainCoap(): Promise<void> {
  const server = coap.createServer((_, response) => {
    response.setOption("Content-Format", "application/cbor");
    response.end(Buffer.from(BODY));
  });
  return new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve()));
}

async function meter(crypto: CryptoEngine): Promise<void> {
  const address = parseAddress(`udp:127.0.0.1:${port}`);
  if ("error" in address) throw new Error(address.error);
  const { link } = await openLink(address, "serve");
  const server = new SecureServer({
    crypto,
    random: systemRandom,
    traits: link.traits,
    identity: METER,
    trust: new TrustList([HEAD_END.credential]),
    resources: { links: [], serve: () => answerWith(CODE.content, FORMAT.cbor, BODY) },
  });
  new Drive(server, link, systemClock, () => {});
}
