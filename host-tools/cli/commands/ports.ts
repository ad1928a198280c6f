// `ports`: serial ports by names that last, and the addresses to paste.
import type { Command } from "commander";
import { processesOf } from "../../doctor/processes.ts";
import { addressOf, type SerialPort, type SerialPorts, serialPortsOf } from "../../doctor/serial-ports.ts";
import { thisSystem } from "../../doctor/this-system.ts";
import { type CommonOptions, withJson } from "../common.ts";
import { printable, say, sayJson } from "../output.ts";

export function addPortsCommand(program: Command): void {
  withJson(program.command("ports"))
    .description("list serial ports by names that last, and who has them")
    .addHelpText("after", "\nExample: meterbench ports")
    .action(({ json }: Pick<CommonOptions, "json">) => {
      const found = serialPortsOf(thisSystem, processesOf(thisSystem));
      if (json) sayJson(document(found));
      else if (found === undefined) {
        say("Serial ports are found in Linux's sysfs, which is not here; name one yourself, such as");
        say("serial:COM3 or serial:/dev/cu.usbserial-110.");
      } else show(found);
    });
}

function document(found: SerialPorts | undefined) {
  const ports = (found?.ports ?? []).map((port) => ({
    device: port.device,
    address: addressOf(port),
    byId: port.byId,
    byPath: port.byPath,
    isInDev: port.isInDev,
    driver: port.driver ?? null,
    usb:
      port.usb === undefined
        ? null
        : {
            vendorId: port.usb.vendorId,
            productId: port.usb.productId,
            manufacturer: port.usb.manufacturer ?? null,
            product: port.usb.product ?? null,
            serialNumber: port.usb.serialNumber ?? null,
          },
    holders: port.holders.map(({ id, name, by }) => ({ process: id, name, by })),
  }));
  return {
    ports,
    looked: found !== undefined,
    doubtful: found?.doubtfulNames ?? [],
    unseenProcesses: found?.unseenProcesses ?? null,
  };
}

function show({ ports, doubtfulNames, unseenProcesses }: SerialPorts): void {
  if (ports.length === 0)
    say("No serial port is here. Plug one in, or use pty:PATH, tcp:HOST:PORT or udp:HOST:PORT.");
  ports.forEach((port, i) => {
    if (i > 0) say();
    for (const line of portLines(port, unseenProcesses)) say(printable(line));
  });
  if (doubtfulNames.length > 0) {
    say();
    say(
      `Not shown: ${doubtfulNames.length} places for built-in ports; whether any has hardware only root can see.`,
    );
  }
}

function portLines(port: SerialPort, unseenProcesses: number | undefined): string[] {
  const { device, driver, usb, byId, byPath, isInDev } = port;
  const facts = [
    device,
    driver ?? "driver unknown",
    ...(isInDev ? [] : ["not in /dev, so nobody can open it here"]),
  ];
  const lines = [pasteable(addressOf(port)), `  ${facts.join(", ")}`];
  if (usb !== undefined) lines.push(`  ${usbText(usb)}`);
  if (byId.length === 0 && usb !== undefined)
    lines.push(
      byPath.length > 0
        ? "  named by its socket: it has no name of its own, and another adapter there gets the same"
        : "  no lasting name (there is no udev): the number may change with the next plugging",
    );
  return [...lines, `  ${holdersText(port, unseenProcesses)}`];
}

function usbText({
  vendorId,
  productId,
  manufacturer,
  product,
  serialNumber,
}: NonNullable<SerialPort["usb"]>): string {
  const words = [manufacturer, product].filter((word) => word !== undefined).join(" ");
  const serial = serialNumber === undefined ? "" : `, serial number ${serialNumber}`;
  return `USB ${vendorId}:${productId}${words === "" ? "" : ` ${words}`}${serial}`;
}

const HELD_BY = {
  open: "has it open",
  lock: "has locked it",
  "lock-file": "has a lock file for it",
} as const;

function holdersText({ holders }: SerialPort, unseenProcesses: number | undefined): string {
  if (holders.length > 0)
    return holders.map(({ id, name, by }) => `${name} (process ${id}) ${HELD_BY[by]}`).join("; ");
  if (unseenProcesses === undefined) return "whether anybody has it open cannot be seen";
  if (unseenProcesses === 0) return "nobody has it open";
  return `nobody is seen to have it open (${unseenProcesses} processes of others cannot be looked into)`;
}

/** As a shell takes it: quoted where it has characters that a shell reads otherwise. */
function pasteable(address: string): string {
  return /^[\w./:@%+=,-]+$/.test(address) ? address : `'${address.replaceAll("'", "'\\''")}'`;
}
