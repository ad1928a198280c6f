// EDHOC as the responder, which answers message_1 and takes message_3: RFC 9528 5.
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
  decodeMessage1,
  decodePlaintext3,
  encodeCiphertext,
  encodeMessage2,
  encodePlaintext2,
  encodeSuitesError,
  encodeUnspecifiedError,
  type Message1,
  NO_EXTERNAL_DATA,
  type Plaintext3,
  PUBLIC_KEY_BYTES,
} from "./messages.ts";
import { EdhocOutput, type OscoreMaterial, type SessionIds } from "./output.ts";
import {
  areUsableIds,
  type EdhocFailure,
  type EdhocParty,
  ephemeralKey,
  findPeer,
  requireKeyFor,
} from "./party.ts";
import { composeProof, type Statement, verifyProof } from "./proof.ts";
import { type CipherSuite, cipherSuite, edhocMethod, keyKindFor, type Method } from "./suites.ts";

export interface ResponderOptions<Peer extends AuthenticationCredential> extends EdhocParty<Peer> {
  /** Numbers of the suites that we support, in any order. */
  readonly suites: readonly number[];
  /** Numbers of the methods that we take part in. */
  readonly methods: readonly number[];
  /**
   * C_R, our Recipient ID in OSCORE: different from C_I, which is given, and from that of each context
   * and session that is alive.
   */
  readonly chooseConnectionId: (peerConnectionId: Uint8Array) => Uint8Array;
}

/** An error message to answer with, which tells nothing, and what it was, for counters and logs. */
export interface Refusal {
  readonly error: Uint8Array;
  readonly reason: EdhocFailure;
}

/** What to answer message_1 with, and C_R, by which message_3 will name this session. */
export interface Message1Answer {
  readonly message2: Uint8Array;
  readonly connectionId: Uint8Array;
}

/** Forgeries of message_3 that a session outlives: each costs a decryption. */
const MESSAGE_3_TRIES = 4;

type State =
  | { readonly is: "awaiting-message-1" | "failed" }
  | AwaitingMessage3
  | {
      readonly is: "complete";
      readonly suite: CipherSuite;
      readonly output: EdhocOutput;
      readonly seal4: MessageSeal;
    };

interface AwaitingMessage3 {
  readonly is: "awaiting-message-3";
  readonly suite: CipherSuite;
  readonly method: Method;
  /** Y. */
  readonly secretKey: Uint8Array;
  readonly prk3e2m: Uint8Array;
  /** TH_3. */
  readonly transcriptHash: Uint8Array;
  readonly ids: SessionIds;
  readonly triesLeft: number;
}

/** message_1 as far as this responder goes along with it. */
interface Agreed extends Message1 {
  readonly chosenMethod: Method;
  readonly suite: CipherSuite;
  readonly hash: Uint8Array;
}

interface OpenedMessage3 extends Plaintext3 {
  readonly encoded: Uint8Array;
}

/** One run as the responder, without I/O. Methods that take bytes of a peer never throw. */
export class EdhocResponder<Peer extends AuthenticationCredential = Credential> {
  readonly #options: ResponderOptions<Peer>;
  #state: State = { is: "awaiting-message-1" };

  /** Throws without a suite, and where our key does not fit each of the methods with each of the suites. */
  constructor(options: ResponderOptions<Peer>) {
    this.#options = options;
    if (options.suites.length === 0) throw new Error("no cipher suite");
    for (const method of options.methods) {
      const { responder } = edhocMethod(method);
      for (const suite of options.suites) requireKeyFor(options.identity, cipherSuite(suite), responder);
    }
  }

