// Two ends of EDHOC to test with, and a peer that composes messages that ours would not.
import { EMPTY, equal } from "../../../../firmware/protocol/bytes.ts";
import {
  type AuthenticationCredential,
  type Credential,
  encodeCcs,
  type KeyKind,
  kidOf,
} from "../../../../firmware/protocol/cose/credential.ts";
import { encodeIdentifier } from "../../../../firmware/protocol/edhoc/identifiers.ts";
import { EdhocInitiator, type InitiatorOptions } from "../../../../firmware/protocol/edhoc/initiator.ts";
import {
  applyKeystream2,
  nextTranscriptHash,
  sealCiphertext,
  transcriptHash2,
} from "../../../../firmware/protocol/edhoc/key-schedule.ts";
import {
  decodeMessage1,
  decodeMessage2,
  decodePlaintext2,
  type ExternalData,
  encodeCiphertext,
  encodeMessage1,
  encodeMessage2,
  encodePlaintext2,
  encodePlaintext3,
  type Message1,
} from "../../../../firmware/protocol/edhoc/messages.ts";
import { ephemeralKey } from "../../../../firmware/protocol/edhoc/party.ts";
import { composeProof, verifyProof } from "../../../../firmware/protocol/edhoc/proof.ts";
import { EdhocResponder, type ResponderOptions } from "../../../../firmware/protocol/edhoc/responder.ts";
import {
  type Authentication,
  cipherSuite,
  edhocMethod,
  keyKindFor,
} from "../../../../firmware/protocol/edhoc/suites.ts";
import { nobleEngine } from "../../../../hal/crypto/noble.ts";
import { SeededRandom } from "../../../../hal/emulated/seeded-random.ts";
import { opensslEngine } from "../../../../hal/node/openssl.ts";
import type { CryptoEngine } from "../../../../hal/ports/crypto.ts";
import type { Random } from "../../../../hal/ports/random.ts";

export const ENGINES: readonly CryptoEngine[] = [nobleEngine, opensslEngine];

/** A party that proves itself by a CCS of our own. */
export interface TestIdentity {
  readonly credential: Credential;
  readonly secretKey: Uint8Array;
}

/** Chance that gives the same bytes each time: the ephemeral key of a trace. */
export function fixedRandom(bytes: Uint8Array): Random {
  return { bytes: () => bytes, fork: () => fixedRandom(bytes) };
}

export function newIdentity(crypto: CryptoEngine, random: Random, kind: KeyKind, id: string): TestIdentity {
  const draw = random.bytes(32);
  if (kind === "Ed25519") return identityOf(crypto, draw, crypto.signingPublicKey("EdDSA", draw), kind, id);
  const secretKey = crypto.agreementKey(kind, draw) ?? draw;
  return identityOf(crypto, secretKey, crypto.agreementPublicKey(kind, secretKey), kind, id);
}

function identityOf(
  crypto: CryptoEngine,
  secretKey: Uint8Array,
  publicKey: Uint8Array,
  kind: KeyKind,
  id: string,
): TestIdentity {
  const kid = kidOf(crypto, publicKey);
  return { secretKey, credential: encodeCcs({ id, kid, key: { kind, publicKey }, development: true }) };
}

/** The same party under another kid: what a collision, or a liar, looks like. */
export function withKid(identity: TestIdentity, kid: Uint8Array): TestIdentity {
  return { ...identity, credential: encodeCcs({ ...identity.credential, kid }) };
}

/** A look-up over these credentials by their ID_CRED_x. */
export function knowing<Peer extends AuthenticationCredential>(...peers: readonly Peer[]) {
  return (idCred: Uint8Array): readonly Peer[] => peers.filter((peer) => equal(peer.idCred, idCred));
}

export interface Setting {
  readonly method: number;
  readonly suite: number;
  readonly seed: string;
  readonly initiatorEngine?: CryptoEngine;
  readonly responderEngine?: CryptoEngine;
}

/** A meter that answers and a head-end that asks, enrolled with each other, with means to start runs. */
export class Ends {
  readonly setting: Setting;
  readonly random: SeededRandom;
  readonly meter: TestIdentity;
  readonly headEnd: TestIdentity;

  constructor(setting: Setting) {
    this.setting = setting;
    this.random = new SeededRandom(setting.seed);
    this.headEnd = this.identity("initiator", "head-end");
    this.meter = this.identity("responder", "meter");
  }

  /** One more party, with a key that fits the role. */
  identity(role: "initiator" | "responder", id: string): TestIdentity {
    const method = edhocMethod(this.setting.method);
    return newIdentity(
      opensslEngine,
      this.random,
      keyKindFor(cipherSuite(this.setting.suite), method[role]),
      id,
    );
  }

  initiator(changes: Partial<InitiatorOptions<Credential>> = {}): EdhocInitiator {
    return new EdhocInitiator({
      crypto: this.setting.initiatorEngine ?? opensslEngine,
      random: this.random,
      method: this.setting.method,
      suites: [this.setting.suite],
      identity: this.headEnd,
      connectionId: Uint8Array.of(0x01),
      resolve: knowing(this.meter.credential),
      ...changes,
    });
  }

  responder(changes: Partial<ResponderOptions<Credential>> = {}): EdhocResponder {
    return new EdhocResponder({
      crypto: this.setting.responderEngine ?? opensslEngine,
      random: this.random,
      methods: [this.setting.method],
      suites: [this.setting.suite],
      identity: this.meter,
      chooseConnectionId: (other) => Uint8Array.of(other[0] === 0x02 ? 0x03 : 0x02),
      resolve: knowing(this.headEnd.credential),
      ...changes,
    });
  }
}

