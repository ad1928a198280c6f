import { concat, toHex } from "../../../firmware/protocol/bytes.ts";
import { type CborValue, decodeCbor, encodeCbor } from "../../../firmware/protocol/cbor.ts";
import { decodeCcs, encodeCcs } from "../../../firmware/protocol/cose/credential.ts";
import type { EdhocInitiator } from "../../../firmware/protocol/edhoc/initiator.ts";
import {
  decodeCiphertext,
  decodeError,
  decodeMessage1,
  decodeMessage2,
  decodePlaintext2,
  decodePlaintext3,
  decodePlaintext4,
  encodeCiphertext,
  encodeMessage1,
  encodeMessage2,
  encodePlaintext2,
  encodePlaintext3,
  encodeSuitesError,
  encodeUnspecifiedError,
} from "../../../firmware/protocol/edhoc/messages.ts";
import type { EdhocResponder } from "../../../firmware/protocol/edhoc/responder.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { Ends, fixedRandom, newIdentity, run } from "../../firmware/protocol/edhoc/ends.ts";
import { RememberingEngine } from "../../support/remembering-engine.ts";
import { type Door, must, mustEqual } from "./door.ts";

const memory = new RememberingEngine();
const crypto = memory.over(opensslEngine);
const ends = new Ends({
  method: 3,
  suite: 0,
  seed: "door",
  initiatorEngine: crypto,
  responderEngine: crypto,
});
const [x, y] = [fixedRandom(ends.random.bytes(32)), fixedRandom(ends.random.bytes(32))];
const honest = honestRun();
memory.learnNoMore();

function honestRun() {
  const [initiator, responder] = [ends.initiator({ random: x }), ends.responder({ random: y })];
  const messages = run(initiator, responder);
  const message4 = responder.message4();
  initiator.receiveMessage4(message4);
  return { ...messages, message4 };
}

/** An initiator that waits for message_2, and a responder that waits for message_3. */
function waiting(): { initiator: EdhocInitiator; responder: EdhocResponder } {
  const [initiator, responder] = [ends.initiator({ random: x }), ends.responder({ random: y })];
  initiator.message1();
  responder.receiveMessage1(honest.message1);
  return { initiator, responder };
}

const PLAINTEXT_2 = Uint8Array.of(0x05, 0x21, 0x48, 1, 2, 3, 4, 5, 6, 7, 8, 0x00, 0x41, 0xe9, 0x20);
const CREDENTIAL = ends.meter.credential;

/** A credential with its COSE_Key changed. */
function withKey(bytes: Uint8Array, change: (coseKey: Map<number | string, CborValue>) => void): Uint8Array {
  const claims = decodeCbor(bytes) as Map<number, Map<number, Map<number | string, CborValue>>>;
  const coseKey = claims.get(8)?.get(1);
  if (coseKey !== undefined) change(coseKey);
  return encodeCbor(claims);
}

const OTHERS = (["P-256", "Ed25519"] as const).map(
  (kind) => newIdentity(opensslEngine, ends.random, kind, "other").credential.bytes,
);

/** What is no honest message leads to no keys; what is read comes back as it was. */
export const edhoc: Door = {
  name: "edhoc",
  decoders: /\/firmware\/protocol\/(edhoc|cose)\//,
  bytesMax: 700,
  samples: () => [
    honest.message1,
    honest.message2,
    honest.message3,
    honest.message4,
    PLAINTEXT_2,
    PLAINTEXT_2.subarray(1),
    encodeSuitesError([2, 3]),
    encodeUnspecifiedError(),
    CREDENTIAL.bytes,
    ...OTHERS,
    // One parameter more, and one less.
    ...OTHERS.map((bytes) => withKey(bytes, (coseKey) => coseKey.set(-9, 1))),
    ...OTHERS.map((bytes) => withKey(bytes, (coseKey) => coseKey.delete(-3))),
    encodeCcs({ ...CREDENTIAL, id: "a".repeat(500) }).bytes,
    encodeCcs({ ...CREDENTIAL, development: false }).bytes,
    // message_1 with two suites, a C_I of two bytes and EAD_1.
    concat(
      encodeMessage1({
        method: 3,
        suites: [6, 0],
        publicKey: new Uint8Array(32).fill(9),
        connectionId: Uint8Array.of(1, 2),
      }),
      Uint8Array.of(0x01, 0x41, 0x00),
    ),
  ],
  check(input) {
    checkDecoders(input);
    // To what neither role can read both say the same: it need not be computed each time.
    const isReadable = decodeCiphertext(input) !== undefined || decodeMessage1(input) !== undefined;
    if (isReadable || input.length < 4) checkRoles(input);
  },
};

function checkRoles(input: Uint8Array): void {
  const text = toHex(input);
  const { initiator, responder } = waiting();
  if (text !== toHex(honest.message2))
    must("keys from no message_2", "failed" in initiator.receiveMessage2(input));
  if (text !== toHex(honest.message3))
    must("keys from no message_3", "error" in responder.receiveMessage3(input));
  initiator.receiveError(input);
  const answer = ends.responder({ random: y }).receiveMessage1(input);
  if (!("message2" in answer) || text === toHex(honest.message1)) return;
  must("a session of two transcripts", "failed" in waiting().initiator.receiveMessage2(answer.message2));
}

function checkDecoders(input: Uint8Array): void {
  const message1 = decodeMessage1(input);
  if (message1 !== undefined)
    mustEqual("message_1 again", concat(encodeMessage1(message1), message1.ead.bytes), input);
  const message2 = decodeMessage2(input);
  if (message2 !== undefined) mustEqual("message_2 again", encodeMessage2(message2), input);
  const ciphertext = decodeCiphertext(input);
  if (ciphertext !== undefined) mustEqual("message_3 again", encodeCiphertext(ciphertext), input);
  const plaintext2 = decodePlaintext2(input);
  if (plaintext2 !== undefined) mustEqual("PLAINTEXT_2 again", encodePlaintext2(plaintext2), input);
  const plaintext3 = decodePlaintext3(input);
  if (plaintext3 !== undefined) mustEqual("PLAINTEXT_3 again", encodePlaintext3(plaintext3), input);
  const ead4 = decodePlaintext4(input);
  if (ead4 !== undefined) mustEqual("PLAINTEXT_4 again", ead4.bytes, input);
  decodeError(input);
  const credential = decodeCcs(input);
  if (credential !== undefined) mustEqual("CRED again", encodeCcs(credential).bytes, input);
}
