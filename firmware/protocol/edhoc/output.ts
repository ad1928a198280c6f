// What a completed EDHOC session gives: RFC 9528 4.2, appendix A.1 and appendix H.
import { AEAD_LENGTHS, type AeadName, type CryptoEngine } from "../../../hal/ports/crypto.ts";
import { EMPTY } from "../bytes.ts";
import { edhocKdf, HASH_BYTES, KDF_LABEL } from "./key-schedule.ts";
import type { CipherSuite } from "./suites.ts";

/** What an OSCORE security context starts from (RFC 8613 3.2); its HKDF is with SHA-256. */
export interface OscoreMaterial {
  readonly masterSecret: Uint8Array;
  readonly masterSalt: Uint8Array;
  readonly senderId: Uint8Array;
  readonly recipientId: Uint8Array;
  readonly aead: AeadName;
}

/** The peer's connection identifier is our Sender ID, and ours is our Recipient ID. */
export interface SessionIds {
  readonly senderId: Uint8Array;
  readonly recipientId: Uint8Array;
}

/** Exporter labels (RFC 9528 10.1). */
const EXPORTER_LABEL = { oscoreMasterSecret: 0, oscoreMasterSalt: 1 } as const;
const MASTER_SALT_BYTES = 8;

/** The keys of one completed session. */
export class EdhocOutput {
  readonly #crypto: CryptoEngine;
  readonly #suite: CipherSuite;
  readonly #ids: SessionIds;
  #prkOut: Uint8Array;

  /** From PRK_4e3m and TH_4. */
  constructor(
    crypto: CryptoEngine,
    suite: CipherSuite,
    ids: SessionIds,
    { prk, transcriptHash }: { readonly prk: Uint8Array; readonly transcriptHash: Uint8Array },
  ) {
    this.#crypto = crypto;
    this.#suite = suite;
    this.#ids = ids;
    this.#prkOut = edhocKdf(crypto, prk, KDF_LABEL.prkOut, transcriptHash, HASH_BYTES);
  }

  /** EDHOC_Exporter: `length` bytes for the use that the label and the context name. */
  exporter(label: number, context: Uint8Array, length: number): Uint8Array {
    const prkExporter = edhocKdf(this.#crypto, this.#prkOut, KDF_LABEL.prkExporter, EMPTY, HASH_BYTES);
    return edhocKdf(this.#crypto, prkExporter, label, context, length);
  }

  /** EDHOC_KeyUpdate: later exports come from a new key. Both ends must do it with one context. */
  keyUpdate(context: Uint8Array): void {
    this.#prkOut = edhocKdf(this.#crypto, this.#prkOut, KDF_LABEL.keyUpdate, context, HASH_BYTES);
  }

  oscore(): OscoreMaterial {
    const aead = this.#suite.applicationAead;
    const { keyBytes } = AEAD_LENGTHS[aead];
    return {
      masterSecret: this.exporter(EXPORTER_LABEL.oscoreMasterSecret, EMPTY, keyBytes),
      masterSalt: this.exporter(EXPORTER_LABEL.oscoreMasterSalt, EMPTY, MASTER_SALT_BYTES),
      ...this.#ids,
      aead,
    };
  }
}
