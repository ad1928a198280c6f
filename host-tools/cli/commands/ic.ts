// `ic emulate PART`: metering ICs on their own.
import { Argument, type Command } from "commander";
import { EmulatedBl0942 } from "../../../hal/metering-ics/bl0942/emulated.ts";
import { BL0942_LINE, BL0942_REFERENCE_BOARD } from "../../../hal/metering-ics/bl0942/registers.ts";
import { formatAddress, openUart, parseAddress } from "../../../hal/node/address.ts";
import { PART_NAMES } from "../../../hal/node/attached-part.ts";
import { systemClock } from "../../../hal/node/system-clock.ts";
import { mainsOf } from "../../loads/index.ts";
import { loadOf } from "../chip.ts";
import { type CommonOptions, numberOption, withJson } from "../common.ts";
import { usageFault } from "../fault.ts";
import { say, sayJson } from "../output.ts";
import { untilStopped } from "../stop.ts";

type Options = Pick<CommonOptions, "json"> & {
  readonly at: string;
  readonly load: string;
  readonly annual: number;
};

export function addIcCommand(program: Command): void {
  const ic = program.command("ic").description("metering ICs on their own");
  withJson(ic.command("emulate"))
    .addArgument(new Argument("<part>", "the metering IC").choices(PART_NAMES))
    .description("put an emulated metering IC on a line, for any reader of it")
    .requiredOption("--at <address>", "pty:PATH, tcp:HOST:PORT or serial:PATH")
    .option("--load <load>", "h25 or watts:N", "h25")
    .option("--annual <kwh>", "a year's use of the load h25", numberOption(1, 1_000_000), 3500)
    .addHelpText("after", "\nExample: meterbench ic emulate bl0942 --at pty:./chip --load watts:1200")
    .action((part: string, options: Options) => emulate(part, options));
}

async function emulate(part: string, options: Options): Promise<void> {
  const address = parseAddress(options.at);
  if ("error" in address) throw usageFault(address.error);
  if (address.kind === "udp")
    throw usageFault(`A metering IC talks serial bytes, not UDP: write --at pty:./chip or serial:PATH.`);
  const load = loadOf(options.load, options.annual);
  const uart = await openUart(address, BL0942_LINE, "serve");
  const utcAtZeroMs = (systemClock.utcMs() ?? 0) - systemClock.monotonicMs();
  new EmulatedBl0942(uart, systemClock, mainsOf(load, utcAtZeroMs), BL0942_REFERENCE_BOARD);
  const at = formatAddress(address);
  if (options.json) sayJson({ ready: true, part, address: at });
  else say(`An emulated ${part} answers at ${at}; a meter uses it with --chip ${part}@${at}`);
  await untilStopped();
  uart.close();
}
