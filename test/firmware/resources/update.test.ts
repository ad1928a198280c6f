// What resource `u` answers, and what it lets through to the board's slots.
import { describe, expect, test } from "vitest";
import { CODE } from "../../../firmware/protocol/coap/message.ts";
import {
  decodeInstalled,
  decodeReceived,
  encodeImagePart,
  encodeInstallOrder,
} from "../../../firmware/protocol/readings/update-part.ts";
import { decodeUpdateRefusal, decodeUpdateState } from "../../../firmware/protocol/readings/update-state.ts";
import { updateResource } from "../../../firmware/resources/update.ts";
import type { Refused } from "../../../firmware/update/refusals.ts";
import type { ImagePart, Incoming, SlotsReport } from "../../../firmware/update/slots-report.ts";

const REPORT: SlotsReport = {
  facts: { board: "node-gateway", arch: "x64", libc: { kind: "glibc" }, nodeVersion: "20.19.6" },
  floor: 0,
  slots: {},
};
const [ONE, OTHER] = [{ id: "one" }, { id: "other" }];
const MINUTE_MS = 60_000;

function digestOf(image: number): Uint8Array {
  return new Uint8Array(32).fill(image);
}

/** A resource whose slots take whatever comes to them, one image at a time. */
function resource(refusal?: Refused) {
  const world = { nowMs: 0, begins: 0, reports: 0, restarts: 0, events: [] as unknown[] };
  let incoming: Incoming | undefined;
  const take = ({ digest, imageBytes, offset, bytes }: ImagePart) => {
    if (offset === 0) {
      world.begins++;
      incoming = { digest, imageBytes, received: 0 };
    }
    incoming = { digest, imageBytes, received: offset + bytes.length };
    return { received: incoming.received };
  };
  const u = updateResource({
    slots: {
      report() {
        world.reports++;
        return { ...REPORT, ...(incoming && { incoming }) };
      },
      judge: () => refusal,
      take: (part) => refusal ?? take(part),
      install: () => refusal ?? { slot: "b", sequence: 8, armed: true },
    },
    monotonicMs: () => world.nowMs,
    log: { record: (...event) => world.events.push(event) },
    onInstalled: () => world.restarts++,
  });
  const ask = (code: number, body: Uint8Array, peer: object = ONE) => {
    const answer = u.get(code)?.answer(body, { peer: peer as { id: string }, rights: new Set() });
    return answer ?? expect.fail();
  };
  return {
    world,
    ask,
    /** What came of a part of four bytes: bytes that are there, or why not. */
    send(image: number, offset: number, peer: object = ONE, imageBytes = 100) {
      const bytes = new Uint8Array(4);
      const body = encodeImagePart({ digest: digestOf(image), imageBytes, offset, bytes });
      const { code, payload } = ask(CODE.put, body, peer);
      if (code === CODE.changed) return decodeReceived(payload);
      expect(code).toBe(CODE.conflict);
      const { refusal: reason, received } = decodeUpdateRefusal(payload) ?? {};
      return received === undefined ? reason : { received };
    },
  };
}

describe("GET of u", () => {
  test("tells what the board has", () => {
    const { ask } = resource();
    const { code, payload } = ask(CODE.get, new Uint8Array());
    expect(code).toBe(CODE.content);
    expect(decodeUpdateState(payload)).toEqual(REPORT);
  });
});

describe("PUT of u", () => {
  test("brings an image part by part, and asks the board once what it has", () => {
    const { send, world } = resource();
    expect([0, 4, 8].map((offset) => send(1, offset))).toEqual([4, 8, 12]);
    expect(world).toMatchObject({ begins: 1, reports: 1 });
  });

  test("of a body that is no part of an image is 4.00, and nothing hears of it", () => {
    const { ask, world } = resource();
    for (const body of [new Uint8Array(), encodeInstallOrder(digestOf(1)), Uint8Array.of(0x84, 0, 0, 0, 0)])
      expect(ask(CODE.put, body).code).toBe(CODE.badRequest);
    expect(world.begins).toBe(0);
  });

  test("in the middle of an image that was never begun is a gap from the start, and begins nothing", () => {
    const { send, world } = resource();
    expect(send(1, 8)).toEqual({ received: 0 });
    send(1, 0);
    expect(send(2, 4)).toEqual({ received: 0 });
    expect(send(1, 4, ONE, 101)).toEqual({ received: 0 });
    expect(send(1, 4)).toBe(8);
    expect(world.begins).toBe(1);
  });

  test("of another image waits for a minute while somebody else's is coming", () => {
    const { send, world } = resource();
    send(1, 0);
    world.nowMs += MINUTE_MS - 1;
    expect(send(2, 0, OTHER)).toBe("busy");
    expect(send(1, 4)).toBe(8);
    world.nowMs += MINUTE_MS - 1;
    expect(send(2, 0, OTHER)).toBe("busy");
    world.nowMs += 1;
    expect(send(2, 0, OTHER)).toBe(4);
    expect(send(1, 0)).toBe("busy");
  });

  test("of another image by the same head-end begins at once, and both may send one image", () => {
    const { send } = resource();
    send(1, 0);
    expect(send(2, 0)).toBe(4);
    expect(send(2, 4, OTHER)).toBe(8);
    expect(send(2, 8)).toBe(12);
  });

  test("begins eight images at once and then one each half hour, whoever asks: flash wears out", () => {
    const { send, world } = resource();
    let refused = 0;
    for (let second = 0; second < 86_400; second += 10) {
      world.nowMs = second * 1000;
      if (send(1 + ((second / 10) % 200), 0) === "busy") refused++;
    }
    expect(world.begins).toBeLessThanOrEqual(8 + 48);
    expect(refused).toBe(8640 - world.begins);
  });
});

describe("POST of u", () => {
  test("has an image installed, tells where it is, logs it, and has the program end", () => {
    const { ask, world } = resource();
    const { code, payload } = ask(CODE.post, encodeInstallOrder(digestOf(1)));
    expect(code).toBe(CODE.changed);
    expect(decodeInstalled(payload)).toEqual({ slot: "b", sequence: 8, armed: true });
    expect(world).toMatchObject({ restarts: 1, events: [["firmware-ready", [8]]] });
  });

  test.each<[Refused, unknown[]]>([
    [{ refusal: "signature", why: "Nobody known has signed it." }, [["firmware-verification-failed", [1]]]],
    [{ refusal: "payload" }, [["firmware-verification-failed", [8]]]],
    [{ refusal: "rollback", why: "This board has confirmed 9." }, []],
    [{ refusal: "gap", received: 7 }, []],
  ])("that the board refuses for %j says so, and nothing ends", (refusal, events) => {
    const { ask, world } = resource(refusal);
    const { code, payload } = ask(CODE.post, encodeInstallOrder(digestOf(1)));
    expect(code).toBe(CODE.conflict);
    expect(decodeUpdateRefusal(payload)).toEqual(refusal);
    expect(world).toMatchObject({ restarts: 0, events });
  });

  test("of no digest is 4.00", () => {
    expect(resource().ask(CODE.post, new Uint8Array(3)).code).toBe(CODE.badRequest);
  });
});
