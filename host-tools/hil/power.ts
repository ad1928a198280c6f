// The port of whatever switches a board's supply, and how a bench file names it.
import * as v from "valibot";

/**
 * Switches one board's supply. Each call comes back once that is done, and rejects with an InfrastructureFault where it
 * cannot be; the board need not have stopped or started by then.
 */
export interface PowerDriver {
  off(): Promise<void>;
  on(): Promise<void>;
  /** What the board printed since the start, where the driver sees that. */
  console?(): string;
  /** Leaves the supply as it is. */
  close(): Promise<void>;
}

/** Makes the driver that a bench file names; `folder` is the bench file's, which commands run in. */
export type OpenPowerDriver = (
  settings: PowerSettings,
  board: { readonly meter: string; readonly folder: string },
) => Promise<PowerDriver>;

/** Long enough for a supply's capacitors, and short enough to wait for. */
const OFF_SECONDS = 3;
const OFF_SECONDS_MAX = 600;

const TEXT_FAULT = "this must be text";
const offSeconds = v.optional(
  v.pipe(
    v.number("this must be a number of seconds"),
    v.minValue(0, "this must not be below 0"),
    v.maxValue(OFF_SECONDS_MAX, `this must be at most ${OFF_SECONDS_MAX} s`),
  ),
  OFF_SECONDS,
);
const text = v.pipe(v.string(TEXT_FAULT), v.nonEmpty("this must not be empty"));

/** By the driver's name. `offSeconds` is how long the supply stays off where a test does not say. */
export const PowerSchema = v.variant(
  "driver",
  [
    v.strictObject({
      driver: v.literal("uhubctl"),
      hub: text,
      port: v.pipe(v.number("this must be a number"), v.integer("this must be whole"), v.minValue(1)),
      offSeconds,
    }),
    v.strictObject({ driver: v.literal("command"), off: text, on: text, offSeconds }),
    v.strictObject({ driver: v.literal("manual"), offSeconds }),
    v.strictObject({
      driver: v.literal("process"),
      start: v.pipe(v.array(text, "this must be a list: the program and its arguments"), v.minLength(1)),
      offSeconds,
    }),
  ],
  "the driver is uhubctl, command, manual or process",
);
export type PowerSettings = v.InferOutput<typeof PowerSchema>;