  /** Takes message_1, once. */
  receiveMessage1(bytes: Uint8Array): Message1Answer | Refusal {
    if (this.#state.is !== "awaiting-message-1") return refuse("unexpected");
    const agreed = this.#agree(bytes);
    if (typeof agreed === "string") return this.#fail(agreed);
    const answer = this.#answer(agreed);
    return typeof answer === "string" ? this.#fail(answer) : answer;
  }

  /** True while message_3 may still come. */
  get isOpen(): boolean {
    return this.#state.is === "awaiting-message-3";
  }

  /**
   * Takes message_3, once: the peer that proved itself. Keys can be exported from then on. Of `anybody`, who need not know
   * more than where a session is under way, what does not open changes nothing.
   */
  receiveMessage3(
    bytes: Uint8Array,
    by: "the initiator" | "anybody" = "the initiator",
  ): { readonly peer: Peer } | Refusal {
    const state = this.#state;
    if (state.is !== "awaiting-message-3") return refuse("unexpected");
    const opened = this.#open(state, bytes);
    if (typeof opened === "string") return by === "anybody" ? refuse(opened) : this.#doubt(state, opened);
    const kind = keyKindFor(state.suite, state.method.initiator);
    const found = findPeer(this.#options, kind, opened.idCred, (peer) => this.#verify(state, opened, peer));
    if (typeof found === "string") return this.#fail(found);
    this.#complete(state, opened, found.peer, found.prk);
    return { peer: found.peer };
  }

  /** message_4, for a peer that no OSCORE answer will confirm the keys to; throws before message_3. */
  message4(): Uint8Array {
    const { suite, seal4 } = this.#completed;
    return encodeCiphertext(sealCiphertext(this.#options.crypto, suite, seal4, EMPTY));
  }

  /** For OSCORE as a server; throws before message_3. */
  exportOscore(): OscoreMaterial {
    return this.#completed.output.oscore();
  }

  /** EDHOC_Exporter (RFC 9528 4.2.1); throws before message_3. */
  exporter(label: number, context: Uint8Array, length: number): Uint8Array {
    return this.#completed.output.exporter(label, context, length);
  }

  /** EDHOC_KeyUpdate (RFC 9528 appendix H); throws before message_3. */
  keyUpdate(context: Uint8Array): void {
    this.#completed.output.keyUpdate(context);
  }

  get #completed(): Extract<State, { is: "complete" }> {
    if (this.#state.is !== "complete") throw new Error("the EDHOC session has no keys");
    return this.#state;
  }

  #agree(bytes: Uint8Array): Agreed | EdhocFailure {
    const { crypto, methods, suites } = this.#options;
    const message1 = decodeMessage1(bytes);
    if (message1 === undefined) return "malformed";
    if (!methods.includes(message1.method)) return "method";
    const mostPreferred = message1.suites.find((suite) => suites.includes(suite));
    if (mostPreferred === undefined || mostPreferred !== message1.suites.at(-1)) return "suite";
    if (message1.publicKey.length !== PUBLIC_KEY_BYTES) return "malformed";
    if (message1.ead.isCritical) return "critical-ead";
    const chosenMethod = edhocMethod(message1.method);
    return { ...message1, chosenMethod, suite: cipherSuite(mostPreferred), hash: crypto.sha256(bytes) };
  }

  #answer(agreed: Agreed): Message1Answer | EdhocFailure {
    const { crypto, random, identity, chooseConnectionId } = this.#options;
    const { credential, secretKey } = identity;
    const { idCred } = credential;
    const { suite, chosenMethod: method, publicKey: peerKey } = agreed;
    const ephemeral = ephemeralKey(crypto, random, suite);
    const shared = crypto.sharedSecret(suite.curve, ephemeral.secretKey, peerKey);
    if (shared === undefined) return "public-key";
    const connectionId = chooseConnectionId(agreed.connectionId);
    if (!areUsableIds(suite, connectionId, agreed.connectionId)) return "connection-id";
    const transcriptHash = transcriptHash2(crypto, ephemeral.publicKey, agreed.hash);
    const prk2e = crypto.hkdfExtract(transcriptHash, shared);
    const statement: Statement = {
      message: 2,
      prk: prk2e,
      transcriptHash,
      connectionId: encodeIdentifier(connectionId),
      idCred,
      credential,
      ead: EMPTY,
    };
    const composed = composeProof(crypto, suite, method.responder, statement, { secretKey, peerKey });
    if (composed === undefined) return "public-key";
    const plaintext = encodePlaintext2({
      connectionId,
      idCred,
      proof: composed.proof,
      ead: NO_EXTERNAL_DATA,
    });
    this.#state = {
      is: "awaiting-message-3",
      suite,
      method,
      secretKey: ephemeral.secretKey,
      prk3e2m: composed.prk,
      transcriptHash: nextTranscriptHash(crypto, transcriptHash, plaintext, credential.bytes),
      ids: { senderId: agreed.connectionId, recipientId: connectionId },
      triesLeft: MESSAGE_3_TRIES,
    };
    const ciphertext = applyKeystream2(crypto, prk2e, transcriptHash, plaintext);
    return { message2: encodeMessage2({ publicKey: ephemeral.publicKey, ciphertext }), connectionId };
  }

  #open(
    { suite, prk3e2m: prk, transcriptHash }: AwaitingMessage3,
    bytes: Uint8Array,
  ): OpenedMessage3 | EdhocFailure {
    const ciphertext = decodeCiphertext(bytes);
    if (ciphertext === undefined) return "malformed";
    const encoded = openCiphertext(
      this.#options.crypto,
      suite,
      { message: 3, prk, transcriptHash },
      ciphertext,
    );
    if (encoded === undefined) return "decryption";
    const plaintext = decodePlaintext3(encoded);
    if (plaintext === undefined) return "malformed";
    return plaintext.ead.isCritical ? "critical-ead" : { ...plaintext, encoded };
  }

  /** PRK_4e3m where message_3 is this peer's. */
  #verify(state: AwaitingMessage3, opened: OpenedMessage3, peer: Peer): Uint8Array | undefined {
    const { suite, method, prk3e2m: prk, transcriptHash, secretKey } = state;
    const { idCred, proof } = opened;
    const statement: Statement = {
      message: 3,
      prk,
      transcriptHash,
      connectionId: EMPTY,
      idCred,
      credential: peer,
      ead: opened.ead.bytes,
    };
    return verifyProof(this.#options.crypto, suite, method.initiator, statement, { secretKey, proof });
  }

  #complete(
    { suite, ids, ...state }: AwaitingMessage3,
    { encoded }: OpenedMessage3,
    peer: Peer,
    prk: Uint8Array,
  ): void {
    const { crypto } = this.#options;
    const transcriptHash = nextTranscriptHash(crypto, state.transcriptHash, encoded, peer.bytes);
    const output = new EdhocOutput(crypto, suite, ids, { prk, transcriptHash });
    this.#state = { is: "complete", suite, output, seal4: { message: 4, prk, transcriptHash } };
  }

  /** What does not open may be anybody's, and the genuine message_3 may follow: a few are outlived. */
  #doubt(state: AwaitingMessage3, reason: EdhocFailure): Refusal {
    const { triesLeft } = state;
    this.#state = triesLeft > 1 ? { ...state, triesLeft: triesLeft - 1 } : { is: "failed" };
    return refuse(reason);
  }

  #fail(reason: EdhocFailure): Refusal {
    this.#state = { is: "failed" };
    return reason === "suite" ? { error: encodeSuitesError(this.#options.suites), reason } : refuse(reason);
  }
}

function refuse(reason: EdhocFailure): Refusal {
  return { error: encodeUnspecifiedError(), reason };
}
