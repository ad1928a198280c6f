// Handshakes that somebody bends, relays, swaps, breaks off or floods.
import { describe, expect, test } from "vitest";
import { concat, equal } from "../../firmware/protocol/bytes.ts";
import { encodeCbor, encodeCborSequence } from "../../firmware/protocol/cbor.ts";
import { CODE, findOption, OPTION } from "../../firmware/protocol/coap/message.ts";
import { encodeCcs } from "../../firmware/protocol/cose/credential.ts";
import { decodeMessage1, encodeMessage1 } from "../../firmware/protocol/edhoc/messages.ts";
import { identity } from "../support/secured-line.ts";
import {
  asNew,
  BODY,
  HEAD_END,
  isMessage1,
  isMessage2,
  isMessage3,
  messageOf,
  meterOf,
  type Packet,
  rewritten,
  Village,
} from "./village.ts";

const HEAD = identity("head-end", "H");
const TRUE = encodeCbor(true);

/** message_1 in a packet with parts of it changed, encoded anew. */
function withMessage1(packet: Packet, changes: Partial<Parameters<typeof encodeMessage1>[0]>): Packet {
  const message1 = decodeMessage1(messageOf(packet.bytes).payload.slice(1));
  if (message1 === undefined) throw new Error("no message_1");
  const payload = concat(TRUE, encodeMessage1({ ...message1, ...changes }));
  return { ...packet, bytes: rewritten(packet.bytes, { payload }) };
}

/** An EDHOC error in place of an answer. */
function errorInstead(packet: Packet, ...items: Parameters<typeof encodeCborSequence>[0]): Packet {
  const payload = encodeCborSequence(items);
  return { ...packet, bytes: rewritten(packet.bytes, { code: CODE.badRequest, payload }) };
}

/** No session on either side, and nothing was served. */
function expectNothing(village: Village, name = "M1"): void {
  expect(village.sessions(name)).toBe(0);
  expect(village.meter(name).served).toEqual([]);
  expect(village.events.map(({ kind }) => kind)).not.toContain("answer");
}

describe("a cipher suite written down to a weaker one", () => {
  const strong = () => ({
    meters: { M1: meterOf("M1", "a", 3) },
    headEnd: identity("head-end", "H", "b", { suite: 3 }),
  });

  test("in message_1 is found out by the head-end, which sends no message_3", () => {
    const village = new Village(strong());
    village.between = (packet) => [isMessage1(packet) ? withMessage1(packet, { suites: [2] }) : packet];
    expect(village.ask("M1", BODY, { withinMs: 3000 })).toMatchObject({
      kind: "failed",
      reason: "not-proved",
    });
    expect(village.sent.some(isMessage3)).toBe(false);
    expectNothing(village);
  });

  test("by a forged error gains nothing: the meter itself refuses the weaker one, and the stronger one is used", () => {
    const village = new Village(strong());
    let isForged = false;
    village.between = (packet) => {
      if (!isMessage2(packet) || isForged) return [packet];
      isForged = true;
      return [errorInstead(packet, 2, 2)];
    };
    expect(village.ask()).toMatchObject({ kind: "answer" });
    const suites = village.sent
      .filter(isMessage1)
      .map(({ bytes }) => decodeMessage1(messageOf(bytes).payload.slice(1))?.suites);
    expect(suites).toEqual([[3], [3, 2], [3]]);
    expect(village.refusals()).toEqual(["suite"]);
  });

  test("by both, with all trace of the stronger one taken away, still fails", () => {
    const village = new Village(strong());
    village.between = (packet) => {
      if (isMessage1(packet)) return [withMessage1(packet, { suites: [2] })];
      return [
        isMessage2(packet) && village.sent.filter(isMessage1).length === 1
          ? errorInstead(packet, 2, 2)
          : packet,
      ];
    };
    expect(village.ask("M1", BODY, { withinMs: 3000 })).toMatchObject({ kind: "failed" });
    expectNothing(village);
  });
});

