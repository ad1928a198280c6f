// How a bench file says what switches a meter's supply.
import * as v from "valibot";

/** A supply that is off for longer is one that somebody forgot. */
const OFF_SECONDS_MAX = 3600;
/** As `1-1` or `1-1.4.2`: the bus, and the port of each hub on the way. */
const HUB = /^\d{1,3}-\d{1,2}(\.\d{1,2}){0,6}$/;
const USB_PORT_MAX = 127;
/** No command line that a person wrote has more words. */
const WORDS_MAX = 256;

const COMMAND_FAULT =
  "a command is a list of its words, as [ssh, outlet.lab, off]: no shell reads it, so each word stands by itself";
const SECONDS_FAULT = `this must be seconds from 0 to ${OFF_SECONDS_MAX}`;

const Seconds = v.pipe(
  v.number(SECONDS_FAULT),
  v.minValue(0, SECONDS_FAULT),
  v.maxValue(OFF_SECONDS_MAX, SECONDS_FAULT),
);
const Command = v.pipe(
  v.array(v.string(COMMAND_FAULT), COMMAND_FAULT),
  v.minLength(1, COMMAND_FAULT),
  v.maxLength(WORDS_MAX, COMMAND_FAULT),
  v.check(([program]) => program !== "", COMMAND_FAULT),
);
/** How long it stays off in a cut whose test says nothing of that: boards have capacitors. */
const OffSeconds = v.optional(Seconds, 3);

/** What the fault of a field is told as; the bench file's own, so that all of it speaks alike. */
type FieldFault = v.ErrorMessage<v.StrictObjectIssue>;

/** The schema of a meter's `power`. */
export function powerSchema(fieldFault: FieldFault) {
  return v.variant(
    "driver",
    [
      /** A port of a USB hub that can switch it, by the program uhubctl. */
      v.strictObject(
        {
          driver: v.literal("uhubctl"),
          hub: v.pipe(
            v.string("a hub is named as uhubctl does, such as 1-1"),
            v.regex(HUB, "a hub is named as uhubctl does, such as 1-1"),
          ),
          port: v.pipe(
            v.number("a port is a whole number from 1"),
            v.integer("a port is a whole number from 1"),
            v.minValue(1, "a port is a whole number from 1"),
            v.maxValue(USB_PORT_MAX, `a hub has at most ${USB_PORT_MAX} ports`),
          ),
          offSeconds: OffSeconds,
        },
        fieldFault,
      ),
      /** Two commands of the lab's own, which are done when they end with 0. */
      v.strictObject(
        { driver: v.literal("command"), off: Command, on: Command, offSeconds: OffSeconds },
        fieldFault,
      ),
      /** A person, who is asked on the terminal. */
      v.strictObject({ driver: v.literal("manual"), offSeconds: OffSeconds }, fieldFault),
      /** A program in a meter's place, such as `meterbench serve`: started, and ended by SIGKILL. */
      v.strictObject({ driver: v.literal("process"), start: Command, offSeconds: OffSeconds }, fieldFault),
    ],
    "driver is one of uhubctl, command, manual, process",
  );
}

export type PowerSettings = v.InferOutput<ReturnType<typeof powerSchema>>;
