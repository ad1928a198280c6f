import { expect, test } from "vitest";
import { Gathered, type GatheredReport } from "../../../../host-tools/head-end/groups/gathered.ts";

test("a member is told of with all its parts in order, and one that misses a part by what it misses", () => {
  const told: GatheredReport<number>[] = [];
  const gathered = new Gathered<number>(2, (report) => told.push(report));
  gathered.take({ meter: "M1", outcome: "answered", body: 1 });
  gathered.take({ meter: "M2", outcome: "missing", why: "nobody answered" });
  expect(told).toEqual([]);
  gathered.take({ meter: "M1", outcome: "late", body: 2 });
  gathered.take({ meter: "M2", outcome: "answered", body: 2 });
  expect(told).toEqual([
    { meter: "M1", outcome: "late", parts: [1, 2] },
    { meter: "M2", outcome: "missing", why: "nobody answered" },
  ]);
  expect(gathered.tally).toEqual({ answered: 0, late: 1, missing: 1, refused: 0 });
});

test("whoever came to the group or left it between two questions is told of in the end, and is not left out", () => {
  const told: GatheredReport<number>[] = [];
  const gathered = new Gathered<number>(2, (report) => told.push(report));
  gathered.take({ meter: "M1", outcome: "refused", why: "It is not enrolled any more." });
  for (const body of [1, 2]) gathered.take({ meter: "M2", outcome: "answered", body });
  gathered.take({ meter: "M3", outcome: "answered", body: 2 });
  gathered.end();
  expect(told).toMatchObject([
    { meter: "M2", outcome: "answered" },
    { meter: "M1", outcome: "refused", why: "It is not enrolled any more." },
    { meter: "M3", outcome: "missing", why: expect.stringMatching(/came to the group, or left it/) },
  ]);
  expect(gathered.tally).toEqual({ answered: 1, late: 0, missing: 1, refused: 1 });
});
