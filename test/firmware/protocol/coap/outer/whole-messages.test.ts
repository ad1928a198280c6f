// Two ends and a link between them: what is told of long messages, and what goes over the line.
import { describe, expect, test } from "vitest";
import { toHex } from "../../../../../firmware/protocol/bytes.ts";
import { CoapEndpoint } from "../../../../../firmware/protocol/coap/exchange.ts";
import type { CoapContent } from "../../../../../firmware/protocol/coap/message.ts";
import { integerBelow, SeededRandom, uniform } from "../../../../../hal/emulated/seeded-random.ts";
import { LINE, type LinkTraits } from "../../../../../hal/ports/link.ts";
import { Pair, type Path } from "../../../../support/pair.ts";
import { figure } from "../../blockwise/support.ts";
import { decoded, IP } from "../helpers.ts";
import { body, changed, ends, introduction, mtu, sealed, story } from "./support.ts";

const SOON: Path = () => [10];

/** Asks once, is answered with `answer`, and gives what came of it. */
function exchange(
  request: CoapContent,
  answer: CoapContent,
  client: LinkTraits,
  server: LinkTraits = client,
  path: Path = SOON,
) {
  const { asking, serving, pair, told, served } = ends(client, server, path);
  pair.onSecond = (event) => {
    if (event.kind !== "request") return;
    served.push(event.message);
    serving.respond(pair.nowMs, event.exchange, answer);
  };
  const id = asking.request(0, LINE, request, { untilMs: 120_000, isGenuine: isOf(answer) });
  pair.run(200_000);
  const sent = pair.sent.map(({ bytes }) => decoded(bytes));
  return {
    story: story(told, id),
    served,
    sent,
    longest: Math.max(...pair.sent.map(({ bytes }) => bytes.length)),
  };
}

/** As a tag would tell: only the whole and nothing else. */
function isOf({ payload }: CoapContent): (answer: CoapContent) => boolean {
  return (answer) => toHex(answer.payload) === toHex(payload);
}

describe("a message that the link does not carry in one piece", () => {
  test("comes whole, both ways, in blocks that fit the link", () => {
    const [request, answer] = [sealed(body(700)), changed(body(900, 5))];
    const { story, served, sent, longest } = exchange(request, answer, mtu(128));
    expect(served.map(({ payload }) => toHex(payload))).toEqual([toHex(body(700))]);
    expect(story).toEqual([`68 ${toHex(body(900, 5))}`, "answered"]);
    expect(longest).toBeLessThanOrEqual(128);
    expect(sent.slice(0, 3).map(figure)).toEqual(["0.02 1:0/1/64", "2.31 1:0/1/64", "0.02 1:1/1/64"]);
    expect(sent.slice(-2).map(figure)).toEqual(["0.02 2:14/0/64", "2.04 2:14/0/64"]);
  });

  test.each([40, 64, 96, 128, 256, 1152])("comes whole at an MTU of %i", (bytes) => {
    const [request, answer] = [sealed(body(1500)), changed(body(2000, 9))];
    const { story, served, longest } = exchange(request, answer, mtu(bytes));
    expect(served.map(({ payload }) => toHex(payload))).toEqual([toHex(body(1500))]);
    expect(story).toEqual([`68 ${toHex(body(2000, 9))}`, "answered"]);
    expect(longest).toBeLessThanOrEqual(bytes);
  });

  test("comes whole as an answer that takes its time, in messages of its own", () => {
    const { asking, serving, pair, told } = ends(mtu(128), mtu(128), SOON);
    const answer = changed(body(300, 5));
    pair.onSecond = (event) => {
      if (event.kind === "request")
        pair.after(20_000, () => serving.respond(pair.nowMs, event.exchange, answer));
    };
    const id = asking.request(0, LINE, sealed(body(20)), { untilMs: 60_000, isGenuine: isOf(answer) });
    pair.run(120_000);
    expect(story(told, id)).toEqual([`68 ${toHex(body(300, 5))}`, "answered"]);
    const types = pair.sent.map(({ bytes }) => decoded(bytes).type);
    // The request and its empty ACK, the first block and its empty ACK, four questions and their answers.
    expect(types).toEqual([
      "CON",
      "ACK",
      "CON",
      "ACK",
      ...Array<string>(4).fill("CON ACK").join(" ").split(" "),
    ]);
  });

  test("is put together by an end that would not have cut it", () => {
    const [request, answer] = [sealed(body(700)), changed(body(900, 5))];
    expect(exchange(request, answer, mtu(64), IP).served).toHaveLength(1);
    expect(exchange(request, answer, IP, mtu(64)).story).toEqual([`68 ${toHex(body(900, 5))}`, "answered"]);
  });

  test("goes in as small blocks as the other end wants", () => {
    const { sent, story } = exchange(sealed(body(300)), changed(), mtu(128), {
      ...mtu(128),
      bitsPerSecond: 150,
    });
    expect(sent.slice(0, 3).map(figure)).toEqual(["0.02 1:0/1/64", "2.31 1:0/1/16", "0.02 1:4/1/16"]);
    expect(story).toEqual(["68 ", "answered"]);
  });

  test("has the same Request-Tag on all of its blocks, and its answer the same ETag", () => {
    const { sent } = exchange(sealed(body(300)), changed(body(300, 3)), mtu(128));
    const valuesOf = (number: number): Set<string> =>
      new Set(
        sent.flatMap(({ options }) =>
          options.filter((each) => each.number === number).map(({ value }) => toHex(value)),
        ),
      );
    expect([valuesOf(292).size, valuesOf(4).size]).toEqual([1, 1]);
  });

  test("of more than 2048 bytes is given up, without a word of the rest", () => {
    const { story, served, sent } = exchange(sealed(body(2049)), changed(), mtu(128));
    expect(served).toEqual([]);
    expect(story.at(0)).toBe("doubt");
    expect(sent.filter(({ payload }) => payload.length > 0).length).toBeLessThanOrEqual(5);
  });
});

