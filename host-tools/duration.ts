const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** How {@link parseDuration} is written, for a sentence that says so. */
export const DURATION_FORMS = "90s, 15m, 12h, 30d or 2w";

/** Milliseconds of a whole number and a unit, `-` before it for back in time: `90s`, `-12h`; undefined for any other text. */
export function parseDuration(text: string): number | undefined {
  const [, count, unit = ""] = /^(-?\d{1,9})([smhdw])$/.exec(text) ?? [];
  const unitMs = UNIT_MS[unit];
  return unitMs === undefined ? undefined : Number(count) * unitMs;
}
