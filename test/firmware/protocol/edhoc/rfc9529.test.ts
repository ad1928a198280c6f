import { describe, expect, test } from "vitest";
import { EMPTY, fromHex, toHex } from "../../../../firmware/protocol/bytes.ts";
import {
  type AuthenticationCredential,
  type CredentialKey,
  decodeCcs,
} from "../../../../firmware/protocol/cose/credential.ts";
import { encodeIdentifier } from "../../../../firmware/protocol/edhoc/identifiers.ts";
import { EdhocInitiator } from "../../../../firmware/protocol/edhoc/initiator.ts";
import {
  applyKeystream2,
  authenticatedPrk,
  edhocKdf,
  KDF_LABEL,
  nextTranscriptHash,
  openCiphertext,
  sealCiphertext,
  transcriptHash2,
} from "../../../../firmware/protocol/edhoc/key-schedule.ts";
import {
  decodePlaintext2,
  encodeCiphertext,
  encodePlaintext2,
  encodePlaintext3,
  NO_EXTERNAL_DATA,
} from "../../../../firmware/protocol/edhoc/messages.ts";
import type { EdhocIdentity } from "../../../../firmware/protocol/edhoc/party.ts";
import { composeProof, statementMac, verifyProof } from "../../../../firmware/protocol/edhoc/proof.ts";
import { EdhocResponder } from "../../../../firmware/protocol/edhoc/responder.ts";
import { cipherSuite, edhocMethod } from "../../../../firmware/protocol/edhoc/suites.ts";
import { INVALID, TRACE_2, TRACE_3, TRACE_3_FIRST_ATTEMPT } from "../../../vectors/edhoc/rfc9529.ts";
import { accepted, ENGINES, Ends, fixedRandom, knowing, newIdentity, reasonOf } from "./ends.ts";

const TRACES = [
  { name: "section 2, method 0, suite 0, x5t", method: 0, suites: [0], trace: TRACE_2 },
  { name: "section 3, method 3, suite 2, kid", method: 3, suites: [6, 2], trace: TRACE_3 },
] as const;

type Trace = (typeof TRACES)[number]["trace"];

function hex(text: string): Uint8Array {
  const bytes = fromHex(text);
  if (bytes === undefined) throw new Error(`no hex: ${text}`);
  return bytes;
}

/** Certificates of section 2 are opaque here, with the key given apart; CCS of section 3 hold theirs. */
function identityOf(trace: Trace, role: "I" | "R"): EdhocIdentity {
  const bytes = hex(trace[`cred${role}`]);
  const key: CredentialKey = decodeCcs(bytes)?.key ?? {
    kind: "Ed25519",
    publicKey: hex(trace[`publicKey${role}`]),
  };
  const credential = { bytes, idCred: hex(trace[`idCred${role}`]), key };
  return { credential, secretKey: hex(trace[`secretKey${role}`]) };
}

