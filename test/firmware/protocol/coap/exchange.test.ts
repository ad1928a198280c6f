import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromUint, toUint } from "../../../../firmware/protocol/bytes.ts";
import type { CoapEndpoint, CoapEvent } from "../../../../firmware/protocol/coap/exchange.ts";
import { integerBelow, SeededRandom, uniform } from "../../../../hal/emulated/seeded-random.ts";
import { LINE, type LinkTraits, serialisationMs } from "../../../../hal/ports/link.ts";
import { Pair, type Path, serialLine } from "../../../support/pair.ts";
import { content, decoded, endpoint, get, IP, LINE_9600 } from "./helpers.ts";

type CoapPair = Pair<CoapEvent, CoapEvent>;

function pairOf(traits: LinkTraits, path: Path, seed: number | string = 1) {
  const client = endpoint(traits, `client ${seed}`);
  const server = endpoint(traits, `server ${seed}`);
  return { client, server, pair: new Pair(client, server, path) };
}

/** Answers each request with `bytes` bytes of CoAP, after `delayMs`. */
function answering(pair: CoapPair, server: CoapEndpoint, bytes: number, delayMs = 0): void {
  pair.onSecond = (event) => {
    if (event.kind !== "request") return;
    const answer = content(new Uint8Array(bytes - 6));
    pair.after(delayMs, () => server.respond(pair.nowMs, event.exchange, answer));
  };
}

/** A request of `bytes` bytes of CoAP, at least 9. */
function requestOf(bytes: number) {
  return get(new Uint8Array(bytes - 8));
}

describe("a round trip on a 9600-baud line", () => {
  test.each([
    [30, 32],
    [30, 171],
    [38, 512],
    [512, 512],
    [1024, 512],
  ])("of %i bytes there and %i back takes its line time, and nothing is repeated", (there, back) => {
    const { client, server, pair } = pairOf(LINE_9600, serialLine(LINE_9600));
    let endedMs: number | undefined;
    pair.onFirst = (event) => {
      if (event.kind === "ended") endedMs = pair.nowMs;
    };
    answering(pair, server, back);
    client.request(0, LINE, requestOf(there), { untilMs: 30_000 });
    pair.run();
    expect(pair.sent.map(({ bytes }) => bytes.length)).toEqual([there, back]);
    const lineMs =
      serialisationMs(LINE_9600, there) + serialisationMs(LINE_9600, back) + LINE_9600.roundTripMs;
    expect(endedMs).toBeCloseTo(lineMs, 6);
  });

  test("with a slow handler costs two empty messages, and still nothing is repeated", () => {
    const { client, server, pair } = pairOf(LINE_9600, serialLine(LINE_9600));
    const kinds: string[] = [];
    pair.onFirst = ({ kind }) => kinds.push(kind);
    answering(pair, server, 171, 10_000);
    client.request(0, LINE, requestOf(30), { untilMs: 30_000 });
    pair.run();
    expect(kinds).toEqual(["answer", "ended"]);
    expect(pair.sent.map(({ bytes }) => decoded(bytes).type)).toEqual(["CON", "ACK", "CON", "ACK"]);
  });

  test("is answered within 5 s in 99 of 100 cases where one datagram in ten is lost", () => {
    const runs = 4000;
    let inTime = 0;
    for (let seed = 0; seed < runs; seed++) {
      const loss = { random: new SeededRandom(`loss ${seed}`), share: 0.1 };
      const { client, server, pair } = pairOf(LINE_9600, serialLine(LINE_9600, loss), seed);
      pair.onFirst = (event) => {
        if (event.kind === "answer" && pair.nowMs <= 5000) inTime++;
      };
      answering(pair, server, 171);
      client.request(0, LINE, requestOf(30), { untilMs: 5000 });
      pair.run();
    }
    expect(inTime / runs).toBeGreaterThanOrEqual(0.99);
    expect(inTime).toBeLessThan(runs);
  });
});

