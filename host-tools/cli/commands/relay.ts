// `relay TARGET`: how a meter's relay stands, and an operator's orders to it.
import { Argument, type Command } from "commander";
import type { Identity } from "../../../firmware/identity/identity.ts";
import { refusalOf } from "../../../firmware/identity/trust.ts";
import type { RelayReading } from "../../../firmware/protocol/readings/relay-reading.ts";
import { LIMIT_SECONDS_MAX, LIMIT_WATTS_MAX } from "../../../firmware/relay/limiter.ts";
import type { RelayOrder } from "../../../firmware/relay/relay-control.ts";
import { systemClock } from "../../../hal/node/system-clock.ts";
import type { Answer } from "../../head-end/client.ts";
import { agrees, switchRelay } from "../../head-end/switching.ts";
import { engineOf, homeOf, numberOption } from "../common.ts";
import { CliFault, EXIT, usageFault } from "../fault.ts";
import { readIdentity } from "../home.ts";
import { say, sayJson } from "../output.ts";
import { relayDocument, relayLines } from "../relay-output.ts";
import { type TargetOptions, withHeadEnd, withTargetOptions } from "../target.ts";

const HELP = `
An order takes a meter that is switched from afar (serve --relay), a head-end with the right relay, and the signature of
an operator whom the meter knows: --operator KEY-FILE, or in a development home its own operator. It is read back: exit 1
where the contacts are not where the order wants them. Of two orders at once, or an order and a status by another head-end
that may order, one is refused (exit 4) and does nothing: give it again.

Examples: meterbench relay pty:./meter1 status
          meterbench relay pty:./meter1 disconnect
          meterbench relay pty:./meter1 limit --watts 2000 --seconds 30`;

type Options = TargetOptions & {
  readonly watts?: number;
  readonly seconds?: number;
  readonly off?: boolean;
  readonly operator?: string;
};
const SECONDS_USUAL = 30;
const ACTIONS = ["status", "connect", "disconnect", "limit"] as const;
type Action = (typeof ACTIONS)[number];

export function addRelayCommand(program: Command): void {
  withTargetOptions(program.command("relay <target>"))
    .description("show how a meter's relay stands, or have it switched by an operator's order")
    .addArgument(new Argument("[action]", "what to do").choices(ACTIONS).default("status"))
    .option("--watts <n>", "limit: more than this ...", numberOption(1, LIMIT_WATTS_MAX, true))
    .option(
      "--seconds <n>",
      `limit: ... for so long opens the relay (default: ${SECONDS_USUAL})`,
      numberOption(1, LIMIT_SECONDS_MAX, true),
    )
    .option("--off", "limit: none any more")
    .option(
      "--operator <file>",
      "the key file of the operator who signs (default: a development key in --home)",
    )
    .addHelpText("after", HELP)
    .action(async (target: string, action: Action, options: Options) => {
      const order = orderOf(action, options);
      const operator = order && operatorOf(options);
      const read = await withHeadEnd(target, options, async (headEnd, to) => {
        if (order === undefined || operator === undefined) return headEnd.readRelay(to);
        const crypto = await engineOf(options);
        return switchRelay({ headEnd, clock: systemClock, crypto, operator }, to, order);
      });
      show(read, options);
    });
}

function orderOf(action: Action, { watts, seconds, off = false }: Options): RelayOrder | undefined {
  if (action !== "limit" && (watts !== undefined || seconds !== undefined || off))
    throw usageFault("--watts, --seconds and --off are of a limit: say 'limit', or leave them out.");
  if (action === "status") return undefined;
  if (action !== "limit") return { kind: action };
  if ((watts === undefined) !== off)
    throw usageFault("A limit is --watts N, or --off for none: give one of them.");
  if (off && seconds !== undefined)
    throw usageFault("--seconds is of a limit, and --off ends it: give one of them.");
  if (watts === undefined) return { kind: "no-limit" };
  return { kind: "limit", limit: { watts, seconds: seconds ?? SECONDS_USUAL } };
}

/** A real head-end sends a real operator's orders, and the development one those of its folder. */
function operatorOf({ operator, keys, home }: Options): Identity {
  if (operator === undefined) {
    if (keys === undefined) return homeOf({ home }).operator();
    throw usageFault("An order takes an operator's signature: name his key file with --operator.");
  }
  const identity = readIdentity(operator, "operator");
  const refusal = refusalOf(keys === undefined ? "development" : "production", identity.credential);
  if (refusal !== undefined)
    throw new CliFault(
      EXIT.refused,
      `The key in ${operator} ${refusal}: make a real key with 'meterbench keys new operator'.`,
    );
  return identity;
}

function show(read: Answer<RelayReading>, { json }: Options): void {
  if (json) sayJson(relayDocument(read));
  else for (const line of relayLines(read)) say(line);
  if (agrees(read.body) === false) process.exitCode = EXIT.unexpected;
}
