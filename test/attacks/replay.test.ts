// Requests and answers that are played again: to the meter, after a power cut, and to the head-end.
import { describe, expect, test } from "vitest";
import { concat, toHex } from "../../firmware/protocol/bytes.ts";
import { CODE, findOption, OPTION } from "../../firmware/protocol/coap/message.ts";
import { MemorySequence, ReservedSequence } from "../../firmware/protocol/oscore/sender-sequence.ts";
import type { PresetContext } from "../../firmware/protocol/sessions.ts";
import { integerBelow, SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import { MemoryStorage } from "../../hal/storage/memory-storage.ts";
import { attackedMeter, START_MS } from "./attacked-meter.ts";
import { asNew, BODY, HEAD_END, messageOf, rewritten, Village } from "./village.ts";

const EMPTY = new Uint8Array(0);
const CHALLENGE = { code: CODE.changed, options: [{ number: OPTION.oscore }] };

/** A village with a session, and the requests and answers that were sent since it has one. */
function inSession(reads = 1) {
  const village = new Village();
  village.ask();
  const before = village.sent.length;
  for (let i = 0; i < reads; i++) village.ask("M1", Uint8Array.of(0x18, 0x20 + i));
  const of = (wanted: string) =>
    village.sent.slice(before).flatMap(({ from, bytes }) => (from === wanted ? [bytes] : []));
  return { village, requests: of(HEAD_END), answers: of("M1") };
}

/** One context at both ends, with numbers that go on where `meterNumbers` and `headEndNumbers` say. */
function presetPair(
  headEndNumbers: PresetContext["sequence"],
  meterNumbers: () => PresetContext["sequence"],
) {
  const [masterSecret, ours, theirs] = [new Uint8Array(16).fill(9), Uint8Array.of(1), Uint8Array.of(2)];
  const parameters = (senderId: Uint8Array, recipientId: Uint8Array) => ({
    masterSecret,
    senderId,
    recipientId,
  });
  const peer = { id: "preset" };
  return {
    headEndPreset: { peer, parameters: parameters(ours, theirs), sequence: headEndNumbers },
    meterPreset: () => ({ peer, parameters: parameters(theirs, ours), sequence: meterNumbers() }),
  };
}

describe("a captured request", () => {
  test("is refused with a bare 4.01, counted, logged, and reaches no register", async () => {
    const meter = attackedMeter();
    await meter.read();
    await meter.read();
    const refusedBefore = await meter.refused();
    const [reply] = meter.inject(asNew(meter.requests[2]));
    expect(messageOf(reply)).toMatchObject({ code: CODE.unauthorized, options: [], payload: EMPTY });
    expect(await meter.refused()).toBe(refusedBefore + 1);
    expect(meter.logged()).toContain("replay-refused");
  });

  test("that the meter never got is served once when it comes late, and not again", () => {
    const { village, requests } = inSession();
    village.between = () => [];
    village.ask("M1", Uint8Array.of(7), { withinMs: 50 });
    village.between = (packet) => [packet];
    const held = village.sent.at(-1)?.bytes;
    const servedBefore = village.meter().served.length;
    for (let i = 0; i < 3; i++) village.injectAndListen(rewritten(held, { messageId: 0x100 + i }));
    village.injectAndListen(asNew(requests[0]));
    expect(village.meter().served.slice(servedBefore)).toEqual([Uint8Array.of(7)]);
  });

  test("is no request from another station either", () => {
    const { village, requests } = inSession(2);
    const served = village.meter().served.length;
    const [reply] = village.injectAndListen(requests[0] as Uint8Array, "elsewhere");
    expect(messageOf(reply).code).toBe(CODE.unauthorized);
    expect(village.meter().served).toHaveLength(served);
  });

  test("gets, while it is the last one, the same sealed answer once more, and nothing else happens", () => {
    const { village, requests, answers } = inSession(2);
    const served = village.meter().served.length;
    const last = { ...messageOf(answers[1]), type: "ACK" as const };
    for (const from of [HEAD_END, "elsewhere"]) {
      const [reply] = village.injectAndListen(asNew(requests[1]), from);
      const { messageId, token } = messageOf(reply);
      expect(messageOf(reply)).toEqual({ ...last, messageId, token });
    }
    expect(village.meter().served).toHaveLength(served);
    expect(village.refusals()).toEqual([]);
  });

  test("is nothing to a meter without storage, which lost its session in a power cut", () => {
    const { village, requests } = inSession(3);
    village.meter().restart();
    const served = village.meter().served.length;
    for (const request of requests)
      expect(messageOf(village.injectAndListen(asNew(request))[0]).code).toBe(CODE.unauthorized);
    expect(village.meter().served).toHaveLength(served);
    expect(village.refusals().slice(-3)).toEqual(["unknown-kid", "unknown-kid", "unknown-kid"]);
  });

  test("gets a challenge from a meter whose context outlived the cut, and only the echoed request is served", () => {
    const numbers = new MemorySequence();
    const village = new Village(presetPair(new MemorySequence(), () => numbers));
    for (let i = 0; i < 3; i++) village.ask();
    const recorded = village.sent.filter(({ from }) => from === HEAD_END).map(({ bytes }) => bytes);
    village.meter().restart();
    const served = village.meter().served.length;
    for (const request of recorded)
      for (const reply of village.injectAndListen(asNew(request)))
        expect(messageOf(reply)).toMatchObject(CHALLENGE);
    expect(village.meter().served).toHaveLength(served);
    expect(village.ask()).toMatchObject({ kind: "answer" });
    expect(village.meter().served).toHaveLength(served + 1);
  });
});

/** Notes each key with each nonce that something was sealed under. */
function nonceLog(): { crypto: CryptoEngine; used: string[] } {
  const used: string[] = [];
  const crypto: CryptoEngine = {
    ...opensslEngine,
    seal: (aead, key, nonce, ...rest) => {
      used.push(`${toHex(key)} ${toHex(nonce)}`);
      return opensslEngine.seal(aead, key, nonce, ...rest);
    },
  };
  return { crypto, used };
}

describe("power cuts", () => {
  test("200 of them, at either end and at any time, and replays after each, never make a key and a nonce meet twice", () => {
    const random = new SeededRandom("cuts");
    const { crypto, used } = nonceLog();
    const marks = { headEnd: 0, meter: 0 };
    const reserved = (end: keyof typeof marks) =>
      new ReservedSequence(marks[end], (mark) => {
        marks[end] = mark;
        return true;
      });
    const headEndNumbers = { next: () => current.next() };
    let current = reserved("headEnd");
    const village = new Village({ crypto, ...presetPair(headEndNumbers, () => reserved("meter")) });
    let answered = 0;
    for (let cut = 0; cut < 200; cut++) {
      // A cut falls anywhere in a read of four datagrams: before, between and after them.
      village.askLater("M1", BODY, { withinMs: 20 });
      village.clock.advanceBy(integerBelow(random, 6));
      if (integerBelow(random, 2) === 0) village.meter().restart();
      else current = reserved("headEnd");
      const requests = village.sent.filter(({ from }) => from === HEAD_END);
      const recorded = requests[integerBelow(random, requests.length)]?.bytes;
      village.inject({ from: HEAD_END, to: "M1", bytes: asNew(recorded) });
      village.clock.advanceBy(integerBelow(random, 2) * 20);
      answered += Number(village.ask().kind === "answer");
    }
    expect(answered).toBe(200);
    expect(new Set(used).size).toBe(used.length);
    expect(used.length).toBeGreaterThan(800);
  });

  test("of a whole meter leave its session, which serves nobody who only repeats what was said", async () => {
    const storage = new MemoryStorage();
    const before = attackedMeter({ storage });
    await before.read();
    await before.read();
    const recorded = before.requests.slice(-1);
    before.stop();
    const after = attackedMeter({ storage, startUtcMs: before.clock.utcMs() ?? START_MS });
    for (const request of recorded)
      expect(messageOf(after.inject(asNew(request))[0])).toMatchObject(CHALLENGE);
    // This head-end is another process, without a file of the session.
    expect(await after.read()).toMatchObject({ size: { handshake: { message1Bytes: 48 } } });
  });

  test("of a meter that then does not know the time end its sessions", async () => {
    const storage = new MemoryStorage();
    const before = attackedMeter({ storage });
    await before.read();
    await before.read();
    const recorded = before.requests.slice(-1);
    before.stop();
    const after = attackedMeter({ storage, startUtcMs: START_MS - 3_600_000 });
    for (const request of recorded)
      expect(messageOf(after.inject(asNew(request))[0]).code).toBe(CODE.unauthorized);
  });
});

describe("sender numbers near their end", () => {
  test("stop at 2^40 - 1: the last one is used, and then nothing more is sent", () => {
    const numbers = new MemorySequence({ first: 2 ** 40 - 3 });
    const village = new Village(presetPair(numbers, () => new MemorySequence()));
    // The first read takes two, because of the challenge.
    expect(village.ask()).toMatchObject({ kind: "answer" });
    expect(village.ask()).toMatchObject({ kind: "answer" });
    const sent = village.sent.length;
    expect(village.ask()).toMatchObject({ kind: "failed" });
    expect(village.sent).toHaveLength(sent);
    const last = messageOf(village.sent.filter(({ from }) => from === HEAD_END).at(-1)?.bytes);
    expect(toHex(findOption(last, OPTION.oscore) ?? EMPTY).slice(0, 12)).toBe("0dffffffffff");
  });
});

describe("an old answer", () => {
  test("is not taken for a new request's, under whatever token and Message ID", () => {
    const { village, answers } = inSession();
    const old = answers[0];
    village.between = (packet) => {
      if (packet.from === HEAD_END) return [packet];
      const { messageId, token } = messageOf(packet.bytes);
      return [{ ...packet, bytes: rewritten(old, { messageId, token }) }];
    };
    const end = village.ask("M1", Uint8Array.of(0x05), { withinMs: 3000 });
    expect(end).toMatchObject({ kind: "failed" });
    village.between = (packet) => [packet];
    expect(village.ask("M1", Uint8Array.of(0x05))).toMatchObject({
      content: { payload: Uint8Array.of(0x05) },
    });
  });

  test("served from a cache does not even look cacheable, and the genuine one behind it is taken", () => {
    const { village, answers } = inSession();
    const [cached] = answers;
    // RFC 7252 table 6: a 2.04 is not cacheable; nothing outside speaks of an age or an ETag.
    expect(messageOf(cached)).toMatchObject(CHALLENGE);
    village.between = (packet) => {
      if (packet.from !== HEAD_END) return [packet];
      const { messageId, token } = messageOf(packet.bytes);
      const fromCache = { from: "M1", to: HEAD_END, bytes: rewritten(cached, { messageId, token }) };
      return [fromCache, packet];
    };
    expect(village.ask("M1", Uint8Array.of(6))).toMatchObject({ content: { payload: Uint8Array.of(6) } });
    expect(village.events.every(({ kind }) => kind === "answer")).toBe(true);
  });

  test("of a context that is gone does not bind to the same token under a new one", () => {
    const { village, answers } = inSession();
    village.restartHeadEnd();
    village.between = (packet) => {
      if (packet.from === HEAD_END) return [packet];
      const { messageId, token } = messageOf(packet.bytes);
      return answers.map((bytes) => ({ ...packet, bytes: rewritten(bytes, { messageId, token }) }));
    };
    expect(village.ask("M1", BODY, { withinMs: 3000 })).toMatchObject({ kind: "failed" });
  });
});

describe("tokens and Message IDs", () => {
  test("of one request used by another station do not get it that one's answer", () => {
    const { village, requests, answers } = inSession(2);
    const [reply] = village.injectAndListen(requests[0] as Uint8Array, "eavesdropper");
    expect(reply).not.toEqual(answers[0]);
    expect(messageOf(reply)).toMatchObject({ code: CODE.unauthorized, payload: EMPTY });
  });

  test.each([0, 1, 8])("a token of %i bytes is given back as it was", (length) => {
    const { village, requests } = inSession();
    const token = new Uint8Array(length).fill(7);
    const [reply] = village.injectAndListen(rewritten(asNew(requests[0]), { token }));
    expect(messageOf(reply).token).toEqual(token);
  });

  test.each([9, 15])("a token of %i bytes gets an RST, and the next request is served", (length) => {
    const { village, requests } = inSession();
    const request = asNew(requests[0]);
    const header = Uint8Array.of(0x40 | length, ...request.subarray(1, 4));
    const withToken = concat(header, new Uint8Array(length).fill(7), request.subarray(5));
    const [reply] = village.injectAndListen(withToken);
    expect(messageOf(reply)).toMatchObject({ type: "RST", code: CODE.empty });
    expect(village.ask()).toMatchObject({ kind: "answer" });
  });
});
