import { describe, expect, test } from "vitest";
import { concat, EMPTY, fromHex } from "../../../../firmware/protocol/bytes.ts";
import { encodeCborSequence } from "../../../../firmware/protocol/cbor.ts";
import { type Credential, encodeCcs } from "../../../../firmware/protocol/cose/credential.ts";
import type { EdhocInitiator } from "../../../../firmware/protocol/edhoc/initiator.ts";
import { encodeMessage1, encodeMessage2 } from "../../../../firmware/protocol/edhoc/messages.ts";
import type { EdhocResponder } from "../../../../firmware/protocol/edhoc/responder.ts";
import { SeededRandom } from "../../../../hal/emulated/seeded-random.ts";
import { accepted, ENGINES, Ends, HandMadePeer, knowing, reasonOf, run, withKid } from "./ends.ts";

const EVERY_BIT = [0, 1, 2, 3, 4, 5, 6, 7];

function newEnds(seed: string): Ends {
  return new Ends({ method: 3, suite: 2, seed });
}

function expectNoKeys(...ends: readonly (EdhocInitiator | EdhocResponder)[]): void {
  for (const end of ends) expect(() => end.exportOscore()).toThrow("no keys");
}

function withFlippedBit(message: Uint8Array, at: number, bit: number): Uint8Array {
  return message.map((byte, i) => (i === at ? byte ^ (1 << bit) : byte));
}

/** All that differ from the message in one bit, lack bytes at the end, or have some more. */
function damaged(message: Uint8Array): Uint8Array[] {
  const flipped = [...message.keys()].flatMap((at) =>
    EVERY_BIT.map((bit) => withFlippedBit(message, at, bit)),
  );
  const truncated = [...message.keys()].map((length) => message.slice(0, length));
  const extended = [[0x00], [0x20], [0xff], [0x40, 0x40]].map((more) =>
    concat(message, Uint8Array.from(more)),
  );
  return [...flipped, ...truncated, ...extended, concat(message, message)];
}

describe("one bit flipped, bytes lost or bytes added", () => {
  test("in message_1 give no session, at the latest when message_2 comes back", () => {
    const ends = newEnds("bits of message 1");
    const stream = new SeededRandom("ephemeral");
    const message1 = ends.initiator({ random: stream.fork("x") }).message1();
    for (const bytes of damaged(message1)) {
      const initiator = ends.initiator({ random: stream.fork("x") });
      initiator.message1();
      const responder = ends.responder({ random: stream.fork("y") });
      const answer = responder.receiveMessage1(bytes);
      if ("message2" in answer)
        expect(reasonOf(initiator.receiveMessage2(answer.message2))).not.toBe("accepted");
      expectNoKeys(initiator, responder);
    }
  });

  test("in message_2 give no keys, and the genuine one that follows is still taken", () => {
    const ends = newEnds("bits of message 2");
    const stream = new SeededRandom("ephemeral");
    const message1 = ends.initiator({ random: stream.fork("x") }).message1();
    const { message2 } = accepted(ends.responder().receiveMessage1(message1));
    for (const bytes of damaged(message2)) {
      const initiator = ends.initiator({ random: stream.fork("x") });
      initiator.message1();
      expect(reasonOf(initiator.receiveMessage2(bytes))).not.toBe("accepted");
      expectNoKeys(initiator);
      expect(reasonOf(initiator.receiveMessage2(message2))).toBe("accepted");
    }
  });

  test("in message_2, eight of them end the initiator's session, since each costs a key agreement", () => {
    const ends = newEnds("bits of message 2");
    const initiator = ends.initiator();
    const { message2 } = accepted(ends.responder().receiveMessage1(initiator.message1()));
    for (const bytes of damaged(message2).slice(0, 8)) initiator.receiveMessage2(bytes);
    expect(reasonOf(initiator.receiveMessage2(message2))).toBe("unexpected");
    expectNoKeys(initiator);
  });

  test("in message_3 give no keys, and the genuine one that follows is still taken", () => {
    const ends = newEnds("bits of message 3");
    const stream = new SeededRandom("ephemeral");
    const initiator = ends.initiator();
    const message1 = initiator.message1();
    const { message2 } = accepted(ends.responder({ random: stream.fork("y") }).receiveMessage1(message1));
    const { message3 } = accepted(initiator.receiveMessage2(message2));
    for (const bytes of damaged(message3)) {
      const responder = ends.responder({ random: stream.fork("y") });
      responder.receiveMessage1(message1);
      expect(["malformed", "decryption"]).toContain(reasonOf(responder.receiveMessage3(bytes)));
      expectNoKeys(responder);
      expect(reasonOf(responder.receiveMessage3(message3))).toBe("accepted");
    }
  });

  test("in message_3, four of them end the responder's session", () => {
    const ends = newEnds("bits of message 3");
    const initiator = ends.initiator();
    const responder = ends.responder();
    const { message2 } = accepted(responder.receiveMessage1(initiator.message1()));
    const { message3 } = accepted(initiator.receiveMessage2(message2));
    for (const bytes of damaged(message3).slice(0, 4)) responder.receiveMessage3(bytes);
    expect(responder.isOpen).toBe(false);
    expect(reasonOf(responder.receiveMessage3(message3))).toBe("unexpected");
    expectNoKeys(responder);
  });
});

