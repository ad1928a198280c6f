// `serve --relay`: whether a served meter's relay is switched from afar, and by whose signature.
import { type Command, InvalidArgumentError, Option } from "commander";
import { refusalOf } from "../../firmware/identity/trust.ts";
import type { Credential } from "../../firmware/protocol/cose/credential.ts";
import { CONTROL_MODES } from "../../firmware/relay/control-state.ts";
import { OPERATORS_MAX, type Switching } from "../../firmware/relay/switching.ts";
import { type CommonOptions, homeOf } from "./common.ts";
import { CliFault, EXIT, usageFault } from "./fault.ts";
import { readCredential } from "./home.ts";

export type SwitchingOptions = Pick<CommonOptions, "home"> & {
  readonly chip: string;
  readonly keys?: string;
  readonly relay?: Switching["mode"];
  readonly operator?: string[];
};

const MODES = CONTROL_MODES.filter((mode): mode is Switching["mode"] => mode !== 0);
/** The one in which nothing has power again that nobody is there to see. */
const MODE_USUAL = 3;

/** `--relay` and `--operator`. */
export function withSwitching(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--relay [mode]",
        `let operators switch the relay, in COSEM's control mode ${MODES.join(", ")} (see below)`,
      )
        .preset(String(MODE_USUAL))
        .argParser(modeOption),
    )
    .option(
      "--operator <file...>",
      `credential files of up to ${OPERATORS_MAX} operators whose signed orders the relay obeys; with --keys`,
    );
}

/** Nothing without `--relay`; in a development home its operator, else those that are named. */
export function switchingOf(options: SwitchingOptions): Switching | undefined {
  const { relay: mode, operator, keys, chip } = options;
  if (mode === undefined) {
    if (operator !== undefined) throw usageFault("--operator goes with --relay: give both, or neither.");
    return undefined;
  }
  if (chip.includes("@"))
    throw usageFault(
      "There is no driver for a real relay yet: leave --relay out, or emulate the metering part.",
    );
  if (keys === undefined) {
    if (operator !== undefined)
      throw usageFault("--operator goes with --keys: a development meter obeys this folder's operator.");
    return { mode, operators: [homeOf(options).operator().credential] };
  }
  return { mode, operators: namedOperators(operator ?? []) };
}

function namedOperators(files: readonly string[]): Credential[] {
  if (files.length === 0 || files.length > OPERATORS_MAX)
    throw usageFault(
      `A relay obeys 1 to ${OPERATORS_MAX} operators: name their credential files with --operator.`,
    );
  return files.map((path) => {
    const credential = readCredential(path, "operator");
    const refusal = refusalOf("production", credential);
    if (refusal !== undefined)
      throw new CliFault(
        EXIT.refused,
        `The credential in ${path} ${refusal}: make a real key with 'meterbench keys new operator'.`,
      );
    return credential;
  });
}

function modeOption(text: string): Switching["mode"] {
  const mode = MODES.find((known) => String(known) === text);
  if (mode === undefined) throw new InvalidArgumentError(`It is one of ${MODES.join(", ")}.`);
  return mode;
}
