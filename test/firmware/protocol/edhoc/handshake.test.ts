import { describe, expect, test } from "vitest";
import { fromHex, fromText, toHex } from "../../../../firmware/protocol/bytes.ts";
import { encodeCbor, encodeCborSequence } from "../../../../firmware/protocol/cbor.ts";
import { CIPHER_SUITES, METHODS } from "../../../../firmware/protocol/edhoc/suites.ts";
import { nobleEngine } from "../../../../hal/crypto/noble.ts";
import { opensslEngine } from "../../../../hal/node/openssl.ts";
import { accepted, Ends, HandMadePeer, knowing, newIdentity, reasonOf, run } from "./ends.ts";

const UNSPECIFIED = encodeCborSequence([1, "EDHOC failed"]);
const COMBINATIONS = METHODS.flatMap((method) =>
  CIPHER_SUITES.map((suite) => ({ method: method.number, suite: suite.number })),
);

describe("a run between our own ends", () => {
  test.each(COMBINATIONS)(
    "method $method with suite $suite gives both the same OSCORE keys",
    ({ method, suite }) => {
      for (const [initiatorEngine, responderEngine] of [
        [nobleEngine, opensslEngine],
        [opensslEngine, nobleEngine],
      ] as const) {
        const ends = new Ends({
          method,
          suite,
          seed: `${method}/${suite}`,
          initiatorEngine,
          responderEngine,
        });
        const [initiator, responder] = [ends.initiator(), ends.responder()];
        const { peerOfInitiator, peerOfResponder } = run(initiator, responder);
        expect(peerOfInitiator).toBe(ends.meter.credential);
        expect(peerOfResponder).toBe(ends.headEnd.credential);
        const keys = initiator.exportOscore();
        const { senderId, recipientId, ...common } = keys;
        expect(responder.exportOscore()).toEqual({ ...common, senderId: recipientId, recipientId: senderId });
        expect(keys.recipientId).toEqual(Uint8Array.of(1));
        expect(keys.senderId).toEqual(Uint8Array.of(2));
        expect(initiator.receiveMessage4(responder.message4())).toBe("confirmed");
        expect(initiator.exportOscore()).toEqual(keys);
      }
    },
  );

  test("method 3 with suite 2 and one-byte kids takes 37, 45 and 19 bytes", () => {
    const ends = new Ends({ method: 3, suite: 2, seed: "sizes" });
    const { message1, message2, message3 } = run(ends.initiator(), ends.responder());
    expect([message1, message2, message3].map((message) => message.length)).toEqual([37, 45, 19]);
  });

  test("its keys are new each time, and the same seed gives the same bytes", () => {
    const handshake = (ends: Ends) => {
      const [initiator, responder] = [ends.initiator(), ends.responder()];
      const { message1, message2, message3 } = run(initiator, responder);
      const { masterSecret, masterSalt } = initiator.exportOscore();
      return [message1, message2, message3, masterSecret, masterSalt].map(toHex);
    };
    const ends = new Ends({ method: 3, suite: 2, seed: "twice" });
    const [first, second] = [handshake(ends), handshake(ends)];
    for (const [i, bytes] of first.entries()) expect(second[i]).not.toBe(bytes);
    expect(handshake(new Ends({ method: 3, suite: 2, seed: "twice" }))).toEqual(first);
  });

  test("the exporter tells labels, contexts and lengths apart, and agrees at both ends", () => {
    const ends = new Ends({ method: 3, suite: 2, seed: "exporter" });
    const [initiator, responder] = [ends.initiator(), ends.responder()];
    run(initiator, responder);
    const uses: readonly [label: number, context: Uint8Array, length: number][] = [
      [32768, fromText("a"), 16],
      [32768, fromText("b"), 16],
      [32769, fromText("a"), 16],
      [32768, fromText("a"), 17],
    ];
    const [firstUse = [0, fromText(""), 0]] = uses;
    const exports = uses.map((use) => toHex(initiator.exporter(...use)));
    expect(new Set(exports.map((text) => text.slice(0, 32))).size).toBe(4);
    expect(uses.map((use) => toHex(responder.exporter(...use)))).toEqual(exports);
    initiator.keyUpdate(fromText("now"));
    expect(toHex(initiator.exporter(...firstUse))).not.toBe(exports[0]);
    responder.keyUpdate(fromText("now"));
    expect(responder.exporter(...firstUse)).toEqual(initiator.exporter(...firstUse));
  });

  test("connection identifiers of any form that OSCORE can use come through", () => {
    const pairs = [
      ["", "00"],
      ["17", "18"],
      ["20", "37"],
      ["38", "ff"],
      ["0102030405060708".slice(0, 14), "a1b2"],
    ] as const;
    for (const [ours, theirs] of pairs) {
      const ends = new Ends({ method: 3, suite: 2, seed: `ids ${ours}` });
      const [connectionId, chosen] = [fromHex(ours), fromHex(theirs)];
      if (connectionId === undefined || chosen === undefined) throw new Error("no hex");
      const initiator = ends.initiator({ connectionId });
      run(initiator, ends.responder({ chooseConnectionId: () => chosen }));
      expect(initiator.exportOscore()).toMatchObject({ senderId: chosen, recipientId: connectionId });
    }
  });
});

