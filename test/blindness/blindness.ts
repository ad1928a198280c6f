// What somebody in the DAP's place finds out, in every setting and over many days; and that it is found where there is something.

import { unpadded, unprotected } from "./broken.ts";
import { isChance } from "./canaries.ts";
import { type Days, readDays } from "./days.ts";
import { bestGuess, type Guess } from "./distinguisher.ts";
import { type Figures, figuresOf } from "./figures.ts";
import { HOUSE_KINDS } from "./houses.ts";
import { SETTINGS, type Setting } from "./settings.ts";

export interface BlindnessOptions {
  readonly seed: number;
  /** Houses in each setting, and in the street whose days are read. */
  readonly meters: number;
  readonly days: number;
  /** Days that are read without padding: as many as show it. */
  readonly unpaddedDays: number;
  readonly settings?: readonly string[];
  readonly tell?: (line: string) => void;
}

export interface BlindnessFigures {
  readonly settings: Readonly<Record<string, Figures>>;
  /** The first setting of all through a DAP, with an engine that protects nothing. */
  readonly unprotected: Figures;
  readonly days: DaysFigures;
  readonly unpadded: DaysFigures;
  /** What is not as it must be, in words; none where a DAP is blind and the test is not. */
  readonly faults: readonly string[];
}

export interface DaysFigures {
  readonly meterDays: number;
  readonly messages: number;
  readonly strays: readonly string[];
  readonly raised: readonly string[];
  readonly guess: Guess;
  readonly guessByKind: Readonly<Record<string, Guess>>;
}

/** How far from a coin a guess may be over thousands of days. */
export const AREA_TOLERANCE = 0.03;
const AREA_UNPADDED_MIN = 0.8;
const COIN = 0.5;
const SPOILT_SETTING = "per meter, forward";
/** Enough to find what is there. */
const SPOILT_METERS_MAX = 3;

export async function blindness(options: BlindnessOptions): Promise<BlindnessFigures> {
  const { seed, meters, days, unpaddedDays, tell = () => {} } = options;
  const names = options.settings ?? Object.keys(SETTINGS);
  const settings: Record<string, Figures> = {};
  for (const name of names) {
    settings[name] = figuresOf(await settingOf(name)({ seed, meters }));
    tell(`${name}: done`);
  }
  const spoilt = { seed, meters: Math.min(meters, SPOILT_METERS_MAX), spoil: unprotected };
  const found = figuresOf(await settingOf(SPOILT_SETTING)(spoilt));
  const onDay = (day: number): void => tell(`day ${day}`);
  const read = daysFigures(await readDays({ seed, meters, days, onDay }));
  const bare = daysFigures(await readDays({ seed, meters, days: unpaddedDays, spoil: unpadded, onDay }));
  const figures = { settings, unprotected: found, days: read, unpadded: bare };
  return { ...figures, faults: faultsOf(figures) };
}

function settingOf(name: string): Setting {
  const setting = SETTINGS[name];
  if (setting === undefined) throw new Error(`no setting is called ${name}`);
  return setting;
}

function daysFigures({ houses, days, messages, strays, raised }: Days): DaysFigures {
  const ofKind = (kind: string) => {
    const ids = new Set(houses.filter((house) => house.kind === kind).map(({ id }) => id));
    return days.filter(({ meter }) => ids.has(meter));
  };
  const kinds = HOUSE_KINDS.filter((kind) => houses.some((house) => house.kind === kind));
  return {
    ...{ meterDays: days.length, messages, strays, raised },
    guess: bestGuess(days),
    guessByKind: Object.fromEntries(kinds.map((kind) => [kind, bestGuess(ofKind(kind))])),
  };
}

function faultsOf(figures: Omit<BlindnessFigures, "faults">): string[] {
  const { settings, unprotected: found, days, unpadded: bare } = figures;
  const faults = Object.entries(settings).flatMap(([name, of]) =>
    faultsIn(of).map((fault) => `${name}: ${fault}`),
  );
  if (days.strays.length > 0) faults.push(`days: ${days.strays.length} lengths, such as ${days.strays[0]}`);
  if (days.raised.length > 0) faults.push(`days: padding was raised by ${days.raised.join(", ")}`);
  if (Math.abs(days.guess.area - COIN) > AREA_TOLERANCE)
    faults.push(`days: guessed with an area of ${days.guess.area} by ${days.guess.by}`);
  if (bare.guess.area <= AREA_UNPADDED_MIN)
    faults.push(`without padding nothing is guessed: ${bare.guess.area}`);
  for (const kind of ["serialNumbers", "registers", "sealed"] as const)
    if (found.canaries[kind].hits === 0) faults.push(`without protection nothing of ${kind} is found`);
  if (found.short.every(isChance)) faults.push("without protection no short value is found");
  return faults;
}

function faultsIn({ canaries, short, strays }: Figures): string[] {
  const found = Object.entries(canaries).filter(([, { hits, pieces }]) => hits > 0 || pieces === 0);
  const faults = found.map(([kind, { hits, pieces }]) => `${hits} hits of ${pieces} pieces of ${kind}`);
  for (const { bytes, hits, byChance } of short.filter((each) => !isChance(each)))
    faults.push(`values of ${bytes} bytes are found ${hits} times, by chance ${byChance}`);
  if (strays.length > 0) faults.push(`${strays.length} lengths, such as ${strays[0]}`);
  return faults;
}
