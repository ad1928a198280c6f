// Whole meters behind a DAP, and a head-end before it: what passes is sealed from end to end.
import { describe, expect, test } from "vitest";
import { fromText } from "../../../firmware/protocol/bytes.ts";
import { decodeMessage, encodeMessage } from "../../../firmware/protocol/coap/codec.ts";
import { isRequestCode, OPTION, withOptions } from "../../../firmware/protocol/coap/message.ts";
import { Backhaul, FAR_END } from "../../../hal/emulated/backhaul.ts";
import { FaultyLink } from "../../../hal/emulated/faulty-link.ts";
import { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import type { Link, LinkTraits } from "../../../hal/ports/link.ts";
import { MemoryStorage } from "../../../hal/storage/memory-storage.ts";
import { Dap } from "../../../host-tools/dap/dap.ts";
import { Routes } from "../../../host-tools/dap/forward/routes.ts";
import { settle } from "../../../host-tools/world/single-line.ts";
import { street } from "../../support/street.ts";
import { DAP_PARTIES } from "./place.ts";

const START_SECONDS = Date.UTC(2026, 10, 24) / 1000;

/** A link that names a meter in each request, as a head-end does that asks it through a DAP. */
function naming(link: Link, alias: string): Link {
  return {
    ...{ traits: link.traits, counters: link.counters },
    listen: (listener) => link.listen(listener),
    close: () => link.close(),
    send(to, bytes) {
      const message = decodeMessage(bytes);
      if ("error" in message || !isRequestCode(message.code)) return link.send(to, bytes);
      const named = withOptions(message, { number: OPTION.uriHost, value: fromText(alias) });
      return link.send(to, encodeMessage({ ...message, ...named }));
    },
  };
}

/** Meters behind a DAP, and a head-end for each, at a station of its own. */
function block(count: number, traits: Partial<LinkTraits> = {}, loss = 0) {
  const world = street({ meters: count, seed: 3, traits });
  const random = new SeededRandom(5);
  const lossy = (link: Link, name: string) =>
    new FaultyLink(link, world.clock, random.fork(name), { lose: loss });
  const north = new Backhaul(world.clock, { roundTripMs: 20 });
  const dap = new Dap({
    ...{ clock: world.clock, random, north: lossy(north.farEnd, "north") },
    ...{ lines: [lossy(world.farEnd, "south")], names: ["south"] },
    ...{ parties: DAP_PARTIES, storage: new MemoryStorage() },
    settings: { thirdParty: false, distribute: "per-meter", return: "forward", holdSeconds: 0 },
    routes: new Routes(world.stations.map((alias) => ({ alias, line: 0, station: alias }))),
  });
  const headEnd = (alias: string) =>
    world.newHeadEnd(naming(lossy(north.station(`H for ${alias}`), alias), alias));
  const target = { station: FAR_END, name: "udp:dap:5683", timeoutMs: 30_000 };
  return { ...world, dap, headEnd, target };
}

describe("a meter behind a DAP", () => {
  test("proves itself and is read through it", async () => {
    const { clock, headEnd, target, dap } = block(2);
    const answer = await settle(clock, headEnd("M2").readRegisters(target));
    expect(answer.meter).toBe("M2");
    expect(answer.body.entries).toHaveLength(1);
    // The two messages of a handshake, the second one with the question in it.
    expect(dap.counters).toMatchObject({ requests: 2, answers: 2 });
  });

  test("tells a long profile, in blocks of the line that the DAP puts together", async () => {
    const { clock, headEnd, target } = block(1, { mtuBytes: 160 });
    const request = {
      profile: 0,
      register: "1-0:1.8.0*255",
      startSeconds: START_SECONDS,
      count: 96,
      step: 1,
    };
    const answer = await settle(clock, headEnd("M1").readProfile(target, request));
    expect(answer.body).toHaveLength(96);
  });

  test("is watched through it, and no more when the head-end wants no more", async () => {
    const { clock, headEnd, target, dap } = block(1);
    const told: number[] = [];
    const watched = headEnd("M1").watchRegisters(target, [], {
      onReading: () => told.push(clock.monotonicMs()),
      onEnd: () => {},
    });
    clock.advanceBy(300_000);
    expect(told.length).toBeGreaterThan(3);
    expect(dap.counters.notifications).toBeGreaterThan(2);
    watched();
    clock.advanceBy(10_000);
    const { notifications } = dap.counters;
    clock.advanceBy(300_000);
    expect(dap.counters.notifications).toBe(notifications);
  });

  test("is read at a loss of a tenth on both sides", async () => {
    const { clock, headEnd, target, stations } = block(10, {}, 0.1);
    const answers = await settle(
      clock,
      Promise.all(stations.map((alias) => headEnd(alias).readRegisters(target))),
    );
    expect(answers.map(({ meter }) => meter)).toEqual(stations);
  });
});
