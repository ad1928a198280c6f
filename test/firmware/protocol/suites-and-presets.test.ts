import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../../firmware/protocol/bytes.ts";
import { decodeMessage, encodeMessage } from "../../../firmware/protocol/coap/codec.ts";
import { MemorySequence, ReservedSequence } from "../../../firmware/protocol/oscore/sender-sequence.ts";
import {
  type PresetContext,
  presetSession,
  type Session,
  SessionTable,
} from "../../../firmware/protocol/sessions.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { AEAD_LENGTHS, type AeadName } from "../../../hal/ports/crypto.ts";
import { identity, securedLine } from "../../support/secured-line.ts";

const BODY = Uint8Array.of(0x81, 0x00);
const SUITES = [0, 1, 2, 3, 4, 5, 6];

describe("cipher suites and methods", () => {
  test.each(SUITES)("two static keys of suite %d complete a handshake by method 3", (suite) => {
    const line = securedLine({
      meter: identity("meter", "M1", "a", { suite }),
      headEnd: identity("head-end", "H", "b", { suite }),
    });
    expect(line.ask(BODY)).toMatchObject({ kind: "answer", peer: { id: "M1" } });
  });

  test.each([
    ["signature", "signature"],
    ["signature", "static-dh"],
    ["static-dh", "signature"],
  ] as const)("a head-end with a %s key and a meter with a %s key find their method", (ours, theirs) => {
    for (const suite of [0, 1, 4]) {
      const line = securedLine({
        meter: identity("meter", "M1", "a", { suite, authentication: theirs }),
        headEnd: identity("head-end", "H", "b", { suite, authentication: ours }),
      });
      expect(line.ask(BODY)).toMatchObject({ kind: "answer", content: { payload: BODY } });
    }
  });

  test("a head-end that prefers another suite than the meter is served in one that both know", () => {
    const line = securedLine({
      meter: identity("meter", "M1", "a", { suite: 2 }),
      headEnd: identity("head-end", "H", "b", { suite: 5 }),
    });
    expect(line.ask(BODY)).toMatchObject({ kind: "answer" });
  });

  test("keys of different curves share no suite, and no message is sent", () => {
    let sent = 0;
    const line = securedLine({
      meter: identity("meter", "M1", "a", { suite: 0 }),
      headEnd: identity("head-end", "H", "b", { suite: 2 }),
      tap: () => sent++,
    });
    expect(line.ask(BODY)).toMatchObject({ kind: "failed", reason: "not-proved" });
    expect(sent).toBe(0);
  });
});

describe("a preset context", () => {
  const masterSecret = fromHex("0102030405060708090a0b0c0d0e0f10") as Uint8Array;
  const preset = (
    aead: AeadName,
    senderId: string,
    recipientId: string,
    sequence = new MemorySequence(),
  ): PresetContext => ({
    peer: { id: "preset" },
    parameters: {
      masterSecret: masterSecret.slice(0, 16),
      senderId: fromHex(senderId) as Uint8Array,
      recipientId: fromHex(recipientId) as Uint8Array,
      aead,
    },
    sequence,
  });

  test.each(Object.keys(AEAD_LENGTHS) as AeadName[])(
    "with %s reads without a handshake, after one Echo round",
    (aead) => {
      let datagrams = 0;
      const line = securedLine({
        headEndPreset: preset(aead, "", "01"),
        meterPreset: () => preset(aead, "01", ""),
        tap: () => datagrams++,
      });
      expect(line.ask(BODY)).toMatchObject({
        kind: "answer",
        peer: { id: "preset" },
        content: { payload: BODY },
      });
      expect(datagrams).toBe(4);
      expect(line.ask(BODY)).toMatchObject({ kind: "answer" });
      expect(datagrams).toBe(6);
      expect(line.served).toHaveLength(2);
    },
  );

  test("after a restart a request recorded before it is answered with a challenge, not with a reading", () => {
    const requests: Uint8Array[] = [];
    const answers: Uint8Array[] = [];
    let replayed: Uint8Array | undefined;
    const sequence = new MemorySequence();
    const line = securedLine({
      headEndPreset: preset("AES-CCM-16-64-128", "", "01"),
      meterPreset: () => preset("AES-CCM-16-64-128", "01", "", sequence),
      tap: (datagram, from) => (from === "meter" ? answers : requests).push(datagram),
      between: (datagram, from) => {
        const first = from === "head-end" ? replayed : undefined;
        replayed = undefined;
        return first === undefined ? [datagram] : [first, datagram];
      },
    });
    line.ask(BODY);
    line.ask(BODY);
    line.restartMeter();
    const served = line.served.length;
    const recorded = decodeMessage(requests.at(-1) as Uint8Array);
    if ("error" in recorded) throw new Error(recorded.error);
    replayed = encodeMessage({ ...recorded, messageId: (recorded.messageId + 999) & 0xffff });
    expect(line.ask(BODY)).toMatchObject({ kind: "answer" });
    expect(line.served.length - served).toBe(1);
    // Each challenge has a number of its own: none shares a nonce with an answer of before the restart.
    const numbered = answers
      .map((answer) => decodeMessage(answer))
      .filter((m) => !("error" in m) && m.options.some((o) => o.value.length > 0));
    const numbers = numbered.map((message) =>
      "error" in message ? "" : toHex(message.options[0]?.value ?? new Uint8Array()),
    );
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(numbers.length).toBeGreaterThanOrEqual(3);
  });

  test("a meter without the context refuses, and the head-end says so after a few tries", () => {
    const line = securedLine({ headEndPreset: preset("AES-CCM-16-64-128", "", "01") });
    expect(line.ask(BODY)).toMatchObject({ kind: "failed", reason: "refused" });
  });

  test("two answers are never sealed under one number, however often the meter restarts", () => {
    let mark = 0;
    const used: number[] = [];
    for (let start = 0; start < 20; start++) {
      const sequence = new ReservedSequence(mark, (next) => {
        mark = next;
        return true;
      });
      for (let i = 0; i < (start * 37) % 200; i++) used.push(sequence.next() ?? -1);
    }
    expect(new Set(used).size).toBe(used.length);
    expect(used.every((number, i) => number >= 0 && number > (used[i - 1] ?? -1))).toBe(true);
  });

  test("when a reservation cannot be made durable, no number is given", () => {
    expect(new ReservedSequence(0, () => false).next()).toBeUndefined();
    expect(new ReservedSequence(2 ** 40, () => true).next()).toBeUndefined();
  });
});

describe("sessions of one peer", () => {
  const sessionOf = (kid: number, peer = "H"): Session => ({
    ...presetSession(opensslEngine, {
      peer: { id: peer },
      parameters: {
        masterSecret: new Uint8Array(16),
        senderId: Uint8Array.of(99),
        recipientId: Uint8Array.of(kid),
      },
      sequence: new MemorySequence(),
    }),
  });

  test("four are kept, a fifth ends the oldest, and those of others stay", () => {
    const table = new SessionTable();
    table.add(0, sessionOf(50, "another"));
    for (const kid of [1, 2, 3, 4]) table.add(0, sessionOf(kid));
    expect([1, 2, 3, 4].every((kid) => table.find(0, Uint8Array.of(kid)))).toBe(true);
    table.add(0, sessionOf(5));
    expect([1, 2, 3, 4, 5, 50].map((kid) => table.find(0, Uint8Array.of(kid)) !== undefined)).toEqual([
      false,
      true,
      true,
      true,
      true,
      true,
    ]);
  });
});
