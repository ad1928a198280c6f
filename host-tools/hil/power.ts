// The port of whatever switches a board's supply, and how a bench file names it.
import * as v from "valibot";

/**
 * Switches one board's supply. Each call comes back once that is done, and rejects with an InfrastructureFault where
 * that is not certain: a supply that is taken for cut and is not would make every test after it a lie. The board need
 * not have stopped or started by then.
 */
export interface PowerDriver {
  off(): Promise<void>;
  on(): Promise<void>;
  /** What the board printed since the start, where the driver sees that. */
  console?(): string;
  /** Leaves the supply as it is; a meter that is a process of the driver's ends. */
  close(): Promise<void>;
}

/** A board, as whoever switches its supply has to know it. */
export interface PoweredBoard {
  readonly meter: string;
  /** The bench file's, in which commands run. */
  readonly folder: string;
}

/** Makes the driver that a bench file names. */
export type OpenPowerDriver = (settings: PowerSettings, board: PoweredBoard) => Promise<PowerDriver>;

/** Long enough for a supply's capacitors, and short enough to wait for. */
const OFF_SECONDS = 3;
const OFF_SECONDS_MAX = 600;
/** As `1-1` or `1-1.4.2`: the bus, and the port of each hub on the way; `1` is the bus's own hub. */
const HUB = /^\d{1,3}(-\d{1,2}(\.\d{1,2}){0,6})?$/;
const HUB_FAULT = 'this must be a hub as uhubctl names it, in quotes, such as "1-1"';
const USB_PORT_MAX = 127;
const PORT_FAULT = `this must be a whole number from 1 to ${USB_PORT_MAX}`;

const START_FAULT = "this must be a list: the program and its arguments";
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
      hub: v.pipe(v.string(HUB_FAULT), v.regex(HUB, HUB_FAULT)),
      port: v.pipe(
        v.number(PORT_FAULT),
        v.integer(PORT_FAULT),
        v.minValue(1, PORT_FAULT),
        v.maxValue(USB_PORT_MAX, PORT_FAULT),
      ),
      offSeconds,
    }),
    v.strictObject({ driver: v.literal("command"), off: text, on: text, offSeconds }),
    v.strictObject({ driver: v.literal("manual"), offSeconds }),
    v.strictObject({
      driver: v.literal("process"),
      start: v.pipe(v.array(text, START_FAULT), v.minLength(1, START_FAULT)),
      offSeconds,
    }),
  ],
  "the driver is uhubctl, command, manual or process",
);
export type PowerSettings = v.InferOutput<typeof PowerSchema>;
