import { Command } from "commander";
import { describe, expect, test } from "vitest";
import { EMPTY_TARIFF_TABLE, type TariffPlan } from "../../../firmware/protocol/readings/tariff.ts";
import { addTariffCommand } from "../../../host-tools/cli/commands/tariff.ts";
import { type TariffRead, tariffDocument, tariffLines } from "../../../host-tools/cli/tariff-output.ts";
import { readTariffFile } from "../../../host-tools/tariff-file.ts";
import { HOUSEHOLD } from "../../support/tariffs.ts";

const BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3";
/** A Wednesday. */
const NOON = Date.parse("2026-11-25T12:00:00+01:00") / 1000;
const NEW_YEAR = Date.parse("2027-01-01T00:00:00+01:00") / 1000;

function read(plan: TariffPlan, timeSeconds: number | undefined = NOON, zone = BERLIN): TariffRead {
  return {
    meter: "M1",
    clock: {
      timeSeconds,
      status: 0,
      clockStatus: 0,
      source: "board",
      ageSeconds: undefined,
      driftPartsPerBillion: undefined,
      zone,
      challenge: new Uint8Array(0),
    },
    plan,
    size: { requestBytes: 10, responseBytes: 20, milliseconds: 30 },
  };
}

const unset = {
  ...read({ active: HOUSEHOLD }),
  clock: { ...read({ active: HOUSEHOLD }).clock, timeSeconds: undefined },
};

describe("a tariff", () => {
  test("is told as people read it, with the rate in force and when another table takes over", () => {
    const passive = { table: EMPTY_TARIFF_TABLE, fromSeconds: NEW_YEAR };
    expect(tariffLines(read({ active: HOUSEHOLD, passive }))).toEqual([
      "Meter M1, 2026-11-25 12:00:00+01:00: rate 1",
      "Active table",
      "  seasons       from 04-01  week 1",
      "                from 10-01  week 2",
      "  weeks         week 1      Mon-Fri day 1, Sat-Sun day 3",
      "                week 2      Mon-Fri day 2, Sat-Sun day 3",
      "  days          day 1       00:00 rate 2, 06:00 rate 1, 22:00 rate 2",
      "                day 2       00:00 rate 2, 06:00 rate 1, 17:00 rate 3, 20:00 rate 1, 22:00 rate 2",
      "                day 3       00:00 rate 2",
      "  special days  01-01       day 3",
      "                12-25       day 3",
      "                2027-03-26  day 3",
      "Passive table, active from 2027-01-01 00:00:00+01:00: rate 1 at all times",
      "10 bytes asked, 20 bytes answered, 30 ms",
    ]);
  });

  test.each([
    ["2026-11-25T18:00:00+01:00", BERLIN, 3],
    ["2026-11-25T18:00:00+01:00", "", 3],
    ["2026-11-25T18:30:00+01:00", "EST5EDT,M3.2.0,M11.1.0", 1],
    ["2026-11-28T18:00:00+01:00", BERLIN, 2],
  ])("at %s in the zone '%s' is at rate %i", (time, zone, rate) => {
    const seconds = Date.parse(time) / 1000;
    expect(tariffDocument(read({ active: HOUSEHOLD }, seconds, zone)).rate).toBe(rate);
  });

  test("has no known rate while the meter does not know the time, or has a zone that cannot be used", () => {
    expect(tariffDocument(unset)).toMatchObject({ time: null, rate: null });
    expect(tariffLines(unset)[0]).toBe("Meter M1, its clock is not set: the rate is not known");
    expect(tariffDocument(read({ active: HOUSEHOLD }, NOON, "CET")).rate).toBeNull();
  });

  test("of one table and one rate says so", () => {
    expect(tariffLines(read({ active: EMPTY_TARIFF_TABLE })).slice(1, 3)).toEqual([
      "Active table: rate 1 at all times",
      "No passive table",
    ]);
  });

  test("is a document whose tables are tariff files", () => {
    const passive = { table: HOUSEHOLD, fromSeconds: NEW_YEAR };
    const document = tariffDocument(read({ active: EMPTY_TARIFF_TABLE, passive }));
    expect(document).toMatchObject({
      meter: "M1",
      time: "2026-11-25T11:00:00Z",
      zone: BERLIN,
      rate: 1,
      passive: { from: "2026-12-31T23:00:00Z" },
      requestBytes: 10,
    });
    expect(readTariffFile(JSON.stringify(document.active))).toEqual(EMPTY_TARIFF_TABLE);
    expect(readTariffFile(JSON.stringify(document.passive?.table))).toEqual(HOUSEHOLD);
    expect(tariffDocument(read({ active: HOUSEHOLD })).passive).toBeNull();
  });
});

test("the file that the command's help shows is a tariff file", () => {
  const program = new Command();
  addTariffCommand(program);
  let help = "";
  program.commands[0]?.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
  expect(readTariffFile(/^\{\n.*\n\}$/ms.exec(help)?.[0] ?? "")).toMatchObject({
    seasons: [{ month: 1, day: 1 }],
  });
});