describe("an attacker on the way", () => {
  test("downgrade: a weaker suite written into message_1 fails at message_2", () => {
    const ends = newEnds("downgrade");
    const initiator = ends.initiator({ suites: [3, 2] });
    const message1 = initiator.message1();
    expect(message1[1]).toBe(3);
    const weakened = message1.map((byte, i) => (i === 1 ? 2 : byte));
    const { message2 } = accepted(ends.responder({ suites: [2, 3] }).receiveMessage1(weakened));
    expect(reasonOf(initiator.receiveMessage2(message2))).not.toBe("accepted");
    expectNoKeys(initiator);
  });

  test("downgrade: a forged suites error does not lead to the weaker suite", () => {
    const ends = newEnds("forged error");
    const first = ends.initiator({ suites: [3, 2] });
    first.message1();
    const error = first.receiveError(encodeCborSequence([2, 2]));
    expect(error?.nextSuite).toBe(2);
    const second = ends.initiator({ suites: [3, 2], selectedSuite: 2 });
    const responder = ends.responder({ suites: [2, 3] });
    expect(reasonOf(responder.receiveMessage1(second.message1()))).toBe("suite");
  });

  test("method substitution: refused where not configured, and fails at message_2 where it is", () => {
    const ends = newEnds("method");
    for (const method of [0, 1, 2, 4, 8, 23]) {
      const message1 = ends.initiator().message1();
      const changed = message1.map((byte, i) => (i === 0 ? method : byte));
      expect(reasonOf(ends.responder().receiveMessage1(changed))).toBe("method");
    }
    for (const method of [0, 1, 2]) {
      const initiator = ends.initiator();
      const changed = initiator.message1().map((byte, i) => (i === 0 ? method : byte));
      const { message2 } = accepted(ends.responder({ methods: [0, 1, 2, 3] }).receiveMessage1(changed));
      expect(reasonOf(initiator.receiveMessage2(message2))).not.toBe("accepted");
      expectNoKeys(initiator);
    }
  });

  test("replay: message_3 is taken once, and its repetition leaves the session and its keys alone", () => {
    const ends = newEnds("replay");
    const [initiator, responder] = [ends.initiator(), ends.responder()];
    const { message1, message2, message3 } = run(initiator, responder);
    const keys = responder.exportOscore();
    expect(reasonOf(responder.receiveMessage3(message3))).toBe("unexpected");
    expect(reasonOf(responder.receiveMessage1(message1))).toBe("unexpected");
    expect(reasonOf(initiator.receiveMessage2(message2))).toBe("unexpected");
    expect(responder.exportOscore()).toEqual(keys);
    expect(initiator.exportOscore().masterSecret).toEqual(keys.masterSecret);
  });

  test("replay: a recorded run's messages open no new session", () => {
    const ends = newEnds("recorded");
    const recorded = run(ends.initiator(), ends.responder());
    const responder = ends.responder();
    accepted(responder.receiveMessage1(recorded.message1));
    expect(reasonOf(responder.receiveMessage3(recorded.message3))).toBe("decryption");
    const initiator = ends.initiator();
    initiator.message1();
    expect(reasonOf(initiator.receiveMessage2(recorded.message2))).not.toBe("accepted");
    expectNoKeys(responder, initiator);
  });

  test("mixed runs: message_3 of one run does not complete another", () => {
    const ends = newEnds("two runs");
    const runs = ["one", "two"].map(() => {
      const [initiator, responder] = [ends.initiator(), ends.responder()];
      const { message2 } = accepted(responder.receiveMessage1(initiator.message1()));
      return { responder, message3: accepted(initiator.receiveMessage2(message2)).message3 };
    });
    const [one, two] = runs;
    if (one === undefined || two === undefined) throw new Error("two runs");
    expect(reasonOf(one.responder.receiveMessage3(two.message3))).toBe("decryption");
    expectNoKeys(one.responder);
  });

  test("out of turn: message_3 before message_1 is nothing", () => {
    const ends = newEnds("turn");
    const { message3 } = run(ends.initiator(), ends.responder());
    const responder = ends.responder();
    expect(reasonOf(responder.receiveMessage3(message3))).toBe("unexpected");
    const initiator = ends.initiator();
    run(initiator, responder);
  });

  test("reflection: a party's own messages are no answers to it", () => {
    const ends = newEnds("reflection");
    const initiator = ends.initiator();
    const message1 = initiator.message1();
    expect(reasonOf(initiator.receiveMessage2(message1))).toBe("malformed");
    const complete = ends.initiator();
    const { message3 } = run(complete, ends.responder());
    expect(complete.receiveMessage4(message3)).toBe("decryption");
    expectNoKeys(initiator, complete);
  });

  test("selfie: a party that is both roles does not take itself for a peer, even where it is enrolled", () => {
    const ends = newEnds("selfie");
    const all = knowing(ends.headEnd.credential, ends.meter.credential);
    const initiator = ends.initiator({ identity: ends.meter, resolve: all });
    const { message2 } = accepted(ends.responder({ resolve: all }).receiveMessage1(initiator.message1()));
    expect(reasonOf(initiator.receiveMessage2(message2))).toBe("own-credential");
    expectNoKeys(initiator);
    const other = ends.initiator({ identity: ends.meter, resolve: knowing(ends.headEnd.credential) });
    const responder = ends.responder({ identity: ends.headEnd, resolve: all });
    const { message3 } = accepted(
      other.receiveMessage2(accepted(responder.receiveMessage1(other.message1())).message2),
    );
    expect(reasonOf(responder.receiveMessage3(message3))).toBe("accepted");
  });

  test("selfie: neither role takes its own key for a peer's under another name", () => {
    const ends = newEnds("alias");
    const alias = encodeCcs({ ...ends.meter.credential, id: "alias" });
    const initiator = ends.initiator({ identity: ends.meter, resolve: knowing(alias) });
    const { message2 } = accepted(ends.responder().receiveMessage1(initiator.message1()));
    expect(reasonOf(initiator.receiveMessage2(message2))).toBe("own-credential");
    const aliasEnds = Object.assign(newEnds("alias"), { headEnd: { ...ends.meter, credential: alias } });
    const responder = ends.responder({ resolve: knowing(alias) });
    expect(reasonOf(new HandMadePeer(aliasEnds).talkTo(responder, EMPTY, EMPTY))).toBe("own-credential");
    expectNoKeys(initiator, responder);
  });

  test("misbinding: meter A's answer relayed as meter B's is refused, or is A's by name", () => {
    const ends = newEnds("misbinding");
    const meterA = ends.meter;
    const meterB = withKid(ends.identity("responder", "meter-b"), meterA.credential.kid);
    const asksB = ends.initiator({ resolve: knowing(meterB.credential) });
    const { message2 } = accepted(ends.responder({ identity: meterA }).receiveMessage1(asksB.message1()));
    expect(reasonOf(asksB.receiveMessage2(message2))).toBe("proof");
    expectNoKeys(asksB);
    const asksAny = ends.initiator({ resolve: knowing(meterB.credential, meterA.credential) });
    const answer = accepted(ends.responder({ identity: meterA }).receiveMessage1(asksAny.message1()));
    expect(accepted(asksAny.receiveMessage2(answer.message2)).peer).toBe(meterA.credential);
  });

  test("unknown key share: a credential with the meter's key under another name never stands for it", () => {
    const ends = newEnds("key share");
    const impostor = encodeCcs({ ...ends.meter.credential, id: "mallory" });
    const asksImpostor = ends.initiator({ resolve: knowing(impostor) });
    const { message2 } = accepted(ends.responder().receiveMessage1(asksImpostor.message1()));
    expect(reasonOf(asksImpostor.receiveMessage2(message2))).toBe("proof");
    const asksBoth = ends.initiator({ resolve: knowing(impostor, ends.meter.credential) });
    const answer = accepted(ends.responder().receiveMessage1(asksBoth.message1()));
    expect(accepted(asksBoth.receiveMessage2(answer.message2)).peer).toBe(ends.meter.credential);
  });
});

