// A meter whose key rotates, its head-end and the registry of it, over power cuts and lost messages.
import { join } from "node:path";
import { type Identity, readKeyFile, writeKeyFile } from "../../firmware/identity/identity.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import { MemoryKeyStore } from "../../hal/storage/memory-key-store.ts";
import { MemoryStorage } from "../../hal/storage/memory-storage.ts";
import { followRegistry } from "../../host-tools/head-end/follow-registry.ts";
import { Registry } from "../../host-tools/head-end/registry.ts";
import { type Rotation, type RotationParts, rotateKey } from "../../host-tools/head-end/rotation.ts";
import { meterKey, settle } from "../../host-tools/world/single-line.ts";
import { attackedMeter, type Between } from "../attacks/attacked-meter.ts";
import { emptyFolder } from "./command.ts";

/** What outlives a start: the meter's storage and keys, and the head-end's registry. */
export class RotatingMeter {
  readonly registry: Registry;
  readonly made: Identity;
  storage = new MemoryStorage();
  store: MemoryKeyStore;
  /** What passes between both ends. */
  between: Between = (bytes) => [bytes];
  #starts = 0;
  #world: ReturnType<typeof attackedMeter>;
  readonly #folder = emptyFolder();

  constructor() {
    this.registry = new Registry(join(this.#folder.path, "registry.json"));
    this.made = meterKey(opensslEngine, 1);
    this.registry.add(this.made.credential);
    this.store = new MemoryKeyStore(new TextEncoder().encode(writeKeyFile(this.made)));
    this.#world = this.#start();
  }

  get world() {
    return this.#world;
  }

  /** The key that the meter goes by, as its store has it. */
  get current(): Identity {
    return keyIn(this.store, "current");
  }

  get next(): Identity | undefined {
    return this.store.read("next") === undefined ? undefined : keyIn(this.store, "next");
  }

  /** The power of the meter goes and comes back, and its head-end's program starts anew; the line is whole again. */
  restart(): void {
    this.storage = this.storage.afterCut({ bytes: "none", folder: "none" });
    this.store = this.store.afterCut();
    this.between = (bytes) => [bytes];
    this.#world = this.#start();
  }

  rotate(registry: RotationParts["registry"] = this.registry): Promise<Rotation> {
    const { clock, headEnd, target } = this.#world;
    return settle(clock, rotateKey({ headEnd, registry, crypto: opensslEngine }, target));
  }

  close(): void {
    this.#folder.remove();
  }

  #start(): ReturnType<typeof attackedMeter> {
    return attackedMeter({
      ...{ storage: this.storage, keyStore: this.store },
      // No start has the chance that the one before had. The meter's key is in the store, and its head-end another one.
      seed: 1000 + this.#starts++,
      headEnd: followRegistry(this.registry),
      between: (...passing) => this.between(...passing),
    });
  }
}

function keyIn(store: MemoryKeyStore, place: "current" | "next"): Identity {
  const identity = readKeyFile(opensslEngine, new TextDecoder().decode(store.read(place)));
  if ("error" in identity) throw new Error(`a kept key that ${identity.error}`);
  return identity;
}
