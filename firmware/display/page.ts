// What a display shows at one time: a code, a text of eight positions, a unit, and the symbols around them.

/**
 * Symbols that a display lights beside its text. `more`: the text goes on on the next page. `off`: the relay has cut the
 * installation off; `press`: the button gives it its power back.
 */
export const ANNUNCIATORS = [
  ...(["T1", "T2", "T3", "T4", "T5", "T6", "T7", "T8"] as const),
  ...(["import", "export", "alarm", "clock-invalid", "more", "off", "press"] as const),
] as const;
export type Annunciator = (typeof ANNUNCIATORS)[number];

export interface Page {
  /** As the standard shortens it for displays: `1.8.0`, `C.1.0`, `F.F`. */
  readonly code: string;
  /** At most {@link POSITIONS} positions; a register's text always has the same number of them. */
  readonly text: string;
  /** Empty where the text has none. */
  readonly unit: string;
  readonly annunciators: ReadonlySet<Annunciator>;
}

/** Positions of the text: what liquid crystals of meters have. */
export const POSITIONS = 8;

/** All segments and all symbols, so that a person sees which of them are broken. */
export const TEST_PAGE: Page = {
  code: "8.8.8",
  text: Array(POSITIONS).fill("8").join("."),
  unit: "kWvarhVAHz",
  annunciators: new Set(ANNUNCIATORS),
};

/** One character of a text, with the mark that stands behind it and takes no position. */
export interface Position {
  readonly character: string;
  readonly mark: "" | "." | ":";
}

/** The positions that a text takes. A mark without a character before it stands behind a blank. */
export function positionsOf(text: string): Position[] {
  const positions: Position[] = [];
  for (const character of text) {
    const before = positions.at(-1);
    if (character !== "." && character !== ":") positions.push({ character, mark: "" });
    else if (before?.mark === "") positions[positions.length - 1] = { ...before, mark: character };
    else positions.push({ character: " ", mark: character });
  }
  return positions;
}
