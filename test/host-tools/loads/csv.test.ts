import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Load, loadWattHours, parseLoad, shareOf } from "../../../host-tools/loads/index.ts";
import { emptyFolder } from "../../support/command.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START = Date.parse("2026-11-25T00:00:00Z");

let folder: ReturnType<typeof emptyFolder>;
let files = 0;

beforeAll(() => {
  folder = emptyFolder();
});
afterAll(() => folder.remove());

function file(content: string | Uint8Array, name = `${files++}.csv`): string {
  const path = join(folder.path, name);
  writeFileSync(path, content);
  return path;
}

function parse(content: string | Uint8Array, query = ""): Load | { error: string } {
  return parseLoad(`csv:${file(content)}${query}`, { annualKilowattHours: 3500 });
}

function load(content: string | Uint8Array, query = ""): Load {
  return whole(parse(content, query));
}

function whole(parsed: Load | { error: string }): Load {
  if ("error" in parsed) throw new Error(parsed.error);
  return parsed;
}

/** The sentence, without the folder. */
function refusal(content: string | Uint8Array, query = ""): string {
  const parsed = parse(content, query);
  if (!("error" in parsed)) throw new Error("it is a load");
  return parsed.error.replaceAll(`${folder.path}/`, "").replace(/^\d+\.csv/, "FILE");
}

/** Rows of values at an interval from {@link START}, under a header. */
function rows(
  values: readonly (number | string)[],
  { header = "time,watts", stepMs = HOUR_MS } = {},
): string {
  const lines = values.map((value, i) => `${new Date(START + i * stepMs).toISOString()},${value}`);
  return [header, ...lines, ""].join("\n");
}

describe("the powers of a CSV file", () => {
  test.each([
    ["time,W", 900, 900],
    ["time,kw", 0.9, 900],
    ["start,wh", 900, 3600],
    ["timestamp,kWh", 0.9, 3600],
    ["DateTime,KWH/hh (per half hour) ", 0.9, 3600],
    ["time,active_power_watts", 900, 900],
    ["time,Power (kW)", 0.9, 900],
  ])("under %s in quarter-hours, %d is %d W", (header, value, watts) => {
    const quarters = load(rows([value, 0], { header, stepMs: 900_000 }));
    expect(quarters.wattsAt(START)).toBeCloseTo(watts, 9);
    expect(quarters.wattsAt(START + 899_999)).toBeCloseTo(watts, 9);
    expect(quarters.wattsAt(START + 900_000)).toBe(0);
  });

  test("stay until the next row, whatever moment of an interval is asked", () => {
    const hours = load(rows([1, 2, 3]));
    for (const at of [0, 1, 0.25, HOUR_MS - 1]) {
      expect(hours.steadyUntilMs(START + HOUR_MS + at)).toBe(START + 2 * HOUR_MS);
    }
  });

  test("add up to the file's energy, in any pieces", () => {
    const values = fc.array(fc.integer({ min: -2000, max: 2000 }), { minLength: 2, maxLength: 50 });
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (wattHours, part) => {
        const hours = load(rows(wattHours, { header: "time,wh" }));
        const end = START + wattHours.length * HOUR_MS;
        const middle = Math.round(START + part * (end - START));
        const pieces = loadWattHours(hours, START, middle) + loadWattHours(hours, middle, end);
        expect(pieces).toBeCloseTo(
          wattHours.reduce((sum, value) => sum + value, 0),
          6,
        );
      }),
      { seed: 3, numRuns: 40 },
    );
  });

  test("below 0 feed in, and scale turns and stretches them", () => {
    expect(load(rows([-500, 0])).wattsAt(START)).toBe(-500);
    expect(load(rows([-500, 0]), "?scale=-1.5").wattsAt(START)).toBe(750);
  });

  test("come later or earlier by the offset", () => {
    expect(load(rows([7, 8, 9]), "?offset=1h&loop=no").wattsAt(START + HOUR_MS)).toBe(7);
    expect(load(rows([7, 8, 9]), "?offset=-60m&loop=no").wattsAt(START)).toBe(8);
  });
});

