// Answers that may be late: a meter off its line for a while, answers that take their time, and what forwarders say.
import { describe, expect, test } from "vitest";
import type { ClientEvent } from "../../../firmware/protocol/asks.ts";
import { toUint } from "../../../firmware/protocol/bytes.ts";
import { decodeMessage } from "../../../firmware/protocol/coap/codec.ts";
import { CODE, findOption, isRequestCode, OPTION } from "../../../firmware/protocol/coap/message.ts";
import { DIRECT, twoWays, VIA } from "../../support/two-ways.ts";

const MINUTE_MS = 60_000;
/** Five minutes. */
const TOLERANT = { toleranceSeconds: 300, withinMs: 300_000 };

describe.each([
  ["directly", DIRECT],
  ["through a proxy", VIA],
])("a meter that is off its line for 3 minutes, asked %s", (_, way) => {
  test.each(["with a session", "without one"])("answers within a tolerance of 5, %s", (how) => {
    const { headEnd, clock, network, nonces, sessions } = twoWays();
    const { ask, begin, events } = headEnd("H");
    if (how === "with a session") ask(way);
    network.set("meter", "off");
    const id = begin({ ...way, ...TOLERANT });
    clock.advanceBy(3 * MINUTE_MS);
    const isTold = (event: ClientEvent): boolean => event.ask === id;
    expect(events.some(isTold)).toBe(false);
    network.set("meter", "on");
    clock.advanceBy(2 * MINUTE_MS);
    expect(events.filter(isTold)).toMatchObject([{ kind: "answer" }]);
    expect({ sessions, replays: nonces.replays }).toEqual({ sessions: ["H"], replays: 0 });
  });

  test("is given up without a tolerance, and by one that does not last", () => {
    const { headEnd, network } = twoWays();
    const { ask } = headEnd("H");
    network.set("meter", "off");
    expect(ask(way)).toMatchObject({ kind: "failed", reason: "timeout" });
    expect(ask({ ...way, toleranceSeconds: 60, withinMs: MINUTE_MS })).toMatchObject({
      kind: "failed",
      reason: "timeout",
    });
  });
});

test("a tolerant ask does not fill the line: CoAP's own repetitions, then pauses of up to 90 seconds", () => {
  const { headEnd, clock, network } = twoWays();
  const { ask, begin } = headEnd("H");
  ask(DIRECT);
  const sentMs: number[] = [];
  network.set("meter", "off");
  network.tap = (from) => from === "H" && sentMs.push(clock.monotonicMs());
  begin({ ...DIRECT, toleranceSeconds: 3600, withinMs: 60 * MINUTE_MS });
  clock.advanceBy(60 * MINUTE_MS);
  const pausesMs = sentMs.map((ms, i) => ms - (sentMs[i - 1] ?? ms));
  expect(sentMs.length).toBeGreaterThan(60);
  expect(sentMs.length).toBeLessThan(400);
  expect(Math.max(...pausesMs)).toBeLessThan(92_000);
});

describe("an answer that comes after CoAP gave up its request", () => {
  /** Answers take two minutes. */
  function slow() {
    const world = twoWays();
    const end = world.headEnd("H");
    end.ask(VIA);
    world.proxy.late = (send) => world.clock.after(2 * MINUTE_MS, send);
    return { ...world, ...end };
  }

  test("is delivered while it is tolerated, once; those to later tries are dropped and counted", () => {
    const { begin, clock, events, client, nonces } = slow();
    const id = begin({ ...VIA, ...TOLERANT });
    clock.advanceBy(2 * MINUTE_MS + 100);
    const told = events.filter((event) => event.ask === id);
    expect(told).toMatchObject([{ kind: "answer" }]);
    clock.advanceBy(5 * MINUTE_MS);
    expect(events.filter((event) => event.ask === id)).toEqual(told);
    expect(client.line.lateAnswers).toBeGreaterThan(0);
    expect(nonces.replays).toBe(0);
  });

  test("is dropped and counted once the ask is given up", () => {
    const { ask, clock, events, client } = slow();
    expect(ask({ ...VIA, toleranceSeconds: 60, withinMs: MINUTE_MS })).toMatchObject({ reason: "timeout" });
    expect(client.line.lateAnswers).toBe(0);
    const before = events.length;
    clock.advanceBy(5 * MINUTE_MS);
    expect(client.line.lateAnswers).toBeGreaterThan(0);
    expect(events).toHaveLength(before);
  });
});

