import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { EVENTS, type EventName } from "../../../firmware/events/event-table.ts";
import type { LoggedEvent } from "../../../firmware/protocol/readings/logged-event.ts";
import { detailsText } from "../../../host-tools/cli/event-details.ts";
import { alarmsOf, eventLines, eventsDocument, type LogsRead } from "../../../host-tools/cli/event-output.ts";
import { localText } from "../../../host-tools/cli/output.ts";
import type { LogReading } from "../../../host-tools/head-end/event-pages.ts";

const TIME = 1_764_000_000;

function event(sequence: number, code: number, more: Partial<LoggedEvent> = {}): LoggedEvent {
  return { sequence, code, utcSeconds: TIME, clockStatus: 0, details: [], ...more };
}

const standard: LogReading = {
  log: "standard",
  oldest: 12,
  next: 15,
  gaps: [{ first: 1, last: 11 }],
  readTo: 15,
  events: [
    event(12, EVENTS["power-up"].code, { details: [41], clockStatus: 0x80 }),
    event(13, EVENTS["clock-invalid"].code, { utcSeconds: undefined, clockStatus: 0x09 }),
    event(14, 999, { details: [1, -2] }),
  ],
};
const fraud: LogReading = { log: "fraud", oldest: 1, next: 9, gaps: [], readTo: 5, events: [event(4, 42)] };
const read: LogsRead = {
  meter: "M1",
  logs: [standard, fraud],
  size: { requestBytes: 10, responseBytes: 20, milliseconds: 30 },
};

describe("events", () => {
  test("are a table in the order of logs and numbers for people, with what is gone and what is left to read", () => {
    const time = localText(TIME);
    expect(eventLines(read)).toEqual([
      "Meter M1, events: 4",
      `  standard  12  ${time}  power-up               41 s without power`,
      `  standard  13  time unknown               clock-invalid   ALARM  clock invalid`,
      `  standard  14  ${time}  code 999               1, -2`,
      `  fraud     4   ${time}  magnet-present  ALARM`,
      "Of the log standard events 1 to 11 are no longer there: overwritten or lost.",
      "The log fraud has more: read on with --log fraud --from 5.",
      "10 bytes asked, 20 bytes answered, 30 ms",
    ]);
  });

  test("have all that a program needs in their document", () => {
    expect(eventsDocument(read)).toEqual({
      meter: "M1",
      logs: [
        {
          log: "standard",
          obis: "0-0:99.98.0*255",
          oldest: 12,
          next: 15,
          events: [
            {
              sequence: 12,
              time: "2025-11-24T16:00:00Z",
              event: "power-up",
              code: 2,
              alarm: false,
              clockStatus: ["daylight saving"],
              details: [41],
            },
            {
              sequence: 13,
              time: null,
              event: "clock-invalid",
              code: 6,
              alarm: true,
              clockStatus: ["invalid", "invalid status"],
              details: [],
            },
            {
              sequence: 14,
              time: "2025-11-24T16:00:00Z",
              event: null,
              code: 999,
              alarm: false,
              clockStatus: [],
              details: [1, -2],
            },
          ],
        },
        expect.objectContaining({ log: "fraud", oldest: 1, next: 9 }),
      ],
      requestBytes: 10,
      responseBytes: 20,
      milliseconds: 30,
    });
  });

  test("that are no alarms can be left out, and what is gone is told nevertheless", () => {
    const alarms = { ...read, logs: alarmsOf(read.logs) };
    expect(eventsDocument(alarms).logs.map(({ events }) => events.map(({ code }) => code))).toEqual([
      [6],
      [42],
    ]);
    expect(eventLines(alarms)).toContain(
      "Of the log standard events 1 to 11 are no longer there: overwritten or lost.",
    );
  });
});

describe("details", () => {
  test.each<[EventName, number[], string]>([
    ["register-lost", [0], "1-0:1.8.0*255"],
    ["register-lost", [99], "register 99"],
    ["log-overflow", [2, 17], "fraud, unread from 17 on"],
    ["board-clock-set", [3, -2], "3 times, by -2 s"],
    ["reverse-energy", [10], "10 Wh exported so far"],
    ["reverse-energy-end", [1200, 60], "1200 Wh exported in all, 60 s"],
    ["undervoltage-l1", [206_900], "206.9 V"],
    ["voltage-normal-l3", [11_000, 12], "11 V at the worst, 12 s"],
    ["replay-refused", [1], "once"],
    ["clock-set-refused", [1, 0, 3], "once, head-end, too-far"],
    ["clock-set-refused", [17], "17 times"],
    ["clock-set-refused", [1, 9, 99], "once, setter 9, reason 99"],
    ["profile-padding-raised", [21], "factor 2.1"],
    ["power-down", [5], "5"],
  ])("of %s %j are told as '%s'", (name, details, text) => {
    expect(detailsText(name, details)).toBe(text);
  });

  test("are told in words wherever the firmware's table says that there are some", () => {
    const readme = readFileSync(new URL("../../../firmware/events/README.md", import.meta.url), "utf8");
    const rows = [...readme.matchAll(/^\| \d+ +\| ([\w-]+) +\| (?:alarm)? *\| (.*?) *\|$/gm)];
    const told = rows.filter(([, , details]) => details !== "" && !details?.startsWith("stamped"));
    expect(rows).toHaveLength(Object.keys(EVENTS).length);
    expect(told.length).toBeGreaterThan(20);
    for (const [, name] of told) expect(detailsText(name as EventName, [7]), name).not.toBe("7");
  });
});
