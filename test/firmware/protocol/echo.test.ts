import { describe, expect, test } from "vitest";
import { CODE, findOption, OPTION, resourceRequest } from "../../../firmware/protocol/coap/message.ts";
import { EchoChallenges } from "../../../firmware/protocol/echo.ts";
import { MemorySequence } from "../../../firmware/protocol/oscore/sender-sequence.ts";
import type { PresetContext } from "../../../firmware/protocol/sessions.ts";
import { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { type SecuredLineOptions, securedLine } from "../../support/secured-line.ts";
import { IP, LINE_9600 } from "./coap/helpers.ts";

const BODY = Uint8Array.of(0x81, 0x00);
const PUT = resourceRequest(CODE.put, "c", BODY);

/** A line whose first handshake is done, and the datagrams since. */
function line(options: SecuredLineOptions = {}) {
  const counted = { datagrams: 0 };
  const made = securedLine({ ...options, tap: () => counted.datagrams++ });
  made.ask(BODY);
  counted.datagrams = 0;
  made.served.length = 0;
  return { ...made, counted };
}

describe("a request that changes something", () => {
  test.each([
    ["PUT", CODE.put],
    ["POST", CODE.post],
    ["DELETE", CODE.delete],
    ["a method of later", 0x1f],
  ])("%s is served after it has repeated an Echo, which the head-end does by itself", (_, code) => {
    const { askFor, served, counted } = line();
    expect(askFor(resourceRequest(code, "c", BODY))).toMatchObject({ content: { code: CODE.content } });
    expect(served).toHaveLength(1);
    expect(counted.datagrams).toBe(4);
  });

  test.each([
    ["GET", CODE.get],
    ["FETCH", CODE.fetch],
  ])("%s changes nothing and is not challenged", (_, code) => {
    const { askFor, counted } = line();
    expect(askFor(resourceRequest(code, "r"))).toMatchObject({ kind: "answer" });
    expect(counted.datagrams).toBe(2);
  });

  test.each([
    [9, 1],
    [11, 0],
  ])("held by the network for %d s is served %d times: a held command is a dead one", (seconds, times) => {
    const network = { passes: Number.POSITIVE_INFINITY, held: [] as Uint8Array[] };
    const { askFor, ask, served, clock } = line({
      between: (datagram, from) => {
        if (from === "meter") return [datagram];
        if (network.passes-- > 0) return [...network.held.splice(0, 1), datagram];
        network.held.push(datagram);
        return [];
      },
    });
    // The PUT passes and is challenged; what repeats the challenge is held.
    network.passes = 1;
    expect(askFor(PUT, { withinMs: 50 })).toMatchObject({ kind: "failed", reason: "timeout" });
    expect(network.held).toHaveLength(1);
    clock.advanceBy(1000 * seconds);
    network.passes = Number.POSITIVE_INFINITY;
    ask(BODY);
    expect(served).toHaveLength(1 + times);
  });

  test("is given up, with the last 4.01, where no proof is ever good enough", () => {
    const echo = { number: OPTION.echo, value: BODY };
    const never = { code: CODE.unauthorized, options: [echo], payload: new Uint8Array(0) };
    const { ask, served } = securedLine({ serve: () => never });
    expect(ask(BODY)).toMatchObject({ kind: "answer", content: { code: CODE.unauthorized } });
    expect(served).toHaveLength(5);
  });

  test("is challenged once, not twice, by a meter that has just started with a context of before", () => {
    const context = (senderId: number, recipientId: number): PresetContext => ({
      peer: { id: "preset" },
      parameters: {
        masterSecret: new Uint8Array(16).fill(7),
        senderId: Uint8Array.of(senderId),
        recipientId: Uint8Array.of(recipientId),
      },
      sequence: new MemorySequence(),
    });
    let datagrams = 0;
    const { askFor, served } = securedLine({
      headEndPreset: context(1, 2),
      meterPreset: () => context(2, 1),
      tap: () => datagrams++,
    });
    expect(askFor(PUT)).toMatchObject({ content: { code: CODE.content } });
    expect(datagrams).toBe(4);
    expect(served).toHaveLength(1);
  });
});

describe("an Echo", () => {
  const challenges = (traits = IP) => new EchoChallenges(new SeededRandom(1), traits);
  const [one, another] = [{}, {}];
  /** The same request with the Echo that a challenge wants. */
  const repeated = (challenge: { options: typeof PUT.options }) => ({
    ...PUT,
    options: [...PUT.options, ...challenge.options],
  });

  test("is good for ten seconds and for its own session only", () => {
    const echoes = challenges();
    const answer = repeated(echoes.challenge(1000, one));
    expect(echoes.isAnswered(1000, one, answer)).toBe(true);
    expect(echoes.isAnswered(10_999, one, answer)).toBe(true);
    expect(echoes.isAnswered(11_000, one, answer)).toBe(false);
    expect(echoes.isAnswered(1000, another, answer)).toBe(false);
    echoes.challenge(1000, another);
    expect(echoes.isAnswered(1000, another, answer)).toBe(false);
    expect(echoes.isAnswered(1000, one, PUT)).toBe(false);
  });

  test("lasts for three round trips of the longest datagrams on a line where these take longer", () => {
    const echoes = challenges({ ...LINE_9600, bitsPerSecond: 1200 });
    const answer = repeated(echoes.challenge(0, one));
    // 1157 bytes of 10 bits at 1200 bits a second, there and back, three times.
    expect(echoes.isAnswered(57_900, one, answer)).toBe(true);
    expect(echoes.isAnswered(57_920, one, answer)).toBe(false);
  });

  test("is not taken back by challenges that somebody else provokes, and their number is bounded", () => {
    const echoes = challenges();
    const first = repeated(echoes.challenge(0, one));
    const values = new Set<string>();
    for (let atMs = 0; atMs < 10_000; atMs += 10) {
      expect(echoes.isAnswered(atMs, one, first)).toBe(true);
      values.add(String(findOption(echoes.challenge(atMs, one), OPTION.echo)));
    }
    expect(values.size).toBe(2);
  });
});