describe("time beyond the file", () => {
  test("draws nothing with loop=no, for ever", () => {
    const once = load(rows([5, 6]), "?loop=no");
    expect([START - 1, START + 2 * HOUR_MS].map(once.wattsAt)).toEqual([0, 0]);
    expect(once.steadyUntilMs(START - DAY_MS)).toBe(START);
    expect(once.steadyUntilMs(START + 2 * HOUR_MS)).toBe(Number.POSITIVE_INFINITY);
  });

  test.each([
    ["a file of some hours repeats as it is", 5, 5],
    ["one of a day and a half by the day", 36, 24],
    ["one of ten days by the week", 240, 168],
    ["one of three weeks and a day by three weeks", 22 * 24, 21 * 24],
    ["one of two years and a month by 104 weeks", 2 * 8766 + 720, 2 * 364 * 24],
  ])("%s, before and after, and is itself in its own time", (_, hours, periodHours) => {
    const values = Array.from({ length: hours }, (_, hour) => (hour % 10_000) + 1);
    const looped = load(rows(values));
    const at = (hour: number) => looped.wattsAt(START + hour * HOUR_MS);
    expect(at(hours - 1)).toBe(values.at(-1));
    expect(at(hours)).toBe(values[hours % periodHours]);
    expect(at(periodHours * 40 + 3)).toBe(values[3]);
    expect(at(-1)).toBe(values[periodHours - 1]);
    expect(at(-periodHours * 7)).toBe(values[0]);
    expect(looped.steadyUntilMs(START - 1.5 * HOUR_MS)).toBe(START - HOUR_MS);
    expect(looped.steadyUntilMs(START + (hours + 0.5) * HOUR_MS)).toBe(START + (hours + 1) * HOUR_MS);
  });
});

test("a file whose interval is no part of a day repeats as it is", () => {
  const values = Array.from({ length: 200 }, (_, i) => i + 1);
  const looped = load(rows(values, { stepMs: 11 * 60_000 }));
  expect(looped.wattsAt(START + 200 * 11 * 60_000)).toBe(1);
  expect(looped.wattsAt(START - 1)).toBe(200);
});

describe("the form of a CSV file", () => {
  test.each([
    ["CRLF, a byte order mark and empty lines at the end", "\ufefftime,W\r\n0Z,1\r\n1Z,2\r\n\r\n\n"],
    ["no line end at the end", "time,W\n0Z,1\n1Z,2"],
    ["semicolons and decimal commas", "time;W\n0Z;1,0\n1Z;2,0\n"],
    ["tabs", "time\tW\n0Z\t1\n1Z\t2\n"],
    ["quotes, and separators and quotes in them", 'a,"time, ""UTC""","W"\n"x,y",0Z, "1" \nz,1Z,2\n'],
    ["other columns, in any order", "W,note,time,end\n1,a,0Z,x\n2,,1Z,x\n"],
    ["a column of ends before that of starts", "end time,start_time,W\nx,0Z,1\ny,1Z,2\n"],
    ["exponents, signs and bare fractions", "time,W\n0Z,1.0e+0\n1Z,+2.\n"],
  ])("%s", (_, content) => {
    const text = content.replace(/(\d)Z/g, "2026-11-25T0$1:00:00Z");
    const hours = load(text);
    expect([0, 1].map((hour) => hours.wattsAt(START + hour * HOUR_MS))).toEqual([1, 2]);
  });

  test("a file packed by gzip is told by its bytes", () => {
    expect(load(gzipSync(rows([5, 6]))).wattsAt(START)).toBe(5);
  });

  test.each([
    ["2026-11-25T01:00:00Z", "2026-11-25T02:00:00z"],
    ["2026-11-25 01:00:00+00:00", "2026-11-25 02:00:00+00:00"],
    ["2026-11-25t02:00+01:00", "2026-11-25T03:00+0100"],
    ["2026-11-24T19:30:00.000-05:30", "2026-11-24T20:30:00.0000000-05:30"],
    ["1795568400", "1795572000"],
  ])("%s is a time", (first, second) => {
    const hours = load(`time,W\n${first},1\n${second},2\n`, "?loop=no");
    expect(hours.steadyUntilMs(0)).toBe(START + HOUR_MS);
    expect(hours.wattsAt(START + 2 * HOUR_MS)).toBe(2);
  });

  test("a time without an offset is taken where zone says, others as they are", () => {
    const text = "time,W\n2026-11-25 01:00,1\n2026-11-25 01:00Z,2\n";
    expect(load(text, "?zone=%2B01:00&loop=no").steadyUntilMs(0)).toBe(START);
    expect(load(text, "?zone=+01:00").wattsAt(START + HOUR_MS)).toBe(2);
  });

  test("options name what the header does not", () => {
    const text = "from,value,other\n2026-11-25T00:00Z,1,8\n2026-11-25T01:00Z,2,9\n";
    expect(load(text, "?time=from&value=OTHER&unit=w").wattsAt(START)).toBe(8);
  });

  test("with a unit given the value is the only column beside the time", () => {
    expect(load(rows([1, 2], { header: "start,value" }), "?unit=kWh").wattsAt(START)).toBe(1000);
  });

  test("a gap is filled as the rule says: an empty value, and missing rows", () => {
    const text = `time,W\n${[0, 1, 4].map((hour) => `2026-11-25T0${hour}:00Z,${hour === 1 ? "" : hour + 5}`).join("\n")}`;
    const all = (query: string) =>
      [0, 1, 2, 3, 4].map((hour) => load(text, query).wattsAt(START + hour * HOUR_MS));
    expect(all("?gaps=zero")).toEqual([5, 0, 0, 0, 9]);
    expect(all("?gaps=hold")).toEqual([5, 5, 5, 5, 9]);
  });
});

