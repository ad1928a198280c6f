// Against a DAP: strangers who would have it do more than route, or less for others.
import { describe, expect, test } from "vitest";
import { fromText, fromUint } from "../../firmware/protocol/bytes.ts";
import { decodeMessage, encodeMessage } from "../../firmware/protocol/coap/codec.ts";
import { type CoapContent, messageOf, OPTION, withOptions } from "../../firmware/protocol/coap/message.ts";
import { FAR_END } from "../../hal/emulated/backhaul.ts";
import { codes, echo, kinds, place, sealedAnswer, sealedFor, text } from "../host-tools/dap/place.ts";

const MTU_BYTES = 1152;

/** What a stranger at a station of his own gets for a datagram. */
function stranger(world: ReturnType<typeof place>, name: string) {
  const got: Uint8Array[] = [];
  const link = world.north.station(name);
  link.listen({ datagram: (_, datagram) => got.push(datagram) });
  return { got, send: (datagram: Uint8Array) => link.send(FAR_END, datagram) };
}

function request(content: CoapContent, messageId: number): Uint8Array {
  return encodeMessage(messageOf({ type: "CON", messageId, token: fromUint(messageId) }, content));
}

describe("a DAP", () => {
  test("is nobody's way to anywhere but the meters of its routes", () => {
    const sent: string[] = [];
    const world = place({ meters: ["M1", "M2"], southTap: ({ station }) => sent.push(station) });
    for (const name of ["M1", "M2"]) world.meter(name, echo);
    const client = world.client("X");
    const hosts = [
      "127.0.0.1",
      "[::1]",
      "localhost",
      "10.0.0.1:5683",
      "M3",
      "m1",
      "M1.",
      " M1",
      "M1\0",
      "__proto__",
      "constructor",
      "",
    ];
    for (const host of hosts) client.send(sealedFor(host));
    for (const [number, value] of [
      [OPTION.proxyUri, "coap://127.0.0.1/r"],
      [OPTION.proxyUri, "coap://M1/r"],
      [OPTION.proxyScheme, "coap"],
    ] as const)
      client.send(withOptions(sealedFor("M1"), { number, value: fromText(value) }));
    world.clock.advanceBy(60_000);
    expect(sent).toEqual([]);
    expect(new Set(codes(client.answers))).toEqual(new Set(["4.04", "5.05"]));
    client.send(sealedFor("M1"));
    world.clock.advanceBy(1000);
    expect(new Set(sent)).toEqual(new Set(["M1"]));
  });

  test("gives who has proved nothing no more than three times what he sends, however long the meter's answer is", () => {
    const world = place();
    world.meter("M1", () => sealedAnswer(new Uint8Array(1000)));
    const { got, send } = stranger(world, "X");
    const datagram = request(sealedFor("M1"), 7);
    for (let i = 0; i < 5; i++) send(datagram);
    world.clock.advanceBy(300_000);
    expect(got.length).toBeGreaterThan(0);
    expect(got.reduce((sum, { length }) => sum + length, 0)).toBeLessThanOrEqual(3 * 5 * datagram.length);
    for (const { length } of got) expect(length).toBeLessThanOrEqual(3 * datagram.length);
  });

  test("takes nobody's word for an operator's: what only operators may ask is refused at every other station", () => {
    const world = place({ meters: ["M1", "M2"], groups: { B7: ["M1", "M2"] } });
    const meters = ["M1", "M2"].map((name) => world.meter(name, echo));
    world.askStatus("H:1");
    for (const name of ["H:2", "H", "h:1", "H:1 "]) {
      const client = world.client(name);
      client.send(sealedFor("B7"));
      client.send(withOptions(sealedFor("M1"), { number: OPTION.delayTolerance, value: fromUint(60) }));
      world.clock.advanceBy(1000);
      expect(codes(client.answers)).toEqual(["4.01", "4.01"]);
    }
    expect(meters.flatMap(({ requests }) => requests)).toEqual([]);
  });

  test("does not take a stranger's ACK or RST for its client's: the late answer is sent until that one has it", () => {
    const world = place();
    world.askStatus("H");
    const head = stranger(world, "H");
    head.send(
      request(withOptions(sealedFor("M1"), { number: OPTION.delayTolerance, value: fromUint(600) }), 9),
    );
    world.clock.advanceBy(2000);
    world.meter("M1", echo);
    const { send } = stranger(world, "X");
    const late = () => head.got.filter((datagram) => kinds([datagram])[0] === "CON 2.04");
    world.clock.runUntil(() => late().length > 0, 100_000);
    for (let id = 0; id < 0x10000; id++)
      send(Uint8Array.of(id % 2 === 0 ? 0x60 : 0x70, 0, id >> 8, id & 0xff));
    world.clock.advanceBy(20_000);
    expect(late().length).toBeGreaterThan(2);
    expect(world.dap.status().held).toBe(1);
  });

  test("does not hand one client's answer to another that uses its Message ID and its token", () => {
    const world = place();
    const meter = world.meter("M1", () => "later");
    const [first, second] = ["A", "B"].map((name) => stranger(world, name));
    first?.send(request(sealedFor("M1", fromText("a")), 77));
    world.clock.advanceBy(100);
    second?.send(request(sealedFor("M1", fromText("b")), 77));
    world.clock.advanceBy(100);
    expect(meter.requests.map(text)).toEqual(["a", "b"]);
    meter.later[0]?.(sealedAnswer(fromText("for a")));
    world.clock.advanceBy(1000);
    const bodies = [first, second].map((each) =>
      (each?.got ?? [])
        .map((datagram) => decodeMessage(datagram))
        .flatMap((m) => ("error" in m || m.code === 0 ? [] : [text(m)])),
    );
    expect(new Set(bodies[0])).toEqual(new Set(["for a"]));
    expect(bodies[1]).toEqual([]);
  });
});

