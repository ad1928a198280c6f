// EDHOC as the initiator, which sends message_1 and message_3: RFC 9528 5.
import { EMPTY } from "../bytes.ts";
import type { AuthenticationCredential, Credential } from "../cose/credential.ts";
import { encodeIdentifier } from "./identifiers.ts";
import {
  applyKeystream2,
  type MessageSeal,
  nextTranscriptHash,
  openCiphertext,
  sealCiphertext,
  transcriptHash2,
} from "./key-schedule.ts";
import {
  decodeCiphertext,
  decodeError,
  decodeMessage2,
  decodePlaintext2,
  decodePlaintext4,
  encodeCiphertext,
  encodeMessage1,
  encodePlaintext3,
  encodeUnspecifiedError,
  NO_EXTERNAL_DATA,
  type PeerError,
  type Plaintext2,
} from "./messages.ts";
import { EdhocOutput, type OscoreMaterial } from "./output.ts";
import {
  areUsableIds,
  connectionIdBytesMax,
  type EdhocFailure,
  type EdhocParty,
  ephemeralKey,
  findPeer,
  requireKeyFor,
} from "./party.ts";
import { composeProof, type Statement, verifyProof } from "./proof.ts";
import { type CipherSuite, cipherSuite, edhocMethod, keyKindFor, type Method } from "./suites.ts";

export interface InitiatorOptions<Peer extends AuthenticationCredential> extends EdhocParty<Peer> {
  /** 0 to 3. */
  readonly method: number;
  /** Numbers of all suites that we support, the most preferred one first. */
  readonly suites: readonly number[];
  /** The one of `suites` to use this time; without it, the most preferred one. */
  readonly selectedSuite?: number;
  /** C_I, our Recipient ID in OSCORE: different from that of each context that is alive. */
  readonly connectionId: Uint8Array;
}

/** The peer proved itself and message_3 is to be sent, or `error` is (RFC 9528 6). */
export type Message2Outcome<Peer> =
  | { readonly message3: Uint8Array; readonly peer: Peer }
  | { readonly failed: EdhocFailure; readonly error: Uint8Array };

/** What the responder said instead of message_2, and the suite to start again with, if there is one. */
export interface ReceivedError extends PeerError {
  readonly nextSuite?: number;
}

/** Forgeries of message_2 that a session outlives: each costs a key agreement. */
const MESSAGE_2_TRIES = 8;

type State =
  | { readonly is: "ready" | "failed" }
  | AwaitingMessage2
  | { readonly is: "complete"; readonly output: EdhocOutput; readonly seal4: MessageSeal }
  | { readonly is: "confirmed"; readonly output: EdhocOutput };

interface AwaitingMessage2 {
  readonly is: "awaiting-message-2";
  /** X. */
  readonly secretKey: Uint8Array;
  readonly message1Hash: Uint8Array;
  readonly triesLeft: number;
}

interface OpenedMessage2 extends Plaintext2 {
  /** G_Y. */
  readonly publicKey: Uint8Array;
  readonly prk2e: Uint8Array;
  /** TH_2. */
  readonly transcriptHash: Uint8Array;
  readonly encoded: Uint8Array;
}

/** One run as the initiator, without I/O. Methods that take bytes of a peer never throw. */
export class EdhocInitiator<Peer extends AuthenticationCredential = Credential> {
  readonly #options: InitiatorOptions<Peer>;
  readonly #method: Method;
  readonly #suite: CipherSuite;
  #state: State = { is: "ready" };