test.each([0, 1, 2, 4, 8, -1])("method %i in place of 3 fails, and no context is left", (method) => {
  const village = new Village();
  village.between = (packet) => [isMessage1(packet) ? withMessage1(packet, { method }) : packet];
  expect(village.ask("M1", BODY, { withinMs: 3000 })).toMatchObject({ kind: "failed" });
  // Method 1 is one that the meter's key can take part in: there the head-end finds out.
  expect(village.refusals()).toEqual(method === 1 ? [] : expect.arrayContaining(["method"]));
  expect(village.sent.some(isMessage3)).toBe(false);
  expectNothing(village);
});

describe("a party that meets itself", () => {
  test("a head-end whose own messages come back as a meter's does not take itself for one", () => {
    // Its own credential is on its list, as where one machine is both in a test set-up.
    const village = new Village({
      meters: { M1: HEAD },
      headEnd: HEAD,
      enrolled: [HEAD.credential],
      served: [HEAD.credential],
    });
    expect(village.ask()).toMatchObject({ kind: "failed", reason: "not-proved" });
    expectNothing(village);
  });

  test("a meter takes none of its own answers for a request, nor the head-end its requests for answers", () => {
    const village = new Village();
    village.ask();
    village.ask();
    const served = village.meter().served.length;
    const answers = village.sent.filter(({ from }) => from === "M1").map(({ bytes }) => bytes);
    for (const bytes of answers)
      for (const type of ["CON", "NON"] as const)
        for (const code of [messageOf(bytes).code, CODE.post])
          village.injectAndListen(rewritten(bytes, { type, code, messageId: 0x7000 + code }));
    expect(village.meter().served).toHaveLength(served);
    village.between = (packet) =>
      packet.from === HEAD_END
        ? [{ from: "M1", to: HEAD_END, bytes: rewritten(packet.bytes, { type: "ACK", code: CODE.changed }) }]
        : [];
    expect(village.ask("M1", BODY, { withinMs: 2000 })).toMatchObject({ kind: "failed" });
  });
});

describe("identities", () => {
  const meters = { A: meterOf("A"), B: meterOf("B") };

  /** Everything that is for A goes to B, and back. */
  const asRelayed = (packet: Packet): Packet[] => [
    packet.from === HEAD_END ? { ...packet, to: "B" } : { ...packet, from: "A" },
  ];

  test("meter B behind meter A's address is told by its own name, and is not A where A is asked for", () => {
    const village = new Village({ meters });
    village.between = asRelayed;
    expect(village.ask("A", BODY, { expect: "A" })).toMatchObject({ kind: "failed", reason: "not-proved" });
    expect(village.ask("A", BODY)).toMatchObject({ kind: "answer", peer: { id: "B" } });
    expect(village.meter("A").events).toEqual([]);
  });

  test("a credential with A's public key under another name never stands for A's answers", () => {
    const { credential } = meters.A;
    const thief = encodeCcs({ ...credential, id: "thief" });
    const village = new Village({ meters, enrolled: [thief] });
    expect(village.ask("A", BODY)).toMatchObject({ kind: "failed", reason: "not-proved" });
    expectNothing(village, "A");
    const both = new Village({ meters, enrolled: [thief, credential] });
    expect(both.ask("A", BODY)).toMatchObject({ kind: "answer", peer: { id: "A" } });
  });

  test("of two meters with one kid each proves to be itself, in whichever order they are enrolled", () => {
    const twin = Array.from({ length: 1000 }, (_, i) => meterOf("T", `twin ${i}`)).find(({ credential }) =>
      equal(credential.kid, meters.A.credential.kid),
    );
    if (twin === undefined) throw new Error("no twin");
    const pair = { A: meters.A, T: twin };
    for (const enrolled of [
      [pair.A.credential, twin.credential],
      [twin.credential, pair.A.credential],
    ]) {
      const village = new Village({ meters: pair, enrolled });
      expect(village.ask("A")).toMatchObject({ kind: "answer", peer: { id: "A" } });
      expect(village.ask("T")).toMatchObject({ kind: "answer", peer: { id: "T" } });
    }
  });

  test("a meter that is taken off the head-end's list is not spoken to again", () => {
    const village = new Village({ meters, enrolled: [meters.B.credential] });
    expect(village.ask("A", BODY, { expect: "A" })).toMatchObject({ kind: "failed", reason: "not-proved" });
    expect(village.sent).toEqual([]);
  });

  test("a head-end that is taken off a meter's list is refused from the meter's next start on", () => {
    const served = [HEAD.credential];
    const village = new Village({ headEnd: HEAD, served });
    expect(village.ask()).toMatchObject({ kind: "answer" });
    served.length = 0;
    village.meter().restart();
    const before = village.meter().served.length;
    expect(village.ask()).toMatchObject({ kind: "failed", reason: "refused" });
    expect(village.refusals()).toContain("unknown-credential");
    expect(village.meter().served).toHaveLength(before);
  });
});

