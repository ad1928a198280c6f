// Store and forward: what a DAP has acknowledged it keeps, over its own death too, until the client has its answer.
import { describe, expect, test } from "vitest";
import { fromText, fromUint } from "../../../firmware/protocol/bytes.ts";
import { encodeMessage } from "../../../firmware/protocol/coap/codec.ts";
import { messageOf, OPTION, withOptions } from "../../../firmware/protocol/coap/message.ts";
import { MemoryStorage } from "../../../hal/storage/memory-storage.ts";
import { codes, echo, kinds, type PlaceOptions, place, sealedFor, text } from "./place.ts";

const tolerant = (host: string, seconds: number, body = `for ${host}`) =>
  withOptions(sealedFor(host, fromText(body)), { number: OPTION.delayTolerance, value: fromUint(seconds) });

/** The same as a datagram. */
const RAW = encodeMessage(
  messageOf({ type: "CON", messageId: 0x1234, token: Uint8Array.of(0x77, 1) }, tolerant("M1", 300)),
);

/** A DAP with an operator at station H, and a storage that loses at a cut what was not synced. */
function held(options: PlaceOptions = {}, seed = 1) {
  const storage = new MemoryStorage();
  const world = place({ meters: ["M1", "M2"], seed, ...options, dap: { storage, ...options.dap } });
  world.askStatus("H");
  const client = world.client("H");
  let { dap } = world;
  let kept = storage;
  return {
    ...world,
    newClient: world.client,
    client,
    get dap() {
      return dap;
    },
    get storage() {
      return kept;
    },
    kill() {
      dap.stop();
      kept = kept.afterCut({ bytes: "none", folder: "none" });
    },
    restart() {
      dap = world.newDap({ storage: kept });
    },
  };
}

describe("a request that tolerates delay", () => {
  test("is acknowledged when it is durable, kept while its meter is away, and answered when that is back", () => {
    const world = held();
    world.client.send(tolerant("M1", 300), { untilMs: 400_000 });
    world.clock.advanceBy(120_000);
    expect(kinds(world.client.received)).toEqual(["ACK 0.00"]);
    expect(world.dap.status().held).toBe(1);
    world.meter("M1", echo);
    world.clock.advanceBy(61_000);
    expect(world.client.answers.map(text)).toEqual(["M1: for M1"]);
    expect(kinds(world.client.received)).toEqual(["ACK 0.00", "CON 2.04"]);
    expect(world.dap.status().held).toBe(0);
    expect(world.storage.list()).toEqual(["operators"]);
  });

  test("asks at once when its meter is heard of", () => {
    const world = held();
    world.client.send(tolerant("M1", 3600), { untilMs: 4_000_000 });
    world.clock.advanceBy(600_000);
    const meter = world.meter("M1", echo);
    const atMs = world.clock.monotonicMs();
    const other = world.newClient("X");
    other.send(sealedFor("M1", fromText("by another")));
    world.clock.runUntil(() => world.client.answers.length > 0, 10_000);
    expect(world.clock.monotonicMs() - atMs).toBeLessThan(500);
    expect(meter.requests).toHaveLength(2);
  });

  test.each([5, 300])("is given up after its %i s, and counted", (seconds) => {
    const world = held();
    world.client.send(tolerant("M1", seconds), { untilMs: 1_000_000 });
    world.clock.advanceBy(seconds * 1000 - 200);
    expect(world.dap.status().held).toBe(1);
    world.clock.advanceBy(400);
    expect(world.dap.status()).toMatchObject({ held: 0, counters: { givenUp: 1 } });
    world.meter("M1", echo);
    world.clock.advanceBy(600_000);
    expect(world.client.answers).toEqual([]);
    expect(world.storage.list()).toEqual(["operators"]);
  });

  test("sends its meter the same sealed bytes each time", () => {
    const world = held();
    const meter = world.meter("M1", () => undefined);
    world.client.send(tolerant("M1", 300), { untilMs: 400_000 });
    world.clock.advanceBy(300_000);
    expect(meter.requests.length).toBeGreaterThan(5);
    expect(
      new Set(meter.requests.map((request) => text(request) + String(request.options[0]?.value))).size,
    ).toBe(1);
  });

  test("that comes again in a copy, or anew after a restart, is kept once", () => {
    const world = held();
    const send = () => {
      world.client.raw(RAW);
      world.clock.advanceBy(500);
    };
    send();
    send();
    world.kill();
    world.restart();
    send();
    expect(world.dap.status().held).toBe(1);
    expect(kinds(world.client.received)).toEqual(["ACK 0.00", "ACK 0.00", "ACK 0.00"]);
  });

  test("is refused with 5.03, and not acknowledged, where the storage takes nothing", () => {
    const world = held();
    world.storage.failAt({ operation: 1, fault: "full", lasting: true });
    world.client.send(tolerant("M1", 300));
    world.clock.advanceBy(1000);
    expect(codes(world.client.answers)).toEqual(["5.03"]);
  });
});