describe("a flood from 12,000 stations", () => {
  /** Each asks something of the one meter, which does not answer strangers. */
  function flooded(traits: Parameters<typeof place>[0]) {
    const world = place({ meters: ["M1", "M2"], ...traits });
    world.meter("M1", () => undefined);
    const honest = world.meter("M2", echo);
    world.askStatus("H");
    const head = world.client("H");
    for (let i = 0; i < 12_000; i++) {
      const { send } = stranger(world, `X${i}`);
      send(request(sealedFor("M1"), i));
      if (i % 1000 === 0) world.clock.advanceBy(10);
    }
    world.clock.advanceBy(50);
    return { world, honest, head };
  }

  test.each([
    ["on the network", {}],
    ["on a line for one at a time", { south: { halfDuplex: true } }],
  ])("%s leaves the operator his turn, and the DAP within its bounds", (_, traits) => {
    const { world, honest, head } = flooded(traits);
    const [line] = world.dap.status().lines;
    expect((line?.waiting ?? 0) + (line?.underWay ?? 0)).toBeLessThanOrEqual(4096 + 8192);
    const atMs = world.clock.monotonicMs();
    head.send(sealedFor("M2"), { untilMs: atMs + 60_000 });
    world.clock.runUntil(() => head.answers.length > 0, 60_000);
    expect(head.answers.map(text)).toEqual(["M2: for M2"]);
    expect(world.clock.monotonicMs() - atMs).toBeLessThan(15_000);
    expect(honest.requests).toHaveLength(1);
  });
});

test("a message at the MTU with as many options as one may have is routed or refused, and never makes it throw", () => {
  const world = place();
  world.meter("M1", echo);
  const { send, got } = stranger(world, "X");
  for (let count = 0; count < 80; count++) {
    const more = Array.from({ length: count }, (_, i) => ({
      number: 65_000 + 4 * (i % 3),
      value: new Uint8Array(9),
    }));
    const bytes = request(withOptions(sealedFor("M1", new Uint8Array(300)), ...more), count);
    if (bytes.length <= MTU_BYTES) send(bytes);
  }
  world.clock.advanceBy(5000);
  expect(got.length).toBeGreaterThan(50);
});
