// Requests a second, by kind of server, with one client that keeps so many outstanding.
import { createSocket } from "node:dgram";
import coap from "coap";
import { type ClientEvent, CODE, Drive, resourceRequest, SecureClient, TrustList } from "meterbench/firmware";
import { type CryptoEngine, nobleEngine } from "meterbench/hal";
import { openLink, opensslEngine, parseAddress, systemClock, systemRandom } from "meterbench/hal/node";
import { serveIn } from "./children.ts";
import { BODY, HEAD_END, METER } from "./parties.ts";

const WARM_UP_MS = 500;
const MEASURE_MS = 600;
/** Runs of one kind: each figure's best is taken, as others on the machine only ever make it worse. */
const RUNS = 5;
const ANSWER_WITHIN_MS = 5000;

/** Sends one request and calls back with its answer's body. */
type Ask = (done: (body: Uint8Array) => void) => void;

export interface Rate {
  readonly perSecond: number;
  readonly cpuMicrosecondsPerRequest: number;
}

/** The rate of one kind of server with so many requests outstanding. */
export async function measure(
  kind: "echo" | "coap" | "noble" | "openssl",
  outstanding: number,
): Promise<Rate> {
  const server = await serveIn(kind);
  const client = await CLIENTS[kind](server.port);
  const rates: Rate[] = [];
  await count(client.ask, outstanding, WARM_UP_MS);
  for (let run = 0; run < RUNS; run++) {
    const cpuBefore = await server.cpuMicroseconds();
    const { requests, seconds } = await count(client.ask, outstanding, MEASURE_MS);
    const cpu = (await server.cpuMicroseconds()) - cpuBefore;
    rates.push({ perSecond: requests / seconds, cpuMicrosecondsPerRequest: cpu / requests });
  }
  client.close();
  server.stop();
  return {
    perSecond: Math.max(...rates.map((rate) => rate.perSecond)),
    cpuMicrosecondsPerRequest: Math.min(...rates.map((rate) => rate.cpuMicrosecondsPerRequest)),
  };
}

/** Keeps `outstanding` requests under way for a while; every answer must be the right one. */
function count(
  ask: Ask,
  outstanding: number,
  milliseconds: number,
): Promise<{ requests: number; seconds: number }> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    let requests = 0;
    let open = 0;
    const next = (): void => {
      open++;
      ask((body) => {
        open--;
        if (!Buffer.from(BODY).equals(body)) return reject(new Error("a wrong answer"));
        requests++;
        if (performance.now() - start < milliseconds) next();
        else if (open === 0) resolve({ requests, seconds: (performance.now() - start) / 1000 });
      });
    };
    for (let i = 0; i < outstanding; i++) next();
  });
}

interface Client {
  readonly ask: Ask;
  close(): void;
}

const CLIENTS: Readonly<Record<"echo" | "coap" | "noble" | "openssl", (port: number) => Promise<Client>>> = {
  echo: echoClient,
  coap: coapClient,
  noble: (port) => secureClient(port, nobleEngine),
  openssl: (port) => secureClient(port, opensslEngine),
};

async function echoClient(port: number): Promise<Client> {
  const socket = createSocket("udp4");
  const waiting: ((body: Uint8Array) => void)[] = [];
  socket.on("message", (body) => waiting.shift()?.(body));
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return {
    ask: (done) => {
      waiting.push(done);
      socket.send(BODY, port, "127.0.0.1");
    },
    close: () => socket.close(),
  };
}

/** On a socket of its own: an agent that makes one closes it whenever nothing is outstanding. */
async function coapClient(port: number): Promise<Client> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  const agent = new coap.Agent({ type: "udp4", socket });
  return {
    ask: (done) => {
      const request = coap.request({ host: "127.0.0.1", port, pathname: "/r", agent });
      request.on("response", (response) => done(response.payload));
      request.end();
    },
    close: () => socket.close(),
  };
}

async function secureClient(port: number, crypto: CryptoEngine): Promise<Client> {
  const address = parseAddress(`udp:127.0.0.1:${port}`);
  if ("error" in address) throw new Error(address.error);
  const { link, peer = "" } = await openLink(address, "reach");
  const waiting = new Map<number, (body: Uint8Array) => void>();
  const trust = new TrustList([METER.credential]);
  const client = new SecureClient({
    crypto,
    random: systemRandom,
    traits: link.traits,
    identity: HEAD_END,
    trust,
  });
  const drive = new Drive<ClientEvent>(client, link, systemClock, (event) => {
    if (event.kind === "failed") throw new Error(`a read failed: ${event.reason}`);
    const done = waiting.get(event.ask);
    waiting.delete(event.ask);
    done?.(event.content.payload);
  });
  const content = resourceRequest(CODE.get, "r");
  return {
    ask: (done) => {
      const nowMs = systemClock.monotonicMs();
      const ask = client.ask(nowMs, { to: peer, content, untilMs: nowMs + ANSWER_WITHIN_MS });
      if (ask === undefined) throw new Error("more outstanding than a client takes");
      waiting.set(ask, done);
      drive.run();
    },
    close: () => {
      drive.stop();
      link.close();
    },
  };
}
