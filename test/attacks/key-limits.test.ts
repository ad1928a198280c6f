// Keys that have done or lived enough, and floods of forgeries that want to wear them out or to end them.
import { describe, expect, test } from "vitest";
import { concat, equal, toUint } from "../../firmware/protocol/bytes.ts";
import { CODE, findOption, OPTION } from "../../firmware/protocol/coap/message.ts";
import { decodeOscoreOption, encodeOscoreOption } from "../../firmware/protocol/oscore/option.ts";
import { attackedMeter } from "./attacked-meter.ts";
import { HEAD_END, isMessage1, messageOf, rewritten, Village } from "./village.ts";

const HOUR_MS = 3_600_000;
const NO_BYTES = new Uint8Array(0);

/** The OSCORE option of a protected message, with all its parts. */
function oscoreOf(bytes: Uint8Array | undefined) {
  const option = decodeOscoreOption(findOption(messageOf(bytes), OPTION.oscore) ?? NO_BYTES);
  if ("refused" in option) throw new Error("no OSCORE option");
  return option;
}

/** Requests in the name of a session, under numbers that it has not come to, with tags that are guessed. */
function forgery(genuine: Uint8Array | undefined, nth: number): Uint8Array {
  const value = encodeOscoreOption({ ...oscoreOf(genuine), partialIv: Uint8Array.of(0x40, nth >> 8, nth) });
  const options = [{ number: OPTION.oscore, value }];
  return rewritten(genuine, { messageId: 0x1000 + nth, options });
}

/** A village in session, whose meter gets this many forgeries; what it answered them. */
function forgeAtMeter(village: Village, count: number): Uint8Array[] {
  const genuine = village.sent.findLast(({ from }) => from === HEAD_END)?.bytes;
  const before = village.sent.length;
  for (let i = 0; i < count; i++) village.inject({ from: HEAD_END, to: "M1", bytes: forgery(genuine, i) });
  village.clock.advanceBy(10);
  return village.sent.slice(before).map(({ bytes }) => bytes);
}

const handshakes = (village: Village): number => village.sent.filter(isMessage1).length;
const alarms = (village: Village) => village.meter().events.filter(({ kind }) => kind === "forgeries");

describe("keys that have protected as many messages as they may", () => {
  test("are given up by the head-end, which runs EDHOC by itself before the next read", () => {
    const village = new Village({ headEndKeys: { messages: 3 } });
    const made = Array.from({ length: 7 }, () => {
      expect(village.ask()).toMatchObject({ kind: "answer" });
      return handshakes(village);
    });
    expect(made).toEqual([1, 1, 1, 2, 2, 2, 3]);
    expect(village.refusals()).toEqual([]);
  });

  test("are given up by the meter too, which takes the next request for one of nobody's", () => {
    const village = new Village({ meterKeys: { messages: 3 } });
    for (let i = 0; i < 7; i++) expect(village.ask()).toMatchObject({ kind: "answer" });
    expect(handshakes(village)).toBe(3);
    expect(village.refusals()).toEqual(["unknown-kid", "unknown-kid"]);
  });

  test("leave no read behind that was asked while they came to their end, and no number goes beyond", () => {
    const village = new Village({ headEndKeys: { messages: 8 }, meterKeys: { messages: 8 } });
    const asks = Array.from({ length: 40 }, () => village.askLater());
    village.clock.runUntil(() => village.events.length === asks.length, 60_000);
    expect(village.events.map(({ kind }) => kind)).toEqual(asks.map(() => "answer"));
    expect(village.refusals()).toEqual([]);
    const numbers = village.sent
      .filter(({ from, bytes }) => from === HEAD_END && findOption(messageOf(bytes), OPTION.oscore))
      .map(({ bytes }) => toUint(oscoreOf(bytes).partialIv ?? NO_BYTES));
    expect(Math.max(...numbers)).toBe(7);
  });

  test.each(["headEndKeys", "meterKeys"])(
    "cut a long body in two, which the head-end begins anew with the next keys (%s)",
    (end) => {
      const village = new Village({ [end]: { messages: 6 } });
      for (let i = 0; i < 4; i++) village.ask();
      const body = new Uint8Array(3000).map((_, i) => i);
      const answer = village.ask("M1", body, { withinMs: 30_000 });
      expect(answer).toMatchObject({ kind: "answer" });
      expect(answer.kind === "answer" && equal(answer.content.payload, body)).toBe(true);
      expect(handshakes(village)).toBe(2);
    },
  );
});

