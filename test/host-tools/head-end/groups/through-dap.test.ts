// A group behind a real DAP.
import { afterEach, describe, expect, test } from "vitest";
import { readGroup } from "../../../../host-tools/head-end/groups/group-reader.ts";
import { profileQuestion, registersQuestion } from "../../../../host-tools/head-end/questions.ts";
import { settle } from "../../../../host-tools/world/single-line.ts";
import { type BlockOptions, block, storages } from "./block.ts";

const worlds: ReturnType<typeof block>[] = [];

afterEach(() => {
  for (const world of worlds.splice(0)) world.close();
});

/** A group of all, and what a read says of them where all is well. */
async function joined(options: Partial<BlockOptions> = {}) {
  const world = block({ meters: 5, dap: {}, ...options });
  worlds.push(world);
  const joinings = await world.create(...world.stations);
  expect(joinings.map(({ outcome }) => outcome)).toEqual(world.stations.map(() => "joined"));
  const all = Object.fromEntries(world.stations.map((id) => [id, "answered"]));
  return { world, all, counters: () => world.through?.counters ?? expect.fail() };
}

describe("through a DAP, a group", () => {
  test("is read by one request where the DAP distributes, once the head-end has proved itself to it", async () => {
    const { world, all, counters } = await joined();
    await world.read();
    const before = counters();
    expect((await world.read()).outcomes).toEqual(all);
    expect(counters().requests).toBe(before.requests + 1);
    expect(counters().answers).toBe(before.answers + 5);
  });

  test("has its answers in a bundle where the DAP makes them, which comes in blocks where it is long", async () => {
    const { world, all, counters } = await joined({
      ...{ meters: 12, dap: { return: "bundle" }, north: { mtuBytes: 256 } },
    });
    const before = counters();
    const { outcomes, traffic } = await world.read();
    expect(outcomes).toEqual(all);
    expect(counters().requests - before.requests).toBeLessThan(5);
    expect(traffic.requestBytes).toBeLessThan(100);
    expect(traffic.responseBytes).toBeGreaterThan(256);
    expect(traffic.responseBytes).toBeLessThan(12 * 38);
  });

  test("gives its profiles in a bundle too, which is longer than any message of one meter", async () => {
    const { world, all } = await joined({ meters: 14, dap: { return: "bundle" } });
    const startSeconds = Date.UTC(2026, 10, 23) / 1000;
    const request = { profile: 0, register: "1-0:1.8.0*255", startSeconds, count: 96, step: 1 };
    const { outcomes, reports, traffic } = await world.read({ question: profileQuestion(request) });
    expect(outcomes).toEqual(all);
    expect(traffic.responseBytes).toBeGreaterThan(2048);
    for (const report of reports) expect("body" in report && report.body).toHaveLength(96);
  });

  test("is asked meter by meter for one bundle too, by a DAP that knows nothing of the group", async () => {
    const { world, all, counters } = await joined({
      ...{ meters: 12, dap: { distribute: "per-meter", return: "bundle" } },
    });
    const before = counters();
    const { outcomes, traffic } = await world.read();
    expect(outcomes).toEqual(all);
    expect(counters().requests - before.requests).toBeLessThan(16);
    expect(counters().holding.kept - before.holding.kept).toBe(12);
    expect(traffic.requestBytes).toBeLessThan(12 * 45);
    expect(traffic.responseBytes).toBeLessThan(12 * 40);
    world.street.powerOff("M3");
    const again = await world.read({ distribute: "per-meter", answers: "bundle" });
    expect(again.outcomes).toEqual({ ...all, M3: "missing" });
  });

  test("has no bundle for a head-end that has not proved itself to the DAP, which is told what to do", async () => {
    const { world } = await joined({ dap: { return: "bundle" } });
    world.restartHeadEnd();
    const unproved = { ...world.program, dapStatus: undefined };
    const plan = { collectMs: 5000, distribute: "fan-out", answers: "bundle" } as const;
    const read = readGroup(unproved, "B7", registersQuestion([]), plan, () => {});
    await expect(settle(world.clock, read)).rejects.toThrow(/4\.01.*credential file with --dap/);
  });

  test("is read meter by meter where the DAP offers no more, and says so where more is wanted", async () => {
    const { world, all } = await joined({ dap: { distribute: "per-meter" } });
    expect((await world.read()).outcomes).toEqual(all);
    await expect(world.read({ distribute: "fan-out" })).rejects.toThrow(
      /serves no groups: leave --distribute/,
    );
    await expect(world.read({ answers: "bundle" })).rejects.toThrow(/bundles no answers: leave --return/);
  });

  test("of a third party's DAP is fanned out, each answer forwarded, and has no bundles", async () => {
    const { world, all } = await joined({ dap: { thirdParty: true } });
    expect((await world.read()).outcomes).toEqual(all);
    await expect(world.read({ answers: "bundle" })).rejects.toThrow(
      /DAP DAP is a third-party one and bundles/,
    );
  });

  test.each([["M1", "M2", "M4", "M5"], ["M9"]].map((among) => ({ among })))(
    "of which the DAP has $among alone has the others asked by themselves, and nobody waits for them",
    async ({ among }) => {
      const { world, all } = await joined({ among });
      const startMs = world.clock.monotonicMs();
      const late = world.stations.filter((id) => !among.includes(id)).map((id) => [id, "late"]);
      expect((await world.read()).outcomes).toEqual({ ...all, ...Object.fromEntries(late) });
      expect(world.clock.monotonicMs() - startMs).toBeLessThan(5000);
    },
  );

  test.each(["forward", "bundle"] as const)(
    "has one member missing that is off, with %s, and the others are read",
    async (answers) => {
      const { world, all } = await joined({ dap: { return: answers } });
      world.street.powerOff("M3");
      const { outcomes, reports } = await world.read();
      expect(outcomes).toEqual({ ...all, M3: "missing" });
      expect(reports.find(({ meter }) => meter === "M3")).toMatchObject({
        why: expect.stringMatching(/M3/),
      });
    },
  );

  test.each(["forward", "bundle"] as const)(
    "is read at a loss of a tenth on both sides, with %s",
    async (answers) => {
      const { world } = await joined({ meters: 6, loss: 0.1, dap: { return: answers } });
      const counted = { answered: 0, late: 0, missing: 0, refused: 0 };
      for (let i = 0; i < 4; i++) for (const { outcome } of (await world.read()).reports) counted[outcome]++;
      expect(counted).toMatchObject({ missing: 0, refused: 0 });
    },
  );

  test("that is away is waited for as long as a delay is tolerated, by the DAP, which keeps its one request", async () => {
    const { world, all, counters } = await joined({ meters: 3, storage: storages() });
    await world.read();
    const { requests } = counters();
    world.street.powerOff();
    world.clock.after(120_000, () => world.street.powerOn());
    const startMs = world.clock.monotonicMs();
    const { outcomes } = await world.read({ toleranceSeconds: 600 });
    expect(outcomes).toEqual(all);
    const seconds = (world.clock.monotonicMs() - startMs) / 1000;
    expect(seconds).toBeGreaterThan(120);
    expect(seconds).toBeLessThan(240);
    // One for all, and of each member, who challenges after the cut, two more.
    expect(counters().requests - requests).toBe(1 + 3 * 2);
  });
});
