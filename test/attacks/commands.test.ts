// What changes something at a meter: held back, played again, and in blocks that are lost, swapped or too many.
import { describe, expect, test } from "vitest";
import { toHex } from "../../firmware/protocol/bytes.ts";
import { bareAnswer, CODE } from "../../firmware/protocol/coap/message.ts";
import { integerBelow, SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { asNew, HEAD_END, type Packet, Village } from "./village.ts";

const PUT = { code: CODE.put };
const COMMAND = Uint8Array.of(0x18, 0x2a);
const LONG = new SeededRandom("a long body").bytes(5000);

/** A village with a session, whose meter takes whatever is put. */
function inSession(): Village {
  const village = new Village({
    serve: ({ code, payload }) =>
      code === CODE.put ? bareAnswer(CODE.changed) : { code: CODE.content, options: [], payload },
  });
  village.ask();
  village.meter().served.length = 0;
  return village;
}

const isRequest = ({ from }: Packet): boolean => from === HEAD_END;

describe("a command", () => {
  test("is asked for twice: only with what the meter has just given is it served", () => {
    const village = inSession();
    const before = village.sent.length;
    expect(village.ask("M1", COMMAND, PUT)).toMatchObject({
      kind: "answer",
      content: { code: CODE.changed },
    });
    expect(village.sent.length - before).toBe(4);
    expect(village.meter().served).toEqual([COMMAND]);
  });

  test.each([11_000, 3_600_000])("that somebody holds back for %i ms is never served", (lateMs) => {
    const village = inSession();
    let requests = 0;
    village.between = (packet) =>
      // The first of them gets the Echo, the second is the command that counts.
      isRequest(packet) && ++requests > 1 ? [{ ...packet, lateMs }] : [packet];
    expect(village.ask("M1", COMMAND, { ...PUT, withinMs: 3000 })).toMatchObject({ kind: "failed" });
    village.clock.advanceBy(2 * lateMs);
    expect(village.meter().served).toEqual([]);
    village.between = (packet) => [packet];
    expect(village.ask("M1", COMMAND, PUT)).toMatchObject({ kind: "answer" });
  });

  test("that was recorded does nothing when it is played again, at once or later", () => {
    const village = inSession();
    village.ask("M1", COMMAND, PUT);
    const recorded = village.sent.filter(isRequest).map(({ bytes }) => bytes);
    for (const bytes of recorded) village.injectAndListen(asNew(bytes));
    village.clock.advanceBy(60_000);
    for (const bytes of recorded) village.injectAndListen(asNew(bytes));
    village.meter().restart();
    for (const bytes of recorded) village.injectAndListen(asNew(bytes));
    expect(village.meter().served).toEqual([COMMAND]);
  });

  test("whose answer is lost is told as done once, and was done once", () => {
    const village = inSession();
    let answers = 0;
    village.between = (packet) => (!isRequest(packet) && ++answers === 2 ? [] : [packet]);
    expect(village.ask("M1", COMMAND, PUT)).toMatchObject({ content: { code: CODE.changed } });
    expect(village.meter().served).toEqual([COMMAND]);
  });
});

/** Loses, delays, or plays an older request again first, each a quarter of the time. */
function unreliable(random: SeededRandom): (packet: Packet) => readonly Packet[] {
  const recorded: Packet[] = [];
  return (packet) => {
    if (isRequest(packet)) recorded.push({ ...packet, bytes: asNew(packet.bytes) });
    const old = recorded[integerBelow(random, recorded.length)] ?? packet;
    const ways = [[], [{ ...packet, lateMs: 30 }], [old, packet], [packet]];
    return ways[integerBelow(random, ways.length)] ?? [];
  };
}

describe("a body in blocks", () => {
  test("is put together whole where blocks are lost, repeated and swapped, or not at all (20 seeds)", () => {
    let done = 0;
    for (let seed = 0; seed < 20; seed++) {
      const random = new SeededRandom(`blocks ${seed}`);
      const village = inSession();
      village.between = unreliable(random);
      const end = village.ask("M1", LONG, { ...PUT, withinMs: 60_000 });
      if (end.kind === "answer") done++;
      for (const body of village.meter().served) expect(toHex(body)).toBe(toHex(LONG));
      expect(village.events).toHaveLength(2);
    }
    expect(done).toBeGreaterThan(15);
  });

  test("of 100,000 bytes ends with 4.13 at its first block: nothing is kept of it, and the session goes on", () => {
    const village = inSession();
    const before = village.sent.length;
    const end = village.ask("M1", new Uint8Array(100_000), PUT);
    expect(end).toMatchObject({ kind: "answer", content: { code: CODE.entityTooLarge } });
    expect(village.sent.slice(before).filter(isRequest).length).toBeLessThanOrEqual(2);
    expect(village.meter().served).toEqual([]);
    expect(village.ask("M1", COMMAND, PUT)).toMatchObject({ content: { code: CODE.changed } });
  });

  test("of which one block never comes is never served, and one begun anew is", () => {
    const village = inSession();
    let requests = 0;
    village.between = (packet) => (isRequest(packet) && ++requests > 3 ? [] : [packet]);
    expect(village.ask("M1", LONG, { ...PUT, withinMs: 5000 })).toMatchObject({ kind: "failed" });
    expect(village.meter().served).toEqual([]);
    village.between = (packet) => [packet];
    village.ask("M1", LONG, PUT);
    expect(village.meter().served.map(toHex)).toEqual([toHex(LONG)]);
  });
});
