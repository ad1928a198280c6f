// A bench file for what is plugged in, for a person to complete.
import { addressOf, type SerialPort } from "../doctor/serial-ports.ts";
import { printable } from "../safe-text.ts";

/** What our meters' lines have unless told otherwise. */
const BAUD = 9600;

export interface DraftMeter {
  readonly id: string;
  readonly line: string;
  /** What is known of its port, for people; a device's own words among it, made safe. */
  readonly about: readonly string[];
  /** The hub and port that it is plugged into, as uhubctl calls them. */
  readonly socket: { readonly hub: string; readonly port: number } | undefined;
}

/** A meter for each port that can be opened here, in the order of their names. */
export function draftMeters(ports: readonly SerialPort[]): DraftMeter[] {
  return ports
    .filter(({ isInDev }) => isInDev)
    .map((port, i) => ({
      id: `M${i + 1}`,
      line: `${addressOf(port)}?baud=${BAUD}`,
      about: [deviceText(port), ...warningsOf(port)].map(printable),
      socket: socketOf(port),
    }));
}

/** The file. It is read back as a bench as it stands; what cannot be known is a comment. */
export function benchDraft(meters: readonly DraftMeter[]): string {
  return `# A bench of what is plugged in here. Give each meter the name by which it proves itself, take out what is no meter,
# and run: npx meterbench hil run --bench THIS-FILE
name: bench
timeoutMultiplier: 2            # all patience, times this
# offers: [clock-set, tariff]   # what a test may do to these meters beside reading them
headEnd: { home: .meterbench }  # whose keys ask; or keys: FILE and trust: [CREDENTIAL-FILE, ...]
meters:
${meters.map(meterText).join("")}# quarantine:
#   - { test: "a name, * for anything", reason: why, issue: 12, until: 2027-01-31 }
`;
}

function meterText({ id, line, about, socket }: DraftMeter): string {
  const { hub, port } = socket ?? { hub: "1-1", port: 1 };
  const power = `power: { driver: uhubctl, hub: "${hub}", port: ${port} }`;
  return `${about.map((text) => `  # ${text}\n`).join("")}  - id: ${id}
    line: ${JSON.stringify(line)}
    # ${power}  # if that hub can switch its ports; or driver: command, manual, process
`;
}

function deviceText({ device, driver, usb }: SerialPort): string {
  const words = [usb?.manufacturer, usb?.product, usb && `USB ${usb.vendorId}:${usb.productId}`];
  const serial = usb?.serialNumber === undefined ? [] : [`serial number ${usb.serialNumber}`];
  const name = words.filter((word) => word !== undefined).join(" ") || (driver ?? "a port");
  return [name, ...serial, `now ${device}`].join(", ");
}

function warningsOf({ byId, byPath, holders }: SerialPort): string[] {
  const held = holders.map(({ id, name }) => `${name} (process ${id}) has it: end that first.`);
  if (byId.length > 0) return held;
  return byPath.length > 0
    ? ["It has no name of its own and is named by its socket: plug it into no other.", ...held]
    : ["It has no lasting name: its number may change with the next plugging.", ...held];
}

/** By the name of its folder in sysfs, such as 1-1.4: port 4 of the hub 1-1; the hub of 1-1 is the computer's own, 1. */
function socketOf({ usb }: SerialPort): DraftMeter["socket"] {
  const [, hub, port] = /\/(\d+(?:-[\d.]+)?)[-.](\d+)$/.exec(usb?.folder ?? "") ?? [];
  return hub === undefined || port === undefined ? undefined : { hub, port: Number(port) };
}