describe("keys of a day", () => {
  test("are of use until the day is over, and not after it", () => {
    const village = new Village();
    village.ask();
    village.clock.advanceBy(24 * HOUR_MS - 1000);
    expect(village.ask()).not.toHaveProperty("handshake");
    village.clock.advanceBy(1000);
    expect(village.ask()).toMatchObject({ kind: "answer", handshake: { proved: { id: "M1" } } });
    expect(village.refusals()).toEqual([]);
  });

  test("are refused by a meter whose day is shorter, and the head-end makes new ones", () => {
    const village = new Village({ meterKeys: { ageMs: HOUR_MS } });
    village.ask();
    village.clock.advanceBy(HOUR_MS);
    expect(village.ask()).toMatchObject({ kind: "answer", handshake: { proved: { id: "M1" } } });
    expect(village.refusals()).toEqual(["unknown-kid"]);
  });
});

describe("a flood of forgeries at a meter", () => {
  test("is told once, at the 128th in the name of a session, and ends nothing", () => {
    const village = new Village();
    village.ask();
    const answers = [...forgeAtMeter(village, 127)];
    expect(alarms(village)).toEqual([]);
    answers.push(...forgeAtMeter(village, 400));
    for (const answer of answers)
      expect(messageOf(answer)).toMatchObject({ code: CODE.unauthorized, payload: NO_BYTES });
    expect(alarms(village)).toMatchObject([{ peer: { id: "H" }, count: 128 }]);
    expect(village.ask()).not.toHaveProperty("handshake");
  });

  test("of 2^14 ends the context, and an EDHOC run brings the reads back", () => {
    const village = new Village();
    village.ask();
    for (let i = 0; i < 127; i++) forgeAtMeter(village, 129);
    expect(village.ask()).not.toHaveProperty("handshake");
    forgeAtMeter(village, 2 ** 14 - 127 * 129);
    expect(village.ask()).toMatchObject({ kind: "answer", handshake: { proved: { id: "M1" } } });
    expect(village.refusals().filter((reason) => reason === "decrypt")).toHaveLength(2 ** 14);
    expect(village.refusals().at(-1)).toBe("unknown-kid");
  });

  test("of old numbers or unknown kids counts for no session", () => {
    const village = new Village({ meterKeys: { forgeries: 10, alarmForgeries: 5 } });
    village.ask();
    village.ask();
    const genuine = village.sent.findLast(({ from }) => from === HEAD_END)?.bytes;
    const nobodys = { ...oscoreOf(genuine), kid: Uint8Array.of(0x63) };
    for (let i = 0; i < 30; i++) {
      village.injectAndListen(rewritten(genuine, { messageId: 0x2000 + i }));
      const options = [{ number: OPTION.oscore, value: encodeOscoreOption(nobodys) }];
      village.injectAndListen(rewritten(genuine, { messageId: 0x3000 + i, options }));
    }
    expect(alarms(village)).toEqual([]);
    expect(village.ask()).not.toHaveProperty("handshake");
  });

  test("is an alarm in a whole meter's security log, while its reads go on", async () => {
    const meter = attackedMeter();
    await meter.read();
    await meter.read();
    for (let i = 0; i < 140; i++) meter.inject(forgery(meter.requests[2], i));
    expect(meter.logged().filter((name) => name === "forgery-flood")).toHaveLength(1);
    expect((await meter.read()).size).not.toHaveProperty("handshake");
  });
});

describe("a flood of forgeries at a head-end", () => {
  /** Puts forged answers in front of each genuine one. */
  function forging(village: Village, count: number): void {
    village.between = (packet) => {
      if (packet.from === HEAD_END || !findOption(messageOf(packet.bytes), OPTION.oscore)) return [packet];
      const { payload } = messageOf(packet.bytes);
      const forgeries = Array.from({ length: count }, (_, i) => ({
        ...packet,
        bytes: rewritten(packet.bytes, { payload: concat(payload.subarray(1), Uint8Array.of(i)) }),
      }));
      return [...forgeries, packet];
    };
  }

  test("does not keep the genuine answer off, and ends the session once there were enough", () => {
    const village = new Village({ headEndKeys: { forgeries: 25 } });
    village.ask();
    forging(village, 10);
    for (let i = 0; i < 2; i++) expect(village.ask()).not.toHaveProperty("handshake");
    expect(handshakes(village)).toBe(1);
    // The 25th comes before the genuine answer, which is not believed then; the read begins anew.
    const body = Uint8Array.of(0x18, 0x20);
    const end = village.ask("M1", body);
    expect(end).toMatchObject({ kind: "answer", handshake: { proved: { id: "M1" } } });
    expect(end.kind === "answer" && equal(end.content.payload, body)).toBe(true);
    expect(handshakes(village)).toBe(2);
  });
});
