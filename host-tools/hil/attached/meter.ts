// A meter that is not this program's: at an address, with a supply that a driver switches.
import { readFileSync } from "node:fs";
import { integerBelow, type SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import type { BenchMeter } from "../bench.ts";
import { InfrastructureFault } from "../infrastructure.ts";
import { runProgram } from "../power/run-program.ts";
import type { PowerDriver } from "../power.ts";
import type { RigFlash, RigLine, RigLoad, RigMeter, RigPower } from "../rig.ts";
import type { Wiring } from "../wiring.ts";

export type RealMeter = Extract<BenchMeter, { kind: "real" }>;

interface AttachedMeterParts {
  readonly id: string;
  /** Its line, or why that is not there. */
  readonly line: RigLine | InfrastructureFault;
  readonly power?: RigPower | undefined;
  readonly load?: RigLoad | undefined;
  readonly flash?: RigFlash | undefined;
  readonly untilReady: (meter: RigMeter) => Promise<void>;
}

/** Within this a real board is cut that cannot be cut at a write: long enough for an order and its answer. */
const CUT_WITHIN_MS = 1500;

export class AttachedMeter implements RigMeter {
  readonly kind = "real";
  readonly id: string;
  readonly power: RigPower | undefined;
  readonly load: RigLoad | undefined;
  readonly flash: RigFlash | undefined;
  readonly #line: RigLine | InfrastructureFault;
  readonly #untilReady: AttachedMeterParts["untilReady"];

  constructor({ id, line, power, load, flash, untilReady }: AttachedMeterParts) {
    this.id = id;
    this.power = power;
    this.load = load;
    this.flash = flash;
    this.#line = line;
    this.#untilReady = untilReady;
  }

  /** Throws an {@link InfrastructureFault} where the line is not there. */
  get line(): RigLine {
    if ("frames" in this.#line) return this.#line;
    throw this.#line;
  }

  ready(): Promise<void> {
    return this.#untilReady(this);
  }
}

/** A supply that a driver of the bench switches. */
export class DrivenPower implements RigPower {
  readonly #id: string;
  readonly #driver: PowerDriver;
  readonly #offMs: number;
  readonly #wiring: Pick<Wiring, "time" | "recorder">;
  readonly #chance: SeededRandom;

  constructor(id: string, driver: PowerDriver, offMs: number, wiring: Wiring) {
    this.#id = id;
    this.#driver = driver;
    this.#offMs = offMs;
    this.#wiring = wiring;
    this.#chance = wiring.chance.fork(`cuts of ${id}`);
  }

  async off(): Promise<void> {
    this.#wiring.recorder.say(`${this.#id}: supply off`);
    await this.#driver.off();
  }

  async on(): Promise<void> {
    this.#wiring.recorder.say(`${this.#id}: supply on`);
    await this.#driver.on();
  }

  async cut({
    offMs = this.#offMs,
    at = "once",
  }: {
    offMs?: number;
    at?: "once" | "any-write";
  } = {}): Promise<void> {
    const { time } = this.#wiring;
    if (at === "any-write") await time.pass(integerBelow(this.#chance, CUT_WITHIN_MS));
    await this.off();
    await time.pass(offMs);
    await this.on();
  }
}

/** A load that a command of the lab's sets, by the shell. */
export function commandedLoad(
  { id, load }: RealMeter,
  { bench, recorder }: Pick<Wiring, "bench" | "recorder">,
): RigLoad | undefined {
  if (load === undefined) return undefined;
  return {
    async set(watts) {
      const command = load.replaceAll("{watts}", String(watts));
      const what = `The load of ${id} could not be set`;
      await runProgram(["sh", "-c", command], { what, folder: bench.folder });
      recorder.load(id, watts);
    },
  };
}

/** The bench's image for this meter's board; there is one of it, which is sound. */
export function imageOfBench({ id, image }: RealMeter): RigFlash["image"] {
  return (kind = "sound") => {
    if (image === undefined || kind !== "sound")
      throw new InfrastructureFault(
        `The bench has no ${kind} image for ${id}: give one as image in its file, or ask for what emulated benches have.`,
      );
    try {
      return readFileSync(image);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new InfrastructureFault(`The image ${image} of ${id} cannot be read (${code}): check its path.`);
    }
  };
}
