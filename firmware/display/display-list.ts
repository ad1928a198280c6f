// Which pages a meter has, in the order that a person steps through them.
import type { LocalTime } from "../calendar/time-zone.ts";
import type { EventName } from "../events/event-table.ts";
import type { Obis } from "../protocol/readings/obis.ts";
import type { RegisterEntry } from "../protocol/readings/register-reading.ts";
import { RATES_MAX } from "../protocol/readings/tariff.ts";
import type { ControlState } from "../relay/control-state.ts";
import { errorText } from "./error-register.ts";
import { dateText, FIGURES, type Figure, figureText, nameTexts, registerText, timeText } from "./figures.ts";
import { type Annunciator, type Page, TEST_PAGE } from "./page.ts";

/** What a display asks of its meter, anew for each page. */
export interface DisplaySource {
  readonly serialNumber: string;
  readonly firmwareVersion: string;
  /** What a register stands at, in the unit and scaler that it is published in. */
  register(obis: Obis): RegisterEntry;
  /** Undefined while the clock is invalid. */
  localTime(): LocalTime | undefined;
  /** The rate in force, 1 to 8. */
  rate(): number;
  /** Rates that the tariff names; none in a meter without one. */
  rates(): readonly number[];
  /** Undefined in a meter without a relay. */
  relay(): ControlState["is"] | undefined;
  /** Alarms that somebody should see to; undefined where nobody watches for them. */
  alarms(): readonly EventName[] | undefined;
}

export interface DisplayItem {
  /** The page now, or undefined where the meter has none such. */
  page(source: DisplaySource): Page | undefined;
  /** True where the display shows it by itself. */
  isScrolled(source: DisplaySource): boolean;
}

/** The display test, registers, time, errors, and what the meter is; in this order. */
export function displayList({ serialNumber, firmwareVersion }: DisplaySource): readonly DisplayItem[] {
  return [
    { page: () => TEST_PAGE, isScrolled: never },
    ...energy("1.8", FIGURES.active),
    ...energy("2.8", FIGURES.active),
    register("3.8.0", FIGURES.reactive),
    register("4.8.0", FIGURES.reactive),
    register("9.8.0", FIGURES.apparent),
    ...withRates("1.6", FIGURES.power),
    register("0.1.0", FIGURES.count),
    register("1.7.0", FIGURES.power),
    register("2.7.0", FIGURES.power),
    ...["32.7.0", "52.7.0", "72.7.0"].map((code) => register(code, FIGURES.voltage)),
    ...["31.7.0", "51.7.0", "71.7.0"].map((code) => register(code, FIGURES.current)),
    register("14.7.0", FIGURES.frequency),
    register("13.7.0", FIGURES.powerFactor),
    { page: ratePage, isScrolled: never },
    item("0.9.1", (source) => timeText(source.localTime())),
    item("0.9.2", (source) => dateText(source.localTime())),
    { ...item("F.F", (source) => errorText(source.alarms())), isScrolled: hasAlarm },
    ...name("C.1.0", serialNumber),
    ...name("0.2.0", firmwareVersion),
  ];
}

const never = (): boolean => false;
const always = (): boolean => true;

/** What is billed on is what a display shows by itself. */
function energy(quantity: string, figure: Figure): DisplayItem[] {
  return withRates(quantity, figure).map((each) => ({ ...each, isScrolled: always }));
}

/** The total, and each rate that is in use: a meter keeps registers of all that a tariff could name. */
function withRates(quantity: string, figure: Figure): DisplayItem[] {
  return Array.from({ length: 1 + RATES_MAX }, (_, rate) => {
    const each = register(`${quantity}.${rate}`, figure);
    return rate === 0
      ? each
      : { ...each, page: (source) => (isInUse(source, rate) ? each.page(source) : undefined) };
  });
}

/** Named by the tariff, or by one of before: without any, all there is goes on one rate, which is the total again. */
function isInUse(source: DisplaySource, rate: number): boolean {
  if (source.rates().includes(rate)) return true;
  return ["1.8", "2.8"].some((quantity) => {
    const energy = energyOf(source, `${quantity}.${rate}`);
    return energy > 0 && energy !== energyOf(source, `${quantity}.0`);
  });
}

function energyOf(source: DisplaySource, code: string): number {
  const entry = source.register(obisOf(code));
  return "value" in entry ? entry.value : 0;
}

function register(code: string, figure: Figure): DisplayItem {
  return {
    page(source) {
      const entry = source.register(obisOf(code));
      if (entry.quality === "not-in-meter") return undefined;
      return lit({ code, text: registerText(entry, figure), unit: figure.unit }, source);
    },
    isScrolled: never,
  };
}

function obisOf(code: string): Obis {
  return `1-0:${code}*255`;
}

function ratePage(source: DisplaySource): Page | undefined {
  return source.rates().length === 0
    ? undefined
    : lit({ code: "C.14.0", text: figureText(source.rate(), FIGURES.count), unit: "" }, source);
}

function item(code: string, text: (source: DisplaySource) => string): DisplayItem {
  return { page: (source) => lit({ code, text: text(source), unit: "" }, source), isScrolled: never };
}

/** As many pages as the name takes. */
function name(code: string, text: string): DisplayItem[] {
  return nameTexts(text).map((part, i, parts) => {
    const more: readonly Annunciator[] = i < parts.length - 1 ? ["more"] : [];
    return {
      page: (source) => lit({ code, text: part, unit: "" }, source, more),
      isScrolled: never,
    };
  });
}

/** A page with the symbols that hold whatever it shows. */
function lit(
  page: Omit<Page, "annunciators">,
  source: DisplaySource,
  more: readonly Annunciator[] = [],
): Page {
  return {
    ...page,
    annunciators: new Set([...rateOf(source), ...directionOf(source), ...warnings(source), ...more]),
  };
}

function rateOf(source: DisplaySource): Annunciator[] {
  return source.rates().length === 0 ? [] : [`T${source.rate()}` as Annunciator];
}

/** None where no power flows, and where nobody knows. */
function directionOf(source: DisplaySource): Annunciator[] {
  const power = source.register(obisOf("16.7.0"));
  if ((power.quality !== "measured" && power.quality !== "derived") || power.value === 0) return [];
  return [power.value > 0 ? "import" : "export"];
}

function warnings(source: DisplaySource): Annunciator[] {
  const clock: readonly Annunciator[] = source.localTime() === undefined ? ["clock-invalid"] : [];
  return [...(hasAlarm(source) ? (["alarm"] as const) : []), ...clock, ...relayOf(source)];
}

/** Whoever stands in the dark sees why, and whether he can help himself. */
function relayOf(source: DisplaySource): Annunciator[] {
  const state = source.relay();
  if (state === undefined || state === "connected") return [];
  return state === "ready" ? ["off", "press"] : ["off"];
}

function hasAlarm(source: DisplaySource): boolean {
  return (source.alarms() ?? []).length > 0;
}
