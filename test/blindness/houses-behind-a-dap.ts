// A block of unlike houses, and a recorder in the place of its DAP.
import type { MeterConfiguration } from "../../firmware/configuration.ts";
import { integerBelow, SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { Storage } from "../../hal/ports/storage.ts";
import type { Load } from "../../host-tools/loads/index.ts";
import { Block, type BlockOptions } from "../../host-tools/world/block.ts";
import { configuration } from "../support/configuration.ts";
import { HouseMetering } from "./house-metering.ts";
import { HOUSE_KINDS, type HouseKind, houseLoad, PADDING_OF } from "./houses.ts";
import { Secrets } from "./knowing-engine.ts";
import { Recorder } from "./recorder.ts";

export const START_MS = Date.UTC(2026, 10, 24);

/** One house, its meter, and what only both of them know. */
export interface House {
  readonly id: string;
  readonly kind: HouseKind;
  readonly load: Load;
  readonly serialNumber: string;
  readonly configuration: MeterConfiguration;
  /** What it had used before; of this size its register takes five bytes. */
  readonly beforeWattHours: number;
}

export interface BlindOptions extends Partial<BlockOptions> {
  readonly seed: number;
  readonly meters: number;
  /** Spoils the engine that all parties have; tests of the tests give one. */
  readonly spoil?: ((engine: CryptoEngine) => CryptoEngine) | undefined;
  readonly generation?: "known" | "unknown";
  /** What meters have to keep their state in; without storage they state nothing. */
  readonly storage?: (meter: string) => Storage;
}

/** The houses of a seed: each kind as often; where their generation is unknown, it shows in the logs. */
export function housesOf(seed: number, count: number, isUnknown = false): House[] {
  const random = new SeededRandom(`houses ${seed}`);
  return Array.from({ length: count }, (_, i) => {
    const id = `M${i + 1}`;
    const kind = HOUSE_KINDS[i % HOUSE_KINDS.length] as HouseKind;
    const chance = random.fork(id);
    const serialNumber = `SN-${integerBelow(chance, 0xffffffff).toString(36)}-${integerBelow(chance, 0xffffffff).toString(36)}`;
    return {
      ...{ id, kind, serialNumber },
      load: houseLoad(kind, `${seed} ${id}`),
      beforeWattHours: 0x10000000 + integerBelow(chance, 0xe0000000),
      configuration: {
        ...configuration,
        serialNumber,
        // Elsewhere what flows out is fraud, and logged with how much it was.
        hasGeneration: kind === "pv" && !isUnknown,
        profilePaddingTenths: PADDING_OF[kind],
      },
    };
  });
}

/** The houses behind a DAP on whose links a recorder is, and an engine that gives their secrets away to the test. */
export function housesBehindADap({ spoil = (engine) => engine, ...options }: BlindOptions) {
  const { seed, meters } = options;
  const houses = housesOf(seed, meters, options.generation === "unknown");
  const byId = new Map(houses.map((house) => [house.id, house]));
  const secrets = new Secrets();
  const recorder = new Recorder();
  const block = new Block({
    ...{ south: "ip", startUtcMs: START_MS, configuration, ...options },
    crypto: secrets.over(spoil(opensslEngine)),
    meter(id, clock) {
      const house = byId.get(id) as House;
      const meteringIc = new HouseMetering(clock, house.load, house.beforeWattHours);
      return { configuration: house.configuration, meteringIc };
    },
    wrapDapLink: (link, side) => recorder.wrap(link, side),
  });
  return { block, houses, secrets, recorder };
}
