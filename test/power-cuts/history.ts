// Lives of one meter and its head-end, each with something under way and an end that nobody chose; what was wrong with them.

import type { ClientKeeping } from "../../firmware/protocol/asking-sessions.ts";
import { CODE } from "../../firmware/protocol/coap/message.ts";
import { ackTimeoutMs } from "../../firmware/protocol/coap/timing.ts";
import type { EpochMemory } from "../../firmware/protocol/epochs.ts";
import { integerBelow, SeededRandom, uniform } from "../../hal/emulated/seeded-random.ts";
import {
  type BytesSurvival,
  type FolderSurvival,
  MemoryStorage,
  type Survival,
} from "../../hal/storage/memory-storage.ts";
import { asNew } from "../attacks/village.ts";
import { HeadEndFiles, HeardEpochs, NonceLog } from "./head-end-memory.ts";
import { Killed, LATENCY_MS, Line, type LineParts, PERIOD_MS, TRAITS } from "./line.ts";

/** What is done to the parts of a line, so that a checker can be seen to find it. */
export interface Mutant {
  readonly keepingOf?: LineParts["keepingOf"];
  readonly meterRandomOf?: LineParts["meterRandomOf"];
  readonly epochsOf?: (epochs: EpochMemory) => EpochMemory;
  readonly filesOf?: (files: ClientKeeping) => ClientKeeping;
}

export interface HistoryOptions {
  readonly seed: string;
  readonly cuts: number;
  readonly mutant?: Mutant | undefined;
}

/** What happened, and under `faults` what must not. */
export interface Figures {
  readonly cuts: number;
  readonly restores: number;
  readonly headEndsKilled: number;
  readonly headEndsEmptied: number;
  readonly sealed: number;
  readonly replays: number;
  readonly handshakes: number;
  readonly restoresFound: number;
  /** Of restored images of which the head-end had heard nothing later: nothing tells them from a start. */
  readonly restoresUnheardOf: number;
  /** The most of any recovery, from the first request after it until its answer. */
  readonly roundTripsMax: number;
  /** The same, after a meter said that it does not know the session any more: of a restored image that is older. */
  readonly roundTripsAfterRefusalMax: number;
  readonly faults: {
    readonly nonceTwice: number;
    readonly replaysServed: number;
    readonly notRecovered: number;
    readonly slowRecoveries: number;
    readonly restoresMissed: number;
    readonly falseAlarms: number;
    readonly wrongAnswers: number;
  };
}

const BYTES: readonly BytesSurvival[] = ["none", "all", "torn", "zeros", "last-only", "torn-and-zeros"];
const FOLDERS: readonly FolderSurvival[] = ["none", "first-half", "last-half", "all"];
const ROUND_TRIP_MS = 2 * LATENCY_MS;
/** A meter's word that it knows no session is believed after this. */
const DOUBT_MS = ackTimeoutMs(TRAITS, 64);
const ROUND_TRIPS_MAX = 2;
const DAY_MS = 24 * 3_600_000;
const IMAGES_MAX = 6;
/** What is under way at a cut has ended by the time that the recovery is timed. */
const UNDER_WAY_MS = 300;

interface Image {
  readonly storage: MemoryStorage;
}

/** Lives until so many cuts have come. */
export function history(options: HistoryOptions): Figures {
  return new History(options).run();
}

