// `ic emulate|read|watch`: metering ICs on their own.
import { Argument, type Command } from "commander";
import { METERING_PARTS, PART_NAMES } from "../../../hal/metering-ics/parts.ts";
import { formatAddress, openUart, parseAddress } from "../../../hal/node/address.ts";
import { openAttachedPart } from "../../../hal/node/attached-part.ts";
import { systemClock } from "../../../hal/node/system-clock.ts";
import type { Measurement, MeteringFault, MeteringReading } from "../../../hal/ports/metering-ic.ts";
import { mainsOf } from "../../loads/index.ts";
import { type CaptureOptions, LineWatch, withCapture } from "../capture.ts";
import { type LoadOptions, loadOf, withLoad } from "../chip.ts";
import { type CommonOptions, numberOption, withJson } from "../common.ts";
import { CliFault, EXIT, usageFault } from "../fault.ts";
import { say, sayJson, table, utcText } from "../output.ts";
import { untilStopped } from "../stop.ts";

type LineOptions = Pick<CommonOptions, "json"> & CaptureOptions;
type EmulateOptions = LineOptions & LoadOptions & { readonly at: string };
type ReadOptions = LineOptions & { readonly timeout: number };
type WatchOptions = LineOptions & { readonly interval: number };

export function addIcCommand(program: Command): void {
  const ic = program.command("ic").description("metering ICs on their own");
  withLoad(withCapture(withJson(ic.command("emulate"))))
    .addArgument(new Argument("<part>", "the metering IC").choices(PART_NAMES))
    .description("put an emulated metering IC on a line, for any reader of it")
    .requiredOption("--at <address>", "pty:PATH, tcp:HOST:PORT or serial:PATH")
    .addHelpText("after", "\nExample: meterbench ic emulate bl0942 --at pty:./chip --load watts:1200")
    .action((part: string, options: EmulateOptions) => emulate(part, options));
  withCapture(withJson(ic.command("read <part@address>")))
    .description("take one reading of a metering IC")
    .option("--timeout <seconds>", "how long to wait for it", numberOption(0.1, 3600), 5)
    .addHelpText("after", "\nExample: meterbench ic read bl0942@serial:/dev/ttyUSB0")
    .action((text: string, options: ReadOptions) => read(text, options));
  withCapture(withJson(ic.command("watch <part@address>")))
    .description("take readings of a metering IC, a line for each, until it is ended")
    .option("--interval <seconds>", "time between two readings", numberOption(0.2, 3600), 1)
    .addHelpText("after", "\nExample: meterbench ic watch cse7766@serial:/dev/ttyUSB0 --interval 5")
    .action((text: string, options: WatchOptions) => watch(text, options));
}

async function emulate(part: string, options: EmulateOptions): Promise<void> {
  const address = parseAddress(options.at);
  if ("error" in address) throw usageFault(address.error);
  if (address.kind === "udp")
    throw usageFault("A metering IC talks serial bytes, not UDP: write --at pty:./chip or serial:PATH.");
  const found = METERING_PARTS.get(part);
  if (found === undefined) throw usageFault(`The metering part ${part} is not known here.`);
  const load = loadOf(options);
  const lines = new LineWatch(options);
  const at = formatAddress(address);
  const uart = lines.uart(await openUart(address, found.line, "serve"), at);
  const utcAtZeroMs = (systemClock.utcMs() ?? 0) - systemClock.monotonicMs();
  const stop = found.emulate(uart, systemClock, mainsOf(load, utcAtZeroMs));
  if (options.json) sayJson({ ready: true, part, address: at });
  else say(`An emulated ${part} is at ${at}; a meter uses it with --chip ${part}@${at}`);
  await untilStopped();
  stop();
  uart.close();
  lines.close();
}

