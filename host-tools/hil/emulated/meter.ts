// A whole meter of the firmware on an emulated board, whose supply can go at any write to its storage.
import { HOUSEHOLD_BILLING, type MeterConfiguration } from "../../../firmware/configuration.ts";
import { EVENT_LOGS } from "../../../firmware/events/event-table.ts";
import type { Identity } from "../../../firmware/identity/identity.ts";
import type { TrustList } from "../../../firmware/identity/trust.ts";
import type { Switching } from "../../../firmware/relay/switching.ts";
import { MeterRuntime } from "../../../firmware/runtime.ts";
import { EmulatedRelay } from "../../../hal/emulated/relay.ts";
import { integerBelow, type SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { programVersion } from "../../../hal/node/installed-program.ts";
import type { CryptoEngine } from "../../../hal/ports/crypto.ts";
import type { Link } from "../../../hal/ports/link.ts";
import type { MemoryFileTree } from "../../../hal/storage/memory-file-tree.ts";
import {
  type BytesSurvival,
  type FolderSurvival,
  MemoryStorage,
} from "../../../hal/storage/memory-storage.ts";
import { emulatedMetering } from "../../world/metering.ts";
import { evidenceEvent, type Recorder } from "../recorder.ts";
import type { EvidenceEvent, RigFlash, RigLine, RigMeter, RigPower } from "../rig.ts";
import type { RigTime } from "../time.ts";
import type { EmulatedBoard } from "./board.ts";
import { SettableLoad } from "./load.ts";

export interface EmulatedMeterParts {
  readonly identity: Identity;
  readonly trust: TrustList;
  readonly switching: Switching | undefined;
  readonly time: RigTime;
  readonly crypto: CryptoEngine;
  readonly random: SeededRandom;
  readonly recorder: Recorder;
  readonly watts: number;
  /** As the head-end's end of it is watched. */
  readonly line: RigLine;
  /** The meter's end of its line, for one life of the meter; closed at its end. */
  readonly openLink: () => Link;
  /** Until the meter has answered and proved its name. */
  readonly untilReady: (meter: RigMeter) => Promise<void>;
  /** Undefined where its program is all that the board has. */
  readonly board?: EmulatedBoard;
  readonly flash?: RigFlash;
}

export const POLL_INTERVAL_MS = 1000;
const OFF_MS = 3000;
/** From the end of a program to the start of the next one, and as long as one runs that never gets well. */
const RESTART_MS = 1000;
const SICK_MS = 10_000;
/** Contacts that an order to connect closes at once, whoever stands beside the meter. */
export const RELAY_MODE = 4;
/** Of a cut at any write: among so many from now on. An order or a register's record takes some ten. */
const WRITES_MAX = 24;
/** Registers are kept each minute, so that a write comes though nobody asks for one. */
const WRITE_WITHIN_MS = 180_000;
const BYTES_SURVIVALS: readonly BytesSurvival[] = [
  ...(["none", "all", "torn", "zeros"] as const),
  ...(["last-only", "torn-and-zeros"] as const),
];
const FOLDER_SURVIVALS: readonly FolderSurvival[] = ["none", "first-half", "last-half", "all"];
const DIGEST = Uint8Array.of(0x68, 0x69, 0x6c, 0, 0, 0, 0, 0);

/** What is there while the supply is. */
interface Life {
  readonly runtime: MeterRuntime;
  readonly link: Link;
  readonly maxPollIntervalMs: number;
}

/** What a cut leaves. */
interface Disks {
  readonly storage: MemoryStorage;
  readonly tree: MemoryFileTree | undefined;
}

export class EmulatedMeter implements RigMeter, RigPower {
  readonly kind = "emulated";
  readonly id: string;
  readonly load: SettableLoad;
  readonly line: RigLine;
  readonly flash: RigFlash | undefined;
  readonly #parts: EmulatedMeterParts;
  readonly #relay: EmulatedRelay;
  #storage = new MemoryStorage();
  #life: Life | undefined;
  #lives = 0;
  #supply: "on" | "off" = "on";

  constructor(parts: EmulatedMeterParts) {
    const { clock } = parts.time;
    this.id = parts.identity.credential.id;
    this.line = parts.line;
    this.flash = parts.flash;
    this.load = new SettableLoad(clock, parts.watts, (watts) => parts.recorder.load(this.id, watts));
    this.#parts = parts;
    this.#relay = new EmulatedRelay(clock);
    parts.recorder.version(`firmware of ${this.id}`, programVersion());
    this.#start();
  }

  get power(): RigPower {
    return this;
  }

  /** Undefined while the supply is off. */
  get runtime(): MeterRuntime | undefined {
    return this.#life?.runtime;
  }

  get maxPollIntervalMs(): number {
    return this.#life?.maxPollIntervalMs ?? Number.POSITIVE_INFINITY;
  }

  ready(): Promise<void> {
    return this.#parts.untilReady(this);
  }

  async off(): Promise<void> {
    if (this.#supply === "on") this.#cut(this.#disksAfterCut());
  }

  async on(): Promise<void> {
    if (this.#supply === "on") return;
    this.#supply = "on";
    this.#start();
  }

  async cut({
    offMs = OFF_MS,
    at = "once",
  }: {
    offMs?: number;
    at?: "once" | "any-write";
  } = {}): Promise<void> {
    if (at === "any-write") await this.#offInWrite();
    else await this.off();
    await this.#parts.time.pass(offMs);
    await this.on();
  }

  /** All that its logs hold, also while the supply is off and nobody could ask it. */
  events(): EvidenceEvent[] {
    const log = this.#life?.runtime.log;
    if (log === undefined) return [];
    return EVENT_LOGS.flatMap((name) =>
      log.read(name, 0, Number.MAX_SAFE_INTEGER).events.map((event) => evidenceEvent(this.id, name, event)),
    );
  }

  close(): void {
    this.#supply = "off";
    this.#end();
  }

  /** The supply goes in the middle of one of the next writes; without any for long, at once. */
  #offInWrite(): Promise<void> {
    const { random, time, board } = this.#parts;
    let left = 1 + integerBelow(random.fork(`write after life ${this.#lives}`), WRITES_MAX);
    const watch = (watcher: () => void): void => {
      this.#storage.watch(watcher);
      board?.watch(watcher);
    };
    return time.wait(
      new Promise((resolve) => {
        const cancel = time.clock.after(WRITE_WITHIN_MS, () => {
          watch(() => {});
          void this.off().then(resolve);
        });
        watch(() => {
          if (--left !== 0 || this.#supply === "off") return;
          cancel();
          const found = this.#disksAfterCut();
          // From here on nobody hears the meter, and what it writes is not found; its program ends in a moment.
          this.#life?.link.close();
          this.#supply = "off";
          time.clock.after(0, () => {
            this.#cut(found);
            resolve();
          });
        });
      }),
    );
  }

  /** The disks as they are found after a cut now; what survives of un-synced writes is by the seed. */
  #disksAfterCut(): Disks {
    const random = this.#parts.random.fork(`cut ${this.#lives}`);
    const pick = <Item>(items: readonly Item[]): Item => items[integerBelow(random, items.length)] as Item;
    const survival = { bytes: pick(BYTES_SURVIVALS), folder: pick(FOLDER_SURVIVALS) };
    const at = `operation ${this.#storage.operations}`;
    this.#parts.recorder.say(
      `${this.id}: supply cut at ${at}, of what was not synced: ${survival.bytes}, ${survival.folder}`,
    );
    return {
      storage: this.#storage.afterCut(survival),
      tree: this.#parts.board?.treeAfterCut(survival),
    };
  }

  #cut({ storage, tree }: Disks): void {
    this.#supply = "off";
    this.#end();
    this.#storage = storage;
    if (tree !== undefined) this.#parts.board?.putBack(tree);
  }

  #end(): void {
    const life = this.#life;
    this.#life = undefined;
    life?.link.close();
    life?.runtime.stop();
  }

  /** The program ends by itself, and is started again; unless the supply is off by then. */
  #startAgain(afterMs: number): void {
    const { time, recorder } = this.#parts;
    const lives = this.#lives;
    time.clock.after(0, () => {
      if (this.#lives !== lives || this.#supply === "off") return;
      recorder.say(`${this.id}: the program ends`);
      this.#end();
    });
    time.clock.after(afterMs, () => {
      if (this.#lives === lives && this.#supply === "on") this.#start();
    });
  }

  #start(): void {
    const { time, crypto, random, identity, trust, switching, recorder, openLink, board } = this.#parts;
    const { clock } = time;
    this.#lives++;
    const updates = board?.start(() => this.#startAgain(RESTART_MS));
    if (updates === "sick") return this.#startAgain(SICK_MS);
    const link = openLink();
    const meteringIc = emulatedMetering(clock, this.#relay.loadOf(this.load.mains));
    const name = `life ${this.#lives}`;
    const runtime = new MeterRuntime(
      {
        ...{ clock, meterClock: clock, crypto, link, meteringIc, storage: this.#storage },
        ...{ random: random.fork(name), relay: this.#relay, updates },
      },
      {
        ...{ configuration: configurationOf(this.id), identity, trust, switching },
        pollIntervalMs: POLL_INTERVAL_MS,
        onEvent: (event) => {
          if (event.kind === "refused") recorder.say(`${this.id}: refused, ${event.reason}`);
        },
        onStateFault: (fault) => recorder.say(`${this.id}: the state cannot be kept, ${fault}`),
      },
    );
    this.#life = { runtime, link, maxPollIntervalMs: meteringIc.maxPollIntervalMs };
    recorder.say(`${this.id}: ${name} begins`);
  }
}

function configurationOf(id: string): MeterConfiguration {
  return {
    ...HOUSEHOLD_BILLING,
    ...{ serialNumber: `HIL-${id}`, type: "meterbench 1-phase", block: "", chargingPolicyId: "" },
    ...{ firmwareVersion: programVersion(), firmwareDigest: DIGEST, firmwareBuiltUtcMs: 0 },
    ...{ accuracyClass: "B", impulsesPerKilowattHour: 1000, simulated: true },
  };
}