describe("keys", () => {
  test("are not to be had before the peer is proved", () => {
    const ends = new Ends({ method: 3, suite: 2, seed: "early" });
    const [initiator, responder] = [ends.initiator(), ends.responder()];
    const nothing = () => {
      expect(() => initiator.exportOscore()).toThrow("no keys");
      expect(() => responder.exportOscore()).toThrow("no keys");
      expect(() => responder.message4()).toThrow("no keys");
    };
    nothing();
    const message1 = initiator.message1();
    nothing();
    const { message2 } = accepted(responder.receiveMessage1(message1));
    nothing();
    accepted(initiator.receiveMessage2(message2));
    expect(() => responder.exportOscore()).toThrow("no keys");
  });

  test("of a completed session outlive an error, which anybody may have sent", () => {
    const ends = new Ends({ method: 3, suite: 2, seed: "error" });
    const [initiator, responder] = [ends.initiator(), ends.responder()];
    run(initiator, responder);
    expect(initiator.receiveError(UNSPECIFIED)).toEqual({ code: 1, text: "EDHOC failed" });
    expect(initiator.receiveMessage4(responder.message4())).toBe("confirmed");
  });

  test("are confirmed by message_4 once", () => {
    const ends = new Ends({ method: 3, suite: 2, seed: "message 4" });
    const [initiator, responder] = [ends.initiator(), ends.responder()];
    expect(initiator.receiveMessage4(Uint8Array.of(0x40))).toBe("unexpected");
    run(initiator, responder);
    const message4 = responder.message4();
    expect(responder.message4()).toEqual(message4);
    expect(initiator.receiveMessage4(message4)).toBe("confirmed");
    expect(initiator.receiveMessage4(message4)).toBe("unexpected");
    expect(initiator.exportOscore().masterSecret).toEqual(responder.exportOscore().masterSecret);
  });

  test("are gone after a message_4 that does not hold", () => {
    const ends = new Ends({ method: 3, suite: 2, seed: "message 4" });
    const [initiator, responder] = [ends.initiator(), ends.responder()];
    run(initiator, responder);
    const message4 = responder.message4();
    expect(initiator.receiveMessage4(message4.map((byte, i) => (i === 4 ? byte ^ 1 : byte)))).toBe(
      "decryption",
    );
    expect(initiator.receiveMessage4(message4)).toBe("unexpected");
    expect(() => initiator.exportOscore()).toThrow("no keys");
  });
});

describe("suites", () => {
  test("are negotiated: the initiator's most preferred one that both have, with all before it named", () => {
    const ends = new Ends({ method: 3, suite: 2, seed: "suites" });
    const suites = [2, 3, 5];
    const first = ends.initiator({ suites });
    const refusal = ends.responder({ suites: [5, 3] }).receiveMessage1(first.message1());
    if (!("reason" in refusal)) throw new Error("accepted");
    expect(refusal).toEqual({ error: encodeCborSequence([2, [5, 3]]), reason: "suite" });
    expect(first.receiveError(refusal.error)).toEqual({ code: 2, suites: [5, 3], nextSuite: 3 });
    expect(first.receiveMessage2(encodeCbor(new Uint8Array(50)))).toMatchObject({ failed: "malformed" });
    const second = ends.initiator({ suites, selectedSuite: 3 });
    const { message1 } = run(second, ends.responder({ suites: [5, 3] }));
    expect(toHex(message1.subarray(0, 4))).toBe("03820203");
  });

  test("that nobody shares leave no next one", () => {
    const initiator = new Ends({ method: 3, suite: 2, seed: "suites" }).initiator({ suites: [2, 3] });
    initiator.message1();
    expect(initiator.receiveError(encodeCborSequence([2, [0, 6]]))).toEqual({ code: 2, suites: [0, 6] });
  });

  test("that the error says are ours already leave no next one either: no endless loop", () => {
    const initiator = new Ends({ method: 3, suite: 2, seed: "suites" }).initiator({ suites: [2, 3] });
    initiator.message1();
    expect(initiator.receiveError(encodeCborSequence([2, 2]))).toEqual({ code: 2, suites: [2] });
  });

  test("less preferred than one that both have are refused", () => {
    const ends = new Ends({ method: 3, suite: 2, seed: "suites" });
    const message1 = ends.initiator({ suites: [3, 2], selectedSuite: 2 }).message1();
    expect(reasonOf(ends.responder({ suites: [2, 3] }).receiveMessage1(message1))).toBe("suite");
    expect(reasonOf(ends.responder({ suites: [2] }).receiveMessage1(message1))).toBe("accepted");
  });
});