  /** Throws where method, suites, key and connection identifier do not go together. */
  constructor(options: InitiatorOptions<Peer>) {
    this.#options = options;
    this.#method = edhocMethod(options.method);
    const selected = options.selectedSuite ?? options.suites[0];
    if (selected === undefined || !options.suites.includes(selected))
      throw new Error("no cipher suite of the list");
    this.#suite = cipherSuite(selected);
    if (options.connectionId.length > connectionIdBytesMax(this.#suite))
      throw new Error("connection identifier too long");
    requireKeyFor(options.identity, this.#suite, this.#method.initiator);
  }

  /** message_1, once: a new attempt takes a new initiator. */
  message1(): Uint8Array {
    if (this.#state.is !== "ready") throw new Error("message_1 was composed before");
    const { crypto, random, suites, connectionId } = this.#options;
    const { secretKey, publicKey } = ephemeralKey(crypto, random, this.#suite);
    const message1 = encodeMessage1({
      method: this.#method.number,
      suites: suites.slice(0, suites.indexOf(this.#suite.number) + 1),
      publicKey,
      connectionId,
    });
    this.#state = {
      is: "awaiting-message-2",
      secretKey,
      message1Hash: crypto.sha256(message1),
      triesLeft: MESSAGE_2_TRIES,
    };
    return message1;
  }

  /**
   * Takes message_2. The keys can be exported from then on, but the peer has not confirmed them yet. One
   * that fails may be forged, and the genuine one may follow: the session waits for it, a few times over.
   */
  receiveMessage2(bytes: Uint8Array): Message2Outcome<Peer> {
    const state = this.#state;
    if (state.is !== "awaiting-message-2") return refuse("unexpected");
    const outcome = this.#take(state, bytes);
    if (typeof outcome !== "string") return outcome;
    const { triesLeft } = state;
    this.#state = triesLeft > 1 ? { ...state, triesLeft: triesLeft - 1 } : { is: "failed" };
    return refuse(outcome);
  }

  #take(state: AwaitingMessage2, bytes: Uint8Array): { message3: Uint8Array; peer: Peer } | EdhocFailure {
    const opened = this.#open(state, bytes);
    if (typeof opened === "string") return opened;
    const kind = keyKindFor(this.#suite, this.#method.responder);
    const found = findPeer(this.#options, kind, opened.idCred, (peer) => this.#verify(state, opened, peer));
    if (typeof found === "string") return found;
    const message3 = this.#complete(opened, found.peer, found.prk);
    return message3 === undefined ? "public-key" : { message3, peer: found.peer };
  }

  /** Takes message_4: "confirmed" where the peer has the same keys. Any other ends the session. */
  receiveMessage4(bytes: Uint8Array): "confirmed" | EdhocFailure {
    const state = this.#state;
    if (state.is !== "complete") return "unexpected";
    const failure = this.#checkMessage4(state.seal4, bytes);
    this.#state = failure === undefined ? { is: "confirmed", output: state.output } : { is: "failed" };
    return failure ?? "confirmed";
  }

  /**
   * Takes an error message, or gives undefined where the bytes are none. The session stays as it is, as
   * anybody may have sent it: whoever believes it takes a new initiator.
   */
  receiveError(bytes: Uint8Array): ReceivedError | undefined {
    const error = decodeError(bytes);
    if (error === undefined) return undefined;
    const nextSuite = this.#options.suites.find((suite) => error.suites?.includes(suite));
    return nextSuite === undefined || nextSuite === this.#suite.number ? error : { ...error, nextSuite };
  }

  /** For OSCORE as a client; throws before message_3. */
  exportOscore(): OscoreMaterial {
    return this.#output.oscore();
  }

  /** EDHOC_Exporter (RFC 9528 4.2.1); throws before message_3. */
  exporter(label: number, context: Uint8Array, length: number): Uint8Array {
    return this.#output.exporter(label, context, length);
  }

  /** EDHOC_KeyUpdate (RFC 9528 appendix H); throws before message_3. */
  keyUpdate(context: Uint8Array): void {
    this.#output.keyUpdate(context);
  }

  get #output(): EdhocOutput {
    const state = this.#state;
    if (state.is !== "complete" && state.is !== "confirmed") throw new Error("the EDHOC session has no keys");
    return state.output;
  }

  #open(state: AwaitingMessage2, bytes: Uint8Array): OpenedMessage2 | EdhocFailure {
    const { crypto, connectionId } = this.#options;
    const message2 = decodeMessage2(bytes);
    if (message2 === undefined) return "malformed";
    const { publicKey, ciphertext } = message2;
    const shared = crypto.sharedSecret(this.#suite.curve, state.secretKey, publicKey);
    if (shared === undefined) return "public-key";
    const transcriptHash = transcriptHash2(crypto, publicKey, state.message1Hash);
    const prk2e = crypto.hkdfExtract(transcriptHash, shared);
    const encoded = applyKeystream2(crypto, prk2e, transcriptHash, ciphertext);
    const plaintext = decodePlaintext2(encoded);
    if (plaintext === undefined) return "malformed";
    if (plaintext.ead.isCritical) return "critical-ead";
    if (!areUsableIds(this.#suite, connectionId, plaintext.connectionId)) return "connection-id";
    return { ...plaintext, publicKey, prk2e, transcriptHash, encoded };
  }

  /** PRK_3e2m where message_2 is this peer's. */
  #verify({ secretKey }: AwaitingMessage2, opened: OpenedMessage2, peer: Peer): Uint8Array | undefined {
    const { transcriptHash, idCred, proof } = opened;
    const statement: Statement = {
      message: 2,
      prk: opened.prk2e,
      transcriptHash,
      connectionId: encodeIdentifier(opened.connectionId),
      idCred,
      credential: peer,
      ead: opened.ead.bytes,
    };
    const { responder } = this.#method;
    return verifyProof(this.#options.crypto, this.#suite, responder, statement, { secretKey, proof });
  }

  /** message_3; undefined where G_Y and our own key give no secret. */
  #complete(opened: OpenedMessage2, peer: Peer, prk3e2m: Uint8Array): Uint8Array | undefined {
    const { crypto, identity, connectionId } = this.#options;
    const { credential, secretKey } = identity;
    const { idCred } = credential;
    const transcriptHash3 = nextTranscriptHash(crypto, opened.transcriptHash, opened.encoded, peer.bytes);
    const basis = { prk: prk3e2m, transcriptHash: transcriptHash3 };
    const statement: Statement = {
      message: 3,
      ...basis,
      connectionId: EMPTY,
      idCred,
      credential,
      ead: EMPTY,
    };
    const keys = { secretKey, peerKey: opened.publicKey };
    const composed = composeProof(crypto, this.#suite, this.#method.initiator, statement, keys);
    if (composed === undefined) return undefined;
    const { proof, prk } = composed;
    const plaintext = encodePlaintext3({ idCred, proof, ead: NO_EXTERNAL_DATA });
    const transcriptHash = nextTranscriptHash(crypto, transcriptHash3, plaintext, credential.bytes);
    const ids = { senderId: opened.connectionId, recipientId: connectionId };
    const output = new EdhocOutput(crypto, this.#suite, ids, { prk, transcriptHash });
    this.#state = { is: "complete", output, seal4: { message: 4, prk, transcriptHash } };
    return encodeCiphertext(sealCiphertext(crypto, this.#suite, { message: 3, ...basis }, plaintext));
  }

  #checkMessage4(seal4: MessageSeal, bytes: Uint8Array): EdhocFailure | undefined {
    const ciphertext = decodeCiphertext(bytes);
    if (ciphertext === undefined) return "malformed";
    const plaintext = openCiphertext(this.#options.crypto, this.#suite, seal4, ciphertext);
    if (plaintext === undefined) return "decryption";
    const ead = decodePlaintext4(plaintext);
    if (ead === undefined) return "malformed";
    return ead.isCritical ? "critical-ead" : undefined;
  }
}

function refuse(reason: EdhocFailure): { failed: EdhocFailure; error: Uint8Array } {
  return { failed: reason, error: encodeUnspecifiedError() };
}