test.each([
  ["with a session", true],
  ["without one", false],
])("what was acknowledged and lost is asked again before its time is up, %s", (_, hasSession) => {
  const { headEnd, clock, proxy, sessions, nonces } = twoWays();
  const { ask, begin, events } = headEnd("H");
  if (hasSession) ask(VIA);
  proxy.word = CODE.empty;
  const id = begin({ ...VIA, ...TOLERANT });
  clock.advanceBy(MINUTE_MS / 2);
  proxy.word = undefined;
  clock.advanceBy(4 * MINUTE_MS);
  expect(events.filter((event) => event.ask === id)).toMatchObject([{ kind: "answer" }]);
  expect({ sessions, replays: nonces.replays }).toEqual({ sessions: ["H"], replays: 0 });
});

describe("what somebody says who forwards", () => {
  test.each([CODE.gatewayTimeout, CODE.badGateway, CODE.serviceUnavailable, CODE.hopLimitReached])(
    "is no word of the meter: %i leaves the session, and the meter is read directly with it",
    (code) => {
      const { headEnd, proxy, sessions } = twoWays();
      const { ask } = headEnd("H");
      ask(VIA);
      proxy.word = code;
      expect(ask(VIA)).toMatchObject({ kind: "failed", reason: "unreachable" });
      expect(ask(DIRECT)).toMatchObject({ kind: "answer" });
      proxy.word = CODE.notFound;
      expect(ask(VIA)).toMatchObject({ kind: "failed", reason: "unrouted" });
      expect(ask(DIRECT)).toMatchObject({ kind: "answer" });
      expect(sessions).toEqual(["H"]);
    },
  );

  test("is told before there is a session too", () => {
    const { headEnd, proxy } = twoWays();
    const { ask } = headEnd("H");
    proxy.word = CODE.gatewayTimeout;
    expect(ask(VIA)).toMatchObject({ kind: "failed", reason: "unreachable" });
    proxy.word = CODE.notFound;
    expect(ask(VIA)).toMatchObject({ kind: "failed", reason: "unrouted" });
  });

  test("that he has no answer is outlived by a tolerance", () => {
    const { headEnd, clock, proxy, sessions } = twoWays();
    const { ask, begin, events } = headEnd("H");
    ask(VIA);
    proxy.word = CODE.gatewayTimeout;
    const id = begin({ ...VIA, ...TOLERANT });
    clock.advanceBy(2 * MINUTE_MS);
    proxy.word = undefined;
    clock.advanceBy(2 * MINUTE_MS);
    expect(events.filter((event) => event.ask === id)).toMatchObject([{ kind: "answer" }]);
    expect(sessions).toEqual(["H"]);
  });
});

test("the tolerance goes to the meter inside, and what is left of it to a forwarder of ours outside", () => {
  const { headEnd, clock, network, asked } = twoWays();
  const { ask, begin, events } = headEnd("H");
  const outer: (number | undefined)[] = [];
  network.tap = (from, to, bytes) => {
    const message = decodeMessage(bytes);
    if (from !== "H" || "error" in message || !isRequestCode(message.code)) return;
    const value = findOption(message, OPTION.delayTolerance);
    outer.push(value && toUint(value));
    expect(findOption(message, OPTION.uriHost) !== undefined).toBe(to === "proxy");
  };
  ask(DIRECT);
  ask({ ...DIRECT, ...TOLERANT });
  expect(new Set(outer)).toEqual(new Set([undefined]));
  expect(asked).toEqual([undefined, 300]);
  outer.length = 0;
  network.set("meter", "off");
  const stranger = begin({ ...VIA, ...TOLERANT });
  clock.advanceBy(MINUTE_MS);
  expect(new Set(outer)).toEqual(new Set([undefined]));
  expect(events.some((event) => event.ask === stranger)).toBe(false);
  clock.advanceBy(5 * MINUTE_MS);
  outer.length = 0;
  begin({ ...VIA, ...TOLERANT, isOperator: true });
  clock.advanceBy(4 * MINUTE_MS);
  expect(outer[0]).toBe(300);
  expect(outer.at(-1)).toBeGreaterThan(60);
  expect(outer.at(-1)).toBeLessThan(150);
});