describe("key confirmation", () => {
  test("with message_3 lost, nobody is told that the meter proved itself, and its copy completes the run", () => {
    const village = new Village();
    let lost = 0;
    village.between = (packet) => (isMessage3(packet) && lost++ < 2 ? [] : [packet]);
    village.askLater();
    village.clock.advanceBy(50);
    expect(village.sent.some(isMessage3)).toBe(true);
    expect(village.events).toEqual([]);
    village.clock.advanceBy(5000);
    expect(village.events).toMatchObject([{ kind: "answer", handshake: { proved: { id: "M1" } } }]);
    expect(village.sessions()).toBe(1);
  });

  test("with message_3 lost for good, the ask fails in time, and the next one starts from the beginning", () => {
    const village = new Village();
    village.between = (packet) => (isMessage3(packet) ? [] : [packet]);
    expect(village.ask("M1", BODY, { withinMs: 4000 })).toMatchObject({ kind: "failed", reason: "timeout" });
    expectNothing(village);
    village.between = (packet) => [packet];
    expect(village.ask()).toMatchObject({ kind: "answer", handshake: { message1Bytes: 48 } });
  });

  test("is waited for: until the first genuine answer nothing but message_3's own request goes out under the new keys", () => {
    const village = new Village();
    village.between = (packet) => (isMessage3(packet) ? [] : [packet]);
    village.askLater("M1", BODY, { withinMs: 4000 });
    village.clock.advanceBy(500);
    village.askLater("M1", BODY, { withinMs: 20_000 });
    village.clock.advanceBy(6000);
    const isSealed = ({ bytes }: Packet): boolean =>
      findOption(messageOf(bytes), OPTION.oscore) !== undefined;
    expect(village.sent.some(isMessage3)).toBe(true);
    expect(village.sent.filter((packet) => isSealed(packet) && !isMessage3(packet))).toEqual([]);
    village.between = (packet) => [packet];
    village.clock.advanceBy(14_000);
    expect(village.events.map(({ kind }) => kind)).toEqual(["failed", "answer"]);
  });

  test("with message_3 forged, the meter has no session, and the genuine one after it is taken", () => {
    const village = new Village();
    village.between = (packet) => {
      if (!isMessage3(packet)) return [packet];
      const { payload } = messageOf(packet.bytes);
      const forged = payload.slice();
      forged[5] = (forged[5] as number) ^ 1;
      return [{ ...packet, bytes: asNew(rewritten(packet.bytes, { payload: forged })) }, packet];
    };
    expect(village.ask()).toMatchObject({ kind: "answer" });
    expect(village.refusals()).toEqual(["decryption"]);
    expect(village.sessions()).toBe(1);
  });

  test("message_3 sent again makes no second session, and the first one's numbers go on", () => {
    const village = new Village();
    village.ask();
    const message3 = village.sent.find(isMessage3);
    village.injectAndListen(asNew(message3?.bytes));
    village.ask();
    expect(village.sessions()).toBe(1);
    expect(village.refusals()).toEqual([]);
    expect(village.meter().served).toHaveLength(2);
    const pivs = village.sent
      .filter(({ from, bytes }) => from === HEAD_END && findOption(messageOf(bytes), OPTION.oscore))
      .map(({ bytes }) => findOption(messageOf(bytes), OPTION.oscore)?.[1]);
    expect(pivs).toEqual([0, 1]);
  });
});

