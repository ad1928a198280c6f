import { describe, expect, test } from "vitest";
import { Display } from "../../../firmware/display/display.ts";
import type { DisplaySource } from "../../../firmware/display/display-list.ts";
import { ANNUNCIATORS } from "../../../firmware/display/page.ts";
import type { EventName } from "../../../firmware/events/event-table.ts";
import { displaySource } from "../../support/display-source.ts";

const SINGLE_PHASE = { "1.8.0": 7_054_890, "2.8.0": 12, "1.7.0": 442, "2.7.0": 0, "32.7.0": 2301 };
const TWO_RATES = { "1.8.0": 3000, "1.8.1": 1000, "1.8.2": 2000, "1.8.3": 0, "2.8.0": 0 };
const NAMES_TWO = { rate: () => 2, rates: () => [1, 2] };
/** After power-up's test. */
const AT_REST_MS = 5000;

/** Code and text of the pages that so many presses show, 100 ms apart. */
function stepped(display: Display, presses: number, fromMs = AT_REST_MS): string[] {
  return Array.from({ length: presses }, (_, i) => {
    display.press(fromMs + 100 * i);
    const { code, text } = display.page(fromMs + 100 * i);
    return `${code} ${text}`;
  });
}

/** Codes that stand at rest, one in each ten seconds. */
function atRest(source: DisplaySource, pages: number): string[] {
  const display = new Display(source, 0);
  return Array.from({ length: pages }, (_, i) => display.page(AT_REST_MS + 10_000 * i).code);
}

const lit = (source: DisplaySource) => [...new Display(source, 0).page(AT_REST_MS).annunciators];

describe("a display's button", () => {
  test("calls the display test, then each page that the meter has, and the test again", () => {
    const display = new Display(displaySource(SINGLE_PHASE), 0);
    expect(stepped(display, 13)).toEqual([
      "8.8.8 8.8.8.8.8.8.8.8",
      "1.8.0 007054.89",
      "2.8.0 000000.01",
      "1.7.0 000.442",
      "2.7.0 000.000",
      "32.7.0 230.1",
      "0.9.1 14:05:09",
      "0.9.2 2026.11.28",
      "F.F 00000000",
      "C.1.0 12345678",
      "0.2.0 1.2.3",
      "8.8.8 8.8.8.8.8.8.8.8",
      "1.8.0 007054.89",
    ]);
  });

  test("shows rates, three phases and demand where the meter has them", () => {
    const demand = { "1.6.0": 1234, "1.6.1": 1234, "1.6.2": "unavailable", "1.6.3": 0, "0.1.0": 3 } as const;
    const more = { ...TWO_RATES, ...demand, "3.8.0": 5, "52.7.0": 2290, "71.7.0": 4 };
    const display = new Display(displaySource(more, NAMES_TWO), 0);
    expect(stepped(display, 14).slice(1)).toEqual([
      "1.8.0 000003.00",
      "1.8.1 000001.00",
      "1.8.2 000002.00",
      "2.8.0 000000.00",
      "3.8.0 000000.00",
      "1.6.0 001.234",
      "1.6.1 001.234",
      "1.6.2 ---.---",
      "0.1.0 0003",
      "52.7.0 229.0",
      "71.7.0 000.00",
      "C.14.0 0002",
      "0.9.1 14:05:09",
    ]);
  });

  test("keeps the pages of a rate that only a tariff of before named", () => {
    const later = displaySource({ ...TWO_RATES, "1.8.3": 500 }, { rates: () => [1] });
    expect(stepped(new Display(later, 0), 6).slice(2)).toEqual([
      "1.8.1 000001.00",
      "1.8.2 000002.00",
      "1.8.3 000000.50",
      "2.8.0 000000.00",
    ]);
  });

  test("shows no rate where there is no tariff, and all energy is on one", () => {
    const source = displaySource({ "1.8.0": 3000, "1.8.1": 3000, "1.8.2": 0, "2.8.0": 7, "2.8.1": 7 });
    expect(stepped(new Display(source, 0), 4).slice(1)).toEqual([
      "1.8.0 000003.00",
      "2.8.0 000000.00",
      "0.9.1 14:05:09",
    ]);
    expect(lit(source)).toEqual([]);
  });

  test("a page that was called stands for 15 s after the last press, and its values go on", () => {
    const registers: Record<string, number> = { ...SINGLE_PHASE };
    const display = new Display(displaySource(registers), 0);
    stepped(display, 3, 20_000);
    expect(display.page(20_200)).toMatchObject({ code: "2.8.0", text: "000000.01" });
    registers["2.8.0"] = 20;
    expect(display.page(35_199)).toMatchObject({ code: "2.8.0", text: "000000.02" });
    expect(display.page(35_200).code).toBe("1.8.0");
  });

  test("after the return a press begins with the display test, wherever one was before", () => {
    const display = new Display(displaySource(SINGLE_PHASE), 0);
    stepped(display, 5);
    expect(stepped(display, 2, 60_000)).toEqual(["8.8.8 8.8.8.8.8.8.8.8", "1.8.0 007054.89"]);
  });

  test("pressed during power-up's test it goes to the first register", () => {
    const display = new Display(displaySource(SINGLE_PHASE), 1000);
    expect(display.page(1000).code).toBe("8.8.8");
    expect(stepped(display, 1, 1500)).toEqual(["1.8.0 007054.89"]);
  });

  test("a name that fits no page is stepped through, with a mark that it goes on", () => {
    const display = new Display(displaySource({}, { serialNumber: "EMU-0123456789" }), 0);
    stepped(display, 5);
    expect(display.page(6000)).toMatchObject({ code: "C.1.0", text: "EMU-0123" });
    expect(display.page(6000).annunciators).toContain("more");
    expect(stepped(display, 1, 6000)).toEqual(["C.1.0 456789"]);
    expect(display.page(6000).annunciators).not.toContain("more");
  });
});