/** The three messages of a run that must go well. */
export function run(initiator: EdhocInitiator, responder: EdhocResponder) {
  const message1 = initiator.message1();
  const { message2 } = accepted(responder.receiveMessage1(message1));
  const { message3, peer: peerOfInitiator } = accepted(initiator.receiveMessage2(message2));
  const { peer: peerOfResponder } = accepted(responder.receiveMessage3(message3));
  return { message1, message2, message3, peerOfInitiator, peerOfResponder };
}

/** The outcome of a message, which must not be a refusal. */
export function accepted<Outcome extends object>(
  outcome: Outcome,
): Exclude<Outcome, { readonly error: Uint8Array }> {
  if ("error" in outcome) throw new Error(`refused: ${JSON.stringify(outcome)}`);
  return outcome as Exclude<Outcome, { readonly error: Uint8Array }>;
}

/** Why the message was refused, or "accepted". */
export function reasonOf(outcome: object): unknown {
  if ("failed" in outcome) return outcome.failed;
  return "reason" in outcome ? outcome.reason : "accepted";
}

/** A peer that follows RFC 9528 with fields of its own choice; it stands outside of our two roles. */
export class HandMadePeer {
  readonly #crypto: CryptoEngine = opensslEngine;
  readonly #ends: Ends;

  constructor(ends: Ends) {
    this.#ends = ends;
  }

  /** message_2 by the meter to this message_1, with EAD_2. */
  message2(message1: Uint8Array, ead: Uint8Array): Uint8Array {
    const { meter, random } = this.#ends;
    const { suite, authentication } = this.#terms("responder");
    const { publicKey: peerKey } = decodeMessage1(message1) as Message1;
    const { secretKey: y, publicKey } = ephemeralKey(this.#crypto, random, suite);
    const transcriptHash = transcriptHash2(this.#crypto, publicKey, this.#crypto.sha256(message1));
    const prk = this.#crypto.hkdfExtract(transcriptHash, this.#shared(y, peerKey));
    const connectionId = Uint8Array.of(0x05);
    const { idCred } = meter.credential;
    const statement = {
      message: 2,
      prk,
      transcriptHash,
      connectionId: encodeIdentifier(connectionId),
      idCred,
      credential: meter.credential,
      ead,
    } as const;
    const keys = { secretKey: meter.secretKey, peerKey };
    const proof = composeProof(this.#crypto, suite, authentication, statement, keys)?.proof ?? EMPTY;
    const plaintext = encodePlaintext2({ connectionId, idCred, proof, ead: asExternalData(ead) });
    return encodeMessage2({
      publicKey,
      ciphertext: applyKeystream2(this.#crypto, prk, transcriptHash, plaintext),
    });
  }

  /** message_1 and message_3 by the head-end, with EAD_1 and EAD_3, to this responder. */
  talkTo(responder: EdhocResponder, ead1: Uint8Array, ead3: Uint8Array): object {
    const { headEnd, meter, random, setting } = this.#ends;
    const { suite, authentication } = this.#terms("initiator");
    const crypto = this.#crypto;
    const { secretKey: x, publicKey } = ephemeralKey(crypto, random, suite);
    const { method, suite: number } = setting;
    const fixed = encodeMessage1({ method, suites: [number], publicKey, connectionId: Uint8Array.of(0x06) });
    const message1 = Uint8Array.of(...fixed, ...ead1);
    const answer = responder.receiveMessage1(message1);
    if ("error" in answer) return answer;
    const message2 = decodeMessage2(answer.message2);
    if (message2 === undefined) throw new Error("no message_2");
    const th2 = transcriptHash2(crypto, message2.publicKey, crypto.sha256(message1));
    const prk2e = crypto.hkdfExtract(th2, this.#shared(x, message2.publicKey));
    const encoded = applyKeystream2(crypto, prk2e, th2, message2.ciphertext);
    const opened = decodePlaintext2(encoded);
    if (opened === undefined) throw new Error("no PLAINTEXT_2");
    const statement2 = {
      ...opened,
      message: 2,
      prk: prk2e,
      transcriptHash: th2,
      connectionId: encodeIdentifier(opened.connectionId),
      credential: meter.credential,
      ead: EMPTY,
    } as const;
    const keys2 = { secretKey: x, proof: opened.proof };
    const prk = verifyProof(crypto, suite, this.#terms("responder").authentication, statement2, keys2);
    if (prk === undefined) throw new Error("message_2 does not prove its sender");
    const transcriptHash = nextTranscriptHash(crypto, th2, encoded, meter.credential.bytes);
    const { credential, secretKey } = headEnd;
    const { idCred } = credential;
    const statement = {
      message: 3,
      prk,
      transcriptHash,
      connectionId: EMPTY,
      idCred,
      credential,
      ead: ead3,
    } as const;
    const keys = { secretKey, peerKey: message2.publicKey };
    const proof = composeProof(crypto, suite, authentication, statement, keys)?.proof ?? EMPTY;
    const plaintext = encodePlaintext3({ idCred, proof, ead: asExternalData(ead3) });
    const seal = { message: 3, prk, transcriptHash } as const;
    return responder.receiveMessage3(encodeCiphertext(sealCiphertext(crypto, suite, seal, plaintext)));
  }

  #terms(role: "initiator" | "responder"): {
    suite: ReturnType<typeof cipherSuite>;
    authentication: Authentication;
  } {
    const { method, suite } = this.#ends.setting;
    return { suite: cipherSuite(suite), authentication: edhocMethod(method)[role] };
  }

  #shared(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
    const { curve } = cipherSuite(this.#ends.setting.suite);
    return this.#crypto.sharedSecret(curve, secretKey, publicKey) ?? EMPTY;
  }
}

function asExternalData(bytes: Uint8Array): ExternalData {
  return { bytes, isCritical: false };
}
