// What a router does with single requests, as the peers of the field got it wrong: RFC 7252 5.7, RFC 8768, RFC 8613 10.
import { describe, expect, test } from "vitest";
import { fromText } from "../../../firmware/protocol/bytes.ts";
import {
  bareAnswer,
  CODE,
  type CoapContent,
  findOption,
  OPTION,
  withOptions,
  withoutOptions,
} from "../../../firmware/protocol/coap/message.ts";
import { codes, echo, kinds, place, sealedAnswer, sealedFor, text } from "./place.ts";

const option = (number: number, ...bytes: number[]) => ({ number, value: Uint8Array.from(bytes) });

/** Sends one request to a DAP before one meter, and gives what the client and the meter saw. */
function passed(content: CoapContent, answer: CoapContent = sealedAnswer(fromText("ok"))) {
  const world = place();
  const meter = world.meter("M1", () => answer);
  const client = world.client("H");
  client.send(content);
  world.clock.advanceBy(2000);
  return { client, meter, counters: world.dap.counters };
}

describe("a request", () => {
  test("goes to the meter that it names, without the name, and its answer back within the ACK", () => {
    const { client, meter } = passed(sealedFor("M1"));
    expect(meter.requests.map(text)).toEqual(["for M1"]);
    expect(meter.requests[0]?.options).toEqual([option(OPTION.oscore, 0x09, 0x01, 0x25)]);
    expect(kinds(client.received)).toEqual(["ACK 2.04"]);
    expect(client.answers.map(text)).toEqual(["ok"]);
  });

  test.each([
    ["over a network under a token that is hard to guess", {}, 4],
    ["over a slow line under a short one", { bitsPerSecond: 9600 }, 1],
  ])("goes on %s, and under another one after a restart", (_, south, bytes) => {
    const world = place({ south });
    const meter = world.meter("M1", echo);
    const client = world.client("H");
    for (let starts = 0; starts < 2; starts++) {
      client.send(sealedFor("M1"));
      world.clock.advanceBy(2000);
      world.dap.stop();
      world.newDap();
    }
    const [before, after] = meter.requests.map(({ token }) => token);
    expect([before?.length, after?.length]).toEqual([bytes, bytes]);
    expect(before).not.toEqual(after);
  });

  test("a FETCH without a Content-Format passes, as what is within is sealed", () => {
    const { client, meter } = passed({ ...sealedFor("M1"), code: CODE.fetch });
    expect(codes(meter.requests)).toEqual(["0.05"]);
    expect(codes(client.answers)).toEqual(["2.04"]);
  });

  test.each([
    ["an unknown alias", sealedFor("M2"), "4.04"],
    [
      "an alias that is no text",
      withOptions(withoutOptions(sealedFor("M1"), OPTION.uriHost), option(OPTION.uriHost, 0xff)),
      "4.00",
    ],
    ["two aliases", withOptions(sealedFor("M1"), { number: OPTION.uriHost, value: fromText("M1") }), "4.02"],
    ["an address as its alias", sealedFor("[::1]"), "4.04"],
    ["a host of the Internet as its alias", sealedFor("example.org"), "4.04"],
    [
      "Proxy-Uri",
      withOptions(sealedFor("M1"), { number: OPTION.proxyUri, value: fromText("coap://[::1]/") }),
      "5.05",
    ],
    [
      "Proxy-Scheme",
      withOptions(sealedFor("M1"), { number: OPTION.proxyScheme, value: fromText("coap") }),
      "5.05",
    ],
    [
      "Proxy-Scheme and an address in brackets",
      withOptions(sealedFor("[2001:db8::1]"), { number: OPTION.proxyScheme, value: fromText("coap") }),
      "5.05",
    ],
    ["an unknown unsafe critical option", withOptions(sealedFor("M1"), option(65003)), "4.02"],
    ["an unknown unsafe elective option", withOptions(sealedFor("M1"), option(65002)), "4.02"],
    ["no hops left", withOptions(sealedFor("M1"), option(OPTION.hopLimit, 1)), "5.08"],
    ["a Hop-Limit of 0", withOptions(sealedFor("M1"), option(OPTION.hopLimit, 0)), "4.00"],
    ["a Hop-Limit of 256", withOptions(sealedFor("M1"), option(OPTION.hopLimit, 1, 0)), "4.00"],
  ])("with %s goes nowhere, and the refusal says nothing more", (_, content, code) => {
    const { client, meter } = passed(content);
    expect(meter.requests).toEqual([]);
    expect(codes(client.answers)).toEqual([code]);
    expect(client.answers[0]).toMatchObject({ options: [], payload: new Uint8Array(0) });
  });

  test("keeps the options that are safe to forward, known or not, and has one hop less", () => {
    const safe = [option(OPTION.echo, 1), option(OPTION.requestTag, 2), option(65001, 3), option(65020, 4)];
    const { meter } = passed(withOptions(sealedFor("M1"), ...safe, option(OPTION.hopLimit, 16)));
    const [request] = meter.requests;
    expect(request && findOption(request, OPTION.hopLimit)).toEqual(Uint8Array.of(15));
    for (const { number, value } of safe) expect(request && findOption(request, number)).toEqual(value);
  });

  test("leaves behind what is for the DAP alone: its port, its patience, its wishes", () => {
    const own = [
      option(OPTION.uriPort, 0x16, 0x33),
      option(OPTION.multicastTimeout, 5),
      option(OPTION.delayTolerance, 0),
    ];
    const { meter } = passed(withOptions(sealedFor("M1"), ...own));
    expect(meter.requests[0]?.options.map(({ number }) => number)).toEqual([OPTION.oscore]);
  });

  test("that nobody answers ends with 5.04 and no word more", () => {
    const world = place();
    const client = world.client("H");
    client.send(sealedFor("M1"));
    world.clock.advanceBy(60_000);
    expect(codes(client.answers)).toEqual([]);
    expect(kinds(client.received)).toEqual(["ACK 5.04"]);
    expect(world.dap.counters.failures["line-down"] + world.dap.counters.failures["no-answer"]).toBe(1);
  });

  test("over networks that are slow it ends so while its client waits, who gives it 30 s", () => {
    const world = place({ north: { roundTripMs: 500 }, south: { roundTripMs: 500 } });
    const client = world.client("H");
    client.send(sealedFor("M1"));
    world.clock.advanceBy(29_000);
    expect(kinds(client.received)).toEqual(["ACK 5.04"]);
  });

  test("is not acknowledged before the meter has acknowledged it, and then at once", () => {
    const world = place();
    const meter = world.meter("M1", () => "later");
    const client = world.client("H");
    client.send(sealedFor("M1"));
    // The meter's own empty ACK comes after a quarter of its timeout.
    world.clock.advanceBy(29);
    expect(client.received).toEqual([]);
    world.clock.advanceBy(471);
    expect(kinds(client.received)).toEqual(["ACK 0.00"]);
    meter.later[0]?.(sealedAnswer(fromText("late")));
    world.clock.advanceBy(100);
    expect(kinds(client.received)).toEqual(["ACK 0.00", "CON 2.04"]);
    expect(client.answers.map(text)).toEqual(["late"]);
  });

  test("a copy is not passed on, and gets the same answer again", () => {
    const world = place();
    const meter = world.meter("M1", echo);
    const client = world.client("H");
    const datagram = Uint8Array.of(0x41, 0x02, 0x12, 0x34, 0x77, 0x32, 0x4d, 0x31, 0x61, 0x09, 0xff, 0x01);
    for (let i = 0; i < 3; i++) {
      client.raw(datagram);
      world.clock.advanceBy(100);
    }
    expect(meter.requests).toHaveLength(1);
    expect(client.received).toHaveLength(3);
    expect(new Set(client.received.map(String)).size).toBe(1);
  });
});

