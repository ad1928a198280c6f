// Where head-ends that run a DAP have proved themselves of late; a DAP that was started anew knows it still.
import type { TrustList } from "../../../firmware/identity/trust.ts";
import { toHex } from "../../../firmware/protocol/bytes.ts";
import type { CborValue } from "../../../firmware/protocol/cbor.ts";
import { credentialHash } from "../../../firmware/protocol/cose/credential.ts";
import type { CryptoEngine } from "../../../hal/ports/crypto.ts";
import type { Station } from "../../../hal/ports/link.ts";
import type { Storage } from "../../../hal/ports/storage.ts";
import { framedItem, framedItems } from "../forward/framed-items.ts";

/** So long a station counts as an operator's since it last proved so. */
const OPERATOR_MS = 24 * 3_600_000;
/** Four head-ends whose ports change some times a day; the one that was heard longest ago makes room. */
const STATIONS_MAX = 64;
/** Words of one station within so long are written down once. */
const SAVED_EACH_MS = 3_600_000;

const FILE = "operators";

interface Heard {
  readonly atUtcMs: number;
  readonly savedUtcMs: number;
  /** Of the credential that was proved, in hex. */
  readonly hash: string;
}

export interface StationsParts {
  readonly crypto: CryptoEngine;
  readonly trust: TrustList;
  readonly storage: Storage;
  readonly utcMs: () => number;
}

/** Stations of operators. */
export class OperatorStations {
  readonly #parts: StationsParts;
  /** Heard last is last. */
  readonly #heard = new Map<Station, Heard>();
  readonly #hashes: ReadonlyMap<object, string>;
  readonly #trusted: ReadonlyMap<string, object>;

  constructor(parts: StationsParts) {
    this.#parts = parts;
    const { crypto, trust, storage } = parts;
    this.#hashes = new Map(trust.credentials.map((each) => [each, toHex(credentialHash(crypto, each))]));
    this.#trusted = new Map([...this.#hashes].map(([credential, hash]) => [hash, credential]));
    for (const item of framedItems(storage.read(FILE))) this.#recall(item);
  }

  /** True for a station from which a head-end that is still trusted has proved itself within a day. */
  has(station: Station): boolean {
    const heard = this.#heard.get(station);
    if (heard === undefined || this.#parts.utcMs() >= heard.atUtcMs + OPERATOR_MS) return false;
    const credential = this.#trusted.get(heard.hash);
    return credential !== undefined && this.#parts.trust.has(credential);
  }

  /** A head-end has proved itself from there. */
  add(station: Station, peer: object): void {
    const hash = this.#hashes.get(peer);
    if (hash === undefined) return;
    const atUtcMs = this.#parts.utcMs();
    const known = this.#heard.get(station);
    const isSaved = known !== undefined && known.hash === hash && atUtcMs < known.savedUtcMs + SAVED_EACH_MS;
    this.#heard.delete(station);
    this.#heard.set(station, { atUtcMs, savedUtcMs: isSaved ? known.savedUtcMs : atUtcMs, hash });
    for (const oldest of this.#heard.keys()) {
      if (this.#heard.size <= STATIONS_MAX) break;
      this.#heard.delete(oldest);
    }
    if (!isSaved) this.#save();
  }

  /** What cannot be written is proved anew after the next start. */
  #save(): void {
    const { storage } = this.#parts;
    const items = [...this.#heard].map(([station, { atUtcMs, hash }]) => [
      station,
      Math.floor(atUtcMs),
      hash,
    ]);
    // In one piece, or not at all: a torn file has no item.
    if (storage.write(FILE, framedItem(items)) === "done" && storage.sync(FILE) === "done")
      storage.syncFolder();
  }

  #recall(item: CborValue): void {
    for (const entry of Array.isArray(item) ? (item as readonly CborValue[]) : []) {
      const [station, atUtcMs, hash] = Array.isArray(entry) ? (entry as readonly CborValue[]) : [];
      if (typeof station !== "string" || typeof atUtcMs !== "number" || typeof hash !== "string") continue;
      this.#heard.set(station, { atUtcMs, savedUtcMs: atUtcMs, hash });
    }
  }
}
