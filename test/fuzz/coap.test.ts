import v8 from "node:v8";
import vm from "node:vm";
import { expect, test } from "vitest";
import { fromText } from "../../firmware/protocol/bytes.ts";
import { encodeMessage } from "../../firmware/protocol/coap/codec.ts";
import { type CoapCounters, CoapEndpoint } from "../../firmware/protocol/coap/exchange.ts";
import { CODE, type CoapContent, FORMAT, OPTION } from "../../firmware/protocol/coap/message.ts";
import { integerBelow, SeededRandom } from "../../hal/emulated/seeded-random.ts";
import type { LinkTraits } from "../../hal/ports/link.ts";
import { FUZZ_INPUTS } from "../support/fuzz.ts";

const TRAITS: LinkTraits = {
  mtuBytes: 1152,
  bitsPerSecond: undefined,
  bitsPerByte: 8,
  framingBytes: 0,
  roundTripMs: 500,
  halfDuplex: false,
  addressing: "station",
};
const DATAGRAMS = FUZZ_INPUTS;
/** As often a good request is sent among the bad ones, and must be served. */
const GOOD_EVERY = 500;
const HEAP_GROWTH_MAX_BYTES = 1024 * 1024;

const REQUEST: CoapContent = { code: CODE.get, options: [], payload: new Uint8Array(0) };
const ANSWER: CoapContent = { code: CODE.content, options: [], payload: new Uint8Array(40) };

v8.setFlagsFromString("--expose-gc");
const collectGarbage = vm.runInNewContext("gc") as () => void;

function usedHeapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** Messages as they come in: requests plain and protected, answers of all kinds, pings. */
function goodDatagrams(): Uint8Array[] {
  const path = { number: OPTION.uriPath, value: fromText("r") };
  const format = { number: OPTION.contentFormat, value: Uint8Array.of(FORMAT.cbor) };
  const oscore = { number: OPTION.oscore, value: Uint8Array.of(0x09, 0x14, 0x01) };
  const host = { number: OPTION.uriHost, value: fromText("meter-alias-0001") };
  const contents: CoapContent[] = [
    { code: CODE.get, options: [path], payload: new Uint8Array(0) },
    { code: CODE.fetch, options: [path, format], payload: new Uint8Array(20).fill(7) },
    { code: CODE.post, options: [host, oscore], payload: new Uint8Array(30).fill(9) },
    ANSWER,
    { code: CODE.empty, options: [], payload: new Uint8Array(0) },
  ];
  const types = ["CON", "NON", "ACK", "RST"] as const;
  return contents.flatMap((content) =>
    types.map((type, i) => {
      const token = content.code === CODE.empty ? new Uint8Array(0) : Uint8Array.of(1, 2, i);
      return encodeMessage({ ...content, type, messageId: 0x1234 + i, token });
    }),
  );
}

type Spoil = (random: SeededRandom, good: Uint8Array) => Uint8Array;

const SPOILS: Readonly<Record<string, Spoil>> = {
  truncated: (random, good) => good.slice(0, integerBelow(random, good.length)),
  "bit-flipped": (random, good) => {
    const flipped = good.slice();
    for (let flips = 1 + integerBelow(random, 8); flips > 0; flips--) {
      const bit = integerBelow(random, 8 * flipped.length);
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
    }
    return flipped;
  },
  oversized: (random, good) => {
    const whole = new Uint8Array(1200 + integerBelow(random, 8000));
    whole.set(good);
    whole.fill(random.bytes(1)[0] as number, good.length + integerBelow(random, 8));
    return whole;
  },
  random: (random) => random.bytes(integerBelow(random, 80)),
};

/** Everything that came in has left one trace, and one only, in these numbers. */
function accounted({ duplicates, pings, refused }: CoapCounters): number {
  return Object.values(refused).reduce((sum, count) => sum + count, duplicates + pings);
}

