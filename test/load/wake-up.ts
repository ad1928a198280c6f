// A street's supply fails for a minute, and all its meters come back at the same moment on the line that they share.
import { equal } from "../../firmware/protocol/bytes.ts";
import { decodeMessage } from "../../firmware/protocol/coap/codec.ts";
import { CODE, findOption, OPTION } from "../../firmware/protocol/coap/message.ts";
import type { CarriedDatagram } from "../../hal/emulated/backhaul.ts";
import { SeededRandom } from "../../hal/emulated/seeded-random.ts";
import type { Link, LinkListener, LinkTraits, Station } from "../../hal/ports/link.ts";
import { MemoryStorage } from "../../hal/storage/memory-storage.ts";
import type { HeadEnd, Target } from "../../host-tools/head-end/client.ts";
import { WatchKeeper } from "../../host-tools/head-end/watch-keeper.ts";
import type { Watcher } from "../../host-tools/head-end/watching.ts";
import { pass } from "../support/pass.ts";
import { street } from "../support/street.ts";

/** 9600 baud for fifty meters. */
const SHARED_LINE: Partial<LinkTraits> = {
  bitsPerSecond: 9600,
  bitsPerByte: 10,
  framingBytes: 5,
  roundTripMs: 100,
};

const BLACKOUT_AT_MS = 180_000;
const BLACKOUT_MS = 60_000;
const READ_PERIOD_MS = 60_000;
const TIMEOUT_MS = 15_000;
/** Of virtual time between two looks at what promises have settled. */
const STEP_MS = 250;

export interface WakeUpOptions {
  readonly meters: number;
  readonly seed?: number;
  /** How long to look after the supply has come back. */
  readonly afterMs: number;
  /**
   * `kept`: one head-end, with watches that are kept. `hasty`: for each meter one of its own that watches anew at once
   * when a watch ends, as programs do that know nothing of each other.
   */
  readonly headEnd: "kept" | "hasty";
  readonly storage?: (meter: Station) => MemoryStorage;
}

export interface WakeUp {
  /** In the busiest second after the supply came back: messages both ways, and how much of the line they take. */
  readonly messagesInASecond: number;
  readonly lineShareInASecond: number;
  /** Meters that had sent message_2 and were waiting for message_3. */
  readonly handshakesAtOnce: number;
  readonly handshakes: number;
  /** Of meters that refused to compute a handshake. */
  readonly handshakesRefused: number;
  /** Copies of messages of before, after the supply came back. */
  readonly retransmissions: number;
  readonly messages: number;
  /** Seconds after the supply came back until half of the meters, and all, told registers, told events and were read. */
  readonly halfBackSeconds: number;
  readonly allBackSeconds: number;
  /** Meters that were not back at the end. */
  readonly starved: number;
}

/** What one meter has done since the supply came back. */
type Sign = "registers" | "events" | "read";

/** Fifty meters: with a head-end that keeps its watches, with sessions that outlive the blackout too, and as hasty programs. */
export async function wakeUpFigures(): Promise<Record<string, WakeUp>> {
  const options = { meters: 50, afterMs: 240_000 };
  return {
    kept: await wakeUp({ ...options, headEnd: "kept" }),
    keptWithSessions: await wakeUp({ ...options, headEnd: "kept", storage: disks() }),
    hasty: await wakeUp({ ...options, headEnd: "hasty" }),
  };
}

/** A disk for each meter. */
export function disks(): (meter: Station) => MemoryStorage {
  const byMeter = new Map<Station, MemoryStorage>();
  return (meter) => {
    const disk = byMeter.get(meter) ?? new MemoryStorage();
    byMeter.set(meter, disk);
    return disk;
  };
}

export async function wakeUp({
  meters,
  seed = 1,
  afterMs,
  headEnd,
  storage,
}: WakeUpOptions): Promise<WakeUp> {
  const carried: CarriedDatagram[] = [];
  const waiting = new Set<Station>();
  const counts = { handshakes: 0, handshakesAtOnce: 0, handshakesRefused: 0 };
  const backMs = BLACKOUT_AT_MS + BLACKOUT_MS;
  const world = street({
    ...{ meters, seed, traits: SHARED_LINE, ...(storage && { storage }) },
    tap: (datagram) => {
      if (datagram.atMs < backMs) return;
      carried.push({ ...datagram, bytes: datagram.bytes.slice() });
      if (isMessage2(datagram)) waiting.add(datagram.station);
      counts.handshakesAtOnce = Math.max(counts.handshakesAtOnce, waiting.size);
    },
    onSession: (meter) => {
      if (world.clock.monotonicMs() < backMs) return;
      waiting.delete(meter);
      counts.handshakes++;
    },
    onRefused: (_, reason) => {
      if (reason === "handshakes") counts.handshakesRefused++;
    },
  });
  const { clock, stations } = world;
  const signsMs = new Map(stations.map((station) => [station, new Map<Sign, number>()]));
  const saw = (station: Station, sign: Sign): void => {
    const signs = signsMs.get(station);
    if (clock.monotonicMs() >= backMs && !signs?.has(sign)) signs?.set(sign, clock.monotonicMs() - backMs);
  };
  const begin = headEnd === "kept" ? beginKept : beginHasty;
  const random = new SeededRandom(`head-end ${seed}`);
  const readers = begin(world, saw, random.fork("keeper"));
  for (const { target, headEnd: reader } of readers) {
    const read = (): void => {
      clock.after(READ_PERIOD_MS, read);
      reader.readRegisters(target).then(
        () => saw(target.station, "read"),
        () => {},
      );
    };
    // Whoever has a street to read does not read all of it in the same second.
    const phase = (random.bytes(1)[0] ?? 0) / 256;
    clock.after(READ_PERIOD_MS * (headEnd === "kept" ? phase : 0), read);
  }
  await pass(clock, BLACKOUT_AT_MS, STEP_MS);
  world.powerOff();
  await pass(clock, BLACKOUT_MS, STEP_MS);
  world.powerOn();
  await pass(clock, afterMs, STEP_MS);
  const back = [...signsMs.values()].map((signs) =>
    signs.size === 3 ? Math.max(...signs.values()) : Infinity,
  );
  back.sort((a, b) => a - b);
  world.powerOff();
  return {
    ...busiest(carried),
    ...counts,
    retransmissions: copies(carried),
    messages: carried.length,
    halfBackSeconds: (back[Math.ceil(meters / 2) - 1] ?? 0) / 1000,
    allBackSeconds: (back.at(-1) ?? 0) / 1000,
    starved: back.filter((ms) => ms === Infinity).length,
  };
}

