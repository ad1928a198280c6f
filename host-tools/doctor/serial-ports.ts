// Serial ports by what the kernel says of them in sysfs, and by the stable names that udev gives.
import { type Holder, holdersOf, type Process } from "./processes.ts";
import { baseName, folderOf, foundIn, lineOf, type System } from "./system.ts";

/** No bench has more; further ones are not looked at. */
const PORTS_MAX = 1024;
/** A USB device stands at most this far above its port, hubs not counted. */
const PARENTS_MAX = 8;
/** Drivers of the kernel's own layer between a port and its hardware, since Linux 6.5. */
const LAYER_DRIVERS: ReadonlySet<string> = new Set(["port", "ctrl"]);
/** A place that a driver keeps for a port: its type says that nothing is there (PORT_UNKNOWN). */
const TYPE_UNKNOWN = "0";

/** A USB device as it describes itself; texts are the device's and not yet safe to print. */
export interface UsbDevice {
  /** Four hex digits each. */
  readonly vendorId: string;
  readonly productId: string;
  readonly manufacturer: string | undefined;
  readonly product: string | undefined;
  readonly serialNumber: string | undefined;
  /** Its folder in sysfs. */
  readonly folder: string;
}

export interface SerialPort {
  /** The kernel's name, which may change with each plugging: `ttyUSB0`. */
  readonly name: string;
  /** `/dev/ttyUSB0`. */
  readonly device: string;
  /** Where /dev has no such device, as in a container, nobody can open it. */
  readonly isInDev: boolean;
  /** Names under /dev/serial that lead to it: by what it is, and by where it is plugged in. */
  readonly byId: readonly string[];
  readonly byPath: readonly string[];
  /** Its folder in sysfs, links resolved. */
  readonly folder: string;
  readonly driver: string | undefined;
  readonly usb: UsbDevice | undefined;
  readonly holders: readonly Holder[];
}

export interface SerialPorts {
  readonly ports: readonly SerialPort[];
  /**
   * Places that the kernel keeps for ports, of which nobody but root can tell whether hardware is behind
   * them.
   */
  readonly doubtfulNames: readonly string[];
  /**
   * How many processes may hold a port unseen, as this user may not look into them; undefined: any number.
   */
  readonly unseenProcesses: number | undefined;
}

/** Every serial port, and which of the `processes` has it; undefined where there is no sysfs to ask. */
export function serialPortsOf(
  system: System,
  processes: readonly Process[] | undefined,
): SerialPorts | undefined {
  const names = foundIn(system.names("/sys/class/tty"));
  if (names === undefined) return undefined;
  const places = names
    .map((name) => ({ name, folder: foundIn(system.realPath(`/sys/class/tty/${name}/device`)) ?? "" }))
    .filter(({ folder }) => folder !== "")
    .slice(0, PORTS_MAX);
  const isDoubtful = ({ name, folder }: { name: string; folder: string }): boolean =>
    folder.includes("/serial8250") && lineOf(system, `/sys/class/tty/${name}/type`) === undefined;
  const isEmpty = (name: string): boolean => lineOf(system, `/sys/class/tty/${name}/type`) === TYPE_UNKNOWN;
  const real = places.filter((place) => !isDoubtful(place) && !isEmpty(place.name));
  const { byDevice, unseenProcesses } = holdersOf(
    system,
    processes,
    real.map(({ name }) => `/dev/${name}`),
  );
  const byId = linksIn(system, "/dev/serial/by-id");
  const byPath = linksIn(system, "/dev/serial/by-path");
  const ports = real.map(({ name, folder }): SerialPort => {
    const device = `/dev/${name}`;
    return {
      name,
      device,
      isInDev: foundIn(system.facts(device)) !== undefined,
      byId: byId.get(device) ?? [],
      byPath: byPath.get(device) ?? [],
      folder,
      driver: driverOf(system, folder),
      usb: usbDeviceOf(system, folder),
      holders: byDevice.get(device) ?? [],
    };
  });
  return { ports, doubtfulNames: places.filter(isDoubtful).map(({ name }) => name), unseenProcesses };
}

/** The address of the port by the most stable of its names: what it is, where it is, or else its number. */
export function addressOf({ byId, byPath, device }: SerialPort): string {
  return `serial:${byId[0] ?? byPath[0] ?? device}`;
}

/** Every device that is plugged in by USB, whether it is a serial port or not. */
export function usbDevicesOf(system: System): UsbDevice[] {
  const folder = "/sys/bus/usb/devices";
  const names = foundIn(system.names(folder)) ?? [];
  return names.flatMap((name) => {
    const path = foundIn(system.realPath(`${folder}/${name}`));
    return (path === undefined ? undefined : readUsbDevice(system, path)) ?? [];
  });
}

/** Names in a folder of links, by the device that each leads to. */
function linksIn(system: System, folder: string): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const name of foundIn(system.names(folder)) ?? []) {
    const device = foundIn(system.realPath(`${folder}/${name}`));
    if (device !== undefined) names.set(device, [...(names.get(device) ?? []), `${folder}/${name}`]);
  }
  return names;
}

/** The nearest driver above the port that is one of hardware. */
function driverOf(system: System, folder: string): string | undefined {
  for (const place of foldersUp(folder)) {
    const driver = foundIn(system.realPath(`${place}/driver`));
    if (driver !== undefined && !LAYER_DRIVERS.has(baseName(driver))) return baseName(driver);
  }
  return undefined;
}

function usbDeviceOf(system: System, folder: string): UsbDevice | undefined {
  for (const place of foldersUp(folder)) {
    const device = readUsbDevice(system, place);
    if (device !== undefined) return device;
  }
  return undefined;
}

function readUsbDevice(system: System, folder: string): UsbDevice | undefined {
  const line = (name: string): string | undefined => lineOf(system, `${folder}/${name}`);
  const vendorId = line("idVendor");
  const productId = line("idProduct");
  if (vendorId === undefined || productId === undefined) return undefined;
  return {
    vendorId,
    productId,
    manufacturer: line("manufacturer"),
    product: line("product"),
    serialNumber: line("serial"),
    folder,
  };
}

/** The folder, and those above it, nearest first. */
function foldersUp(folder: string): string[] {
  const folders = [folder];
  for (let at = folderOf(folder); at !== "" && folders.length < PARENTS_MAX; at = folderOf(at))
    folders.push(at);
  return folders;
}
