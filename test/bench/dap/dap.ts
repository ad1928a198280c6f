// `npm run bench -- dap`: a thousand meters behind one DAP, three processes on the loopback network.
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { TrustList } from "../../../firmware/identity/trust.ts";
import type { Ask } from "../../../firmware/protocol/asks.ts";
import { equal } from "../../../firmware/protocol/bytes.ts";
import { CODE, resourceRequest } from "../../../firmware/protocol/coap/message.ts";
import { Drive } from "../../../firmware/protocol/drive.ts";
import { SecureClient } from "../../../firmware/protocol/secure-client.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { systemClock } from "../../../hal/node/system-clock.ts";
import { systemRandom } from "../../../hal/node/system-random.ts";
import { UdpLink } from "../../../hal/node/udp-link.ts";
import { message } from "../children.ts";
import { BODY, dapIdentity, headEnd, meter } from "./parties.ts";

const METERS = 1000;
const READS_OF_EACH = 10;
/** Each figure's best is taken, as others on the machine only ever make it worse. */
const RUNS = 3;
/** Under way at once: as a collection has them, and so few that nobody waits for another. */
const AT_ONCE = 32;
const FEW_AT_ONCE = 2;
const WITHIN_MS = 30_000;
const { id: DAP } = dapIdentity().credential;
const READ = resourceRequest(CODE.get, "r");
const DAP_CPU_MAX_MICROSECONDS = 100;

/** A process of `child.ts`, and what it told of itself. */
interface Child {
  readonly stations: readonly string[];
  figures(): Promise<{ readonly cpuMicroseconds: number; readonly rssMegabytes: number }>;
  stop(): void;
}

/** How long each read took, in ms, in the order in which they ended. */
interface Run {
  readonly milliseconds: readonly number[];
  readonly seconds: number;
}

export interface DapFigures extends Readonly<Record<string, unknown>> {
  readonly faults: readonly string[];
}

/** Ends the processes that it starts, whatever happens. */
export async function dapFigures(): Promise<DapFigures> {
  const children: Child[] = [];
  try {
    const meters = await start(["meters", String(METERS)]);
    children.push(meters);
    const dap = await start(["dap", ...meters.stations]);
    children.push(dap);
    return await figuresOf(dap);
  } finally {
    for (const child of children) child.stop();
  }
}

async function figuresOf(dap: Child): Promise<DapFigures> {
  const [station = ""] = dap.stations;
  const reader = await newReader(station);
  const order = Array.from({ length: METERS }, (_, place) => place);
  const before = await dap.figures();
  await reader.operate();
  const handshakes = await readAll(reader, order, AT_ONCE);
  // Code that has run a while is what a DAP runs.
  await readAll(reader, order, AT_ONCE);
  const { rssMegabytes } = await dap.figures();
  const runs: Throughput[] = [];
  for (let run = 0; run < RUNS; run++) runs.push(await throughput(dap, reader, order));
  const unhurried = await readAll(reader, order, FEW_AT_ONCE);
  reader.close();
  const dapCpuMicroseconds = Math.min(...runs.map((run) => run.cpuMicroseconds));
  const best = runs.reduce((one, other) => (other.seconds < one.seconds ? other : one));
  return {
    meters: METERS,
    handshakesPerSecond: METERS / handshakes.seconds,
    routedReads: RUNS * READS_OF_EACH * METERS,
    routedReadsPerSecond: best.milliseconds.length / best.seconds,
    milliseconds: {
      [`${AT_ONCE}AtOnce`]: percentiles(best.milliseconds),
      [`${FEW_AT_ONCE}AtOnce`]: percentiles(unhurried.milliseconds),
    },
    dapCpuMicrosecondsPerRead: dapCpuMicroseconds,
    dapRssMegabytes: {
      before: before.rssMegabytes,
      withAllMeters: rssMegabytes,
      afterReads: (await dap.figures()).rssMegabytes,
    },
    faults:
      dapCpuMicroseconds < DAP_CPU_MAX_MICROSECONDS
        ? []
        : [`a routed read costs the DAP ${dapCpuMicroseconds.toFixed(0)} us of processor time`],
  };
}

