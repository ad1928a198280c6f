/** Whether head-ends ask each meter, or a group by its name. */
export const DISTRIBUTIONS = ["per-meter", "fan-out"] as const;
export type Distribution = (typeof DISTRIBUTIONS)[number];

/** Each answer as it comes; the same, and requests kept for meters that are away; or answers together, for whoever asks so. */
export const RETURNS = ["forward", "hold", "bundle"] as const;
export type Return = (typeof RETURNS)[number];

/** How a DAP was told to work. */
export interface DapSettings {
  /** A stranger's: it passes each answer on at once, and does nothing else with it. */
  readonly thirdParty: boolean;
  readonly distribute: Distribution;
  readonly return: Return;
  /** With `hold`: how long a request is kept that does not say so itself. */
  readonly holdSeconds: number;
}

/** Longer than any session lasts. */
export const HOLD_SECONDS_MAX = 7 * 86_400;

/** What is wrong with settings together, as a sentence; undefined where nothing is. */
export function settingsFault({ thirdParty, return: how }: DapSettings): string | undefined {
  if (!thirdParty || how === "forward") return undefined;
  return `A third-party DAP passes each answer on at once and keeps none: leave --return ${how} out, or --third-party.`;
}
