// A whole block on one virtual clock: its meters, their common link, the DAP that it is, and a head-end far away.
import type { MeterConfiguration } from "../../firmware/configuration.ts";
import { type Identity, newIdentity, type Role } from "../../firmware/identity/identity.ts";
import { OWNER, TrustList } from "../../firmware/identity/trust.ts";
import type { BoardUpdates } from "../../firmware/meter-board.ts";
import { CODE, resourceRequest } from "../../firmware/protocol/coap/message.ts";
import type { ServerEvent } from "../../firmware/protocol/secure-server.ts";
import { MeterRuntime } from "../../firmware/runtime.ts";
import { Backhaul, type CarriedDatagram, FAR_END } from "../../hal/emulated/backhaul.ts";
import { integerBelow, SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { VirtualClock } from "../../hal/emulated/virtual-clock.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { Link, LinkTraits } from "../../hal/ports/link.ts";
import type { MeteringIc } from "../../hal/ports/metering-ic.ts";
import type { Storage } from "../../hal/ports/storage.ts";
import { MemoryStorage } from "../../hal/storage/memory-storage.ts";
import { tapLink } from "../capture/tap.ts";
import { Dap } from "../dap/dap.ts";
import { Routes } from "../dap/forward/routes.ts";
import type { DapSettings } from "../dap/forward/settings.ts";
import { type DapStatus, decodeStatus } from "../dap/operator/status.ts";
import { HeadEnd, type HeadEndParts, type Target } from "../head-end/client.ts";
import { type Load, mainsOf, parseLoad } from "../loads/index.ts";
import { emulatedMetering } from "./metering.ts";
import { playPast } from "./past.ts";
import { settle } from "./single-line.ts";
import { mishears, type South, type SouthKind, south } from "./south.ts";

export interface BlockOptions {
  readonly seed: number | string;
  /** Fifty if not given. */
  readonly meters?: number;
  readonly south: SouthKind;
  /** Of what is sent between the DAP and the meters, 0 to 1; none if not given. */
  readonly southLoss?: number;
  /** Of what is sent between the head-end and the DAP. */
  readonly northLoss?: number;
  readonly crypto: CryptoEngine;
  readonly startUtcMs: number;
  readonly configuration: MeterConfiguration;
  /** What each meter keeps over a blackout; without it, nothing. */
  readonly storage?: (meter: string) => Storage;
  /** Meters that speak unasked on a line that all share, and how long they pause on average. */
  readonly babbling?: ReadonlyMap<string, number>;
  /** How the DAP works where not as {@link DAP_SETTINGS} says. */
  readonly dap?: Partial<DapSettings>;
  /** Sees what goes between the head-end and the DAP, as it is sent. */
  readonly onNorth?: (carried: CarriedDatagram) => void;
  /** Sees what the DAP sends to the meters, and what comes to it from them. */
  readonly onSouth?: Parameters<typeof tapLink>[1];
  readonly onMeterEvent?: (meter: string, event: ServerEvent) => void;
  /** In what one meter is not like the others. */
  readonly meter?: (meter: string, clock: VirtualClock) => UnlikeMeter;
  /** Puts something between the DAP and its links: who stands in its place sees what it sees. */
  readonly wrapDapLink?: (link: Link, side: "north" | "south") => Link;
}

/** A meter that is set otherwise, or measures with something else. */
export interface UnlikeMeter {
  readonly configuration?: MeterConfiguration;
  readonly meteringIc?: MeteringIc;
  /** The images of its board: asked for at each of its starts. */
  readonly updates?: BoardUpdates;
}

/** It does all that a head-end may ask of it. */
const DAP_SETTINGS: DapSettings = {
  thirdParty: false,
  distribute: "fan-out",
  return: "bundle",
  holdSeconds: 300,
};
/** What is between the head-end and the block: a mobile network, with the headers of IP and UDP. */
const NORTH: Partial<LinkTraits> = { bitsPerSecond: 250_000, framingBytes: 28, roundTripMs: 120 };
/** The head-end's station there; the DAP is the far end. */
const HEAD_END = "head-end";
const DAP_ID = "DAP";
const LINE_NAME = "meters";
/** Its answer to an operator names each meter twice. */
const STATUS_BYTES = 1000;
/** The one group that the DAP knows: all meters. */
export const BLOCK_GROUP = "B1";
const POLL_INTERVAL_MS = 60_000;
const METERS = 50;
/** A year's use of its homes, from and below. */
const ANNUAL_KILOWATT_HOURS = [1500, 6000] as const;
/** An emulated module is there by then. */
const LINKS_UP_MS = 30_000;

interface BlockMeter {
  readonly identity: Identity;
  readonly load: Load;
  readonly place: number;
}

/** Meters M1 to MN behind a DAP, which can all lose their supply at once. Same seed, same bytes on all lines. */
export class Block {
  readonly clock: VirtualClock;
  readonly headEnd: HeadEnd;
  readonly headEndParts: HeadEndParts;
  readonly dap: Dap;
  readonly runtimes = new Map<string, MeterRuntime>();
  /** What is lost between the DAP and the meters from now on, 0 to 1. */
  southLoss: number;
  readonly #options: BlockOptions;
  readonly #random: SeededRandom;
  readonly #south: South;
  readonly #meters: readonly BlockMeter[];
  readonly #links: Link[] = [];
  #starts = 0;
  /** Of the metering parts; they are all alike. */
  #maxPollIntervalMs = POLL_INTERVAL_MS;

  constructor(options: BlockOptions) {
    const { seed, meters = METERS, crypto, startUtcMs } = options;
    this.#options = options;
    this.southLoss = options.southLoss ?? 0;
    this.clock = new VirtualClock({ utcMs: startUtcMs });
    this.#random = new SeededRandom(seed);
    this.#meters = Array.from({ length: meters }, (_, place) => this.#newMeter(place));
    this.#south = south(options.south, {
      clock: this.clock,
      random: this.#random.fork("south"),
      loss: () => this.southLoss,
      babbling: options.babbling ?? new Map(),
    });
    const dapIdentity = this.#identity("dap", DAP_ID);
    const north = new Backhaul(this.clock, NORTH, options.onNorth);
    const lossy = (link: Link, name: string): Link =>
      mishears(link, this.#random.fork(`loss ${name}`), () => options.northLoss ?? 0);
    this.headEndParts = {
      ...{ clock: this.clock, crypto, identity: this.#identity("head-end", "H") },
      random: this.#random.fork("head-end"),
      link: lossy(north.station(HEAD_END), HEAD_END),
      trust: new TrustList(
        [dapIdentity, ...this.#meters.map(({ identity }) => identity)].map(({ credential }) => credential),
      ),
    };
    this.powerOn();
    this.dap = this.#newDap(lossy(north.farEnd, FAR_END), dapIdentity);
    this.headEnd = new HeadEnd(this.headEndParts);
  }

  /** The meters' ids, by which the DAP knows them too. */
  get ids(): readonly string[] {
    return this.#meters.map(({ identity }) => identity.credential.id);
  }

  /** A meter, or the group, through the DAP. */
  target(host: string, timeoutMs: number): Target {
    return { station: FAR_END, host, name: `the DAP for ${host}`, timeoutMs };
  }

  /** Lets time pass in which nobody asks anything. */
  play(lengthMs: number): void {
    playPast({
      ...{ clock: this.clock, runtimes: [...this.runtimes.values()], lengthMs },
      meteringIc: { maxPollIntervalMs: this.#maxPollIntervalMs },
      pollIntervalMs: POLL_INTERVAL_MS,
    });
  }

  /** What the DAP tells of itself to an operator, as whom the head-end proves itself by that. */
  async operate(timeoutMs: number): Promise<DapStatus> {
    const target = { station: FAR_END, name: DAP_ID, expect: DAP_ID, timeoutMs };
    const content = resourceRequest(CODE.get, "d");
    const question = { content, answerBytes: STATUS_BYTES, decode: decodeStatus };
    return (await settle(this.clock, this.headEnd.read(target, question))).body;
  }

  /** All meters stop at once: what they have not kept is lost. */
  powerOff(): void {
    for (const link of this.#links.splice(0)) link.close();
    for (const runtime of this.runtimes.values()) runtime.stop();
    this.runtimes.clear();
  }

  /** All meters start at once. */
  powerOn(): void {
    const start = this.#starts++;
    for (const meter of this.#meters)
      this.#south.openMeter(meter.identity.credential.id, meter.place, (link) =>
        this.#start(meter, link, `start ${start}`),
      );
  }

  /** Ends the world; its clock has nothing left to do then. */
  stop(): void {
    this.powerOff();
    this.headEnd.close();
    this.dap.stop();
  }

  #newMeter(place: number): BlockMeter {
    const id = `M${place + 1}`;
    const [least, below] = ANNUAL_KILOWATT_HOURS;
    const annualKilowattHours = least + integerBelow(this.#random.fork(`use of ${id}`), below - least);
    const load = parseLoad("h25", { annualKilowattHours });
    if ("error" in load) throw new Error(load.error);
    return { identity: this.#identity("meter", id), load, place };
  }

  #identity(role: Role, id: string): Identity {
    const random = this.#random.fork(`key of ${id}`);
    return newIdentity(this.#options.crypto, random, { role, id, development: true });
  }

  #start({ identity, load }: BlockMeter, link: Link, start: string): void {
    const { crypto, storage, startUtcMs, onMeterEvent = () => {} } = this.#options;
    const { id } = identity.credential;
    const unlike = this.#options.meter?.(id, this.clock);
    const headEnd = this.headEndParts.identity.credential;
    const meteringIc = unlike?.meteringIc ?? emulatedMetering(this.clock, mainsOf(load, startUtcMs));
    this.#maxPollIntervalMs = meteringIc.maxPollIntervalMs;
    const runtime = new MeterRuntime(
      {
        ...{ clock: this.clock, meterClock: this.clock, crypto, link, storage: storage?.(id) },
        random: this.#random.fork(`${id} ${start}`),
        ...{ meteringIc, updates: unlike?.updates },
      },
      {
        ...{ configuration: unlike?.configuration ?? this.#options.configuration },
        ...{ identity, pollIntervalMs: POLL_INTERVAL_MS },
        trust: new TrustList([headEnd], { [headEnd.id]: OWNER }),
        onEvent: (event) => onMeterEvent(id, event),
      },
    );
    this.#links.push(link);
    this.runtimes.set(id, runtime);
  }

  #newDap(north: Link, identity: Identity): Dap {
    const lines: Link[] = [];
    const { crypto, dap, onSouth, wrapDapLink = (link) => link } = this.#options;
    this.#south.openDap((link) => {
      lines.push(wrapDapLink(onSouth === undefined ? link : tapLink(link, onSouth), "south"));
    });
    const isUp = (): boolean => lines.length > 0 && this.runtimes.size === this.#meters.length;
    if (!this.clock.runUntil(isUp, LINKS_UP_MS)) throw new Error("a link does not come up");
    const ids = this.ids;
    const places = ids.map((alias, place) => ({
      ...{ alias, line: this.#south.lineOf(place) },
      station: this.#south.stationOf(alias, place),
    }));
    return new Dap({
      ...{ clock: this.clock, random: this.#random.fork("dap"), north: wrapDapLink(north, "north") },
      ...{
        lines,
        names: lines.map((_, i) => `${LINE_NAME} ${i + 1}`),
        routes: new Routes(places, { [BLOCK_GROUP]: ids }),
      },
      settings: { ...DAP_SETTINGS, ...dap },
      parties: { crypto, identity, trust: new TrustList([this.headEndParts.identity.credential]) },
      storage: new MemoryStorage(),
    });
  }
}