describe("a set-up that cannot work throws at once", () => {
  const ends = new Ends({ method: 3, suite: 2, seed: "set-up" });
  const wrongKey = newIdentity(opensslEngine, ends.random, "X25519", "wrong");

  test.each([
    ["a key of another curve", () => ends.initiator({ identity: wrongKey })],
    ["a key that fits only some of the suites", () => ends.responder({ suites: [2, 0] })],
    ["an unknown method", () => ends.initiator({ method: 4 })],
    ["an unknown method to answer", () => ends.responder({ methods: [3, 8] })],
    ["an unknown suite", () => ends.initiator({ suites: [24] })],
    ["no suite", () => ends.responder({ suites: [] })],
    ["a selected suite that is not in the list", () => ends.initiator({ suites: [2], selectedSuite: 3 })],
    ["an identifier too long for OSCORE", () => ends.initiator({ connectionId: new Uint8Array(8) })],
    [
      "message_1 twice",
      () => {
        const initiator = ends.initiator();
        initiator.message1();
        initiator.message1();
      },
    ],
    [
      "a source of chance that gives no key",
      () =>
        ends.initiator({ random: { bytes: (n) => new Uint8Array(n), fork: () => ends.random } }).message1(),
    ],
  ])("%s", (_what, act) => {
    expect(act).toThrow();
  });
});

describe("external authorization data", () => {
  const padding = Uint8Array.of(0x00, 0x41, 0xe9, 0x00);
  const unknown = Uint8Array.of(0x05, 0x42, 0x01, 0x02, 0x07);
  const critical = Uint8Array.of(0x05, 0x24, 0x41, 0x01);
  const noPadding = new Uint8Array(0);
  const ends = new Ends({ method: 3, suite: 2, seed: "ead" });

  test.each([
    ["is ignored where it is padding", padding, "accepted"],
    ["is ignored where it is unknown and not critical", unknown, "accepted"],
    ["ends the session where it is critical", critical, "critical-ead"],
    ["ends the session where it is a value without a label", Uint8Array.of(0x41, 0x01), "malformed"],
  ])("%s", (_what, ead, expected) => {
    const peer = new HandMadePeer(ends);
    const initiator = ends.initiator();
    expect(reasonOf(initiator.receiveMessage2(peer.message2(initiator.message1(), ead)))).toBe(expected);
    expect(reasonOf(peer.talkTo(ends.responder(), ead, noPadding))).toBe(expected);
    expect(reasonOf(peer.talkTo(ends.responder(), noPadding, ead))).toBe(expected);
  });
});

describe("a look-up", () => {
  test("that finds nobody refuses the peer", () => {
    const ends = new Ends({ method: 3, suite: 2, seed: "nobody" });
    const initiator = ends.initiator({ resolve: knowing() });
    const { message2 } = accepted(ends.responder().receiveMessage1(initiator.message1()));
    expect(initiator.receiveMessage2(message2)).toEqual({ failed: "unknown-credential", error: UNSPECIFIED });
    const other = ends.initiator();
    const responder = ends.responder({ resolve: knowing() });
    const { message3 } = accepted(
      other.receiveMessage2(accepted(responder.receiveMessage1(other.message1())).message2),
    );
    expect(responder.receiveMessage3(message3)).toEqual({ error: UNSPECIFIED, reason: "unknown-credential" });
  });

  test("that finds more than anyone could try refuses the peer before any costly step", () => {
    const ends = new Ends({ method: 3, suite: 2, seed: "many" });
    const initiator = ends.initiator({
      resolve: () => Array.from({ length: 65 }, () => ends.meter.credential),
    });
    const { message2 } = accepted(ends.responder().receiveMessage1(initiator.message1()));
    expect(reasonOf(initiator.receiveMessage2(message2))).toBe("too-many-candidates");
  });
});
