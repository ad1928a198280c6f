// An engine that remembers what it was given to seal, and by which keys: what a test knows and a DAP must not.
import { toHex } from "../../firmware/protocol/bytes.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";

/** All secrets that went through one engine. */
export class Secrets {
  /** By the ciphertext, in hex. */
  readonly #plaintexts = new Map<string, Uint8Array>();
  readonly keys = new Map<string, Uint8Array>();

  /** What was sealed into `ciphertext`; undefined for what was not. */
  plaintextOf(ciphertext: Uint8Array): Uint8Array | undefined {
    return this.#plaintexts.get(toHex(ciphertext));
  }

  get plaintexts(): Iterable<Uint8Array> {
    return this.#plaintexts.values();
  }

  /** What went by is not asked for any more. */
  forget(): void {
    this.#plaintexts.clear();
    this.keys.clear();
  }

  /** The engine, overheard. */
  over(engine: CryptoEngine): CryptoEngine {
    return {
      ...engine,
      seal: (aead, key, nonce, aad, plaintext) => {
        const sealed = engine.seal(aead, key, nonce, aad, plaintext);
        this.#sealed(key, plaintext, sealed);
        return sealed;
      },
      aesCtr: (key, firstCounter, data) => {
        const result = engine.aesCtr(key, firstCounter, data);
        // The first call of two with the same bytes is the sender's.
        if (this.plaintextOf(data) === undefined) this.#sealed(key, data, result);
        return result;
      },
      hkdfExtract: (salt, secret) => this.#key(engine.hkdfExtract(salt, secret)),
      hkdfExpand: (key, info, length) => this.#key(engine.hkdfExpand(key, info, length)),
      sharedSecret: (curve, secret, peer) => {
        this.#key(secret);
        return this.#key(engine.sharedSecret(curve, secret, peer));
      },
      sign: (signature, secret, message) => engine.sign(signature, this.#key(secret), message),
    };
  }

  #sealed(key: Uint8Array, plaintext: Uint8Array, sealed: Uint8Array): void {
    this.#key(key);
    this.#plaintexts.set(toHex(sealed), plaintext.slice());
  }

  #key<Key extends Uint8Array | undefined>(key: Key): Key {
    // Eight bytes and more: IVs and IDs are no secrets.
    if (key !== undefined && key.length >= 16) this.keys.set(toHex(key), key.slice());
    return key;
  }
}