class History {
  readonly #options: HistoryOptions;
  readonly #random: SeededRandom;
  readonly #line: Line;
  readonly #files = new HeadEndFiles();
  readonly #epochs = new HeardEpochs();
  readonly #nonces = new NonceLog();
  readonly #images: Image[] = [];
  #watch: number | undefined;
  /** Whether the meter is on an older image since the last recovery, and if so whether the head-end can know. */
  #restored: "no" | "to be found" | "unheard of" = "no";
  #bodies = 0;
  readonly #counts = {
    ...{ cuts: 0, restores: 0, headEndsKilled: 0, headEndsEmptied: 0, replays: 0 },
    ...{ restoresFound: 0, restoresUnheardOf: 0, roundTripsMax: 0, roundTripsAfterRefusalMax: 0 },
  };
  readonly #faults = {
    ...{ notRecovered: 0, slowRecoveries: 0, restoresMissed: 0, falseAlarms: 0, wrongAnswers: 0 },
  };

  constructor(options: HistoryOptions) {
    const { seed, mutant = {} } = options;
    const { epochsOf = (epochs) => epochs, filesOf = (files) => files, ...meter } = mutant;
    this.#options = options;
    this.#random = new SeededRandom(`${seed} lives`);
    this.#line = new Line({
      ...{ seed, crypto: this.#nonces.engine, storage: new MemoryStorage(), ...meter },
      ...{ epochs: epochsOf(this.#epochs), headEndFiles: filesOf(this.#files) },
    });
    this.#files.utcMs = () => this.#line.utcMs();
  }

  run(): Figures {
    this.#line.startMeter(this.#line.storage);
    while (this.#counts.cuts < this.#options.cuts) this.#live();
    const { nonces, replays, handshakes } = this.#nonces;
    const faults = { nonceTwice: replays, replaysServed: this.#line.replaysServed, ...this.#faults };
    return { ...this.#counts, sealed: nonces, handshakes, faults };
  }

  #live(): void {
    const isRestored = this.#images.length > 0 && this.#chance(0.08);
    this.#liveUntilTheEnd();
    this.#comeToAnEnd(isRestored);
    this.#replaySome();
    this.#recover();
    this.#replaySome();
  }

  /** Something is under way, and the power may go in any operation of the storage, or the head-end in a write of its own. */
  #liveUntilTheEnd(): void {
    const { storage } = this.#line;
    if (this.#chance(0.3)) this.#keepImage();
    if (this.#chance(0.5)) storage.cutAt(storage.operations + 1 + this.#below(10));
    this.#files.killIn = this.#chance(0.05) ? 1 + this.#below(3) : 0;
    for (let asks = this.#below(4); asks > 0; asks--) this.#guarded(() => this.#beginSomething());
    this.#guarded(() => this.#line.run(this.#below(this.#chance(0.1) ? 3 * PERIOD_MS : 12)));
    this.#files.killIn = 0;
  }

  #beginSomething(): void {
    const kind = this.#below(8);
    if (kind === 0 && this.#watch === undefined) this.#watch = this.#line.watch(UNDER_WAY_MS);
    else this.#line.ask(this.#body(), UNDER_WAY_MS, kind < 4 ? CODE.put : CODE.fetch);
    if (this.#chance(0.5)) this.#line.run(this.#below(6));
  }

  #comeToAnEnd(isRestored: boolean): void {
    if (this.#chance(0.02)) this.#line.nowMs += DAY_MS + this.#below(DAY_MS);
    const isEmptied = this.#chance(0.06);
    if (isEmptied || this.#chance(0.15)) this.#endHeadEnd(isEmptied);
    if (isRestored || !this.#line.isMeterOn || this.#chance(0.85)) this.#cut(isRestored);
    // What was under way ends; what is told by itself may go on.
    if (this.#watch !== undefined && this.#chance(0.5)) {
      this.#line.client.unwatch(this.#line.nowMs, this.#watch);
      this.#watch = undefined;
    }
    if (this.#chance(0.6)) this.#guarded(() => this.#line.run(2 * UNDER_WAY_MS));
    if (!this.#line.isMeterOn) this.#cut(false);
    this.#line.storage.cutAt(Number.POSITIVE_INFINITY);
  }

  #endHeadEnd(isEmptied: boolean): void {
    if (isEmptied) {
      this.#counts.headEndsEmptied++;
      this.#files.clear();
      this.#epochs.clear();
    } else if (this.#chance(0.3)) this.#line.client.settle();
    else this.#counts.headEndsKilled++;
    this.#startHeadEnd();
  }

  #startHeadEnd(): void {
    this.#watch = undefined;
    this.#line.startHeadEnd();
  }

  #cut(isRestored: boolean): void {
    this.#line.cutMeter();
    this.#counts.cuts++;
    const image = isRestored ? this.#images[this.#below(this.#images.length)] : undefined;
    if (image !== undefined) this.#counts.restores++;
    let storage = copyOf(image?.storage) ?? this.#line.storage.afterCut(this.#survival());
    while (!this.#startMeter(storage)) storage = this.#line.storage.afterCut(this.#survival());
    const { known } = this.#epochs;
    const isHeardOf = known !== undefined && known.count >= this.#line.meterStarts;
    if (isRestored) this.#restored = isHeardOf ? "to be found" : "unheard of";
  }

  /** The power may go again while it starts. */
  #startMeter(storage: MemoryStorage): boolean {
    if (this.#chance(0.15)) storage.cutAt(1 + this.#below(12));
    const isOn = this.#line.startMeter(storage);
    if (!isOn) this.#counts.cuts++;
    storage.cutAt(Number.POSITIVE_INFINITY);
    return isOn;
  }

  #keepImage(): void {
    if (this.#images.length === IMAGES_MAX) this.#images.splice(this.#below(IMAGES_MAX), 1);
    this.#images.push({ storage: this.#line.storage.afterCut({ bytes: "all", folder: "all" }) });
  }

  #replaySome(): void {
    const { delivered } = this.#line;
    for (let left = this.#below(3); left > 0 && delivered.length > 0; left--) {
      this.#counts.replays++;
      this.#line.replay(asNew(delivered[this.#below(delivered.length)]));
      this.#guarded(() => this.#line.run(0));
    }
  }

  #recover(): void {
    const restored = this.#restored;
    this.#restored = "no";
    if (restored === "unheard of") this.#counts.restoresUnheardOf++;
    const outcome = this.#ask(restored !== "no");
    if (outcome === "forgetful" && restored === "no") this.#faults.falseAlarms++;
    if (outcome !== "forgetful" && restored === "to be found") this.#faults.restoresMissed++;
    if (outcome !== "forgetful") return;
    this.#counts.restoresFound++;
    // An operator has looked at it; else it would be found again.
    this.#epochs.clear();
    if (this.#ask(true) === "forgetful") this.#faults.falseAlarms++;
  }

  #ask(mayBeUnknown: boolean): "answered" | "forgetful" | "failed" {
    const body = this.#body();
    const { line, startMs } = { line: this.#line, startMs: this.#line.nowMs };
    const isTimed = this.#watch === undefined && line.client.nextWakeMs() === undefined;
    // A head-end that was started anew counts its asks anew.
    line.events.length = 0;
    const id = line.ask(body, 20_000);
    const end = () => line.events.find((event) => event.ask === id && event.kind !== "notification");
    line.run(21_000, () => end() !== undefined);
    const event = end();
    if (event?.kind === "failed" && event.reason === "forgetful") return "forgetful";
    if (event?.kind !== "answer") {
      this.#faults.notRecovered++;
      return "failed";
    }
    if (event.content.payload.some((byte, i) => byte !== body[i])) this.#faults.wrongAnswers++;
    if (isTimed) this.#time(line.nowMs - startMs, mayBeUnknown);
    return "answered";
  }

  #time(tookMs: number, mayBeUnknown: boolean): void {
    const isRefused = mayBeUnknown && tookMs >= DOUBT_MS;
    // The refusal is a round trip of its own, and so long it is doubted.
    const roundTrips = (isRefused ? tookMs - DOUBT_MS : tookMs) / ROUND_TRIP_MS - (isRefused ? 1 : 0);
    const name = isRefused ? "roundTripsAfterRefusalMax" : "roundTripsMax";
    this.#counts[name] = Math.max(this.#counts[name], roundTrips);
    if (roundTrips > ROUND_TRIPS_MAX) this.#faults.slowRecoveries++;
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      this.#counts.headEndsKilled++;
      this.#startHeadEnd();
    }
  }

  /** A CBOR number, unlike all before. */
  #body(): Uint8Array {
    const n = this.#bodies++;
    return Uint8Array.of(0x1a, n >>> 24, (n >>> 16) & 0xff, (n >>> 8) & 0xff, n & 0xff);
  }

  #survival(): Survival {
    const pick = <T>(of: readonly T[]): T => of[this.#below(of.length)] as T;
    return { bytes: pick(BYTES), folder: pick(FOLDERS) };
  }

  #chance(share: number): boolean {
    return uniform(this.#random) < share;
  }

  #below(n: number): number {
    return integerBelow(this.#random, n);
  }
}

function copyOf(storage: MemoryStorage | undefined): MemoryStorage | undefined {
  return storage?.afterCut({ bytes: "all", folder: "all" });
}