describe("an answer", () => {
  test("keeps its code and its safe options", () => {
    const answer = withOptions(sealedAnswer(fromText("x")), option(OPTION.maxAge, 0), option(65020, 7));
    const { client } = passed(sealedFor("M1"), answer);
    expect(client.answers[0]?.options).toEqual(answer.options);
  });

  test("with an unknown unsafe option is not passed on: 5.02 takes its place", () => {
    const { client, counters } = passed(
      sealedFor("M1"),
      withOptions(sealedAnswer(fromText("x")), option(65002)),
    );
    expect(codes(client.answers)).toEqual(["5.02"]);
    expect(counters.failures["not-to-pass"]).toBe(1);
  });

  test("an unprotected refusal of a meter is passed on as it is", () => {
    const { client } = passed(sealedFor("M1"), bareAnswer(CODE.unauthorized));
    expect(codes(client.answers)).toEqual(["4.01"]);
  });
});

describe("several clients", () => {
  test("that ask with the same Message ID, token and bytes are each answered by the meter that they named", () => {
    const world = place({ meters: ["M1", "M2"] });
    for (const name of ["M1", "M2"]) world.meter(name, echo);
    const clients = ["A", "B"].map((name) => world.client(name));
    const datagram = (host: number) =>
      Uint8Array.of(0x41, 0x02, 0x12, 0x34, 0x77, 0x32, 0x4d, host, 0x61, 0x09, 0xff, 0x41);
    clients[0]?.raw(datagram(0x31));
    clients[1]?.raw(datagram(0x32));
    world.clock.advanceBy(100);
    const bodies = clients.map(({ received }) => new TextDecoder().decode(received[0]?.subarray(-5)));
    expect(bodies).toEqual(["M1: A", "M2: A"]);
  });

  test("that ask the same of one meter each have an exchange of their own with it", () => {
    const world = place();
    const meter = world.meter("M1", echo);
    for (const name of ["A", "B"]) world.client(name).send(sealedFor("M1", fromText("same")));
    world.clock.advanceBy(100);
    expect(meter.requests).toHaveLength(2);
  });

  test("a client whose port changes while it waits is answered at both, each by its own request", () => {
    const world = place();
    const meter = world.meter("M1", echo);
    const [before, after] = ["H:1", "H:2"].map((name) => world.client(name));
    before?.send(sealedFor("M1", fromText("first")));
    after?.send(sealedFor("M1", fromText("second")));
    world.clock.advanceBy(100);
    expect([before?.answers.map(text), after?.answers.map(text)]).toEqual([["M1: first"], ["M1: second"]]);
    expect(meter.requests).toHaveLength(2);
  });
});

test("a second meter is asked at its own station, though another one was asked just before", () => {
  const world = place({ meters: ["M1", "M2", "M3"] });
  const meters = ["M1", "M2", "M3"].map((name) => world.meter(name, echo));
  const client = world.client("H");
  for (const name of ["M1", "M2", "M3", "M2", "M1"]) client.send(sealedFor(name));
  world.clock.advanceBy(200);
  expect(meters.map(({ requests }) => requests.map(text))).toEqual([
    ["for M1", "for M1"],
    ["for M2", "for M2"],
    ["for M3"],
  ]);
  expect(client.answers.map(text)).toContain("M3: for M3");
});

test("a meter that does not answer stops nobody, on a line for one at a time too", () => {
  const world = place({ meters: ["M1", "M2"], south: { halfDuplex: true } });
  world.meter("M1", () => undefined);
  world.meter("M2", echo);
  const client = world.client("H");
  client.send(sealedFor("M1"));
  client.send(sealedFor("M2"));
  world.clock.advanceBy(5000);
  expect(client.answers.map(text)).toEqual(["M2: for M2"]);
});
