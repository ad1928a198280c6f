// What changes something at a meter: held back, played again, and in blocks that are lost, swapped or too many.
import { describe, expect, test } from "vitest";
import { fromText, fromUint, toHex } from "../../firmware/protocol/bytes.ts";
import { encodeMessage } from "../../firmware/protocol/coap/codec.ts";
import {
  bareAnswer,
  CODE,
  type CoapContent,
  type CoapOption,
  findOption,
  OPTION,
  sortOptions,
} from "../../firmware/protocol/coap/message.ts";
import { deriveContext } from "../../firmware/protocol/oscore/context.ts";
import { protectRequest, unprotectResponse } from "../../firmware/protocol/oscore/protect.ts";
import { MemorySequence } from "../../firmware/protocol/oscore/sender-sequence.ts";
import { integerBelow, SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import { asNew, HEAD_END, messageOf, type Packet, Village } from "./village.ts";

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

/** A head-end with a preset context that composes its own requests, and has shown that it is of now. */
function insider() {
  const [masterSecret, ours, theirs] = [new Uint8Array(16).fill(5), Uint8Array.of(1), Uint8Array.of(2)];
  const village = new Village({
    serve: () => bareAnswer(CODE.changed),
    meterPreset: () => ({
      peer: { id: "insider" },
      parameters: { masterSecret, senderId: theirs, recipientId: ours },
      sequence: new MemorySequence(),
    }),
  });
  const context = deriveContext(opensslEngine, { masterSecret, senderId: ours, recipientId: theirs });
  const numbers = new MemorySequence();
  let echo: CoapOption[] = [];
  const send = (options: readonly CoapOption[], payload: Uint8Array): CoapContent | undefined => {
    const path = { number: OPTION.uriPath, value: fromText("r") };
    const content = { code: CODE.put, options: sortOptions([path, ...echo, ...options]), payload };
    const request = protectRequest(context, numbers, content);
    if (request === undefined) throw new Error("no number");
    const header = { type: "CON", messageId: request.number & 0xffff, token: Uint8Array.of(1) } as const;
    const bytes = encodeMessage({ ...header, ...request.content });
    const [reply] = village.injectAndListen(bytes, HEAD_END, "M1", 5);
    return unprotectResponse(context, request.binding, messageOf(reply));
  };
  return {
    served: village.meter().served,
    /** The code that a PUT of so many bytes with this block option gets; another body has another Request-Tag. */
    put(block: CoapOption, bytes: number, body = 0): number | undefined {
      const tag = { number: OPTION.requestTag, value: Uint8Array.of(body) };
      const answer = send([block, tag], new Uint8Array(bytes));
      const value = answer && findOption(answer, OPTION.echo);
      if (value === undefined) return answer?.code;
      echo = [{ number: OPTION.echo, value }];
      return send([block, tag], new Uint8Array(bytes))?.code;
    },
  };
}

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

describe("a head-end that has a session and sends blocks that do not fit together", () => {
  const block = (number: number, size: number, more: boolean): CoapOption => ({
    number: OPTION.block1,
    value: fromUint((number << 4) | (more ? 8 : 0) | (Math.log2(size) - 4)),
  });

  test("gets 4.08 for a jump ahead, 4.00 for a length that is not the block's, 4.13 beyond what is taken, and serves nothing", () => {
    const { put, served } = insider();
    expect(put(block(0, 64, true), 64)).toBe(CODE.continue);
    expect(put(block(2, 64, true), 64)).toBe(CODE.requestEntityIncomplete);
    expect(put(block(7, 16, false), 5)).toBe(CODE.requestEntityIncomplete);
    expect(put(block(1, 64, true), 63)).toBe(CODE.badRequest);
    expect(put(block(0xffff, 1024, true), 1024)).toBe(CODE.entityTooLarge);
    expect(put(block(1, 2048, true), 64)).toBe(CODE.badRequest);
    expect(served).toEqual([]);
  });

  test("may change to smaller blocks where no byte is missing, and is served once with the whole", () => {
    const { put, served } = insider();
    expect(put(block(0, 64, true), 64)).toBe(CODE.continue);
    expect(put(block(4, 16, true), 16)).toBe(CODE.continue);
    expect(put(block(5, 16, false), 3)).toBe(CODE.changed);
    expect(served.map(({ length }) => length)).toEqual([83]);
  });

  test("and never ends any of them has four kept for it: an earlier one gets 4.08, the newest go on", () => {
    const { put, served } = insider();
    for (let body = 0; body < 20; body++)
      for (let number = 0; number < 3; number++)
        expect(put(block(number, 1024, true), 1024, body)).toBe(CODE.continue);
    const codes = [15, 16, 17, 18, 19].map((body) => put(block(3, 1024, true), 1024, body));
    expect(codes).toEqual([CODE.requestEntityIncomplete, ...new Array<number>(4).fill(CODE.continue)]);
    expect(served).toEqual([]);
  });
});
