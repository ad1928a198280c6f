import { expect, test } from "vitest";
import { INTERVAL_FLAG } from "../../../firmware/protocol/readings/interval.ts";
import type { Statement } from "../../../firmware/protocol/readings/statement.ts";
import { statementDocument, statementLines } from "../../../host-tools/cli/statement-output.ts";

/** 2026-10-31T23:00:00Z, the end of October in Central Europe. */
const END = 1_793_487_600;
const STATEMENT: Statement = {
  ...{
    serialNumber: "47\u001b11",
    id: "M1",
    sequence: 7,
    previous: new Uint8Array(32),
    challenge: new Uint8Array(8),
  },
  ...{ timeSeconds: END + 86_400, status: 4, clockStatus: 0 },
  month: {
    ...{ year: 2026, month: 10, endSeconds: END, beforeSeconds: END - 3600, afterSeconds: END + 7200 },
    ...{ flags: INTERVAL_FLAG.powerDown, clockStatus: 2 },
  },
  entries: [
    { register: "1-0:1.8.0*255", quality: "measured", value: 1_234_567, unit: "Wh", scaler: 0 },
    { register: "1-0:32.7.0*255", quality: "derived", value: 2301, unit: "V", scaler: -1 },
    {
      register: "1-0:1.6.0*255",
      quality: "measured",
      value: 5200,
      atSeconds: END - 900,
      unit: "W",
      scaler: 0,
    },
    { register: "1-0:5.8.0*255", quality: "not-in-meter", unit: "varh", scaler: 0 },
  ],
};

test("a statement is shown with what makes its values doubtful, and with nothing that steers a terminal", () => {
  expect(statementLines(STATEMENT)).toEqual([
    "Statement 7 of meter M1, serial number 47\\u{1b}11",
    "  made 2026-11-01T23:00:00Z, simulated",
    "  end of 2026-10, 2026-10-31T23:00:00Z, first read at 2026-11-01T01:00:00Z, power down, doubtful",
    "  1-0:1.8.0*255   1234567  Wh",
    "  1-0:32.7.0*255  230.1    V     (derived)",
    "  1-0:1.6.0*255   5200     W     until 2026-10-31T22:45:00Z",
    "  1-0:5.8.0*255   -        varh  (not-in-meter)",
  ]);
  const [first] = statementLines({ ...STATEMENT, timeSeconds: undefined, month: undefined }).slice(1);
  expect(first).toBe("  made its clock was not set, simulated");
});

test("its document has values in their units, and null where there is none", () => {
  const { registers, month, sequence } = statementDocument(STATEMENT);
  expect(registers.map(({ value, unit }) => [value, unit])).toEqual([
    ...[
      [1_234_567, "Wh"],
      [230.1, "V"],
      [5200, "W"],
      [null, "varh"],
    ],
  ]);
  expect(month).toMatchObject({ month: "2026-10", end: "2026-10-31T23:00:00Z", flags: ["power down"] });
  expect(sequence).toBe(7);
});