describe("credentials with the same kid", () => {
  test("are all tried, wherever the right one stands in the list, by both roles", () => {
    const ends = newEnds("collision");
    const { kid } = ends.meter.credential;
    const headEnd = withKid(ends.headEnd, kid);
    const others = ["one", "two"].map((id) => withKid(ends.identity("responder", id), kid).credential);
    for (const place of [0, 1, 2]) {
      const meters = others.toSpliced(place, 0, ends.meter.credential);
      const headEnds = others.toSpliced(place, 0, headEnd.credential);
      const { peerOfInitiator, peerOfResponder } = run(
        ends.initiator({ identity: headEnd, resolve: knowing(...meters) }),
        ends.responder({ resolve: knowing(...headEnds) }),
      );
      expect(peerOfInitiator).toBe(ends.meter.credential);
      expect(peerOfResponder).toBe(headEnd.credential);
    }
  });

  test("do not help who lacks the secret key, and a candidate of another kind of key is passed over", () => {
    const ends = newEnds("same kid");
    const { kid } = ends.headEnd.credential;
    const stranger = withKid(ends.identity("initiator", "stranger"), kid);
    const otherKind = withKid(new Ends({ method: 0, suite: 0, seed: "kind" }).headEnd, kid);
    const responder = ends.responder({ resolve: knowing(otherKind.credential, ends.headEnd.credential) });
    const initiator = ends.initiator({ identity: stranger });
    const { message2 } = accepted(responder.receiveMessage1(initiator.message1()));
    const { message3 } = accepted(initiator.receiveMessage2(message2));
    expect(reasonOf(responder.receiveMessage3(message3))).toBe("proof");
    expectNoKeys(responder);
  });

  test("with signatures: the signature of another key does not hold", () => {
    for (const suite of [0, 2]) {
      const ends = new Ends({ method: 0, suite, seed: "signatures" });
      const stranger = withKid(ends.identity("responder", "stranger"), ends.meter.credential.kid);
      const initiator = ends.initiator();
      const { message2 } = accepted(
        ends.responder({ identity: stranger }).receiveMessage1(initiator.message1()),
      );
      expect(reasonOf(initiator.receiveMessage2(message2))).toBe("proof");
    }
  });
});