test.each(Object.keys(SPOILS))(
  `${DATAGRAMS} %s datagrams are counted, cost no memory and stop no good request`,
  (kind) => {
    const random = new SeededRandom(`coap ${kind}`);
    const good = goodDatagrams();
    const coap = new CoapEndpoint({ random: random.fork("endpoint"), traits: TRAITS });
    const heapBytes: number[] = [];
    let handled = 0;
    let sent = 0;

    /** Takes one in and serves what it asks; datagrams sent. */
    const receive = (nowMs: number, from: string, datagram: Uint8Array): number => {
      coap.receive(nowMs, from, datagram);
      for (let event = coap.nextEvent(); event !== undefined; event = coap.nextEvent()) {
        if (event.kind !== "request") throw new Error(`${event.kind} of nothing`);
        handled++;
        coap.respond(nowMs, event.exchange, ANSWER);
      }
      let replies = 0;
      while (coap.nextDatagram() !== undefined) replies++;
      return replies;
    };

    for (let i = 0; i < DATAGRAMS; i++) {
      const spoilt = (SPOILS[kind] as Spoil)(random, good[i % good.length] as Uint8Array);
      const replies = receive(i, `station ${i % 300}`, spoilt);
      if (replies > 1) throw new Error(`${replies} datagrams for one, at ${i}`);
      sent += replies;
      if (i % GOOD_EVERY === 0) {
        const honest = { ...REQUEST, type: "CON" as const, token: Uint8Array.of(9) };
        expect(receive(i, "honest", encodeMessage({ ...honest, messageId: i & 0xffff }))).toBe(1);
      }
      if (i === DATAGRAMS / 2 || i === DATAGRAMS - 1) {
        collectGarbage();
        heapBytes.push(process.memoryUsage().heapUsed);
      }
    }

    expect(accounted(coap.counters) + handled).toBe(DATAGRAMS + DATAGRAMS / GOOD_EVERY);
    expect(accounted(coap.counters)).toBeGreaterThan(0);
    expect(sent).toBeLessThan(DATAGRAMS);
    expect((heapBytes[1] ?? 0) - (heapBytes[0] ?? 0)).toBeLessThan(HEAP_GROWTH_MAX_BYTES);
    expect(coap.nextWakeMs()).toBeUndefined();
  },
);

/** A client that always has 20 requests open, every third for many answers. */
class BusyClient {
  readonly #coap = new CoapEndpoint({ random: new SeededRandom("busy client"), traits: TRAITS });
  readonly #open = new Map<number, Uint8Array>();
  ended = 0;

  /** The datagrams of the open requests. */
  ask(nowMs: number): Uint8Array[] {
    while (this.#open.size < 20) {
      const answers = nowMs % 3 === 0 ? "many" : "one";
      const id = this.#coap.request(nowMs, "peer", REQUEST, { answers, untilMs: nowMs + 300 });
      this.#open.set(id ?? 0, this.#coap.nextDatagram()?.bytes as Uint8Array);
    }
    return [...this.#open.values()];
  }

  receive(nowMs: number, datagram: Uint8Array): void {
    this.#coap.receive(nowMs, "peer", datagram);
    this.#coap.wake(nowMs);
    while (this.#coap.nextDatagram() !== undefined);
    for (let event = this.#coap.nextEvent(); event !== undefined; event = this.#coap.nextEvent()) {
      if (event.kind === "request") this.#coap.silence(event.exchange);
      else if (event.kind === "notified" || !this.#open.has(event.request))
        throw new Error(`${event.kind} after the end, at ${nowMs}`);
      else if (event.kind === "ended") this.ended += Number(this.#open.delete(event.request));
    }
  }
}

test(`${DATAGRAMS} bit-flipped answers, ACKs and RSTs end each open request once, and cost no memory`, () => {
  const random = new SeededRandom("coap client");
  const client = new BusyClient();
  const heapBytes: number[] = [];
  for (let i = 0; i < DATAGRAMS; i++) {
    const open = client.ask(i);
    client.receive(i, forgedAnswer(random, open[integerBelow(random, open.length)] as Uint8Array));
    if (i === DATAGRAMS / 2 || i === DATAGRAMS - 1) heapBytes.push(usedHeapBytes());
  }
  expect(client.ended).toBeGreaterThan(DATAGRAMS / 100);
  expect((heapBytes[1] ?? 0) - (heapBytes[0] ?? 0)).toBeLessThan(HEAP_GROWTH_MAX_BYTES);
});

/** An ACK, RST or answer of any kind to the request `asked`, with up to two bits wrong. */
function forgedAnswer(random: SeededRandom, asked: Uint8Array): Uint8Array {
  const forged = asked.slice();
  const isEmpty = integerBelow(random, 3) === 0;
  forged[0] = 0x40 | (integerBelow(random, 4) << 4) | (isEmpty ? 0 : (asked[0] as number) & 15);
  forged[1] = isEmpty ? CODE.empty : CODE.content;
  const answer = isEmpty ? forged.slice(0, 4) : forged;
  for (let flips = integerBelow(random, 3); flips > 0; flips--) {
    const bit = integerBelow(random, 8 * answer.length);
    answer[bit >> 3] = (answer[bit >> 3] as number) ^ (1 << (bit & 7));
  }
  return answer;
}