describe("on a path that loses, repeats and reorders a fifth of all datagrams each", () => {
  /** Longer than the smallest gap between datagrams: later ones overtake. */
  function roughPath(random: SeededRandom): Path {
    const arrivalMs = () => 20 + 180 * uniform(random) + (uniform(random) < 0.2 ? 3000 * uniform(random) : 0);
    return () => {
      if (uniform(random) < 0.2) return [];
      return uniform(random) < 0.2 ? [arrivalMs(), arrivalMs()] : [arrivalMs()];
    };
  }

  /** What became of each request, by the number in its payload. */
  interface Fate {
    readonly number: number;
    handled: number;
    answers: number;
    ends: string[];
  }

  function runOnce(seed: number): Fate[] {
    const random = new SeededRandom(seed);
    const { client, server, pair } = pairOf(IP, roughPath(random.fork("path")), seed);
    const fates: Fate[] = [];
    const byRequest = new Map<number, Fate>();
    pair.onFirst = (event) => {
      if (event.kind !== "answer" && event.kind !== "ended") throw new Error(`an event ${event.kind}`);
      const fate = byRequest.get(event.request);
      if (fate === undefined) throw new Error("an event of no request");
      if (event.kind === "ended") fate.ends.push(event.reason);
      else if (toUint(event.message.payload) === fate.number + 1000) fate.answers++;
      else throw new Error("the answer of another request");
    };
    pair.onSecond = (event) => {
      if (event.kind !== "request") throw new Error("the client answers nothing");
      const number = toUint(event.message.payload);
      (fates[number] as Fate).handled++;
      const answer = () => server.respond(pair.nowMs, event.exchange, content(fromUint(number + 1000)));
      if (number % 3 === 0) return void answer();
      if (number % 3 === 1) server.acknowledge(event.exchange);
      pair.after(integerBelow(random, 3000), answer);
    };
    for (let number = 0; number < 30; number++) {
      pair.after(integerBelow(random, 20_000), () => {
        const options = { confirmable: number % 5 > 0, untilMs: pair.nowMs + 90_000 };
        const id = client.request(pair.nowMs, LINE, get(fromUint(number)), options);
        byRequest.set(id ?? 0, fates[number] as Fate);
      });
      fates.push({ number, handled: 0, answers: 0, ends: [] });
    }
    pair.run();
    expect([client.nextWakeMs(), server.nextWakeMs()]).toEqual([undefined, undefined]);
    return fates;
  }

  test("every request ends once, is handled at most once, and is answered once where it says so", () => {
    let confirmable = 0;
    let confirmed = 0;
    const property = fc.property(fc.integer(), (seed) => {
      for (const { number, handled, answers, ends } of runOnce(seed)) {
        expect(ends).toHaveLength(1);
        expect(handled).toBeLessThanOrEqual(1);
        expect(answers).toBe(ends[0] === "answered" ? 1 : 0);
        expect(answers).toBeLessThanOrEqual(handled);
        if (number % 5 === 0) continue;
        confirmable++;
        confirmed += answers;
      }
    });
    fc.assert(property, { seed: 7252, numRuns: 100 });
    expect(confirmed / confirmable).toBeGreaterThan(0.95);
  });

  test("the same seed gives the same bytes at the same times", () => {
    const sentOf = () => {
      const { client, server, pair } = pairOf(IP, roughPath(new SeededRandom(5)), 5);
      answering(pair, server, 50, 400);
      for (let i = 0; i < 10; i++) client.request(0, LINE, requestOf(20), { untilMs: 60_000 });
      pair.run();
      return pair.sent;
    };
    expect(sentOf()).toEqual(sentOf());
  });
});

test("a client that restarts with the same Message IDs and tokens is served anew", () => {
  const { server, pair: before, client: old } = pairOf(IP, () => [50]);
  let handled = 0;
  const serve = (pair: CoapPair) => {
    pair.onSecond = (event) => {
      if (event.kind === "request") handled += Number(server.respond(pair.nowMs, event.exchange, content()));
    };
  };
  serve(before);
  old.request(0, LINE, get(Uint8Array.of(1)), { untilMs: 10_000 });
  before.run();
  const restarted = endpoint(IP, "client 1");
  const after = new Pair(restarted, server, () => [50]);
  serve(after);
  after.nowMs = before.nowMs;
  const ends: string[] = [];
  after.onFirst = (event) => {
    if (event.kind === "ended") ends.push(event.reason);
  };
  restarted.request(after.nowMs, LINE, get(Uint8Array.of(2)), { untilMs: after.nowMs + 10_000 });
  after.run();
  const ids = [...before.sent, ...after.sent].map(({ bytes }) => decoded(bytes).messageId);
  expect(new Set(ids).size).toBe(1);
  expect(handled).toBe(2);
  expect(ends).toEqual(["answered"]);
});

test("both ends can ask at the same time, with the same Message IDs and tokens", () => {
  const twins = [endpoint(IP, "twin"), endpoint(IP, "twin")] as const;
  const pair = new Pair(twins[0], twins[1], () => [100]);
  const told: string[] = [];
  const listen = (own: CoapEndpoint) => (event: CoapEvent) => {
    told.push(event.kind === "ended" ? event.reason : event.kind);
    if (event.kind === "request") own.respond(pair.nowMs, event.exchange, content());
  };
  pair.onFirst = listen(twins[0]);
  pair.onSecond = listen(twins[1]);
  for (const twin of twins) twin.request(0, LINE, get(), { untilMs: 10_000 });
  pair.run();
  expect(told.sort()).toEqual(["answer", "answer", "answered", "answered", "request", "request"]);
  expect(pair.sent).toHaveLength(4);
});