describe.each(ENGINES)("bad public keys with the $name engine", (crypto) => {
  const BAD_KEYS = [
    [0, "zero", "00".repeat(32)],
    [0, "of order 2: u = 1", `01${"00".repeat(31)}`],
    [0, "of order 8", "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"],
    [0, "of order 4: u = p - 1", `ec${"ff".repeat(30)}7f`],
    [0, "zero with the unused bit set", `${"00".repeat(31)}80`],
    [2, "not below p", "ff".repeat(32)],
    [2, "not on the curve", "a04e73601df544a70ba7ea1e57030f7d4b4eb7f673924e58d54ca77a5e7d4d4a"],
  ] as const;

  test.each(BAD_KEYS)("suite %i: %s is refused as G_X and as G_Y", (suite, _what, text) => {
    const publicKey = fromHex(text) ?? new Uint8Array();
    const ends = new Ends({ method: 3, suite, seed: text, initiatorEngine: crypto, responderEngine: crypto });
    const responder = ends.responder();
    const message1 = encodeMessage1({
      method: 3,
      suites: [suite],
      publicKey,
      connectionId: Uint8Array.of(1),
    });
    expect(reasonOf(responder.receiveMessage1(message1))).toBe("public-key");
    const initiator = ends.initiator();
    initiator.message1();
    const message2 = encodeMessage2({ publicKey, ciphertext: new Uint8Array(11) });
    expect(reasonOf(initiator.receiveMessage2(message2))).toBe("public-key");
    expectNoKeys(responder, initiator);
  });

  test("a whole point where only its x-coordinate belongs is refused", () => {
    const ends = new Ends({ method: 3, suite: 2, seed: "point", responderEngine: crypto });
    const point = ends.headEnd.credential.key.publicKey;
    const x = point.slice(1, 33);
    for (const publicKey of [point, concat(Uint8Array.of(2), x), concat(Uint8Array.of(0), x), x.slice(1)]) {
      const message1 = encodeMessage1({ method: 3, suites: [2], publicKey, connectionId: Uint8Array.of(1) });
      expect(reasonOf(ends.responder().receiveMessage1(message1))).toBe("malformed");
    }
  });

  test("a static key of low order in a credential proves nothing", () => {
    const ends = new Ends({ method: 3, suite: 0, seed: "static", initiatorEngine: crypto });
    const key = { kind: "X25519", publicKey: new Uint8Array(32) } as const;
    const bad = encodeCcs({ ...ends.meter.credential, key });
    const initiator = ends.initiator({ resolve: () => [bad] });
    const { message2 } = accepted(ends.responder().receiveMessage1(initiator.message1()));
    expect(reasonOf(initiator.receiveMessage2(message2))).toBe("proof");
  });
});