describe("a DAP that is killed", () => {
  test("between the acknowledgement and the answer goes on asking after its start", () => {
    const world = held();
    world.client.send(tolerant("M1", 300), { untilMs: 400_000 });
    world.clock.advanceBy(20_000);
    world.kill();
    world.clock.advanceBy(30_000);
    world.meter("M1", echo);
    world.restart();
    world.clock.advanceBy(5000);
    expect(world.client.answers.map(text)).toEqual(["M1: for M1"]);
    expect(world.storage.list()).toEqual(["operators"]);
  });

  test("and comes back with a clock that went back keeps nothing longer than it was asked to", () => {
    const world = held();
    world.client.send(tolerant("M1", 300), { untilMs: 4_000_000 });
    world.clock.advanceBy(20_000);
    world.kill();
    world.clock.setUtcMs(Date.UTC(2000, 0, 1));
    world.restart();
    expect(world.dap.status().held).toBe(1);
    world.clock.advanceBy(301_000);
    expect(world.dap.status().held).toBe(0);
    expect(world.storage.list()).toEqual(["operators"]);
  });

  test("and finds a file of its requests twice takes the later one, and gives it up when its time is over", () => {
    const world = held();
    world.client.send(tolerant("M1", 300), { untilMs: 4_000_000 });
    world.clock.advanceBy(20_000);
    world.kill();
    const { storage } = world;
    storage.write("held-19", storage.read("held-1") ?? expect.fail());
    storage.write("held-9", storage.read("held-1") ?? expect.fail());
    world.restart();
    expect(world.dap.status().held).toBe(1);
    expect([...storage.list()].sort()).toEqual(["held-19", "operators"]);
    world.clock.advanceBy(301_000);
    expect(world.dap.status()).toMatchObject({ held: 0, counters: { givenUp: 1 } });
    expect(storage.list()).toEqual(["operators"]);
  });

  test("before the acknowledgement has lost nothing that it acknowledged: the client's copy is a new request", () => {
    const world = held();
    world.kill();
    world.client.send(tolerant("M1", 300), { untilMs: 400_000 });
    world.clock.advanceBy(500);
    world.meter("M1", echo);
    world.restart();
    world.clock.advanceBy(20_000);
    expect(world.client.answers.map(text)).toEqual(["M1: for M1"]);
  });

  test("with an answer that its client has not taken hands that over, and asks the meter no more", () => {
    const world = held();
    const meter = world.meter("M1", echo);
    const gone = world.north.station("H");
    gone.listen({ datagram() {} });
    gone.send("far end", RAW);
    world.clock.advanceBy(5000);
    expect(meter.requests).toHaveLength(1);
    world.kill();
    world.restart();
    const heard: Uint8Array[] = [];
    world.north.station("H").listen({ datagram: (_, bytes) => heard.push(bytes) });
    world.clock.advanceBy(3000);
    expect(kinds(heard)).toContain("CON 2.04");
    expect(meter.requests).toHaveLength(1);
  });

  test.each(Array.from({ length: 12 }, (_, i) => i))(
    "at any moment (%i) loses nothing that it has acknowledged, and answers nobody twice otherwise than alike",
    (i) => {
      const world = held({}, i + 10);
      world.meter("M1", echo);
      world.meter("M2", echo);
      const bodies = ["a", "b", "c", "d"];
      for (const [n, body] of bodies.entries())
        world.client.send(tolerant(n % 2 === 0 ? "M1" : "M2", 600, body), {
          untilMs: 2_000_000,
          tokenBytes: 2,
        });
      world.clock.advanceBy(1 + 7 * i);
      const acknowledged = world.client.received.filter((bytes) => bytes[0] === 0x60).length;
      world.kill();
      world.clock.advanceBy(1000);
      world.restart();
      world.clock.advanceBy(200_000);
      const answers = new Set(world.client.answers.map(text));
      expect(answers.size).toBeGreaterThanOrEqual(acknowledged);
    },
  );
});

test("a DAP told to hold keeps what an operator asks for its own time, and what others ask not at all", () => {
  const settings = { thirdParty: false, distribute: "per-meter", return: "hold", holdSeconds: 60 } as const;
  const world = held({ dap: { settings } });
  const other = world.newClient("X");
  world.client.send(sealedFor("M1", fromText("kept")), { untilMs: 100_000 });
  other.send(sealedFor("M1", fromText("not kept")));
  world.clock.advanceBy(50_000);
  expect([world.client.received, other.received].map(kinds)).toEqual([["ACK 0.00"], ["ACK 5.04"]]);
  world.clock.advanceBy(11_000);
  expect(world.dap.status()).toMatchObject({ held: 0, counters: { kept: 1, givenUp: 1 } });
});
