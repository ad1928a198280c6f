const MINUTE_SECONDS = 60;
const HOUR_SECONDS = 3600;
const DAY_SECONDS = 86_400;
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

/** A span of time for people, in its two largest units: `41 s`, `5 h 10 min`, `12 d 3 h`. */
export function durationText(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 2 * MINUTE_SECONDS) return `${whole} s`;
  if (whole < 2 * HOUR_SECONDS) return `${Math.floor(whole / MINUTE_SECONDS)} min`;
  const hours = Math.floor(whole / HOUR_SECONDS);
  if (whole < 2 * DAY_SECONDS) return `${hours} h ${Math.floor((whole % HOUR_SECONDS) / MINUTE_SECONDS)} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