/** A run, and what of the DAP's processor each of its reads took. */
interface Throughput extends Run {
  readonly cpuMicroseconds: number;
}

async function throughput(dap: Child, reader: Reader, order: readonly number[]): Promise<Throughput> {
  const many = Array.from({ length: READS_OF_EACH }, () => order).flat();
  const before = await dap.figures();
  const run = await readAll(reader, many, AT_ONCE);
  const { cpuMicroseconds } = await dap.figures();
  return { ...run, cpuMicroseconds: (cpuMicroseconds - before.cpuMicroseconds) / many.length };
}

interface Reader {
  /** Proves to the DAP that it runs it, so that long answers come whole. */
  operate(): Promise<void>;
  read(place: number): Promise<void>;
  close(): void;
}

/** A head-end on a socket of its own. A read that fails, or brings anything else, rejects. */
async function newReader(dap: string): Promise<Reader> {
  const [host = "", port] = dap.split(":");
  const { link, peer } = await UdpLink.reach(host, Number(port));
  const waiting = new Map<number, (fault?: string) => void>();
  const credentials = Array.from({ length: METERS }, (_, place) => meter(place).credential);
  const client = new SecureClient({
    ...{ crypto: opensslEngine, random: systemRandom, traits: link.traits, identity: headEnd() },
    trust: new TrustList([dapIdentity().credential, ...credentials]),
  });
  const drive = new Drive(client, link, systemClock, (event) => {
    if (event.kind === "notification") return;
    const done = waiting.get(event.ask);
    waiting.delete(event.ask);
    if (event.kind === "failed") done?.(event.reason);
    else done?.(event.peer.id === DAP || equal(event.content.payload, BODY) ? undefined : "a wrong answer");
  });
  const ask = (whom: Pick<Ask, "host" | "expect" | "content">): Promise<void> =>
    new Promise((resolve, reject) => {
      const nowMs = systemClock.monotonicMs();
      const asked = client.ask(nowMs, { to: peer, untilMs: nowMs + WITHIN_MS, ...whom });
      if (asked === undefined) return reject(new Error("more under way than a client takes"));
      const end = (fault?: string) =>
        fault === undefined ? resolve() : reject(new Error(`${whom.expect}: ${fault}`));
      waiting.set(asked, end);
      drive.run();
    });
  return {
    operate: () => ask({ expect: DAP, content: resourceRequest(CODE.get, "d") }),
    read: (place) => {
      const host = `M${place + 1}`;
      return ask({ host, expect: host, content: READ });
    },
    close: () => {
      drive.stop();
      link.close();
    },
  };
}

/** Reads the meters at these places in turn, so many at a time. */
async function readAll(reader: Reader, places: readonly number[], atOnce: number): Promise<Run> {
  const milliseconds: number[] = [];
  const startMs = performance.now();
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < places.length; i = next++) {
      const askedMs = performance.now();
      await reader.read(places[i] as number);
      milliseconds.push(performance.now() - askedMs);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return { milliseconds, seconds: (performance.now() - startMs) / 1000 };
}

function percentiles(values: readonly number[]): Readonly<Record<"p50" | "p95" | "p99" | "most", number>> {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), most: at(1) };
}

async function start(args: readonly string[]): Promise<Child> {
  const child = fork(fileURLToPath(new URL("./child.ts", import.meta.url)), args, {
    execArgv: ["--import", "tsx"],
  });
  const { stations } = await message(child);
  return {
    stations: stations as readonly string[],
    figures: async () => {
      child.send({});
      const { cpuMicroseconds, rssMegabytes } = await message(child);
      return { cpuMicroseconds: Number(cpuMicroseconds), rssMegabytes: Number(rssMegabytes) };
    },
    stop: () => child.kill(),
  };
}
