// A whole meter behind its two kinds of door, against bytes that nobody should send.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { TrustList } from "../../firmware/identity/trust.ts";
import { decodeMessage, encodeMessage } from "../../firmware/protocol/coap/codec.ts";
import { answerWith, CODE, FORMAT } from "../../firmware/protocol/coap/message.ts";
import { Drive } from "../../firmware/protocol/drive.ts";
import { SecureServer } from "../../firmware/protocol/secure-server.ts";
import { integerBelow, SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { uartPair } from "../../hal/emulated/uart-pair.ts";
import { VirtualClock } from "../../hal/emulated/virtual-clock.ts";
import { encodeSlip } from "../../hal/framing/slip.ts";
import { encodeCoapFrame } from "../../hal/framing/slipmux.ts";
import { SlipmuxLink } from "../../hal/modems/slipmux/driver.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import { LINE } from "../../hal/ports/link.ts";
import { FUZZ_INPUTS } from "../support/fuzz.ts";
import { identity, securedLine } from "../support/secured-line.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const FRAMES = FUZZ_INPUTS;
const CHUNK = 1000;
const HEAP_GROWTH_MAX_BYTES = 1_000_000;
const SEED = 20_261_124;

/** Datagrams of a real conversation: message_1, message_3 with a request, and a request. */
function recording(): Uint8Array[] {
  const recorded: Uint8Array[] = [];
  const line = securedLine({ tap: (datagram, from) => from === "head-end" && recorded.push(datagram) });
  line.ask(Uint8Array.of(0x81, 0));
  line.ask(Uint8Array.of(0x81, 0));
  return recorded;
}

type Kind = "truncated" | "bit-flipped" | "oversized" | "random";

/** A bad datagram of the kind; one in a hundred comes of message_1, whose mathematics is slow. */
function badDatagram(kind: Kind, random: SeededRandom, recorded: readonly Uint8Array[]): Uint8Array {
  const base = recorded[integerBelow(random, 100) === 0 ? 0 : 1 + integerBelow(random, 2)] as Uint8Array;
  if (kind === "random") return random.bytes(integerBelow(random, 64));
  if (kind === "truncated") return base.slice(0, integerBelow(random, base.length));
  if (kind === "oversized") {
    const long = new Uint8Array(1200 + integerBelow(random, 200)).fill(0x41);
    long.set(base);
    return long;
  }
  const flipped = base.slice();
  const bit = integerBelow(random, 8 * base.length);
  flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
  return flipped;
}

function server(clockRandom: SeededRandom, traits: SlipmuxLink["traits"]): SecureServer {
  return new SecureServer({
    crypto: opensslEngine,
    random: clockRandom,
    traits,
    identity: identity("meter", "M1"),
    trust: new TrustList([identity("head-end", "H").credential]),
    resources: {
      links: [{ path: "r" }],
      serve: () => answerWith(CODE.content, FORMAT.cbor, Uint8Array.of(0x80)),
    },
  });
}

const GOOD = encodeMessage({
  type: "CON",
  code: CODE.get,
  messageId: 0,
  token: Uint8Array.of(7),
  options: [".well-known", "core"].map((text) => ({ number: 11, value: new TextEncoder().encode(text) })),
  payload: new Uint8Array(0),
});

/** The good request under a Message ID that no bad one had lately. */
function goodRequest(messageId: number): Uint8Array {
  const request = GOOD.slice();
  request[2] = messageId >> 8;
  request[3] = messageId & 0xff;
  return request;
}

function isLinks(datagram: Uint8Array): boolean {
  const message = decodeMessage(datagram);
  return !("error" in message) && message.code === CODE.content;
}

interface Door {
  /** Puts a bad datagram in, whole. */
  feed(datagram: Uint8Array): void;
  /** Puts a good request in; true where it was answered. */
  ask(request: Uint8Array): boolean;
  counted(): number;
}

function uartDoor(): Door {
  const clock = new VirtualClock({ utcMs: 1e12 });
  const settings = { baud: 1_000_000, dataBits: 8, parity: "none", stopBits: 1 } as const;
  const [near, far] = uartPair(clock, settings);
  const link = new SlipmuxLink(far, {});
  const answers: Uint8Array[] = [];
  const half = server(new SeededRandom(1), link.traits);
  const reader = new SlipmuxLink(near, {});
  reader.listen({ datagram: (_, datagram) => answers.push(datagram) });
  new Drive(half, link, clock, () => {});
  const send = (bytes: Uint8Array): void => {
    near.write(bytes);
    clock.advanceBy(bytes.length / 50);
  };
  return {
    feed: (datagram) => send(encodeSlip(encodeCoapFrame(datagram))),
    ask: (request) => {
      answers.length = 0;
      send(encodeSlip(encodeCoapFrame(request)));
      clock.advanceBy(1000);
      return answers.some(isLinks);
    },
    counted: () => Object.values(link.counters.rejected).reduce((a, b) => a + b, 0) + half.refusedMessages,
  };
}

function udpDoor(): Door {
  let nowMs = 0;
  const traits = {
    mtuBytes: 1152,
    bitsPerSecond: undefined,
    bitsPerByte: 8,
    framingBytes: 0,
    roundTripMs: 500,
    halfDuplex: false,
    addressing: "station" as const,
  };
  const half = server(new SeededRandom(2), traits);
  const take = (datagram: Uint8Array): Uint8Array[] => {
    half.receive(++nowMs, LINE, datagram);
    const answers: Uint8Array[] = [];
    for (let out = half.nextDatagram(); out !== undefined; out = half.nextDatagram()) answers.push(out.bytes);
    while (half.nextEvent() !== undefined);
    return answers;
  };
  return {
    feed: (datagram) => void take(datagram),
    ask: (request) => take(request).some(isLinks),
    counted: () => half.refusedMessages,
  };
}

describe.each([
  ["UART", uartDoor],
  ["UDP", udpDoor],
])("at the %s door", (_, makeDoor) => {
  test.each<Kind>(["truncated", "bit-flipped", "oversized", "random"])(
    `${FRAMES} %s frames never crash it, are counted, never block the next good one, and leave no heap behind (seed ${SEED})`,
    (kind) => {
      const recorded = recording();
      const random = new SeededRandom(SEED).fork(kind);
      const door = makeDoor();
      const heap: number[] = [];
      for (let i = 0; i < FRAMES; i += CHUNK) {
        for (let j = 0; j < CHUNK; j++) door.feed(badDatagram(kind, random, recorded));
        expect(door.ask(goodRequest(i / CHUNK)), `after frame ${i}`).toBe(true);
        if (i === FRAMES / 2 - CHUNK || i === FRAMES - CHUNK) {
          collectGarbage();
          heap.push(process.memoryUsage().heapUsed);
        }
      }
      expect(door.counted()).toBeGreaterThan(0);
      expect((heap[1] ?? 0) - (heap[0] ?? 0)).toBeLessThan(HEAP_GROWTH_MAX_BYTES);
    },
    60_000,
  );
});
