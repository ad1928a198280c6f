import { describe, expect, test } from "vitest";
import { concat, equal, toHex } from "../../firmware/protocol/bytes.ts";
import { decodeCcs } from "../../firmware/protocol/cose/credential.ts";
import {
  decodeError,
  decodePlaintext2,
  decodePlaintext3,
  decodePlaintext4,
} from "../../firmware/protocol/edhoc/messages.ts";
import { integerBelow, SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import { Ends, fixedRandom, run } from "../firmware/protocol/edhoc/ends.ts";
import { FUZZ_INPUTS } from "../support/fuzz.ts";
import { RememberingEngine } from "../support/remembering-engine.ts";

const SEED = process.env["EDHOC_FUZZ_SEED"] ?? "edhoc";
/** Some of them cost a whole handshake. */
const MUTANTS = Math.max(2000, FUZZ_INPUTS / 5);

/** Bytes worth putting in: heads of each CBOR major type, lengths, critical labels, tags, breaks. */
const TELLING = [
  0x00, 0x17, 0x18, 0x20, 0x37, 0x38, 0x40, 0x41, 0x58, 0x5f, 0x60, 0x80, 0x9f, 0xa0, 0xa1, 0xbf, 0xc1, 0xf4,
  0xf5, 0xf9, 0xff,
];

/** One to three changes to the message: bits, bytes, cuts, insertions, doublings, or noise throughout. */
function mutate(random: SeededRandom, message: Uint8Array): Uint8Array {
  let bytes = message;
  for (let changes = 1 + integerBelow(random, 3); changes > 0; changes--) bytes = change(random, bytes);
  return bytes;
}

function change(random: SeededRandom, bytes: Uint8Array): Uint8Array {
  const at = integerBelow(random, bytes.length + 1);
  const telling = TELLING[integerBelow(random, TELLING.length)] ?? 0;
  const [head, tail] = [bytes.slice(0, at), bytes.slice(at)];
  switch (integerBelow(random, 8)) {
    case 0:
      return head;
    case 1:
      return tail;
    case 2:
      return concat(head, Uint8Array.of(telling), tail);
    case 3:
      return concat(head, tail.slice(1));
    case 4:
      return concat(head, random.bytes(1 + integerBelow(random, 40)), tail);
    case 5:
      return concat(head, Uint8Array.of(telling), tail.slice(1));
    case 6:
      return integerBelow(random, 20) === 0 ? random.bytes(integerBelow(random, 100)) : concat(bytes, tail);
    default:
      return bytes.map((byte, i) => (i === at ? byte ^ (1 << integerBelow(random, 8)) : byte));
  }
}

/** Mutants that are not the message itself. */
function* mutantsOf(name: string, message: Uint8Array, count = MUTANTS): Generator<Uint8Array> {
  const random = new SeededRandom(SEED).fork(name);
  for (let i = 0; i < count; ) {
    const mutant = mutate(random, message);
    if (equal(mutant, message)) continue;
    i++;
    yield mutant;
  }
}

describe(`mutants of EDHOC messages (EDHOC_FUZZ_SEED=${SEED})`, () => {
  const memory = new RememberingEngine();
  const crypto = memory.over(opensslEngine);
  const ends = new Ends({
    method: 3,
    suite: 0,
    seed: SEED,
    initiatorEngine: crypto,
    responderEngine: crypto,
  });
  const x = fixedRandom(ends.random.bytes(32));
  const y = fixedRandom(ends.random.bytes(32));
  const responder = ends.responder({ random: y });
  const initiator = ends.initiator({ random: x });
  const honest = { ...run(initiator, responder), message4: responder.message4() };
  initiator.receiveMessage4(honest.message4);
  memory.learnNoMore();

  test("of message_1 throw nothing and lead to no session", () => {
    let answered = 0;
    for (const mutant of mutantsOf("message 1", honest.message1)) {
      const answer = ends.responder({ random: y }).receiveMessage1(mutant);
      if (!("message2" in answer)) continue;
      answered++;
      const initiator = ends.initiator({ random: x });
      initiator.message1();
      if ("message3" in initiator.receiveMessage2(answer.message2))
        throw new Error(`accepted: ${toHex(mutant)}`);
    }
    expect(answered).toBeGreaterThan(MUTANTS / 100);
    expect(answered).toBeLessThan(MUTANTS / 2);
  });

  test("of message_2 throw nothing and give the initiator no keys", () => {
    const reasons = new Set<string>();
    for (const mutant of mutantsOf("message 2", honest.message2)) {
      const initiator = ends.initiator({ random: x });
      initiator.message1();
      const outcome = initiator.receiveMessage2(mutant);
      if (!("failed" in outcome)) throw new Error(`accepted: ${toHex(mutant)}`);
      reasons.add(outcome.failed);
    }
    for (const reason of ["malformed", "unknown-credential", "proof"]) expect(reasons).toContain(reason);
  });

  test("of message_3 throw nothing and give the responder no keys", () => {
    for (const mutant of mutantsOf("message 3", honest.message3)) {
      const responder = ends.responder({ random: y });
      responder.receiveMessage1(honest.message1);
      const outcome = responder.receiveMessage3(mutant);
      if (!("reason" in outcome)) throw new Error(`accepted: ${toHex(mutant)}`);
    }
  });

  test("of message_4 throw nothing and end the session", () => {
    for (const mutant of mutantsOf("message 4", honest.message4)) {
      const initiator = ends.initiator({ random: x });
      initiator.message1();
      initiator.receiveMessage2(honest.message2);
      if (initiator.receiveMessage4(mutant) === "confirmed") throw new Error(`accepted: ${toHex(mutant)}`);
    }
  });

  test("of plaintexts, errors and credentials throw nothing", () => {
    const plaintext2 = Uint8Array.of(0x05, 0x21, 0x48, 1, 2, 3, 4, 5, 6, 7, 8, 0x00, 0x41, 0xe9, 0x20);
    const sources = [plaintext2, Uint8Array.of(0x02, 0x82, 0x02, 0x03), ends.meter.credential.bytes];
    const mutants = sources.flatMap((source, i) => [...mutantsOf(`decoders ${i}`, source, MUTANTS / 4)]);
    for (const decode of [decodePlaintext2, decodePlaintext3, decodePlaintext4, decodeError, decodeCcs]) {
      const decoded = mutants.filter((mutant) => decode(mutant) !== undefined);
      // Had it refused everything, its inside would not have been reached.
      expect(decoded.length).toBeGreaterThan(MUTANTS / 400);
    }
  });
});