type World = ReturnType<typeof street>;
type Saw = (station: Station, sign: Sign) => void;
interface Reader {
  readonly target: Target;
  readonly headEnd: HeadEnd;
}

function beginKept(world: World, saw: Saw, random: SeededRandom): Reader[] {
  const headEnd = world.newHeadEnd();
  const keeper = new WatchKeeper({ headEnd, clock: world.clock, random });
  return world.stations.map((station) => {
    const target = targetOf(station);
    keeper.watchRegisters(
      target,
      [],
      watcher(() => saw(station, "registers")),
    );
    keeper.watchEvents(
      target,
      { log: "standard", from: 0 },
      watcher(() => saw(station, "events")),
    );
    return { target, headEnd };
  });
}

function beginHasty(world: World, saw: Saw): Reader[] {
  const split = splitLink(world.farEnd);
  return world.stations.map((station) => {
    const target = targetOf(station);
    const headEnd = world.newHeadEnd(split(station));
    const again = <Body>(watch: (watcher: Watcher<Body>) => void, sign: Sign): void => {
      const start = (): void =>
        watch({ onReading: () => saw(station, sign), onEnd: () => void world.clock.after(1, start) });
      start();
    };
    again((each) => headEnd.watchRegisters(target, [], each), "registers");
    again((each) => headEnd.watchEvents(target, { log: "standard", from: 0 }, each), "events");
    return { target, headEnd };
  });
}

function watcher<Body>(onReading: () => void): Watcher<Body> {
  return {
    onReading,
    onEnd: (why) => {
      throw why;
    },
  };
}

function targetOf(station: Station): Target {
  return { station, name: station, expect: station, timeoutMs: TIMEOUT_MS };
}

/** The far end for many programs, each of which hears one station. */
function splitLink(link: Link): (station: Station) => Link {
  const listeners = new Map<Station, LinkListener>();
  link.listen({ datagram: (from, bytes) => listeners.get(from)?.datagram(from, bytes) });
  return (station) => ({
    traits: link.traits,
    counters: link.counters,
    send: (to, bytes) => link.send(to, bytes),
    listen: (listener) => void listeners.set(station, listener),
    close: () => {},
  });
}

function isMessage2({ from, bytes }: CarriedDatagram): boolean {
  const message = decodeMessage(bytes);
  if (from !== "station" || "error" in message) return false;
  return message.code === CODE.changed && findOption(message, OPTION.oscore) === undefined;
}

function busiest(
  carried: readonly CarriedDatagram[],
): Pick<WakeUp, "messagesInASecond" | "lineShareInASecond"> {
  const bySecond = new Map<number, { messages: number; bits: number }>();
  for (const { atMs, bytes } of carried) {
    const second = Math.floor(atMs / 1000);
    const { messages, bits } = bySecond.get(second) ?? { messages: 0, bits: 0 };
    bySecond.set(second, { messages: messages + 1, bits: bits + 10 * (bytes.length + 5) });
  }
  const seconds = [...bySecond.values()];
  return {
    messagesInASecond: Math.max(...seconds.map(({ messages }) => messages)),
    // Both directions, each of which has the line's rate.
    lineShareInASecond: Math.max(...seconds.map(({ bits }) => bits)) / (2 * 9600),
  };
}

/** Messages whose very bytes were sent before by the same end. */
function copies(carried: readonly CarriedDatagram[]): number {
  const sent = new Map<string, Uint8Array[]>();
  let count = 0;
  for (const { station, from, bytes } of carried) {
    const key = `${station} ${from}`;
    const before = sent.get(key) ?? [];
    if (before.some((other) => equal(other, bytes))) count++;
    else before.push(bytes);
    sent.set(key, before);
  }
  return count;
}
