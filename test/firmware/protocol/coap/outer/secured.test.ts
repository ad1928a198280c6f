// Handshakes, reads, long answers and commands through outer blocks: nothing above them knows of them.
import { describe, expect, test } from "vitest";
import { toHex } from "../../../../../firmware/protocol/bytes.ts";
import { decodeMessage } from "../../../../../firmware/protocol/coap/codec.ts";
import {
  answerWith,
  bareAnswer,
  CODE,
  type CoapContent,
  FORMAT,
  findOption,
  OPTION,
  resourceRequest,
} from "../../../../../firmware/protocol/coap/message.ts";
import { FaultyLink } from "../../../../../hal/emulated/faulty-link.ts";
import { linkPair } from "../../../../../hal/emulated/link-pair.ts";
import { SeededRandom } from "../../../../../hal/emulated/seeded-random.ts";
import type { Link } from "../../../../../hal/ports/link.ts";
import { type SecuredLineOptions, securedLine } from "../../../../support/secured-line.ts";
import { body } from "./support.ts";

const PUT = resourceRequest(CODE.put, "t", body(3072));
const GET = resourceRequest(CODE.get, "t");
const PROFILE = body(700, 3);
const WITHIN = { withinMs: 120_000 };

/** A meter that keeps what is put and has a long profile, on a link that carries `bytes` at once at each end. */
function meter([near, far]: readonly [number, number], options: SecuredLineOptions = {}) {
  const put: string[] = [];
  const sent: number[] = [];
  let outer = 0;
  const line = securedLine({
    ...options,
    pair: (clock) => {
      const [one, other] = linkPair(clock, { roundTripMs: 20 });
      return [cut(one, near), cut(other, far)];
    },
    tap: (datagram) => {
      sent.push(datagram.length);
      const message = decodeMessage(datagram);
      if (!("error" in message) && hasOuterBlock(message)) outer++;
    },
    serve: (content) => {
      if (content.code === CODE.get) return answerWith(CODE.content, FORMAT.cbor, PROFILE);
      if (content.code === CODE.fetch) return answerWith(CODE.content, FORMAT.cbor, content.payload);
      put.push(toHex(content.payload));
      return bareAnswer(CODE.changed);
    },
  });
  return { ...line, put, sent, outer: () => outer };
}

/** The same link with another MTU. */
function cut(link: Link, mtuBytes: number): Link {
  return {
    traits: { ...link.traits, mtuBytes },
    counters: link.counters,
    send: (to, datagram) => (datagram.length > mtuBytes ? "too-long" : link.send(to, datagram)),
    listen: (listener) => link.listen(listener),
    close: () => link.close(),
  };
}

function hasOuterBlock(message: CoapContent): boolean {
  return [OPTION.block1, OPTION.block2].some((number) => findOption(message, number) !== undefined);
}

/** A handshake and a read, a long answer, a long command. */
function all({ ask, askFor, put }: ReturnType<typeof meter>): void {
  expect(ask(body(12), WITHIN)).toMatchObject({ content: { code: CODE.content, payload: body(12) } });
  expect(askFor(GET, WITHIN)).toMatchObject({ content: { payload: PROFILE } });
  expect(askFor(PUT, WITHIN)).toMatchObject({ content: { code: CODE.changed } });
  expect(put).toEqual([toHex(PUT.payload)]);
}

describe("a handshake, a read, a long answer and a PUT of three kilobytes", () => {
  test("go through a link of 128 bytes, where inner blocks alone do: nothing else is cut", () => {
    const line = meter([128, 128]);
    all(line);
    expect(Math.max(...line.sent)).toBeLessThanOrEqual(128);
    expect(line.outer()).toBe(0);
  });

  test.each([40, 48, 56])("go through a link of %i bytes, in outer blocks", (bytes) => {
    const line = meter([bytes, bytes]);
    all(line);
    expect(Math.max(...line.sent)).toBeLessThanOrEqual(bytes);
    expect(line.outer()).toBeGreaterThan(3);
  });

  test.each([
    [48, 1152],
    [1152, 48],
  ])("go from an end with %i bytes to one with %i", (near, far) => {
    all(meter([near, far]));
  });

  test("go through a link of 48 bytes that loses, repeats and swaps a tenth each (6 seeds)", () => {
    for (let seed = 0; seed < 6; seed++) {
      let ends = 0;
      const faults = { lose: 0.1, repeat: 0.1, reorder: 0.1, reorderDelayMs: 80 };
      const line = meter([48, 48], {
        seed,
        wrap: (link, clock) => new FaultyLink(link, clock, new SeededRandom(`${seed} ${ends++}`), faults),
      });
      expect(line.ask(body(12), WITHIN)).toMatchObject({ content: { payload: body(12) } });
      expect(line.askFor(GET, { withinMs: 600_000 })).toMatchObject({ content: { payload: PROFILE } });
      for (const told of line.put) expect(told).toBe(toHex(PUT.payload));
    }
  });
});