describe("points that are none", () => {
  const BAD_KEYS = [
    [
      "p of P-256, where x must be below it",
      hex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"),
    ],
    ["above p", new Uint8Array(32).fill(0xff)],
    ["no x of the curve", Uint8Array.of(...new Uint8Array(31), 1)],
  ] as const;

  test.each(BAD_KEYS)("G_X %s gets the error that all failures get", (_, publicKey) => {
    const village = new Village();
    village.between = (packet) => [isMessage1(packet) ? withMessage1(packet, { publicKey }) : packet];
    expect(village.ask("M1", BODY, { withinMs: 2000 })).toMatchObject({ kind: "failed", reason: "refused" });
    expect(village.refusals()).toContain("public-key");
    const answers = village.sent.filter(({ from }) => from === "M1").map(({ bytes }) => messageOf(bytes));
    for (const { code, payload } of answers)
      expect([code, payload]).toEqual([CODE.badRequest, encodeCborSequence([1, "EDHOC failed"])]);
    expectNothing(village);
  });

  test.each(BAD_KEYS)("G_Y %s makes no key at the head-end", (_, publicKey) => {
    const village = new Village();
    village.between = (packet) => {
      if (!isMessage2(packet)) return [packet];
      const payload = messageOf(packet.bytes).payload.slice();
      payload.set(publicKey, 2);
      return [{ ...packet, bytes: rewritten(packet.bytes, { payload }) }];
    };
    expect(village.ask("M1", BODY, { withinMs: 2000 })).toMatchObject({
      kind: "failed",
      reason: "not-proved",
    });
    expect(village.sent.some(isMessage3)).toBe(false);
    expectNothing(village);
  });

  test.each(["00", "01", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"])(
    "the X25519 point %s of low order gives no session",
    (point) => {
      const publicKey = new Uint8Array(32);
      publicKey.set(hex(point));
      const village = new Village({
        meters: { M1: meterOf("M1", "a", 0) },
        headEnd: identity("head-end", "H", "b", { suite: 0 }),
      });
      village.between = (packet) => [isMessage1(packet) ? withMessage1(packet, { publicKey }) : packet];
      expect(village.ask("M1", BODY, { withinMs: 2000 })).toMatchObject({ kind: "failed" });
      expect(village.refusals()).toContain("public-key");
      expectNothing(village);
    },
  );
});

describe("a flood of message_1", () => {
  test("from stations without number costs 16 answers and then 20 a second, and the head-end is served", () => {
    const village = new Village();
    village.ask();
    const recorded = village.sent.find(isMessage1)?.bytes;
    const before = village.sent.length;
    for (let i = 0; i < 500; i++)
      village.inject({ from: `station ${i}`, to: "M1", bytes: rewritten(recorded, { messageId: i }) });
    village.clock.advanceBy(5);
    const answered = village.sent.slice(before).filter(({ from }) => from === "M1").length;
    expect(answered).toBeGreaterThan(10);
    expect(answered).toBeLessThanOrEqual(16);
    village.restartHeadEnd();
    expect(village.ask("M1", BODY, { withinMs: 20_000 })).toMatchObject({
      kind: "answer",
      peer: { id: "M1" },
    });
    expect(village.refusals().filter((reason) => reason === "handshakes").length).toBeGreaterThan(400);
  });

  test("that goes on and on pushes no session out that is in use", () => {
    const village = new Village();
    village.ask();
    const recorded = village.sent.find(isMessage1)?.bytes;
    for (let second = 0; second < 6; second++) {
      for (let i = 0; i < 40; i++)
        village.inject({ from: `s${second} ${i}`, to: "M1", bytes: rewritten(recorded, { messageId: i }) });
      village.clock.advanceBy(1000);
    }
    const message1s = village.sent.filter(isMessage1).length;
    expect(village.ask()).toMatchObject({ kind: "answer" });
    expect(village.sent.filter(isMessage1)).toHaveLength(message1s);
  });
});

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, "hex"));
}