describe("a CSV file that is none is refused in one sentence", () => {
  const row = (time: string, value = "1") => `2026-11-25T${time}Z,${value}\n`;

  test.each([
    ["", "FILE is empty: give a header line and a row for each value."],
    ["time,W\n", "FILE has fewer than two rows, which give no interval: add rows."],
    [`time,W\n${row("00:00")}`, "FILE has fewer than two rows, which give no interval: add rows."],
    [
      "a,W\n",
      'FILE has no column named time, timestamp, datetime, date or start: add time=COLUMN; its columns are "a", "W".',
    ],
    [
      "date,time,W\n",
      'FILE has 2 columns named time, timestamp, datetime, date or start: add time=COLUMN; its columns are "date", "time", "W".',
    ],
    [
      "start,value\n",
      'FILE has no column with a unit in the name (Wh, kWh, W or kW): add value=COLUMN, and unit=UNIT where the name has none; its columns are "start", "value".',
    ],
    [
      "time,kw,kwh\n",
      'FILE has 2 columns with a unit in the name (Wh, kWh, W or kW): add value=COLUMN, and unit=UNIT where the name has none; its columns are "time", "kw", "kwh".',
    ],
    ['time,"W\n', "FILE line 1: a quote is not closed: mend the line."],
    [`time,W\n${row("00:00")}${row("01:00", '"1')}`, "FILE line 3: a quote is not closed: mend the line."],
    [
      `time,W\n${row("00:00")}${row("01:00", "1,2")}`,
      "FILE line 3: it has not 2 columns, as the header has: mend the line.",
    ],
    [
      `time,W\n${row("00:00")}\n${row("01:00")}`,
      "FILE line 3: it has not 2 columns, as the header has: mend the line.",
    ],
    [
      "time,W\n25.11.2026 00:00,1\n",
      'FILE line 2: "25.11.2026 00:00" is no time: write it like 2026-11-25T14:00:00Z.',
    ],
    [
      "time,W\n2026-02-30T00:00Z,1\n",
      'FILE line 2: "2026-02-30T00:00Z" is no time: write it like 2026-11-25T14:00:00Z.',
    ],
    [
      "time,W\n2026-13-01T00:00Z,1\n",
      'FILE line 2: "2026-13-01T00:00Z" is no time: write it like 2026-11-25T14:00:00Z.',
    ],
    [
      "time,W\n2026-11-25T24:00Z,1\n",
      'FILE line 2: "2026-11-25T24:00Z" is no time: write it like 2026-11-25T14:00:00Z.',
    ],
    [
      "time,W\n2026-11-25T00:00+25:00,1\n",
      'FILE line 2: "2026-11-25T00:00+25:00" is no time: write it like 2026-11-25T14:00:00Z.',
    ],
    [
      "time,W\n2026-10-25 02:30:00,1\n",
      'FILE line 2: the time "2026-10-25 02:30:00" has no offset from UTC: write it like 2026-11-25T14:00:00Z, or add zone=Z or zone=+01:00 for a clock that never changes.',
    ],
    [
      `time,W\n${row("00:00", "much")}`,
      'FILE line 2: "much" is no number: mend the line or name another column with value=COLUMN.',
    ],
    [
      "time;W\n2026-11-25T00:00Z;1.234,5\n",
      'FILE line 2: "1.234,5" is no number: mend the line or name another column with value=COLUMN.',
    ],
    [
      `time,W\n${row("00:00", "")}`,
      "FILE line 2: the value is empty: mend the file, or add gaps=zero or gaps=hold.",
    ],
    [
      `time,W\n${row("00:00")}${row("01:00")}${row("04:00")}`,
      "FILE line 4: 2 rows are missing before it: mend the file, or add gaps=zero or gaps=hold.",
    ],
    [
      `time,W\n${row("00:00")}${row("01:00")}${row("01:00")}`,
      "FILE line 4: the time is not later than the line before: sort the lines.",
    ],
    [
      `time,W\n${row("01:00")}${row("00:00")}`,
      "FILE line 3: the time is less than a second after the line before: give longer intervals.",
    ],
    [
      `time,W\n${row("00:00")}${row("01:00")}${row("02:10")}`,
      "FILE line 4: the time breaks the interval of 3600 s: make all lines even.",
    ],
    [
      `time,kW\n${row("00:00", "13")}${row("01:00", "-31.2")}`,
      "FILE line 3: 31200 W are more than the 13000 W that the part can measure: add scale=0.416.",
    ],
  ])("%j", (content, sentence) => {
    expect(refusal(content)).toBe(sentence);
  });

  test("the scale that a refused peak names is taken, fits three digits, and keeps its sign", () => {
    const watts = fc.double({ min: 13_001, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(watts, fc.constantFrom("1", "-1", "20"), (value, scale) => {
        const path = file(rows([value, 0]), "peak.csv");
        const at = (given: string) => parseLoad(`csv:${path}?scale=${given}`, { annualKilowattHours: 3500 });
        const refused = at(scale) as { error: string };
        const [, fit = ""] = /: add scale=(-?\d+\.\d+)\.$/.exec(refused.error) ?? [];
        const peak = whole(at(fit)).wattsAt(START) * Math.sign(Number(scale));
        expect(peak).toBeLessThanOrEqual(13_000);
        expect(peak).toBeGreaterThan(12_800);
      }),
      { seed: 5, numRuns: 40 },
    );
  });

  test("a file that is not there, is a folder, or was not packed by gzip", () => {
    const at = (path: string) => parseLoad(`csv:${path}`, { annualKilowattHours: 3500 });
    const nothing = join(folder.path, "nothing.csv");
    expect(at(nothing)).toEqual({
      error: `The file ${nothing} does not exist: check the path and your rights.`,
    });
    expect(at(folder.path)).toEqual({ error: `${folder.path} is no file: name a CSV file.` });
    const torn = file(gzipSync(rows([1, 2])).subarray(0, 30), "torn.csv.gz");
    expect(at(torn)).toEqual({
      error: expect.stringMatching(/^The file .*torn.csv.gz cannot be unpacked \(.*\): pack it/),
    });
  });

  test("a file that unpacks to far more than it is", () => {
    const bomb = gzipSync(Buffer.alloc(129 * 2 ** 20), { level: 1 });
    expect(refusal(bomb)).toMatch(/unpacks to more than 128 MiB: give a shorter span of it\.$/);
  });

  test("a file that is no text at all, with a sentence of a bearable length", () => {
    expect(refusal(new Uint8Array(1_000_000).fill(0x41)).length).toBeLessThan(510);
  });

  test("a file that is too large is not read at all", () => {
    const path = file("", "large.csv");
    truncateSync(path, 129 * 2 ** 20);
    expect(parseLoad(`csv:${path}`, { annualKilowattHours: 3500 })).toEqual({
      error: `The file ${path} is more than 128 MiB: give a shorter span of it.`,
    });
  });

  test("more intervals than the limit, even if only two rows and a rule for gaps make them", () => {
    const text = "time,W\n2000-01-01T00:00:00Z,1\n2000-01-01T00:00:01Z,1\n2026-01-01T00:00:00Z,1\n";
    expect(refusal(text, "?gaps=zero")).toBe(
      "FILE line 4: there are more than 2000000 intervals: give a shorter span.",
    );
  });

  test.each([
    ["x=1", 'says "x=1", which is no option: give time, value, unit, zone, loop, scale, offset, gaps'],
    ["loop", 'says "loop", and loop takes yes or no.'],
    ["loop=maybe", 'says "loop=maybe", and loop takes yes or no.'],
    ["scale=0", 'says "scale=0", and scale takes a number other than 0.'],
    ["scale=1e9", 'says "scale=1e9", and scale takes a number other than 0.'],
    ["unit=J", 'says "unit=J", and unit takes Wh, kWh, W or kW.'],
    ["zone=CET", 'says "zone=CET", and zone takes Z or an offset from UTC such as +01:00.'],
    ["offset=1", 'says "offset=1", and offset takes a duration such as 90s, 15m, 12h, 30d or 2w'],
    ["gaps=", 'says "gaps=", and gaps takes refuse, zero or hold.'],
    ["value=%zz", 'says "value=%zz", and value takes the name of a column.'],
  ])("the option %s", (query, sentence) => {
    expect(refusal(rows([1, 2]), `?${query}`)).toContain(sentence);
  });
});

describe("the shipped sample", () => {
  const uk = (query = "") => whole(parseLoad(`uk${query}`, { annualKilowattHours: 3500 }));

  test("has 3,789.626 kWh in its own time", () => {
    const wattHours = loadWattHours(uk(), Date.parse("2020-04-01T01:00Z"), Date.parse("2022-12-06T13:00Z"));
    expect(wattHours / 1000).toBeCloseTo(3789.626, 6);
  });

  test("repeats to now by 104 weeks, and takes the options of a CSV file", () => {
    const at = Date.parse("2026-11-25T18:30Z");
    const then = at - 3 * 728 * DAY_MS;
    expect(uk().wattsAt(at)).toBe(uk().wattsAt(then));
    expect(uk("?scale=2").wattsAt(at)).toBe(2 * uk().wattsAt(at));
    expect(uk("?loop=no").wattsAt(at)).toBe(0);
  });
});

describe("a share of a load", () => {
  const at = Date.parse("2026-11-25T18:30Z");
  const uk = whole(parseLoad("uk", { annualKilowattHours: 3500 }));

  test("is between half and all, the same for the same meter, and another for each other one", () => {
    const ids = Array.from({ length: 200 }, (_, i) => `M${i + 1}`);
    const shares = ids.map((id) => shareOf(uk, id).wattsAt(at) / uk.wattsAt(at));
    expect(Math.min(...shares)).toBeGreaterThanOrEqual(0.5);
    expect(Math.max(...shares)).toBeLessThanOrEqual(1);
    expect(new Set(shares).size).toBe(200);
    expect(shareOf(uk, "M7").wattsAt(at) / uk.wattsAt(at)).toBe(shares[6]);
    expect(shareOf(uk, "M7").steadyUntilMs(at)).toBe(uk.steadyUntilMs(at));
  });
});
