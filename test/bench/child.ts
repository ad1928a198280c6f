// The serving processes of the benchmark: one kind each, told by the first argument, on a port of their own.
import { createSocket } from "node:dgram";
import coap from "coap";
import { TrustList } from "../../firmware/identity/trust.ts";
import { answerWith, CODE, FORMAT } from "../../firmware/protocol/coap/message.ts";
import { Drive } from "../../firmware/protocol/drive.ts";
import { SecureServer } from "../../firmware/protocol/secure-server.ts";
import { nobleEngine } from "../../hal/crypto/noble.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import { systemClock } from "../../hal/node/system-clock.ts";
import { systemRandom } from "../../hal/node/system-random.ts";
import { UdpLink } from "../../hal/node/udp-link.ts";
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

async function meter(crypto: typeof nobleEngine): Promise<void> {
  const link = await UdpLink.serve("127.0.0.1", port);
  const server = new SecureServer({
    crypto,
    random: systemRandom,
    traits: link.traits,
    identity: METER,
    trust: new TrustList([HEAD_END.credential]),
    resources: { links: "", serve: () => answerWith(CODE.content, FORMAT.cbor, BODY) },
  });
  new Drive(server, link, systemClock, () => {});
}
