// Bodies that are bombs: from a head-end that has a session, from strangers, and from a meter.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { concat } from "../../firmware/protocol/bytes.ts";
import { decodeCbor, encodeCbor, firstItemLength } from "../../firmware/protocol/cbor.ts";
import { encodeMessage } from "../../firmware/protocol/coap/codec.ts";
import { answerWith, CODE, FORMAT, resourceRequest } from "../../firmware/protocol/coap/message.ts";
import { decodeBlock } from "../../firmware/protocol/readings/interval-block.ts";
import { decodeProfileReading } from "../../firmware/protocol/readings/profile-reading.ts";
import { attackedMeter } from "./attacked-meter.ts";
import { HEAD_END, messageOf, Village } from "./village.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const MILLISECONDS_MAX = 1;
const BYTES_MAX = 64 * 1024;

function filled(length: number, byte: number): Uint8Array {
  return new Uint8Array(length).fill(byte);
}

const BOMBS: readonly (readonly [string, Uint8Array])[] = [
  ["arrays 10,000 deep", filled(10_000, 0x81)],
  ["maps 10,000 deep", filled(10_000, 0xa1)],
  ["a tag on a tag on a tag", filled(10_000, 0xc1)],
  ["indefinite arrays in each other", filled(10_000, 0x9f)],
  ["an indefinite text", Uint8Array.of(0x7f, ...filled(1000, 0x61))],
  ["a byte string said to be of 2^32 bytes", Uint8Array.of(0x5b, 0, 0, 0, 1, 0, 0, 0, 0)],
  ["a text said to be of 2^53 bytes", Uint8Array.of(0x7b, 0, 0x20, 0, 0, 0, 0, 0, 0)],
  ["an array said to be of 2^32 items", Uint8Array.of(0x9a, 0xff, 0xff, 0xff, 0xff, 0)],
  ["a map said to be of 2^31 entries", Uint8Array.of(0xba, 0x80, 0, 0, 0, 0, 0)],
  ["a map with one key twice", Uint8Array.of(0xa2, 1, 1, 1, 1)],
  ["10,000 items", concat(Uint8Array.of(0x99, 0x27, 0x10), filled(10_000, 0))],
];

/** The time that a call takes in ms: the first of some tries that is within the limit, as others use the machine too. */
function milliseconds(act: () => void, limitMs: number): number {
  let ms = 0;
  for (let tries = 0; tries < 20; tries++) {
    const start = performance.now();
    act();
    ms = performance.now() - start;
    if (ms < limitMs) break;
  }
  return ms;
}

/** The same for bytes of heap and of buffers: compiled code counts as heap too. */
function heapBytes(act: () => void, limitBytes: number): number {
  let bytes = 0;
  for (let tries = 0; tries < 20; tries++) {
    collectGarbage();
    const before = process.memoryUsage();
    act();
    const after = process.memoryUsage();
    bytes = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
    if (bytes < limitBytes) break;
  }
  return bytes;
}

describe("a CBOR bomb", () => {
  test.each(BOMBS)("of %s is refused in less than 1 ms", (_, bomb) => {
    expect(decodeCbor(bomb)).toBeUndefined();
    expect(milliseconds(() => decodeCbor(bomb), MILLISECONDS_MAX)).toBeLessThan(MILLISECONDS_MAX);
    expect(milliseconds(() => firstItemLength(bomb), MILLISECONDS_MAX)).toBeLessThan(MILLISECONDS_MAX);
  });

  test("of any of these kinds takes less than 64 KiB: all of them together do", () => {
    const decodeAll = (): void => {
      for (const [, bomb] of BOMBS) decodeCbor(bomb);
    };
    expect(heapBytes(decodeAll, BYTES_MAX)).toBeLessThan(BYTES_MAX);
  });

  test("in a request of a head-end that has a session is 4.00, at each resource", () => {
    const { runtime } = attackedMeter();
    for (const [, bomb] of BOMBS)
      for (const path of ["r", "p", "e"]) {
        const content = resourceRequest(CODE.fetch, path, bomb);
        expect(runtime.resources.serve({ peer: { id: "H" }, from: "line", content }).code).toBe(
          CODE.badRequest,
        );
      }
  });

  test("from a stranger in place of message_1 gets the error that all failures get", () => {
    const village = new Village();
    village.ask();
    for (const [i, [, bomb]] of BOMBS.entries()) {
      const content = resourceRequest(CODE.post, "k", concat(Uint8Array.of(0xf5), bomb.slice(0, 1000)));
      const header = { type: "CON", messageId: i, token: Uint8Array.of(1) } as const;
      const [reply] = village.injectAndListen(encodeMessage({ ...header, ...content }));
      expect(messageOf(reply)).toMatchObject({ code: CODE.badRequest });
    }
    expect(village.sessions()).toBe(1);
    expect(village.ask()).toMatchObject({ kind: "answer" });
  });
});

describe("a profile block that is a bomb", () => {
  const REQUEST = { profile: 0, register: "1-0:1.8.0*255", startSeconds: 1_764_028_800, count: 96, step: 1 };
  const MODES = Array.from({ length: 256 }, (_, mode) => mode);

  test.each([0x00, 0xff, 0x01, 0x80])(
    "of a million bytes %i after any mode byte is refused in a bounded time",
    (fill) => {
      const block = filled(1_000_000, fill);
      for (const mode of MODES) {
        block[0] = mode;
        const ms = milliseconds(() => expect(decodeBlock(block, 96)).toBeUndefined(), 5);
        expect([mode, ms < 5 ? "in time" : ms]).toEqual([mode, "in time"]);
      }
    },
  );

  test("of any count but the one asked for, or any length, is no answer", () => {
    for (const mode of MODES)
      for (const length of [0, 1, 2, 24, 144]) {
        const block = concat(Uint8Array.of(mode), filled(length, 0));
        const body = encodeCbor([REQUEST.startSeconds, block]);
        expect(decodeProfileReading(body, REQUEST)).toBeUndefined();
      }
  });

  test("from a meter that proved itself is an answer to the head-end that it does not know, not a hang", () => {
    const village = new Village({
      serve: () => answerWith(CODE.content, FORMAT.cbor, encodeCbor([REQUEST.startSeconds, filled(900, 0)])),
    });
    const answer = village.ask();
    expect(answer).toMatchObject({ kind: "answer" });
    const body = answer.kind === "answer" ? answer.content.payload : new Uint8Array(0);
    expect(milliseconds(() => decodeProfileReading(body, REQUEST), 5)).toBeLessThan(5);
    expect(decodeProfileReading(body, REQUEST)).toBeUndefined();
  });
});

test("a datagram longer than the line carries is never taken in part", () => {
  const village = new Village();
  village.ask();
  const request = village.sent.find(({ from }) => from === HEAD_END)?.bytes ?? new Uint8Array(0);
  const long = concat(request, filled(100_000, 0x41));
  expect(milliseconds(() => village.injectAndListen(long), 50)).toBeLessThan(50);
  expect(village.ask()).toMatchObject({ kind: "answer" });
});
