// The display of a whole meter: its registers, clock, tariff and event log.
import { describe, expect, test } from "vitest";
import { Display } from "../../../firmware/display/display.ts";
import { meterSource } from "../../../firmware/display/meter-source.ts";
import { EmulatedBoardSignals } from "../../../hal/emulated/board-signals.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { parseLoad } from "../../../host-tools/loads/index.ts";
import { type SingleLineOptions, singleLine } from "../../../host-tools/world/single-line.ts";
import { configuration } from "../../support/configuration.ts";
import { HOUSEHOLD } from "../../support/tariffs.ts";

const ZONE = "CET-1CEST,M3.5.0,M10.5.0/3";
/** A Tuesday in winter, 12:00 in Berlin. */
const START_MS = Date.UTC(2026, 10, 24, 11);
const HOUR_MS = 3_600_000;

/** A meter that has run for two hours, unless given, and its display, at rest. */
function meter(watts = 1234.5, options: Partial<SingleLineOptions> = {}, ranMs = 2 * HOUR_MS) {
  const load = parseLoad(`watts:${watts}`, { annualKilowattHours: 3500 });
  if ("error" in load) throw new Error(load.error);
  const world = singleLine({
    ...{ seed: 1, load, startUtcMs: START_MS, crypto: opensslEngine, baud: 115_200, pollIntervalMs: 1000 },
    ...{ configuration: { ...configuration, zone: ZONE }, ...options },
  });
  const { runtime, clock } = world;
  clock.advanceBy(ranMs);
  const source = meterSource(runtime.meter, runtime.log, runtime.relay);
  const display = new Display(source, clock.monotonicMs() - 5000);
  const nowMs = clock.monotonicMs();
  /** All pages from the first register to the last, by code. */
  const pages = (): Map<string, string> => {
    const found = new Map<string, string>();
    const stepping = new Display(source, 0);
    for (stepping.press(0); stepping.page(0).code !== "8.8.8"; stepping.press(0)) {
      const { code, text } = stepping.page(0);
      found.set(code, (found.get(code) ?? "") + text);
    }
    return found;
  };
  return { ...world, display, nowMs, pages };
}

describe("the display of a meter", () => {
  test("shows what the meter answers a head-end with, cut to the places that it has", () => {
    const { runtime, pages } = meter();
    const shown = pages();
    for (const code of ["1.8.0", "2.8.0", "1.6.0"]) {
      const entry = runtime.meter.register(`1-0:${code}*255`);
      const value = "value" in entry ? entry.value : Number.NaN;
      expect(Number(shown.get(code))).toBe(code === "1.6.0" ? value / 1000 : Math.floor(value / 10) / 100);
    }
    expect(shown.get("1.8.0")).toBe("000002.46");
    expect(Number(shown.get("1.7.0"))).toBeCloseTo(1.234, 2);
    expect(shown.get("32.7.0")).toMatch(/^2[23]\d\.\d$/);
  });

  test("has a page for each register of a household's meter, and none of rates without a tariff", () => {
    const { pages } = meter();
    expect([...pages().keys()]).toEqual([
      ...["1.8.0", "2.8.0", "1.6.0", "0.1.0", "1.7.0", "2.7.0", "32.7.0", "31.7.0", "14.7.0"],
      ...["0.9.1", "0.9.2", "F.F", "C.1.0", "0.2.0"],
    ]);
    expect(pages().get("C.1.0")).toBe(configuration.serialNumber);
  });

  test("shows the local time of the meter's place, and dashes with a symbol where it does not know it", () => {
    const { pages, display, nowMs } = meter();
    expect([pages().get("0.9.1"), pages().get("0.9.2")]).toEqual(["14:00:00", "2026.11.24"]);
    expect([...display.page(nowMs).annunciators]).toEqual(["import"]);
    const lost = meter(1000, {
      startUtcMs: Date.UTC(1970, 0, 1),
      configuration: { ...configuration, firmwareBuiltUtcMs: START_MS },
    });
    expect([lost.pages().get("0.9.1"), lost.pages().get("0.9.2")]).toEqual(["--:--:--", "----.--.--"]);
    expect([...lost.display.page(lost.nowMs).annunciators]).toEqual(["import", "alarm", "clock-invalid"]);
    expect(lost.pages().get("F.F")).toBe("00000100");
  });

  test("shows the rates that its tariff names, and which of them is in force", () => {
    const { runtime, pages, clock, display, nowMs } = meter();
    runtime.meter.setTariff({ active: HOUSEHOLD });
    expect([...display.page(nowMs).annunciators]).toEqual(["T1", "import"]);
    clock.advanceBy(4 * HOUR_MS);
    expect([...display.page(nowMs).annunciators]).toEqual(["T3", "import"]);
    const shown = pages();
    expect([...shown.keys()].filter((code) => code.startsWith("1.8."))).toEqual([
      ...["1.8.0", "1.8.1", "1.8.2", "1.8.3"],
    ]);
    expect([shown.get("1.8.2"), shown.get("C.14.0")]).toEqual(["000000.00", "0003"]);
    const parts = ["1.8.1", "1.8.2", "1.8.3"].map((code) => Number(shown.get(code)));
    expect(parts.reduce((sum, part) => sum + part)).toBeCloseTo(Number(shown.get("1.8.0")), 1);
  });

  test("lights the arrow of export while power flows out", () => {
    const { display, nowMs } = meter(-500);
    expect([...display.page(nowMs).annunciators]).toContain("export");
  });

  test("keeps an alarm lit until it is read and, of a cover, until it is closed", () => {
    const signals = new EmulatedBoardSignals();
    const { pages, clock, runtime } = meter(1000, { signals });
    expect(pages().get("F.F")).toBe("00000000");
    signals.setSensor("cover", "holds");
    clock.advanceBy(5000);
    expect(pages().get("F.F")).toBe("00010000");
    runtime.log.acknowledge("fraud", 1000);
    expect(pages().get("F.F")).toBe("00010000");
    signals.setSensor("cover", "clear");
    clock.advanceBy(5000);
    expect(pages().get("F.F")).toBe("00000000");
    signals.setSensor("terminalCover", "holds");
    clock.advanceBy(5000);
    signals.setSensor("terminalCover", "clear");
    clock.advanceBy(5000);
    expect(pages().get("F.F")).toBe("00020000");
  });

  test("keeps the alarm of a relay that does not obey lit until it does, and says that the supply is off", () => {
    const { pages, clock, runtime, relay, display } = meter();
    const disconnect = () => {
      runtime.relay?.order({ kind: "disconnect" }, { operator: "op", timeSeconds: undefined });
      clock.advanceBy(5000);
    };
    relay.breakBy("welded");
    disconnect();
    runtime.log.acknowledge("disconnector", 1000);
    expect(pages().get("F.F")).toBe("00000008");
    relay.mend("welded");
    disconnect();
    expect(pages().get("F.F")).toBe("00000000");
    expect([...display.page(clock.monotonicMs()).annunciators]).toEqual(["off"]);
  });

  test("a meter whose part has never answered shows dashes, not zeros", () => {
    const { pages } = meter(1000, {}, 0);
    expect([pages().get("1.8.0"), pages().get("2.8.0"), pages().get("32.7.0")]).toEqual([
      ...["------.--", "------.--", "---.-"],
    ]);
  });
});