describe("identifiers", () => {
  test("that are the same for both ends, or too long for OSCORE, end the session", () => {
    const ends = newEnds("identifiers");
    const same = ends.responder({ chooseConnectionId: (other) => other });
    expect(reasonOf(same.receiveMessage1(ends.initiator().message1()))).toBe("connection-id");
    const message1 = ends.initiator().message1();
    const long = concat(message1.slice(0, -1), Uint8Array.of(0x48, 1, 2, 3, 4, 5, 6, 7, 8));
    expect(reasonOf(ends.responder().receiveMessage1(long))).toBe("connection-id");
  });
});

test("to a stranger every failure but a wrong suite looks alike", () => {
  const ends = newEnds("alike");
  const errors: Uint8Array[] = [];
  const message1 = ends.initiator().message1();
  for (const bytes of [
    message1.slice(1),
    message1.map((byte, i) => (i === 0 ? 8 : byte)),
    new Uint8Array(),
  ]) {
    const answer = ends.responder().receiveMessage1(bytes);
    if ("error" in answer) errors.push(answer.error);
  }
  const stranger = ends.identity("initiator", "stranger").credential;
  for (const resolve of [knowing<Credential>(), () => [stranger]]) {
    const [initiator, responder] = [ends.initiator(), ends.responder({ resolve })];
    const { message2 } = accepted(responder.receiveMessage1(initiator.message1()));
    const answer = responder.receiveMessage3(accepted(initiator.receiveMessage2(message2)).message3);
    if ("error" in answer) errors.push(answer.error);
  }
  expect(errors).toEqual(Array(5).fill(encodeCborSequence([1, "EDHOC failed"])));
});
