// Options of `serve` that do not go together.
import { usageFault } from "./fault.ts";

/** A day in 24 s: faster, and a poll each second would keep the processor busy with nothing else. */
export const SPEED_MAX = 3600;
/** Of all meters together: a million intervals, some hundred megabytes and half a minute of playing. */
const METER_DAYS_MAX = 10_000;
const DAY_MS = 86_400_000;

interface MixedOptions {
  readonly chip: string;
  readonly count: number;
  readonly speed: number;
  /** In milliseconds. */
  readonly history?: number;
  readonly keys?: string;
  readonly oscoreContext?: string;
  readonly state?: string;
  readonly board?: string;
}

/** Options that are right alone and wrong together. */
export function refuseMixtures(options: MixedOptions): void {
  const { count, speed, keys, oscoreContext, state, board, history = 0 } = options;
  const isReal = options.chip.includes("@");
  const wrong: [boolean, string][] = [
    [isReal && speed !== 1, "A real metering part measures in real time: leave --speed out."],
    [isReal && history > 0, "A real metering part has no past to play: leave --history out."],
    [
      !isReal && history > 0 && options.chip !== "bl0942",
      "Only a part that is asked can play a past quickly, and this one streams: leave --history out, or name --chip bl0942.",
    ],
    [
      state !== undefined && (speed !== 1 || history > 0),
      "A state is of time that was lived: leave --speed and --history out, or --state.",
    ],
    [isReal && count > 1, "A real metering part is one meter's: leave --count out."],
    [keys !== undefined && count > 1, "One key file is one meter's: leave --count or --keys out."],
    [
      oscoreContext !== undefined && count > 1,
      "One OSCORE context is one meter's: leave --count or --oscore-context out.",
    ],
    [board !== undefined && count > 1, "One board is one meter's: leave --count or --board out."],
    [
      board !== undefined && (speed !== 1 || history > 0),
      "A board keeps what its meter has lived: leave --speed and --history out, or --board.",
    ],
    [
      count * speed > SPEED_MAX,
      `${count} meters at ${speed} times real time are more than a processor plays: give at most --speed ${Math.floor((10 * SPEED_MAX) / count) / 10}.`,
    ],
    [
      count * history > METER_DAYS_MAX * DAY_MS,
      `${count} meters with such a past are more than a process should hold: give at most --history ${Math.floor(METER_DAYS_MAX / count)}d.`,
    ],
  ];
  const sentence = wrong.find(([isWrong]) => isWrong)?.[1];
  if (sentence !== undefined) throw usageFault(sentence);
}
