import { expect, test } from "vitest";
import { installedFrom, reportDocument, reportFrom } from "../../../firmware/update/report-json.ts";
import type { SlotsReport } from "../../../firmware/update/slots-report.ts";

const DIGEST = Uint8Array.from({ length: 32 }, (_, i) => i);
const FACTS = {
  board: "node-gateway",
  arch: "arm64",
  libc: { kind: "glibc", version: "2.36" },
  nodeVersion: "20.19.6",
} as const;
const FULL: SlotsReport = {
  facts: FACTS,
  floor: 7,
  floorDigest: DIGEST,
  runningSchema: { reads: [0, 2], writes: 1 },
  current: "a",
  trial: { slot: "b", left: 2 },
  slots: {
    a: { sequence: 7, version: "0.1.0", digest: DIGEST, state: "confirmed" },
    b: { sequence: 0, version: "", digest: new Uint8Array(0), state: "broken" },
  },
  incoming: { digest: DIGEST, imageBytes: 90_000, received: 4096 },
  outcome: { kind: "rolled-back", sequence: 6, why: "It did not read itself." },
};

function throughJson(document: object): unknown {
  return JSON.parse(JSON.stringify(document));
}

test("a report is the same after it was printed and read", () => {
  expect(reportFrom(throughJson(reportDocument(FULL)))).toEqual(FULL);
  const least: SlotsReport = { facts: FACTS, floor: 0, slots: {} };
  expect(reportFrom(throughJson(reportDocument(least)))).toEqual(least);
});

test("what is no report is read as none, whichever part of it is wrong", () => {
  const right = throughJson(reportDocument(FULL)) as Record<string, unknown>;
  const wrong = { ...right, floor: -1 };
  const others: Record<string, unknown> = {
    facts: { ...FACTS, libc: { kind: "bionic" } },
    floorDigest: "00",
    runningSchema: { reads: [0], writes: 1 },
    current: "c",
    trial: { slot: "b" },
    slots: { a: { sequence: 7 } },
    incoming: { digest: "xy", imageBytes: 1, received: 1 },
    outcome: { kind: "lost", sequence: 1 },
  };
  expect(reportFrom(wrong)).toBeUndefined();
  for (const [name, value] of Object.entries(others))
    expect(reportFrom({ ...right, [name]: value }), name).toBeUndefined();
  for (const nothing of [undefined, null, 1, "slots", [], {}]) expect(reportFrom(nothing)).toBeUndefined();
});

test("an answer of install is where the image is, or a refusal that is known", () => {
  expect(installedFrom({ slot: "b", sequence: 8, armed: true })).toEqual({
    slot: "b",
    sequence: 8,
    armed: true,
  });
  expect(installedFrom({ refusal: "rollback", why: "It is older." })).toEqual({
    refusal: "rollback",
    why: "It is older.",
  });
  for (const nothing of [undefined, {}, { refusal: "mood" }, { slot: "b", sequence: 8 }])
    expect(installedFrom(nothing)).toBeUndefined();
});
