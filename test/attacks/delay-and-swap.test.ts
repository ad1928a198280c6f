// An attacker, or a DAP, who holds messages back, swaps them, or forges refusals on the way.
import { describe, expect, test } from "vitest";
import { fromText } from "../../firmware/protocol/bytes.ts";
import { encodeMessage } from "../../firmware/protocol/coap/codec.ts";
import { CODE } from "../../firmware/protocol/coap/message.ts";
import { settle } from "../../host-tools/world/single-line.ts";
import { attackedMeter, IMPORT, type Passed, START_MS } from "./attacked-meter.ts";
import { BODY, HEAD_END, messageOf, meterOf, type Packet, rewritten, Village } from "./village.ts";

const HOUR_MS = 3_600_000;
const EMPTY = new Uint8Array(0);

describe("answers swapped between two meters", () => {
  const meters = { A: meterOf("A"), B: meterOf("B") };
  const bodies = { A: Uint8Array.of(0x0a), B: Uint8Array.of(0x0b) };

  /** A village that has a session with both, and what the next answers of both are swapped by. */
  function swapped(swap: (a: Packet, b: Packet) => Packet[]) {
    const village = new Village({ meters });
    village.ask("A");
    village.ask("B");
    const held: Packet[] = [];
    let swaps = 0;
    village.between = (packet) => {
      if (packet.from === HEAD_END || swaps > 0) return [packet];
      held.push(packet);
      const [a, b] = held;
      if (a === undefined || b === undefined) return [];
      swaps++;
      return swap(a, b);
    };
    const asks = (["A", "B"] as const).map((name) => village.askLater(name, bodies[name]));
    village.clock.advanceBy(10_000);
    return { village, asks };
  }

  test.each<[string, (a: Packet, b: Packet) => Packet[]]>([
    ["under each other's tokens", (a, b) => [exchanged(a, b), exchanged(b, a)]],
    ["as they are", (a, b) => [ofOther(a, b), ofOther(b, a)]],
  ])("%s are not taken; each ask still ends with its own meter's answer", (_, swap) => {
    const { village, asks } = swapped(swap);
    const ends = asks.map((ask) => village.events.filter((event) => event.ask === ask));
    expect(ends).toMatchObject([
      [{ kind: "answer", peer: { id: "A" }, content: { payload: bodies.A } }],
      [{ kind: "answer", peer: { id: "B" }, content: { payload: bodies.B } }],
    ]);
  });

  /** What `other` says, where and under the token and Message ID that `packet` is awaited. */
  function exchanged(packet: Packet, other: Packet): Packet {
    const { messageId, token } = messageOf(packet.bytes);
    return { ...packet, bytes: rewritten(other.bytes, { messageId, token }) };
  }

  function ofOther(packet: Packet, other: Packet): Packet {
    return { ...packet, bytes: other.bytes };
  }
});

describe("a request held back for an hour", () => {
  test("is answered with the time of the answer, and the head-end, which has given up, takes no notice", async () => {
    let lateMs = 0;
    const meter = attackedMeter({
      between: (bytes, towards): Passed[] => [towards === "meter" && lateMs > 0 ? { bytes, lateMs } : bytes],
    });
    await meter.read();
    lateMs = HOUR_MS;
    await expect(meter.read()).rejects.toThrow(/Nobody at mem: answered within 8 s/);
    lateMs = 0;
    const answersBefore = meter.answers.length;
    meter.clock.advanceBy(HOUR_MS + 60_000);
    expect(meter.answers.length).toBeGreaterThan(answersBefore);
    const { body } = await meter.read();
    expect(body.timeSeconds).toBe(Math.floor((START_MS + meter.clock.monotonicMs()) / 1000));
    expect(body.entries).toMatchObject([{ register: IMPORT, quality: "measured" }]);
  });

  test("is within its time a reading of when the meter got it, by the meter's own clock", async () => {
    let lateMs = 0;
    const meter = attackedMeter({
      between: (bytes, towards): Passed[] => [towards === "meter" ? { bytes, lateMs } : bytes],
    });
    await meter.read();
    lateMs = 2500;
    const askedSeconds = Math.floor((START_MS + meter.clock.monotonicMs()) / 1000);
    const { body } = await meter.read(10_000);
    expect(body.timeSeconds).toBeGreaterThanOrEqual(askedSeconds + 2);
  });
});

describe("an answer held back", () => {
  test("within the ask's time shows the time that it was made at", async () => {
    let lateMs = 0;
    const meter = attackedMeter({
      between: (bytes, towards): Passed[] => [towards === "head-end" ? { bytes, lateMs } : bytes],
    });
    await meter.read();
    lateMs = 2500;
    const askedMs = START_MS + meter.clock.monotonicMs();
    const { body } = await meter.read(10_000);
    const nowMs = START_MS + meter.clock.monotonicMs();
    expect(nowMs - askedMs).toBeGreaterThan(2400);
    expect((body.timeSeconds ?? 0) * 1000).toBeLessThan(askedMs + 1000);
  });

  test("beyond the ask's time is told to nobody, whenever it comes", () => {
    const village = new Village();
    village.ask();
    village.between = (packet) => [packet.from === HEAD_END ? packet : { ...packet, lateMs: HOUR_MS }];
    expect(village.ask()).toMatchObject({ kind: "failed", reason: "timeout" });
    village.between = (packet) => [packet];
    village.clock.advanceBy(2 * HOUR_MS);
    expect(village.events.map(({ kind }) => kind)).toEqual(["answer", "failed"]);
    expect(village.ask()).toMatchObject({ kind: "answer" });
  });

  test("while the next one is under way answers nothing but its own request", () => {
    const village = new Village();
    village.ask();
    const bodies = [1, 2, 3, 4].map((n) => Uint8Array.of(n));
    // The last asked is the first answered.
    let answers = 0;
    village.between = (packet) => [
      packet.from === HEAD_END ? packet : { ...packet, lateMs: Math.max(0, 90 - 20 * answers++) },
    ];
    const asks = bodies.map((body) => village.askLater("M1", body));
    village.clock.advanceBy(5000);
    const given = asks.map((ask) => village.events.filter((event) => event.ask === ask));
    expect(given).toMatchObject(bodies.map((payload) => [{ kind: "answer", content: { payload } }]));
  });
});

