// The smallest world: one meter and one head-end at the ends of one serial line, on one virtual clock.

import type { MeterConfiguration } from "../../firmware/configuration.ts";
import { type Identity, newIdentity, readKeyFile } from "../../firmware/identity/identity.ts";
import { OWNER, type Right, TrustList } from "../../firmware/identity/trust.ts";
import type { BoardUpdates } from "../../firmware/meter-board.ts";
import type { TariffPlan } from "../../firmware/protocol/readings/tariff.ts";
import type { Switching } from "../../firmware/relay/switching.ts";
import { MeterRuntime } from "../../firmware/runtime.ts";
import { EmulatedRelay, type EmulatedRelayOptions } from "../../hal/emulated/relay.ts";
import { SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { uartPair } from "../../hal/emulated/uart-pair.ts";
import { VirtualClock } from "../../hal/emulated/virtual-clock.ts";
import { SlipmuxLink } from "../../hal/modems/slipmux/driver.ts";
import type { BoardSignals } from "../../hal/ports/board-signals.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { KeyStore } from "../../hal/ports/key-store.ts";
import { LINE, type Link } from "../../hal/ports/link.ts";
import type { Storage } from "../../hal/ports/storage.ts";
import type { Supervisor } from "../../hal/ports/supervisor.ts";
import { HeadEnd, type HeadEndParts, type Target } from "../head-end/client.ts";
import { type Load, mainsOf } from "../loads/index.ts";
import { emulatedMetering } from "./metering.ts";

/** Which end of the line sent a datagram. */
export type Sender = "head-end" | "meter";

export interface SingleLineOptions {
  readonly seed: number;
  readonly load: Load;
  readonly startUtcMs: number;
  readonly crypto: CryptoEngine;
  /** 8N1. */
  readonly baud: number;
  readonly pollIntervalMs: number;
  readonly configuration: MeterConfiguration;
  /** What the meter keeps over a power cut; another world with it is the meter afterwards. */
  readonly storage?: Storage;
  /** Where the meter's key is; without it, it is what the seed makes, and stays so. */
  readonly keyStore?: KeyStore;
  readonly signals?: BoardSignals;
  /** Who starts the meter's program again. */
  readonly supervisor?: Pick<Supervisor, "alive">;
  readonly tariff?: TariffPlan;
  /** How the relay is that cuts the load; each meter of this world has one. */
  readonly relay?: EmulatedRelayOptions;
  readonly switching?: Switching;
  /** The images of the meter's board, where it has any. */
  readonly updates?: BoardUpdates;
  /** What the head-end may do; all there is unless given. */
  readonly rights?: ReadonlySet<Right>;
  /** What the head-end has in the place of what it usually has: an identity that the meter does not trust, a registry. */
  readonly headEnd?: Partial<HeadEndParts>;
  /** Puts something between an end and its line: a tap, or faults. */
  readonly wrapLink?: (link: Link, sender: Sender, clock: VirtualClock) => Link;
}

export interface SingleLine {
  readonly clock: VirtualClock;
  readonly runtime: MeterRuntime;
  readonly relay: EmulatedRelay;
  readonly headEnd: HeadEnd;
  readonly target: Target;
  /** Ends both ends; the clock has nothing left to do then. */
  stop(): void;
}

/** Patience of the world's head-end, as the command line's default. */
const TIMEOUT_MS = 8000;

/** Builds the world; keys, tokens and jitter all follow from the seed. */
export function singleLine(options: SingleLineOptions): SingleLine {
  const { load, startUtcMs, crypto, baud, wrapLink = (link) => link } = options;
  const { pollIntervalMs, configuration, storage, signals, tariff, switching, updates, supervisor } = options;
  const clock = new VirtualClock({ utcMs: startUtcMs });
  const random = new SeededRandom(options.seed);
  const relay = new EmulatedRelay(clock, options.relay);
  const meteringIc = emulatedMetering(clock, relay.loadOf(mainsOf(load, startUtcMs)));
  const [meterUart, headEndUart] = uartPair(clock, { baud, dataBits: 8, parity: "none", stopBits: 1 });
  const meter = keptKey(crypto, options.keyStore) ?? meterKey(crypto, options.seed);
  const trusted = newIdentity(crypto, random.fork("head-end key"), {
    role: "head-end",
    id: "head-end",
    development: true,
  });
  const runtime = new MeterRuntime(
    {
      clock,
      meterClock: clock,
      crypto,
      random: random.fork("meter"),
      link: wrapLink(new SlipmuxLink(meterUart, {}), "meter", clock),
      ...{ meteringIc, storage, signals, relay, keyStore: options.keyStore, updates, supervisor },
    },
    {
      configuration,
      ...{ tariff, switching },
      identity: meter,
      trust: new TrustList([trusted.credential], { [trusted.credential.id]: options.rights ?? OWNER }),
      pollIntervalMs,
    },
  );
  const headEnd = new HeadEnd({
    clock,
    crypto,
    random: random.fork("head-end"),
    link: wrapLink(new SlipmuxLink(headEndUart, {}), "head-end", clock),
    identity: trusted,
    trust: new TrustList([meter.credential]),
    ...options.headEnd,
  });
  const stop = (): void => {
    runtime.stop();
    headEnd.close();
  };
  const target = { station: LINE, name: "mem:", timeoutMs: TIMEOUT_MS };
  return { clock, runtime, relay, headEnd, target, stop };
}

/** The key that the meter of such a world is made with, in a store of its own that outlives the world. */
export function meterKey(crypto: CryptoEngine, seed: number): Identity {
  const random = new SeededRandom(seed).fork("meter key");
  return newIdentity(crypto, random, { role: "meter", id: "M1", development: true });
}

function keptKey(crypto: CryptoEngine, store: KeyStore | undefined): Identity | undefined {
  const kept = store?.read("current");
  if (kept === undefined) return undefined;
  const identity = readKeyFile(crypto, new TextDecoder().decode(kept));
  if ("error" in identity) throw new Error(`a kept key that ${identity.error}`);
  return identity;
}

/** Lets virtual time pass until the promise settles; it must be the only thing that the world waits for. */
export async function settle<Result>(clock: VirtualClock, promise: Promise<Result>): Promise<Result> {
  let isSettled = false;
  const mark = (): void => {
    isSettled = true;
  };
  promise.then(mark, mark);
  await macrotask();
  while (!isSettled) {
    const dueMs = clock.nextDueMs();
    if (dueMs === undefined) throw new Error("nothing is left that could settle the promise");
    clock.advanceBy(Math.max(0, dueMs - clock.monotonicMs()));
    await macrotask();
  }
  return promise;
}

/** Lets everything run that promises have made ready. */
function macrotask(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
