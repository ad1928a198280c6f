// Checks of programs that take serial adapters for something else, and open or unbind them unasked.
import type { Bench, Finding } from "./finding.ts";
import { type SerialPort, type UsbDevice, usbDevicesOf } from "./serial-ports.ts";
import { foundIn, lineOf, type System } from "./system.ts";

const MODEM_MANAGER = "ModemManager";
/** Marks of ModemManager's "explicit" filter, in udev's database. */
const LEFT_ALONE = /^E:ID_MM_(DEVICE|PORT)_IGNORE=1$/m;

/**
 * Adapters that Braille displays are built with too (CH340, CP210x, FT232), as brltty's rules name them. Some
 * of its releases claim every one of them; the kernel then logs that brltty "sets config #1" and that the
 * port is disconnected.
 */
const BRAILLE_ADAPTERS = ["1a86/7523", "10c4/ea60", "403/6001"] as const;
const RULE_FOLDERS = ["/etc/udev/rules.d", "/usr/lib/udev/rules.d", "/lib/udev/rules.d"] as const;

/** ModemManager sends AT commands to ports that could be a modem's, in the first seconds after plugging. */
export function checkModemManager({ system, ports, processes }: Bench): Finding[] {
  const check = "modem-manager";
  if (processes === undefined)
    return [{ check, level: "warning", finding: "It cannot be told whether ModemManager runs." }];
  if (!processes.some(({ name }) => name === MODEM_MANAGER))
    return [{ check, level: "ok", finding: "ModemManager is not seen to run." }];
  const usbPorts = ports.flatMap(({ usb, ...port }) => (usb === undefined ? [] : [{ ...port, usb }]));
  if (usbPorts.length === 0)
    return [{ check, level: "ok", finding: "ModemManager runs, and no USB port is here that it could try." }];
  return usbPorts.map((port): Finding => {
    const { device, usb } = port;
    const about = { check, port: device };
    const marks = udevTexts(system, port);
    if (marks.length === 0)
      return {
        ...about,
        level: "warning",
        finding: `It cannot be told whether ModemManager tries ${device}.`,
      };
    if (marks.some((text) => LEFT_ALONE.test(text)))
      return { ...about, level: "ok", finding: `ModemManager is told to leave ${device} alone.` };
    const rule = `ATTRS{idVendor}=="${usb.vendorId}", ATTRS{idProduct}=="${usb.productId}", ENV{ID_MM_DEVICE_IGNORE}="1"`;
    return {
      ...about,
      level: "warning",
      finding: `ModemManager runs and may try ${device} as a modem when it is plugged in.`,
      mend: `Write '${rule}' to /etc/udev/rules.d/78-meterbench.rules, run 'sudo udevadm control --reload', and plug the adapter in again.`,
    };
  });
}

/** What udev has noted of the port and of its USB device; none where there is no udev. */
function udevTexts(system: System, port: Pick<SerialPort, "name"> & { readonly usb: UsbDevice }): string[] {
  const numbers = [`/sys/class/tty/${port.name}/dev`, `${port.usb.folder}/dev`].map((path) =>
    lineOf(system, path),
  );
  return numbers.flatMap((number) => foundIn(system.text(`/run/udev/data/c${number}`)) ?? []);
}

/** brltty unbinds an adapter from its driver, so that its port is gone a moment after it came. */
export function checkBraille({ system, ports }: Bench): Finding[] {
  const check = "brltty";
  const claims = brailleClaims(system);
  if (claims.length === 0)
    return [{ check, level: "ok", finding: "No rule of brltty takes serial adapters for Braille displays." }];
  const devices = usbDevicesOf(system);
  return claims.map(({ adapter, file }): Finding => {
    const mend = `Run 'sudo apt remove brltty' and plug the adapter in again; if somebody here reads Braille, put a # before ${adapter} in ${file} instead.`;
    const plugged = devices.filter((device) => ruleName(device) === adapter);
    const lost = plugged.some(({ folder }) => !ports.some(({ usb }) => usb?.folder === folder));
    if (lost)
      return {
        check,
        level: "problem",
        finding: `An adapter ${adapter} is plugged in and brltty has taken its port.`,
        mend,
      };
    return {
      check,
      level: "warning",
      finding: `brltty takes adapters ${adapter} for Braille displays.`,
      mend,
    };
  });
}

interface Claim {
  readonly adapter: string;
  readonly file: string;
}

function brailleClaims(system: System): Claim[] {
  const claims = new Map<string, Claim>();
  for (const folder of RULE_FOLDERS) {
    const names = foundIn(system.names(folder)) ?? [];
    for (const name of names.filter((name) => name.includes("brltty"))) {
      const file = `${folder}/${name}`;
      const rules = (foundIn(system.text(file)) ?? "").split("\n").filter((line) => !/^\s*#/.test(line));
      for (const adapter of BRAILLE_ADAPTERS) {
        const isClaimed = rules.some((rule) => rule.includes(`"${adapter}/`));
        if (isClaimed && !claims.has(adapter)) claims.set(adapter, { adapter, file });
      }
    }
  }
  return [...claims.values()];
}

/** As the kernel writes it in PRODUCT: hex without leading zeros. */
function ruleName({ vendorId, productId }: UsbDevice): string {
  return [vendorId, productId].map((id) => id.replace(/^0+(?=.)/, "")).join("/");
}
