// Whom a DAP serves more than a route: head-ends that have proved themselves, at the station where they did.
import { describe, expect, test } from "vitest";
import { fromText, fromUint } from "../../../firmware/protocol/bytes.ts";
import { CODE, OPTION, resourceRequest, withOptions } from "../../../firmware/protocol/coap/message.ts";
import { decodeStatus, encodeStatus } from "../../../host-tools/dap/operator/status.ts";
import { identity } from "../../support/secured-line.ts";
import { codes, echo, place, sealedFor, text } from "./place.ts";

const DAY_MS = 86_400_000;
const GROUPS = { B7: ["M1", "M2"] };

function grouped(settings: Partial<Parameters<typeof encodeStatus>[0]> = {}) {
  const world = place({
    ...{ meters: ["M1", "M2"], groups: GROUPS },
    dap: {
      settings: { thirdParty: false, distribute: "fan-out", return: "forward", holdSeconds: 60, ...settings },
    },
  });
  const meters = ["M1", "M2"].map((name) => world.meter(name, echo));
  return { ...world, meters };
}

describe("the resource d", () => {
  test("tells a trusted head-end how the DAP works, its meters, groups, counters and queues", () => {
    const world = grouped();
    const status = world.askStatus("H:1");
    expect(status).toMatchObject({
      ...{
        id: "DAP",
        thirdParty: false,
        distribute: "fan-out",
        return: "forward",
        holdSeconds: 60,
        meters: 2,
      },
      ...{
        lines: [{ name: "south", aliases: ["M1", "M2"], waiting: 0, underWay: 0 }],
        groups: GROUPS,
        held: 0,
      },
    });
    expect(status?.counters).toMatchObject({ requests: 0, "no-answer": 0 });
  });

  test("tells nobody else anything", () => {
    expect(grouped().askStatus("H:1", identity("head-end", "stranger"))).toBeUndefined();
    const world = grouped();
    const client = world.client("X");
    client.send(resourceRequest(CODE.get, "d"));
    world.clock.advanceBy(1000);
    expect(codes(client.answers)).toEqual(["4.01"]);
  });

  test("of a DAP with thousands of meters is still one that can be read, with all groups and some of the names", () => {
    const meters = Array.from({ length: 5000 }, (_, i) => `M${i}`);
    const groups = { B1: meters.slice(0, 500), B2: meters.slice(500, 1000) };
    const status = place({ meters, groups }).askStatus("H:1");
    expect([status?.meters, status?.lines[0]?.aliases.length]).toEqual([5000, 3000 - 1002]);
    expect(status?.groups).toEqual(groups);
  });

  test("a status is read back as it was written, and nothing else is one", () => {
    const status = grouped().dap.status();
    expect(decodeStatus(encodeStatus(status))).toEqual(status);
    for (const cut of [0, 1, 10]) expect(decodeStatus(encodeStatus(status).subarray(0, cut))).toBeUndefined();
  });
});

describe("a group", () => {
  test("is not served to a station that has not proved itself, and no meter hears of it", () => {
    const world = grouped();
    world.askStatus("H:1");
    const client = world.client("H:2");
    client.send(sealedFor("B7"));
    world.clock.advanceBy(5000);
    expect(codes(client.answers)).toEqual(["4.01"]);
    expect(world.meters.flatMap(({ requests }) => requests)).toEqual([]);
  });

  test("is no longer served a day after the last word of its operator", () => {
    const world = grouped();
    world.askStatus("H:1");
    world.clock.advanceBy(DAY_MS);
    const client = world.client("H:1");
    client.send(sealedFor("B7"));
    world.clock.advanceBy(5000);
    expect(codes(client.answers)).toEqual(["4.01"]);
  });

  test("has the same sealed bytes sent to each member, whose answers come by themselves, once each", () => {
    const world = grouped();
    world.askStatus("H:1");
    const client = world.client("H:1");
    const nowMs = world.clock.monotonicMs();
    client.send(sealedFor("B7"), { answers: "many", untilMs: nowMs + 20_000 });
    world.clock.advanceBy(21_000);
    expect(client.answers.map(text).sort()).toEqual(["M1: for B7", "M2: for B7"]);
    expect(new Set(client.answers.map(({ type }) => type))).toEqual(new Set(["NON"]));
    expect(world.meters.map(({ requests }) => requests.map(text))).toEqual([["for B7"], ["for B7"]]);
  });

  test("is no name that a DAP knows which distributes nothing", () => {
    const world = grouped({ distribute: "per-meter" });
    world.askStatus("H:1");
    const client = world.client("H:1");
    client.send(sealedFor("B7"));
    world.clock.advanceBy(5000);
    expect(codes(client.answers)).toEqual(["4.04"]);
  });

  test("of a third party is served too, each answer as it comes, whatever else the request wishes", () => {
    const world = grouped({ thirdParty: true });
    world.askStatus("H:1");
    const client = world.client("H:1");
    const wishes = [
      { number: OPTION.bundle, value: new Uint8Array(0) },
      { number: OPTION.delayTolerance, value: fromUint(3600) },
    ];
    client.send(withOptions(sealedFor("B7"), ...wishes), { answers: "many", untilMs: 20_000 });
    world.clock.advanceBy(20_000);
    expect(client.answers.map(text).sort()).toEqual(["M1: for B7", "M2: for B7"]);
  });
});

test.each([
  ["delay tolerance", "forward", { number: OPTION.delayTolerance, value: fromUint(60) }],
  ["bundle", "bundle", { number: OPTION.bundle, value: new Uint8Array(0) }],
] as const)(
  "a request with a %s is refused to whoever is no operator, and no meter hears of it",
  (_, how, wish) => {
    const world = grouped({ return: how });
    const client = world.client("H:1");
    client.send(withOptions(sealedFor("M1", fromText("x")), wish));
    world.clock.advanceBy(5000);
    expect(codes(client.answers)).toEqual(["4.01"]);
    expect(world.meters.flatMap(({ requests }) => requests)).toEqual([]);
  },
);