async function read(text: string, options: ReadOptions): Promise<void> {
  const reading = await withPart(text, options, 0.5, (part) => {
    const late = systemClock.after(options.timeout * 1000, () => part.end(undefined));
    part.onReading = (found) => {
      late();
      part.end(found);
    };
  });
  if (reading === undefined) {
    throw new CliFault(
      EXIT.noAnswer,
      `No reading of ${text} within ${options.timeout} s: check its supply, its line and the part's name.`,
    );
  }
  if (options.json) return sayJson(document(reading));
  for (const line of table(rows(reading))) say(line);
}

async function watch(text: string, options: WatchOptions): Promise<void> {
  await withPart(text, options, options.interval, (part) => {
    part.onReading = (reading) => {
      if (options.json) sayJson({ time: timeText(), ...document(reading) });
      else
        say(
          `${timeText()}  ${rows(reading)
            .map((cells) => cells.join(" "))
            .join(", ")}`,
        );
    };
    part.onFault = (fault) => {
      if (options.json) sayJson({ time: timeText(), fault });
      else say(`${timeText()}  fault: ${fault}`);
    };
    void untilStopped().then(() => part.end(undefined));
  });
}

function timeText(): string {
  return utcText(Math.floor((systemClock.utcMs() ?? 0) / 1000));
}

interface WatchedPart {
  onReading: (reading: MeteringReading) => void;
  onFault: (fault: MeteringFault | "line-down") => void;
  /** Ends the watch with what {@link withPart} gives. */
  end(reading: MeteringReading | undefined): void;
}

/** Polls a part on its line until the watch is ended, and closes the line whatever happens. */
async function withPart(
  text: string,
  options: CaptureOptions,
  intervalSeconds: number,
  begin: (part: WatchedPart) => void,
): Promise<MeteringReading | undefined> {
  const lines = new LineWatch(options);
  const { meteringIc, uart } = await openAttachedPart(text, systemClock, (line) => lines.uart(line, text));
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve) => {
      const part: WatchedPart = { onReading: () => {}, onFault: () => {}, end: resolve };
      meteringIc.listen({ reading: (found) => part.onReading(found), fault: (found) => part.onFault(found) });
      begin(part);
      const poll = () => {
        if (meteringIc.poll() === "down") part.onFault("line-down");
      };
      poll();
      timer = setInterval(poll, intervalSeconds * 1000);
    });
  } finally {
    clearInterval(timer);
    uart.close();
    lines.close();
  }
}

/** A quantity that the part does not give is absent; each other comes with how it came about. */
function document(reading: MeteringReading) {
  const { phases, frequencyMillihertz, importMilliwattHours, exportMilliwattHours, energyQuality } = reading;
  return {
    phases,
    ...(frequencyMillihertz && { frequencyMillihertz }),
    importMilliwattHours,
    exportMilliwattHours,
    energyQuality,
  };
}

type Quantity = [name: string, value: Measurement | undefined, unit: string];

function rows({
  phases,
  frequencyMillihertz,
  importMilliwattHours,
  exportMilliwattHours,
}: MeteringReading): string[][] {
  const quantities: Quantity[] = phases.flatMap((phase, i): Quantity[] => {
    const name = phases.length > 1 ? ` L${i + 1}` : "";
    return [
      [`voltage${name}`, phase.voltageMillivolts, "V"],
      [`current${name}`, phase.currentMilliamperes, "A"],
      [`power${name}`, phase.activePowerMilliwatts, "W"],
      [`apparent power${name}`, phase.apparentPowerMillivoltamperes, "VA"],
    ];
  });
  quantities.push(["frequency", frequencyMillihertz, "Hz"]);
  const energy = [
    ["import since the reading before", `${importMilliwattHours / 1000} Wh`],
    ["export since the reading before", `${exportMilliwattHours / 1000} Wh`],
  ];
  return [...quantities.map(([name, value, unit]) => [name, valueText(value, unit)]), ...energy];
}

function valueText(measurement: Measurement | undefined, unit: string): string {
  if (measurement === undefined) return "unavailable";
  const quality = measurement.quality === "measured" ? "" : ` (${measurement.quality})`;
  return `${measurement.value / 1000} ${unit}${quality}`;
}
