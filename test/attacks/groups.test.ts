// Members, DAPs and strangers against a group: forged, swapped, delayed and repeated messages, other groups, old epochs.
import { describe, expect, test } from "vitest";
import { toHex } from "../../firmware/protocol/bytes.ts";
import {
  CODE,
  type CoapContent,
  findOption,
  OPTION,
  withOptions,
} from "../../firmware/protocol/coap/message.ts";
import type { GroupPair } from "../../firmware/protocol/group/context.ts";
import {
  kidOfAnswer,
  protectGroupAnswer,
  protectGroupRequest,
  unprotectGroupAnswer,
  unprotectGroupRequest,
} from "../../firmware/protocol/group/protect.ts";
import { decodeOscoreOption, encodeOscoreOption } from "../../firmware/protocol/oscore/option.ts";
import { ReplayWindow } from "../../firmware/protocol/oscore/replay-window.ts";
import { MemorySequence } from "../../firmware/protocol/oscore/sender-sequence.ts";
import { integerBelow, SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import {
  credentialAt,
  defined,
  type GroupMeter,
  type GroupStorage,
  groupOf,
  HeadEndSide,
  prove,
  READ,
} from "../support/group-line.ts";

const NOBODYS = { code: CODE.unauthorized, options: [], payload: new Uint8Array(0) };

/** A block of three, whose members have proved that they are there. */
function block() {
  const { headEnd, meters, pairs } = groupOf(["M1", "M2", "M3"]);
  const [m1, m2, m3] = meters as [GroupMeter, GroupMeter, GroupMeter];
  const [p1, p2, p3] = pairs as [GroupPair, GroupPair, GroupPair];
  return { headEnd, m1, m2, m3, p1, p2, p3 };
}

/** What a member knows: all of its membership's keys. */
function keysOf(meter: GroupMeter, headEnd: HeadEndSide): GroupPair {
  const { gid, headEndSenderId } = headEnd.membership(1);
  return defined(meter.memberships.find(gid, headEndSenderId)).pair;
}

function withOscore(content: CoapContent, change: object): CoapContent {
  const fields = decodeOscoreOption(defined(findOption(content, OPTION.oscore)));
  if ("refused" in fields) throw new Error("no option");
  const value = encodeOscoreOption({ ...fields, ...change });
  return {
    ...content,
    options: content.options.map((each) => (each.number === OPTION.oscore ? { ...each, value } : each)),
  };
}

describe("a member", () => {
  test("that forges the head-end's request has no signature for it, and is not served", () => {
    const { headEnd, m1, m2 } = block();
    const { group, peer } = keysOf(m2, headEnd);
    // With the head-end's Sender Key, which all members have, and its own key to sign with.
    const forger = { ...group, own: peer };
    const forged = defined(protectGroupRequest(forger, new MemorySequence({ first: 500 }), READ));
    expect(m1.receive(forged.content)).toMatchObject([NOBODYS]);
    expect(m1.refusals()).toEqual(["decrypt"]);
    expect(m1.served).toHaveLength(0);
  });

  test("that turns a bit of the ciphertext, and so r into p, is found out by the signature: it needs no tag", () => {
    const { headEnd, m1 } = block();
    const asked = headEnd.forAll();
    const payload = Uint8Array.from(asked.content.payload);
    payload[2] = (payload[2] ?? 0) ^ 2;
    expect(m1.receive({ ...asked.content, payload })).toMatchObject([NOBODYS]);
    expect(m1.receive(asked.content)[0]?.code).toBe(CODE.changed);
  });

  test("that answers in another's name is not believed, and reads no other's answer", () => {
    const { headEnd, m1, m3, p1 } = block();
    const asked = headEnd.forAll();
    const evil = keysOf(m3, headEnd);
    const request = unprotectGroupRequest(evil, new ReplayWindow(), asked.content);
    if ("refused" in request) throw new Error(request.refused);
    const inHisName = { ...evil, group: { ...evil.group, own: p1.peer } };
    const forged = protectGroupAnswer(inHisName, request.binding, READ_ANSWER);
    expect(kidOfAnswer(forged)).toEqual(p1.peer.id);
    expect(unprotectGroupAnswer(p1, asked.binding, forged)).toBeUndefined();
    const genuine = defined(m1.receive(asked.content)[0]);
    const spied = { ...evil, peer: p1.peer };
    expect(unprotectGroupAnswer(spied, asked.binding, genuine)).toBeUndefined();
    expect(unprotectGroupAnswer(p1, asked.binding, genuine)?.code).toBe(CODE.content);
  });

  test("that gives another one a group of its own is not heard: memberships are the head-end's word", () => {
    const { m1, m2, headEnd } = block();
    const cloned = { ...headEnd.membership(1), gid: Uint8Array.of(0x0b, 9), keyGeneration: 9 };
    const evilManager = new HeadEndSide(m2.identity).membership(1);
    expect(m1.memberships.join(m2.identity.credential, evilManager)).toBe("credential");
    const byHeadEnd = credentialAt(m1, headEnd);
    expect(
      m1.memberships.join(byHeadEnd, { ...cloned, headEndCredential: evilManager.headEndCredential }),
    ).toBe("credential");
  });

  test("that was put out, or a DAP that recorded it all, gets nothing by an epoch's keys after the next has come", () => {
    const { headEnd, m1 } = block();
    const [old, again] = [headEnd.forAll(), headEnd.forAll()];
    m1.receive(old.content);
    const next = new HeadEndSide(headEnd.identity, {
      ...{ gid: Uint8Array.of(0x0b, 2), keyGeneration: 2, masterSecret: new Uint8Array(16).fill(9) },
    });
    expect(m1.memberships.join(credentialAt(m1, headEnd), next.membership(1))).toBe("joined");
    for (const { content } of [old, again]) expect(m1.receive(content)).toMatchObject([NOBODYS]);
    // With the new Gid in the place of the old one it is still no request of the new epoch.
    const moved = withOscore(again.content, { kidContext: Uint8Array.of(0x0b, 2) });
    expect(m1.receive(moved)).toMatchObject([NOBODYS]);
    expect(m1.refusals()).toEqual(["unknown-group", "unknown-group", "decrypt"]);
    expect(m1.served).toHaveLength(1);
  });
});

describe("somebody between a head-end and its group", () => {
  test("who swaps two members' answers has both told apart by their kids, and none taken for the other", () => {
    const { headEnd, m1, m2, p1, p2 } = block();
    const asked = headEnd.forAll();
    const [a1, a2] = [defined(m1.receive(asked.content)[0]), defined(m2.receive(asked.content)[0])];
    const renamed = withOscore(a2, { kid: p1.peer.id });
    expect(unprotectGroupAnswer(p1, asked.binding, renamed)).toBeUndefined();
    expect(unprotectGroupAnswer(p1, asked.binding, a2)).toBeUndefined();
    expect(unprotectGroupAnswer(p2, asked.binding, a2)?.code).toBe(CODE.content);
    expect(unprotectGroupAnswer(p1, asked.binding, a1)?.code).toBe(CODE.content);
  });

  test("who gives an old answer to a new request gives none", () => {
    const { headEnd, m1, p1 } = block();
    const [before, now] = [headEnd.forAll(), headEnd.forAll()];
    const old = defined(m1.receive(before.content)[0]);
    expect(unprotectGroupAnswer(p1, now.binding, old)).toBeUndefined();
  });

  test("who holds a request back until newer ones were served has it served once at the most, and never after 31", () => {
    const { headEnd, m1 } = block();
    const [held, tooLong] = [headEnd.forAll(), headEnd.forAll()];
    for (let i = 0; i < 30; i++) m1.receive(headEnd.forAll().content);
    expect(m1.receive(held.content)).toMatchObject([{ code: CODE.changed }]);
    m1.receive(headEnd.forAll().content);
    expect(m1.receive(held.content)).toMatchObject([NOBODYS]);
    m1.receive(headEnd.forAll().content);
    expect(m1.receive(tooLong.content)).toMatchObject([NOBODYS]);
    expect(m1.refusals()).toEqual(["replay", "replay"]);
  });

  test("who plays an Echo round again proves nothing to a meter that has started anew", () => {
    const { headEnd, meters, pairs } = groupOf(["M1"], { storage: { kept: [] }, proved: false });
    const [meter, pair] = [defined(meters[0]), defined(pairs[0])];
    const first = headEnd.forOne(pair);
    const challenge = unprotectGroupAnswer(pair, first.binding, defined(meter.receive(first.content)[0]));
    const recorded = headEnd.forOne(pair, withOptions(READ, ...defined(challenge).options));
    meter.receive(recorded.content);
    expect(meter.served).toHaveLength(1);
    meter.restart();
    for (const { content } of [first, recorded]) expect(meter.receive(content)[0]?.code).toBe(CODE.changed);
    expect(meter.served).toHaveLength(1);
  });

  test("who takes a request from one group to another of the same head-end and the same members gets nowhere", () => {
    const { headEnd, m1 } = block();
    const other = new HeadEndSide(headEnd.identity, { gid: Uint8Array.of(0x0b, 7), group: "lift" });
    expect(m1.memberships.join(credentialAt(m1, headEnd), other.membership(1))).toBe("joined");
    prove(other, other.pairOf(m1, 1), m1);
    m1.served.length = 0;
    const asked = headEnd.forAll();
    const moved = withOscore(asked.content, { kidContext: Uint8Array.of(0x0b, 7) });
    expect(m1.receive(moved)).toMatchObject([NOBODYS]);
    expect(m1.served).toHaveLength(0);
  });

  test("who turns a request for one member to another, or into one for all, gets nowhere", () => {
    const { headEnd, m1, m2, p1 } = block();
    const asked = headEnd.forOne(p1);
    expect(m2.receive(asked.content)).toMatchObject([NOBODYS]);
    expect(m1.receive(withOscore(asked.content, { isGroupMode: true }))).toMatchObject([NOBODYS]);
    expect(m1.receive(asked.content)).toMatchObject([{ code: CODE.changed }]);
  });

  test("who sends a member its own answer back as a request, in any mode, is nobody", () => {
    const { headEnd, m1 } = block();
    const asked = headEnd.forAll();
    const answer = defined(m1.receive(asked.content)[0]);
    const { gid } = headEnd.membership(1);
    for (const isGroupMode of [false, true]) {
      const change = { partialIv: Uint8Array.of(9), kidContext: gid, kid: Uint8Array.of(1), isGroupMode };
      const reflected = withOscore({ ...answer, code: CODE.post }, change);
      expect(m1.receive(reflected)).toMatchObject([NOBODYS]);
    }
    expect(m1.served).toHaveLength(1);
  });
});

describe("a stranger", () => {
  test("gets nothing by a NON that is nobody's, and by a CON no more than he sent", () => {
    const { headEnd, m1 } = block();
    const asked = headEnd.forAll();
    const junk = { ...asked.content, payload: new Uint8Array(65) };
    const strange = withOscore(asked.content, { kidContext: Uint8Array.of(1, 2, 3) });
    for (const content of [junk, strange]) {
      expect(m1.receive(content, { type: "NON" })).toEqual([]);
      expect(m1.receive(content)).toMatchObject([NOBODYS]);
    }
  });

  test("who repeats the last request in another's name gets at most three times as much as he sends, for a start", () => {
    const long = { ...READ_ANSWER, payload: new Uint8Array(900) };
    const { headEnd, meters } = groupOf(["M1"], { serve: () => long });
    const meter = defined(meters[0]);
    const asked = headEnd.forAll();
    const [whole] = meter.receive(asked.content);
    expect(whole?.payload.length).toBeGreaterThan(900);
    const [piece] = meter.receive(asked.content, { from: "victim" });
    expect(piece?.payload.length).toBeLessThan(3 * 80);
    expect(meter.receive(asked.content)[0]?.payload).toEqual(whole?.payload);
    expect(meter.served).toHaveLength(1);
  });

  test("who forges signatures without end is looked at four times a second, and the members' sessions go on", () => {
    const { headEnd, m1, p1 } = block();
    const { content } = headEnd.forAll();
    for (let i = 0; i < 50; i++) m1.receive(withOscore(content, { partialIv: Uint8Array.of(0x40, i + 1) }));
    expect(m1.refusals().filter((reason) => reason === "decrypt")).toHaveLength(16);
    expect(m1.receive(headEnd.forAll().content)).toMatchObject([NOBODYS]);
    expect(m1.receive(headEnd.forOne(p1).content)).toMatchObject([{ code: CODE.changed }]);
    m1.nowMs += 1000;
    expect(m1.receive(headEnd.forAll().content)).toMatchObject([{ code: CODE.changed }]);
  });
});

test("joins, replays, starts and joins anew never make a member's key and a nonce meet twice", () => {
  const seed = 10021;
  const random = new SeededRandom(seed);
  const used = new Set<string>();
  const crypto: CryptoEngine = {
    ...opensslEngine,
    seal: (aead, key, nonce, aad, plaintext) => {
      const pair = `${toHex(key)} ${toHex(nonce)}`;
      expect(used.has(pair), `seed ${seed}`).toBe(false);
      used.add(pair);
      return opensslEngine.seal(aead, key, nonce, aad, plaintext);
    },
  };
  const storage: GroupStorage = { kept: [] };
  const { headEnd, meters, pairs } = groupOf(["M1"], { crypto, storage });
  const [meter, pair] = [defined(meters[0]), defined(pairs[0])];
  const recorded: CoapContent[] = [];
  const steps: (() => void)[] = [
    () => void meter.receive(keep(recorded, headEnd.forAll().content)),
    () => void meter.receive(keep(recorded, headEnd.forOne(pair).content)),
    () => void meter.receive(recorded[integerBelow(random, recorded.length)] ?? headEnd.forAll().content),
    () => meter.restart(),
    () => void prove(headEnd, pair, meter),
    () => {
      meter.memberships.leave(credentialAt(meter, headEnd), headEnd.membership(1).gid);
      meter.memberships.join(credentialAt(meter, headEnd), headEnd.membership(1));
    },
  ];
  for (let i = 0; i < 400; i++) {
    steps[integerBelow(random, steps.length)]?.();
    meter.nowMs += 1000;
  }
  expect(used.size).toBeGreaterThan(100);
});

const READ_ANSWER: CoapContent = { code: CODE.content, options: [], payload: Uint8Array.of(1) };

function keep(recorded: CoapContent[], content: CoapContent): CoapContent {
  recorded.push(content);
  return content;
}