describe.each(ENGINES)("RFC 9529 with the $name engine", (crypto) => {
  describe.each(TRACES)("$name", ({ method, suites, trace }) => {
    const selected = suites.at(-1) ?? 0;
    const suite = cipherSuite(selected);
    const kinds = edhocMethod(method);
    const initiatorIdentity = identityOf(trace, "I");
    const responderIdentity = identityOf(trace, "R");

    const newInitiator = () =>
      new EdhocInitiator<AuthenticationCredential>({
        crypto,
        random: fixedRandom(hex(trace.x)),
        method,
        suites,
        selectedSuite: selected,
        identity: initiatorIdentity,
        connectionId: hex(trace.connectionIdI),
        resolve: knowing(responderIdentity.credential),
      });
    const newResponder = () =>
      new EdhocResponder<AuthenticationCredential>({
        crypto,
        random: fixedRandom(hex(trace.y)),
        methods: [method],
        suites: [selected],
        identity: responderIdentity,
        resolve: knowing(initiatorIdentity.credential),
        chooseConnectionId: () => hex(trace.connectionIdR),
      });

    test("both roles write its messages and export its OSCORE keys, before and after a key update", () => {
      const initiator = newInitiator();
      const responder = newResponder();
      const message1 = initiator.message1();
      expect(toHex(message1)).toBe(trace.message1);
      const answer = accepted(responder.receiveMessage1(message1));
      expect(toHex(answer.message2)).toBe(trace.message2);
      expect(toHex(answer.connectionId)).toBe(trace.connectionIdR);
      const outcome = accepted(initiator.receiveMessage2(answer.message2));
      expect(toHex(outcome.message3)).toBe(trace.message3);
      expect(outcome.peer).toBe(responderIdentity.credential);
      expect(accepted(responder.receiveMessage3(outcome.message3)).peer).toBe(initiatorIdentity.credential);
      const message4 = responder.message4();
      expect(toHex(message4)).toBe(trace.message4);
      expect(initiator.receiveMessage4(message4)).toBe("confirmed");

      const ids = [hex(trace.connectionIdR), hex(trace.connectionIdI)] as const;
      for (const [end, [senderId, recipientId]] of [
        [initiator, ids],
        [responder, [ids[1], ids[0]]],
      ] as const) {
        const aead = suite.applicationAead;
        const before = { masterSecret: hex(trace.masterSecret), masterSalt: hex(trace.masterSalt) };
        expect(end.exportOscore()).toEqual({ ...before, senderId, recipientId, aead });
        expect(toHex(end.exporter(0, EMPTY, 16))).toBe(trace.masterSecret);
        end.keyUpdate(hex(trace.updateContext));
        const after = {
          masterSecret: hex(trace.updatedMasterSecret),
          masterSalt: hex(trace.updatedMasterSalt),
        };
        expect(end.exportOscore()).toEqual({ ...after, senderId, recipientId, aead });
      }
    });

    test("each role takes the messages of the trace, whatever the other end is", () => {
      const initiator = newInitiator();
      initiator.message1();
      accepted(initiator.receiveMessage2(hex(trace.message2)));
      expect(initiator.receiveMessage4(hex(trace.message4))).toBe("confirmed");
      const responder = newResponder();
      accepted(responder.receiveMessage1(hex(trace.message1)));
      accepted(responder.receiveMessage3(hex(trace.message3)));
    });

    test("ephemeral and static public keys follow from the secret ones", () => {
      const x = (publicKey: Uint8Array) =>
        toHex(publicKey.length === 65 ? publicKey.slice(1, 33) : publicKey);
      expect(x(crypto.agreementPublicKey(suite.curve, hex(trace.x)))).toBe(trace.publicKeyX);
      expect(x(crypto.agreementPublicKey(suite.curve, hex(trace.y)))).toBe(trace.publicKeyY);
      for (const { credential, secretKey } of [initiatorIdentity, responderIdentity]) {
        const publicKey =
          method === 0
            ? crypto.signingPublicKey(suite.signature, secretKey)
            : crypto.agreementPublicKey(suite.curve, secretKey);
        expect(publicKey).toEqual(credential.key.publicKey);
      }
    });

    test("the transcript hashes and the keys before authentication are the trace's", () => {
      expect(toHex(crypto.sha256(hex(trace.message1)))).toBe(trace.message1Hash);
      expect(toHex(transcriptHash2(crypto, hex(trace.publicKeyY), hex(trace.message1Hash)))).toBe(trace.th2);
      const th3 = nextTranscriptHash(crypto, hex(trace.th2), hex(trace.plaintext2), hex(trace.credR));
      expect(toHex(th3)).toBe(trace.th3);
      const th4 = nextTranscriptHash(crypto, hex(trace.th3), hex(trace.plaintext3), hex(trace.credI));
      expect(toHex(th4)).toBe(trace.th4);
      for (const [secretKey, publicKey] of [
        [trace.x, trace.publicKeyY],
        [trace.y, trace.publicKeyX],
      ] as const) {
        const shared = crypto.sharedSecret(suite.curve, hex(secretKey), hex(publicKey));
        expect(toHex(shared ?? EMPTY)).toBe(trace.sharedXY);
      }
      expect(toHex(crypto.hkdfExtract(hex(trace.th2), hex(trace.sharedXY)))).toBe(trace.prk2e);
      const keystream = applyKeystream2(
        crypto,
        hex(trace.prk2e),
        hex(trace.th2),
        new Uint8Array(hex(trace.plaintext2).length),
      );
      expect(toHex(keystream)).toBe(trace.keystream2);
    });

    test("the proofs, and the keys that they make, are the trace's on both sides", () => {
      const rounds = [
        {
          authentication: kinds.responder,
          identity: responderIdentity,
          ephemeral: { own: trace.x, other: trace.publicKeyX },
          from: { message: 2, prk: hex(trace.prk2e), transcriptHash: hex(trace.th2) },
          connectionId: encodeIdentifier(hex(trace.connectionIdR)),
          expected: { prk: trace.prk3e2m, mac: trace.mac2, proof: trace.proof2 },
        },
        {
          authentication: kinds.initiator,
          identity: initiatorIdentity,
          ephemeral: { own: trace.y, other: trace.publicKeyY },
          from: { message: 3, prk: hex(trace.prk3e2m), transcriptHash: hex(trace.th3) },
          connectionId: EMPTY,
          expected: { prk: trace.prk4e3m, mac: trace.mac3, proof: trace.proof3 },
        },
      ] as const;
      for (const { authentication, identity, ephemeral, from, connectionId, expected } of rounds) {
        const { credential, secretKey } = identity;
        const statement = { ...from, connectionId, idCred: credential.idCred, credential, ead: EMPTY };
        const composed = composeProof(crypto, suite, authentication, statement, {
          secretKey,
          peerKey: hex(ephemeral.other),
        });
        expect(composed).toEqual({ proof: hex(expected.proof), prk: hex(expected.prk) });
        const keys = { secretKey: hex(ephemeral.own), proof: hex(expected.proof) };
        const verified = verifyProof(crypto, suite, authentication, statement, keys);
        expect(toHex(verified ?? EMPTY)).toBe(expected.prk);
        const mac = statementMac(crypto, suite, authentication, statement, hex(expected.prk));
        expect(toHex(mac)).toBe(expected.mac);
      }
    });

    test("plaintexts, their keys and ciphertexts are the trace's", () => {
      const plaintext2 = {
        connectionId: hex(trace.connectionIdR),
        idCred: hex(trace.idCredR),
        proof: hex(trace.proof2),
        ead: NO_EXTERNAL_DATA,
      };
      expect(toHex(encodePlaintext2(plaintext2))).toBe(trace.plaintext2);
      expect(decodePlaintext2(hex(trace.plaintext2))).toEqual(plaintext2);
      const { idCredI, proof3, plaintext3 } = trace;
      const fields3 = { idCred: hex(idCredI), proof: hex(proof3), ead: NO_EXTERNAL_DATA };
      expect(toHex(encodePlaintext3(fields3))).toBe(plaintext3);

      const labels = [
        [trace.prk3e2m, KDF_LABEL.key3, trace.th3, trace.key3],
        [trace.prk3e2m, KDF_LABEL.iv3, trace.th3, trace.iv3],
        [trace.prk4e3m, KDF_LABEL.key4, trace.th4, trace.key4],
        [trace.prk4e3m, KDF_LABEL.iv4, trace.th4, trace.iv4],
        [trace.prk4e3m, KDF_LABEL.prkOut, trace.th4, trace.prkOut],
        [trace.prkOut, KDF_LABEL.prkExporter, "", trace.prkExporter],
        [trace.prkOut, KDF_LABEL.keyUpdate, trace.updateContext, trace.updatedPrkOut],
        [trace.updatedPrkOut, KDF_LABEL.prkExporter, "", trace.updatedPrkExporter],
      ] as const;
      for (const [prk, label, context, expected] of labels) {
        expect(toHex(edhocKdf(crypto, hex(prk), label, hex(context), expected.length / 2))).toBe(expected);
      }
      const seals = [
        [{ message: 3, prk: hex(trace.prk3e2m), transcriptHash: hex(trace.th3) }, plaintext3, trace.message3],
        [{ message: 4, prk: hex(trace.prk4e3m), transcriptHash: hex(trace.th4) }, "", trace.message4],
      ] as const;
      for (const [seal, plaintext, message] of seals) {
        const ciphertext = sealCiphertext(crypto, suite, seal, hex(plaintext));
        expect(toHex(encodeCiphertext(ciphertext))).toBe(message);
        expect(toHex(openCiphertext(crypto, suite, seal, ciphertext) ?? EMPTY)).toBe(plaintext);
      }
    });
  });

  test("section 3: static keys go into the key schedule by their own salts", () => {
    const suite = cipherSuite(2);
    expect(toHex(edhocKdf(crypto, hex(TRACE_3.prk2e), KDF_LABEL.salt3e2m, hex(TRACE_3.th2), 32))).toBe(
      TRACE_3.salt3e2m,
    );
    expect(toHex(edhocKdf(crypto, hex(TRACE_3.prk3e2m), KDF_LABEL.salt4e3m, hex(TRACE_3.th3), 32))).toBe(
      TRACE_3.salt4e3m,
    );
    const pairs = [
      [TRACE_3.secretKeyR, TRACE_3.publicKeyX, TRACE_3.sharedRX],
      [TRACE_3.x, TRACE_3.publicKeyR, TRACE_3.sharedRX],
      [TRACE_3.secretKeyI, TRACE_3.publicKeyY, TRACE_3.sharedIY],
      [TRACE_3.y, TRACE_3.publicKeyI, TRACE_3.sharedIY],
    ] as const;
    for (const [secretKey, publicKey, shared] of pairs) {
      expect(toHex(crypto.sharedSecret("P-256", hex(secretKey), hex(publicKey)) ?? EMPTY)).toBe(shared);
    }
    const halves = { secretKey: hex(TRACE_3.x), publicKey: hex(TRACE_3.publicKeyR) };
    const from = { message: 2, prk: hex(TRACE_3.prk2e), transcriptHash: hex(TRACE_3.th2) } as const;
    expect(toHex(authenticatedPrk(crypto, suite, "static-dh", from, halves) ?? EMPTY)).toBe(TRACE_3.prk3e2m);
  });

  test("section 3: a suite that the responder lacks is answered by its own, and the second attempt names both", () => {
    const ends = new Ends({ method: 3, suite: 2, seed: "first attempt" });
    const refusal = ends.responder({ crypto }).receiveMessage1(hex(TRACE_3_FIRST_ATTEMPT.message1));
    expect(refusal).toEqual({ error: hex(TRACE_3_FIRST_ATTEMPT.error), reason: "suite" });
    const first = ends.initiator({
      suites: [6, 2],
      identity: newIdentity(crypto, ends.random, "X25519", "head-end"),
      connectionId: hex(TRACE_3_FIRST_ATTEMPT.connectionIdI),
    });
    expect(toHex(first.message1())).toMatch(/^03065820.{64}0e$/);
    expect(first.receiveError(hex(TRACE_3_FIRST_ATTEMPT.error))).toEqual({
      code: 2,
      suites: [2],
      nextSuite: 2,
    });
    expect(toHex(ends.initiator({ suites: [6, 2], selectedSuite: 2 }).message1())).toMatch(/^03820602.*01$/);
  });

  describe("section 4", () => {
    test.each(INVALID.filter(({ kind }) => kind === "message_1"))(
      "refuses message_1: $what",
      ({ hex: message }) => {
        for (const suite of [0, 2]) {
          const responder = new Ends({
            method: 3,
            suite,
            seed: "invalid",
            responderEngine: crypto,
          }).responder();
          expect(reasonOf(responder.receiveMessage1(hex(message)))).not.toBe("accepted");
        }
      },
    );

    test("refuses a bad key for being one, and not for another reason", () => {
      const reasons = INVALID.filter(({ what }) => /representation|point|low order/.test(what)).map(
        ({ hex: message }) => {
          const suite = hex(message)[1] ?? 0;
          const ends = new Ends({ method: 3, suite, seed: "invalid", responderEngine: crypto });
          return reasonOf(ends.responder().receiveMessage1(hex(message)));
        },
      );
      expect(reasons).toEqual(["public-key", "public-key", "public-key"]);
    });

    test.each(INVALID.filter(({ kind }) => kind === "message_2"))(
      "refuses message_2: $what",
      ({ hex: message }) => {
        const initiator = new Ends({
          method: 3,
          suite: 2,
          seed: "invalid",
          initiatorEngine: crypto,
        }).initiator();
        initiator.message1();
        expect(reasonOf(initiator.receiveMessage2(hex(message)))).toBe("malformed");
      },
    );
  });
});

test.each(INVALID.filter(({ kind }) => kind === "PLAINTEXT_2"))(
  "RFC 9529 section 4: a plaintext is none or its MAC cannot hold: $what",
  ({ hex: plaintext, what }) => {
    const decoded = decodePlaintext2(hex(plaintext));
    // The length of a MAC is the suite's to know: such a plaintext falls with its proof.
    if (what.includes("length of mac")) expect(decoded?.proof).toHaveLength(4);
    else expect(decoded).toBeUndefined();
  },
);
