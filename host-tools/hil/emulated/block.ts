// Meters on one RS-485 line behind an emulated DAP, far from the head-end.
import type { Identity } from "../../../firmware/identity/identity.ts";
import { TrustList } from "../../../firmware/identity/trust.ts";
import { Backhaul, FAR_END } from "../../../hal/emulated/backhaul.ts";
import type { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import type { Clock } from "../../../hal/ports/clock.ts";
import type { CryptoEngine } from "../../../hal/ports/crypto.ts";
import { LINE, type Link, type LinkTraits } from "../../../hal/ports/link.ts";
import { MemoryStorage } from "../../../hal/storage/memory-storage.ts";
import { Dap } from "../../dap/dap.ts";
import { Routes } from "../../dap/forward/routes.ts";
import { south } from "../../world/south.ts";
import { WatchedLine } from "../line/watched-line.ts";
import type { Recorder } from "../recorder.ts";

export interface EmulatedBlockParts {
  readonly meters: readonly string[];
  readonly dap: Identity;
  readonly headEnd: Identity;
  readonly clock: Clock;
  readonly crypto: CryptoEngine;
  readonly random: SeededRandom;
  readonly recorder: Recorder;
}

/** What is between the head-end and the block: a mobile network, with the headers of IP and UDP. */
const NORTH: Partial<LinkTraits> = { bitsPerSecond: 250_000, framingBytes: 28, roundTripMs: 120 };
const HOLD_SECONDS = 300;
/** All its meters, as one group. */
export const BLOCK_GROUP = "all";
export const DAP_STATION = FAR_END;

/** The DAP runs from the construction on; whoever opens meters then is on its line. */
export class EmulatedBlock {
  /** Between head-end and DAP, from the head-end's end. */
  readonly north: WatchedLine;
  /** Between the DAP and its meters, from the DAP's end. */
  readonly south: WatchedLine;
  readonly #dap: Dap;
  readonly #south: ReturnType<typeof south>;
  readonly #meters: readonly string[];

  constructor({ meters, dap, headEnd, clock, crypto, random, recorder }: EmulatedBlockParts) {
    const backhaul = new Backhaul(clock, NORTH);
    const quiet = { loss: () => 0, babbling: new Map<string, number>() };
    this.#meters = meters;
    this.#south = south("rs485", { clock, random: random.fork("south"), ...quiet });
    const { id } = dap.credential;
    const watched = (name: string, link: Link, station: string): WatchedLine =>
      new WatchedLine({ name, link, station, clock, recorder, end: "head-end", faulty: undefined });
    this.north = watched(id, backhaul.station("head-end"), FAR_END);
    this.south = openedSouth(this.#south, (link) => watched(`${id} meters`, link, LINE));
    const places = meters.map((alias, place) => ({
      ...{ alias, line: 0, station: this.#south.stationOf(alias, place) },
    }));
    this.#dap = new Dap({
      ...{ clock, random: random.fork("dap"), north: backhaul.farEnd, lines: [this.south.party()] },
      ...{ names: ["meters"], routes: new Routes(places, { [BLOCK_GROUP]: meters }) },
      settings: { thirdParty: false, distribute: "fan-out", return: "bundle", holdSeconds: HOLD_SECONDS },
      parties: { crypto, identity: dap, trust: new TrustList([headEnd.credential]) },
      storage: new MemoryStorage(),
    });
  }

  /** A meter's end of the line, for one life of it. */
  openMeter(id: string): Link {
    let opened: Link | undefined;
    this.#south.openMeter(id, this.#meters.indexOf(id), (link) => {
      opened = link;
    });
    if (opened === undefined) throw new Error("an RS-485 adapter is there at once");
    return opened;
  }

  stop(): void {
    this.#dap.stop();
  }
}

function openedSouth(side: ReturnType<typeof south>, watch: (link: Link) => WatchedLine): WatchedLine {
  let line: WatchedLine | undefined;
  side.openDap((link) => {
    line = watch(link);
  });
  if (line === undefined) throw new Error("an RS-485 adapter is there at once");
  return line;
}