describe("a display at rest", () => {
  test("begins with the display test for 5 s, then with the first register", () => {
    const display = new Display(displaySource(SINGLE_PHASE), 1000);
    expect(display.page(5999).code).toBe("8.8.8");
    expect(display.page(6000).code).toBe("1.8.0");
  });

  test("shows what is billed on for 10 s each, round and round", () => {
    expect(atRest(displaySource(SINGLE_PHASE), 5)).toEqual(["1.8.0", "2.8.0", "1.8.0", "2.8.0", "1.8.0"]);
    expect(atRest(displaySource(TWO_RATES, NAMES_TWO), 5)).toEqual([
      "1.8.0",
      "1.8.1",
      "1.8.2",
      "2.8.0",
      "1.8.0",
    ]);
    const display = new Display(displaySource(SINGLE_PHASE), 0);
    expect(display.page(AT_REST_MS + 9999).code).toBe("1.8.0");
    expect(display.page(AT_REST_MS + 10_000).code).toBe("2.8.0");
  });

  test("asking changes nothing, also after years without a look", () => {
    const years = 10 * 365 * 86_400_000;
    const often = new Display(displaySource(SINGLE_PHASE), 0);
    for (let ms = 0; ms < 100_000; ms += 700) often.page(ms);
    const seldom = new Display(displaySource(SINGLE_PHASE), 0);
    for (const ms of [100_000, years, years + 10_000]) expect(often.page(ms)).toEqual(seldom.page(ms));
  });

  test("shows F.F once a round while an alarm holds", () => {
    const alarms: EventName[] = [];
    const source = displaySource(SINGLE_PHASE, { alarms: () => alarms });
    const display = new Display(source, 0);
    expect(display.page(AT_REST_MS + 20_000).code).toBe("1.8.0");
    alarms.push("magnet-present");
    expect(display.page(AT_REST_MS + 20_000)).toMatchObject({ code: "F.F", text: "00040000" });
    expect(display.page(AT_REST_MS + 30_000).code).toBe("1.8.0");
  });

  test("of a meter with no registers at all it is the test, not an empty page", () => {
    expect(atRest(displaySource({}), 1)).toEqual(["8.8.8"]);
  });
});

describe("what a meter cannot give", () => {
  test("has its page, with dashes in the places of the value", () => {
    const source = displaySource(
      { "1.8.0": "unavailable", "2.8.0": { stale: 5000 }, "1.7.0": "unavailable", "32.7.0": "unavailable" },
      { localTime: () => undefined, alarms: () => undefined, serialNumber: "", firmwareVersion: "" },
    );
    expect(stepped(new Display(source, 0), 10).slice(1)).toEqual([
      "1.8.0 ------.--",
      "2.8.0 ------.--",
      "1.7.0 ---.---",
      "32.7.0 ---.-",
      "0.9.1 --:--:--",
      "0.9.2 ----.--.--",
      "F.F --------",
      "C.1.0 --------",
      "0.2.0 --------",
    ]);
  });
});

describe("the symbols", () => {
  test("are all lit in the display test", () => {
    const display = new Display(displaySource({}), 0);
    expect([...display.page(0).annunciators]).toEqual([...ANNUNCIATORS]);
  });

  test("are none where nothing is to be told", () => {
    expect(lit(displaySource({ "1.8.0": 0, "16.7.0": 0 }))).toEqual([]);
    expect(lit(displaySource({ "1.8.0": 0, "16.7.0": "unavailable" }))).toEqual([]);
  });

  test("tell the rate in force and which way power flows, on every page", () => {
    const source = displaySource({ "1.8.0": 0, "16.7.0": 500 }, { ...NAMES_TWO, rate: () => 3 });
    expect(lit(source)).toEqual(["T3", "import"]);
    expect(lit(displaySource({ "1.8.0": 0, "16.7.0": -1 }))).toEqual(["export"]);
    const display = new Display(source, 0);
    stepped(display, 4);
    expect([...display.page(5300).annunciators]).toEqual(["T3", "import"]);
  });

  test("tell whoever stands in the dark that the relay is open, and whether the button closes it", () => {
    const of = (state: ReturnType<DisplaySource["relay"]>) =>
      lit(displaySource({ "1.8.0": 0 }, { relay: () => state }));
    expect([undefined, "connected", "disconnected", "ready"].map((state) => of(state as "ready"))).toEqual([
      ...[[], [], ["off"], ["off", "press"]],
    ]);
  });

  test("tell of an alarm and of an invalid clock", () => {
    const alarms = (): readonly EventName[] => ["cover-removed"];
    expect(lit(displaySource({ "1.8.0": 0 }, { alarms, localTime: () => undefined }))).toEqual([
      "alarm",
      "clock-invalid",
    ]);
  });
});