describe("what somebody says who has proved nothing", () => {
  const FORGED = [
    ["a 2.05 with a reading", CODE.content, fromText("register 42")],
    ["a 4.01", CODE.unauthorized, EMPTY],
    ["a 4.04", CODE.notFound, EMPTY],
    ["a 5.03", CODE.serviceUnavailable, EMPTY],
  ] as const;

  test.each(FORGED)("%s in place of each answer never ends an ask with data", (_, code, payload) => {
    const village = new Village();
    village.ask();
    village.between = (packet) => {
      if (packet.from === HEAD_END) return [packet];
      const { messageId, token } = messageOf(packet.bytes);
      const bytes = encodeMessage({ type: "ACK", code, messageId, token, options: [], payload });
      return [{ ...packet, bytes }];
    };
    expect(village.ask("M1", BODY, { withinMs: 5000 })).toMatchObject({ kind: "failed" });
    village.between = (packet) => [packet];
    expect(village.ask()).toMatchObject({ kind: "answer" });
  });

  test.each(FORGED)("%s ahead of each genuine answer costs no session", (_, code, payload) => {
    const village = new Village();
    village.ask();
    village.between = (packet) => {
      if (packet.from === HEAD_END) return [packet];
      const { messageId, token } = messageOf(packet.bytes);
      const bytes = encodeMessage({ type: "ACK", code, messageId, token, options: [], payload });
      return [{ ...packet, bytes }, packet];
    };
    for (let i = 0; i < 3; i++) expect(village.ask()).toMatchObject({ kind: "answer" });
    expect(village.sessions()).toBe(1);
  });

  test("by an RST to each request ends no ask that is answered", () => {
    const village = new Village();
    village.between = (packet) => {
      if (packet.from !== HEAD_END) return [packet];
      const { messageId } = messageOf(packet.bytes);
      const message = {
        type: "RST",
        code: CODE.empty,
        messageId,
        token: EMPTY,
        options: [],
        payload: EMPTY,
      } as const;
      return [{ from: packet.to, to: HEAD_END, bytes: encodeMessage(message) }, packet];
    };
    for (let i = 0; i < 3; i++) expect(village.ask()).toMatchObject({ kind: "answer" });
    expect(village.sessions()).toBe(1);
  });
});

describe("forged requests under a live session's kid", () => {
  test("by the thousand move no window, end no session, and are logged at once", async () => {
    const meter = attackedMeter();
    await meter.read();
    await meter.read();
    const request = messageOf(meter.requests.at(-1));
    for (let i = 0; i < 1000; i++) {
      const payload = request.payload.map((byte, at) => byte ^ ((i + at) & 0xff));
      const options = request.options.map(({ number, value }) => ({
        number,
        value: number === 9 ? Uint8Array.of(0x09, 0x80 + (i % 100), ...value.slice(2)) : value,
      }));
      meter.inject(encodeMessage({ ...request, options, payload, messageId: i }));
    }
    expect(meter.logged()).toContain("decryption-failed");
    const { size } = await meter.read();
    expect(size).not.toHaveProperty("handshake");
  });
});

test("requests to a meter that never answers hold up none to others", async () => {
  const village = new Village({ meters: { A: meterOf("A"), B: meterOf("B") } });
  village.between = (packet) => (packet.to === "A" ? [] : [packet]);
  const silent = Array.from({ length: 40 }, () => village.askLater("A", BODY, { withinMs: 60_000 }));
  const startMs = village.clock.monotonicMs();
  for (let i = 0; i < 40; i++) expect(village.ask("B")).toMatchObject({ kind: "answer" });
  expect(village.clock.monotonicMs() - startMs).toBeLessThan(500);
  village.clock.advanceBy(61_000);
  const ends = silent.map((ask) => village.events.filter((event) => event.ask === ask));
  expect(ends.flat().map(({ kind }) => kind)).toEqual(new Array(40).fill("failed"));
});

test("a profile asked for while the line is held is of the time that was asked for", async () => {
  let lateMs = 0;
  const meter = attackedMeter({
    between: (bytes, towards): Passed[] => [towards === "meter" ? { bytes, lateMs } : bytes],
  });
  meter.clock.advanceBy(2 * HOUR_MS);
  await meter.read();
  lateMs = 2500;
  const request = { profile: 0, register: IMPORT, startSeconds: START_MS / 1000, count: 4, step: 1 };
  const { body } = await settle(
    meter.clock,
    meter.headEnd.readProfile({ ...meter.target, timeoutMs: 10_000 }, request),
  );
  expect(body.map(({ startSeconds }) => startSeconds)).toEqual(
    [0, 1, 2, 3].map((n) => START_MS / 1000 + n * 900),
  );
  for (const { value } of body) expect(Math.abs((value ?? 0) - 250)).toBeLessThanOrEqual(2);
});