test("a message that fits is, to a byte, what it is without this layer", () => {
  for (const bytes of [0, 16, 500, 1132, 1138]) {
    const run = (wrapped: boolean): string[] => {
      const { asking, serving } = ends(IP, IP, SOON);
      const client = wrapped
        ? asking
        : new CoapEndpoint({ random: new SeededRandom("client 1"), traits: IP });
      const server = wrapped
        ? serving
        : new CoapEndpoint({ random: new SeededRandom("server 1"), traits: IP });
      const pair = new Pair(client, server, SOON);
      pair.onSecond = (event) => {
        if (event.kind === "request") server.respond(pair.nowMs, event.exchange, changed(body(bytes)));
      };
      client.request(0, LINE, sealed(body(bytes)), { untilMs: 9000 });
      pair.run(9000);
      return pair.sent.map((sent) => toHex(sent.bytes));
    };
    expect(run(true)).toEqual(run(false));
    expect(run(true)).toHaveLength(2);
  }
});

describe("an answer to a stranger", () => {
  test("comes in pieces of at most three times what asked for them, and comes whole", () => {
    const { asking, serving, pair, told } = ends(IP, IP, SOON);
    const answer = { ...changed(body(300, 4)), options: [] };
    pair.onSecond = (event) => {
      if (event.kind === "request") serving.greet(pair.nowMs, event.exchange, answer);
    };
    const id = asking.request(0, LINE, introduction(body(37)), { untilMs: 60_000, isGenuine: isOf(answer) });
    pair.run(60_000);
    expect(story(told, id)).toEqual([`68 ${toHex(body(300, 4))}`, "answered"]);
    const lengths = pair.sent.map(({ bytes }) => bytes.length);
    expect(lengths.length).toBeGreaterThan(4);
    for (let i = 0; i < lengths.length; i += 2)
      expect(lengths[i + 1]).toBeLessThanOrEqual(3 * (lengths[i] ?? 0));
  });

  test("that is short comes in one piece", () => {
    const { asking, serving, pair } = ends(IP, IP, SOON);
    pair.onSecond = (event) => {
      if (event.kind === "request") serving.greet(pair.nowMs, event.exchange, changed(body(45)));
    };
    asking.request(0, LINE, introduction(body(37)), { untilMs: 60_000 });
    pair.run(60_000);
    expect(pair.sent).toHaveLength(2);
  });
});

/** Loses, repeats and delays a fifth of all datagrams each. */
function badLine(seed: string): Path {
  const random = new SeededRandom(seed);
  const strikes = (): boolean => uniform(random) < 0.2;
  return () => {
    if (strikes()) return [];
    const first = strikes() ? 10 + integerBelow(random, 300) : 10;
    return strikes() ? [first, first + integerBelow(random, 2000)] : [first];
  };
}

describe("on a line that loses, repeats and swaps a fifth of all datagrams each", () => {
  const SEEDS = 60;

  test(`long messages come whole and once or not at all, and nearly all of them do (${SEEDS} seeds)`, () => {
    let answered = 0;
    for (let seed = 0; seed < SEEDS; seed++) {
      const random = new SeededRandom(`sizes ${seed}`);
      const [up, down] = [integerBelow(random, 600), integerBelow(random, 600)];
      const [request, answer] = [sealed(body(up, seed)), changed(body(down, seed + 1))];
      const traits = { ...mtu(80 + integerBelow(random, 100)), roundTripMs: 20 };
      const outcome = exchange(request, answer, traits, traits, badLine(`line ${seed}`));
      const stories = outcome.story.filter((told) => told !== "doubt");
      for (const whole of outcome.served)
        expect(toHex(whole.payload), `seed ${seed}`).toBe(toHex(body(up, seed)));
      if (stories[0] === "timeout") continue;
      expect(stories, `seed ${seed}`).toEqual([`68 ${toHex(body(down, seed + 1))}`, "answered"]);
      answered++;
    }
    expect(answered).toBeGreaterThanOrEqual(0.9 * SEEDS);
  });

  test("eight long requests at once get each its own answer (8 seeds)", () => {
    for (let seed = 0; seed < 8; seed++) {
      const traits = { ...mtu(100), roundTripMs: 20 };
      const { asking, serving, pair, told } = ends(traits, traits, badLine(`many ${seed}`), seed);
      pair.onSecond = (event) => {
        if (event.kind !== "request") return;
        serving.respond(pair.nowMs, event.exchange, changed(event.message.payload));
      };
      const ids = Array.from({ length: 8 }, (_, i) => {
        const request = sealed(body(200, i), i);
        return asking.request(0, LINE, request, { untilMs: 120_000, isGenuine: isOf(changed(body(200, i))) });
      });
      pair.run(200_000);
      for (const [i, id] of ids.entries()) {
        const ends = story(told, id).filter((each) => each !== "doubt");
        expect([[`68 ${toHex(body(200, i))}`, "answered"], ["timeout"]], `seed ${seed}`).toContainEqual(ends);
      }
    }
  });
});
