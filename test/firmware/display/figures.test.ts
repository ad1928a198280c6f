import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ALARM_BITS, errorText } from "../../../firmware/display/error-register.ts";
import {
  dateText,
  FIGURES,
  figureText,
  nameTexts,
  registerText,
  timeText,
} from "../../../firmware/display/figures.ts";
import { POSITIONS, positionsOf, TEST_PAGE } from "../../../firmware/display/page.ts";
import { EVENTS, type EventName } from "../../../firmware/events/event-table.ts";

const REGISTER = "1-0:1.8.0*255";

describe("a value on a display", () => {
  test.each([
    ["active", 0, "000000.00"],
    ["active", 7_054_890, "007054.89"],
    ["active", 9, "000000.00"],
    ["active", 999_999_999, "999999.99"],
    ["power", 442, "000.442"],
    ["voltage", 2301, "230.1"],
    ["current", 13_069, "013.06"],
    ["frequency", 49_999, "49.99"],
    ["powerFactor", 1000, "1.000"],
    ["count", 12, "0012"],
  ] as const)("%s %i reads %s", (figure, value, text) => {
    expect(figureText(value, FIGURES[figure])).toBe(text);
  });

  test.each([
    ["active", 1_000_000_000, "------.--"],
    ["power", 1_000_000, "---.---"],
    ["count", 10_000, "----"],
    ["frequency", -1, "--.--"],
    ["voltage", Number.NaN, "---.-"],
  ] as const)("%s %d has no such place and is dashes, never a part of it", (figure, value, text) => {
    expect(figureText(value, FIGURES[figure])).toBe(text);
  });

  test("is never more than was measured, less than one step below it, and always as wide", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.values(FIGURES)),
        fc.integer({ min: 0, max: 0xffffffff }),
        (figure, value) => {
          const text = figureText(value, figure);
          const width = figure.integers + figure.decimals;
          expect(positionsOf(text)).toHaveLength(width);
          expect(width).toBeLessThanOrEqual(POSITIONS);
          const published = 10 ** figure.publishedDecimals;
          if (text.startsWith("-")) {
            expect(value).toBeGreaterThanOrEqual(10 ** figure.integers * published);
            return;
          }
          const shown = Number(text.replace(".", "")) * 10 ** (figure.publishedDecimals - figure.decimals);
          expect(shown).toBeLessThanOrEqual(value);
          expect(value - shown).toBeLessThan(10 ** (figure.publishedDecimals - figure.decimals));
        },
      ),
    );
  });

  test.each([
    ["unavailable", undefined],
    ["not-in-meter", undefined],
    ["stale", 5000],
  ] as const)("that is %s is dashes and never 0", (quality, value) => {
    const entry = { register: REGISTER, quality, value } as Parameters<typeof registerText>[0];
    expect(registerText(entry, FIGURES.active)).toBe("------.--");
  });

  test("that is derived is shown as one that is measured", () => {
    expect(registerText({ register: REGISTER, quality: "derived", value: 1500 }, FIGURES.power)).toBe(
      "001.500",
    );
  });
});

describe("time and date", () => {
  const time = {
    ...{ year: 2026, month: 3, day: 9, hour: 4, minute: 5, second: 6 },
    ...{ offsetSeconds: 0, isDaylight: false, zoneName: "UTC" },
  };

  test("have two digits each and all four of the year", () => {
    expect([timeText(time), dateText(time)]).toEqual(["04:05:06", "2026.03.09"]);
    expect(positionsOf(dateText(time))).toHaveLength(POSITIONS);
  });

  test("are dashes in the same places while the clock is invalid", () => {
    expect([timeText(undefined), dateText(undefined)]).toEqual(["--:--:--", "----.--.--"]);
  });
});

describe("a name", () => {
  test.each([
    ["12345678", ["12345678"]],
    ["EMU-0123456789", ["EMU-0123", "456789"]],
    ["1.2.3", ["1.2.3"]],
    ["0.10.0-rc.12+build", ["0.10.0-rc.1", "2+build"]],
    ["..", [" . ."]],
    ["", ["--------"]],
    ["Z\u00e4hler\u001b[2J\u{1f600}", ["Z?hler?[", "2J?"]],
  ])("%j takes the pages %j, points taking no place of their own", (name, texts) => {
    expect(nameTexts(name)).toEqual(texts);
  });

  test("loses no character over its pages", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9A-Z][0-9A-Z.-]{0,63}$/), (name) => {
        const texts = nameTexts(name);
        expect(texts.join("").replaceAll(" ", "")).toBe(name);
        for (const text of texts) expect(positionsOf(text).length).toBeLessThanOrEqual(POSITIONS);
      }),
    );
  });
});

describe("F.F", () => {
  test("has a bit of its own for each event that is an alarm, and for no other", () => {
    const alarms = Object.entries(EVENTS).filter(([, { isAlarm }]) => isAlarm);
    expect(Object.keys(ALARM_BITS).sort()).toEqual(alarms.map(([name]) => name).sort());
    const bits = Object.values(ALARM_BITS);
    expect(new Set(bits).size).toBe(bits.length);
    for (const bit of bits) expect(bit.toString(2)).toMatch(/^10*$/);
  });

  test("adds up the bits that hold, is zeros without an alarm, and dashes where nobody watches", () => {
    expect(errorText(["cover-removed", "magnet-present", "metering-part-silent"])).toBe("00050001");
    expect(errorText(["voltage-missing-l3", "voltage-missing-l3"])).toBe("04000000");
    expect(errorText(Object.keys(ALARM_BITS) as EventName[])).toBe("073F011F");
    expect(errorText([])).toBe("00000000");
    expect(errorText(undefined)).toBe("--------");
    expect(errorText(["power-down", "clock-invalid"])).toBe("00000100");
  });
});

test("the display test fills every position, each with its point but the last", () => {
  expect(positionsOf(TEST_PAGE.text)).toEqual([
    ...Array(POSITIONS - 1).fill({ character: "8", mark: "." }),
    { character: "8", mark: "" },
  ]);
});
