// Messages that are cut below protection: whoever is in the middle has every block in his hands.
import { describe, expect, test } from "vitest";
import { concat, EMPTY, fromText, toHex } from "../../firmware/protocol/bytes.ts";
import { type Block, blockOption, readBlock } from "../../firmware/protocol/coap/block.ts";
import { encodeMessage } from "../../firmware/protocol/coap/codec.ts";
import {
  answerWith,
  CODE,
  type CoapContent,
  FORMAT,
  findOption,
  OPTION,
  withOptions,
} from "../../firmware/protocol/coap/message.ts";
import { integerBelow, SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { asNew, HEAD_END, messageOf, type Packet, rewritten, Village } from "./village.ts";

/** Everything but an acknowledgement is cut: an answer has its request's body twice, in inner blocks of 16 bytes. */
const MTU_BYTES = 38;
const BODY = Uint8Array.of(0x8f, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
const TWICE = concat(BODY, BODY);
const WITHIN = { withinMs: 60_000 };

function inSession(): Village {
  const serve = ({ payload }: CoapContent): CoapContent =>
    answerWith(CODE.content, FORMAT.cbor, concat(payload, payload));
  const village = new Village({ mtuBytes: MTU_BYTES, serve });
  expect(village.ask("M1", BODY, WITHIN)).toMatchObject({ kind: "answer" });
  village.meter().served.length = 0;
  village.events.length = 0;
  return village;
}

function blockOf({ bytes }: Packet, number: number): Block | undefined {
  const block = readBlock(messageOf(bytes), number);
  return block === undefined || "refusal" in block ? undefined : block;
}

const isRequest = ({ from }: Packet): boolean => from === HEAD_END;
const isOfRequest = (packet: Packet): boolean =>
  isRequest(packet) && blockOf(packet, OPTION.block1) !== undefined;
const isOfAnswer = (packet: Packet): boolean =>
  !isRequest(packet) && blockOf(packet, OPTION.block2) !== undefined;

function flipped(packet: Packet): Packet {
  const payload = messageOf(packet.bytes).payload.map((byte, i) => (i === 0 ? byte ^ 1 : byte));
  return { ...packet, bytes: rewritten(packet.bytes, { payload }) };
}

/** A stranger's message of his own making, with a block of it. */
function piece(block: Block, payload: Uint8Array, salt: number, path?: string): Uint8Array {
  const named: CoapContent =
    path === undefined
      ? {
          code: CODE.post,
          options: [{ number: OPTION.oscore, value: Uint8Array.of(9, salt & 0xff, 1) }],
          payload,
        }
      : { code: CODE.post, options: [{ number: OPTION.uriPath, value: fromText(path) }], payload };
  const content = withOptions(named, blockOption(OPTION.block1, block));
  return encodeMessage({ ...content, type: "CON", messageId: salt & 0xffff, token: Uint8Array.of(1) });
}

describe("who changes a message between its blocks", () => {
  test.each([0, 1])("of a request, the block number %i, has it refused: it is never served", (number) => {
    const village = inSession();
    village.between = (packet) =>
      isOfRequest(packet) && blockOf(packet, OPTION.block1)?.number === number ? [flipped(packet)] : [packet];
    expect(village.ask("M1", BODY, { withinMs: 5000 })).toMatchObject({ kind: "failed" });
    expect(village.meter().served).toEqual([]);
    expect(village.refusals().length).toBeGreaterThan(0);
    village.between = (packet) => [packet];
    expect(village.ask("M1", BODY, WITHIN)).toMatchObject({ content: { payload: TWICE } });
    expect(village.meter().served.map(toHex)).toEqual([toHex(BODY)]);
  });

  test("of an answer, once, has it asked for again; always, has it never told", () => {
    const village = inSession();
    let changed = 0;
    village.between = (packet) => (isOfAnswer(packet) && changed++ === 0 ? [flipped(packet)] : [packet]);
    expect(village.ask("M1", BODY, WITHIN)).toMatchObject({ content: { payload: TWICE } });
    village.between = (packet) => (isOfAnswer(packet) ? [flipped(packet)] : [packet]);
    expect(village.ask("M1", BODY, { withinMs: 5000 })).toMatchObject({ kind: "failed" });
  });

  test("or swaps blocks of two answers, tells nobody the wrong one (30 seeds)", () => {
    for (let seed = 0; seed < 30; seed++) {
      const village = inSession();
      const random = new SeededRandom(`swapped ${seed}`);
      const seen: Packet[] = [];
      village.between = (packet) => {
        if (!isOfAnswer(packet)) return [packet];
        seen.push(packet);
        const other = seen[integerBelow(random, seen.length)] ?? packet;
        const { payload } = messageOf(other.bytes);
        return [
          { ...packet, bytes: rewritten(packet.bytes, integerBelow(random, 4) === 0 ? { payload } : {}) },
        ];
      };
      for (let salt = 0; salt < 4; salt++) {
        const body = Uint8Array.from(BODY, (byte, i) => (i === 0 ? byte : (byte + 31 * salt) & 0x17));
        const end = village.ask("M1", body, { withinMs: 20_000 });
        if (end.kind === "answer") expect(toHex(end.content.payload)).toBe(toHex(concat(body, body)));
      }
    }
  });
});

describe("who sends blocks of his own", () => {
  test("from a thousand addresses, all the time, does not keep the head-end from asking, and is given little", () => {
    const village = inSession();
    const before = village.sent.length;
    let sent = 0;
    const flood = (i: number): void => {
      const bytes = piece({ number: 0, more: true, sizeExponent: 6 }, new Uint8Array(1024), i);
      sent += bytes.length;
      village.inject({ from: `stranger ${i % 1000}`, to: "M1", bytes });
      if (i < 4000) village.clock.after(1, () => flood(i + 1));
    };
    flood(0);
    village.clock.advanceBy(1000);
    expect(village.ask("M1", BODY, { withinMs: 2000 })).toMatchObject({ content: { payload: TWICE } });
    village.clock.advanceBy(5000);
    const got = village.sent.slice(before).filter(({ to }) => to.startsWith("stranger"));
    expect(got.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBeLessThan(sent / 50);
  });

  test("does not keep a head-end that begins anew from its handshake, whose messages are cut too", () => {
    const village = inSession();
    village.restartHeadEnd();
    const flood = (i: number): void => {
      village.inject({
        ...{ from: `stranger ${i}`, to: "M1" },
        bytes: piece({ number: 0, more: true, sizeExponent: 0 }, new Uint8Array(16), i, "k"),
      });
      if (i < 400) village.clock.after(10, () => flood(i + 1));
    };
    // As soon as the first block of message_1 is there, four seconds of a flood begin.
    village.clock.after(2, () => flood(0));
    expect(village.ask("M1", BODY, WITHIN)).toMatchObject({ content: { payload: TWICE } });
  });

  test("that jump, change their size, have none, or end before they began, has no handler called", () => {
    const village = inSession();
    const blocks: readonly (readonly [number, boolean, number, number])[] = [
      ...([
        [1, true, 0, 16],
        [0xfffff, false, 0, 16],
        [0, true, 1, 16],
        [0, true, 2, 64],
      ] as const),
      ...([
        [4, true, 0, 16],
        [2, true, 1, 32],
        [1, true, 6, 1024],
        [200, false, 6, 1],
        [1, false, 0, 0],
      ] as const),
    ];
    for (const [number, more, sizeExponent, bytes] of blocks) {
      const request = piece({ number, more, sizeExponent }, new Uint8Array(bytes), 1);
      const [answer] = village.injectAndListen(request, "stranger");
      expect(answer?.length).toBeLessThanOrEqual(12);
    }
    expect(village.meter().served).toEqual([]);
  });

  test("as if they were the head-end's, ends its transfer at the most: nothing is served twice, or served wrong (20 seeds)", () => {
    let answered = 0;
    for (let seed = 0; seed < 20; seed++) {
      const village = inSession();
      const random = new SeededRandom(`overlapping ${seed}`);
      village.between = (packet) => {
        if (!isOfRequest(packet) || integerBelow(random, 2) === 0) return [packet];
        const forged = flipped({ ...packet, bytes: asNew(packet.bytes) });
        return integerBelow(random, 2) === 0 ? [forged, packet] : [packet, forged];
      };
      if (village.ask("M1", BODY, { withinMs: 30_000 }).kind === "answer") answered++;
      expect(village.meter().served.length).toBeLessThanOrEqual(1);
      for (const served of village.meter().served) expect(toHex(served)).toBe(toHex(BODY));
    }
    expect(answered).toBeGreaterThan(0);
  });

  test("of an answer nobody gave, costs the head-end at most 2048 bytes and no belief", () => {
    const village = inSession();
    let forged = 0;
    village.between = (packet) => {
      if (isRequest(packet)) {
        const { messageId, token } = messageOf(packet.bytes);
        const asked = blockOf(packet, OPTION.block2)?.number ?? 0;
        const block = blockOption(OPTION.block2, { number: asked, more: true, sizeExponent: 0 });
        const content = withOptions({ code: CODE.changed, options: [], payload: new Uint8Array(16) }, block);
        forged++;
        const bytes = encodeMessage({ ...content, type: "ACK", messageId, token });
        return [{ from: packet.to, to: HEAD_END, bytes }];
      }
      return [];
    };
    expect(village.ask("M1", BODY, { withinMs: 20_000 })).toMatchObject({
      kind: "failed",
      reason: "timeout",
    });
    expect(forged).toBeLessThan(3000);
    village.between = (packet) => [packet];
    expect(village.ask("M1", BODY, WITHIN)).toMatchObject({ content: { payload: TWICE } });
  });
});

test("a stranger's question for a later block of somebody's answer gets 4.08", () => {
  const village = inSession();
  let question: Packet | undefined;
  village.between = (packet) => {
    if (isRequest(packet) && (blockOf(packet, OPTION.block2)?.number ?? 0) > 0) question ??= packet;
    return [packet];
  };
  village.ask("M1", BODY, WITHIN);
  const [answer] = village.injectAndListen(asNew(question?.bytes), "stranger");
  expect(messageOf(answer)).toMatchObject({ code: CODE.requestEntityIncomplete, payload: EMPTY });
  expect(findOption(messageOf(question?.bytes), OPTION.oscore)).toBeDefined();
});
