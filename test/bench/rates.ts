// Requests a second, by kind of server, with one client that keeps so many outstanding.
import { createSocket } from "node:dgram";
import coap from "coap";
import { nobleEngine } from "meterbench/hal";
import { opensslEngine } from "meterbench/hal/node";
import { serveIn } from "./children.ts";
import { type Ask, type Client, type Counted, countAnswers } from "./counting.ts";
import { BODY, HEAD_END, METER } from "./parties.ts";
import { secureReader } from "./secure-reader.ts";

const WARM_UP_MS = 500;
const MEASURE_MS = 600;
/** Runs of one kind: each figure's best is taken, as others on the machine only ever make it worse. */
const RUNS = 5;

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
function count(ask: Ask, outstanding: number, milliseconds: number): Promise<Counted> {
  const asks = Array.from({ length: outstanding }, () => ask);
  return countAnswers(asks, (_, elapsedMs) => elapsedMs >= milliseconds, checkBody);
}

function checkBody(body: Uint8Array): void {
  if (!Buffer.from(BODY).equals(body)) throw new Error("a wrong answer");
}

const PARTIES = { identity: HEAD_END, meter: METER };

const CLIENTS: Readonly<Record<"echo" | "coap" | "noble" | "openssl", (port: number) => Promise<Client>>> = {
  echo: echoClient,
  coap: coapClient,
  noble: (port) => secureReader(port, { crypto: nobleEngine, ...PARTIES }),
  openssl: (port) => secureReader(port, { crypto: opensslEngine, ...PARTIES }),
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
