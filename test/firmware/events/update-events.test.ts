import { describe, expect, test } from "vitest";
import { EventLog } from "../../../firmware/events/event-log.ts";
import { eventNameOf } from "../../../firmware/events/event-table.ts";
import { recordUpdates } from "../../../firmware/events/update-events.ts";
import type { SlotImage, SlotState, UpdateOutcome } from "../../../firmware/update/slots-report.ts";

const image = (sequence: number, state: SlotState): SlotImage => {
  return { sequence, version: "1.0", digest: new Uint8Array(32), state };
};
const back = (sequence: number): UpdateOutcome => ({ kind: "rolled-back", sequence });

function newLog() {
  const log = new EventLog({ time: () => ({ utcSeconds: 0, clockStatus: 0 }), monotonicMs: () => 0 });
  const told = () =>
    (["standard", "security"] as const).flatMap((name) =>
      log.read(name, 0, 100).events.map(({ code, details }) => [eventNameOf(code), ...details]),
    );
  return { log, told };
}

describe("a start of a board", () => {
  test("tells nothing where no image was ever tried", () => {
    const { log, told } = newLog();
    recordUpdates(log, { slots: { a: image(1, "confirmed") } });
    recordUpdates(log, { slots: { a: image(2, "confirmed") }, outcome: { kind: "confirmed", sequence: 2 } });
    expect(told()).toEqual([]);
  });

  test("tells once of an image on trial, by whatever way it came, and once of its rollback", () => {
    const { log, told } = newLog();
    const slots = { a: image(1, "confirmed"), b: image(2, "trial") };
    for (let start = 0; start < 3; start++)
      recordUpdates(log, { slots, trial: { slot: "b", left: 2 - start } });
    for (let start = 0; start < 3; start++) recordUpdates(log, { slots, outcome: back(2) });
    expect(told()).toEqual([
      ["firmware-ready", 2],
      ["firmware-rolled-back", 2],
    ]);
  });

  test("tells again of an image that is tried again", () => {
    const { log, told } = newLog();
    const slots = { a: image(1, "confirmed"), b: image(2, "trial") };
    for (let tries = 0; tries < 2; tries++) {
      recordUpdates(log, { slots, trial: { slot: "b", left: 2 } });
      recordUpdates(log, { slots, outcome: back(2) });
    }
    expect(told().map(([name]) => name)).toEqual([
      "firmware-ready",
      "firmware-rolled-back",
      "firmware-ready",
      "firmware-rolled-back",
    ]);
  });

  test("tells of a slot that was spoiled before its trial", () => {
    const { log, told } = newLog();
    const slots = { a: image(1, "confirmed"), b: image(2, "broken") };
    recordUpdates(log, { slots, outcome: back(2) });
    expect(told()).toEqual([
      ["firmware-rolled-back", 2],
      ["firmware-verification-failed", 1, 8],
    ]);
  });
});
