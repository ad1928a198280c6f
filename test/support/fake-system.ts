import { type FileFacts, folderOf, type Look, type System } from "../../host-tools/doctor/system.ts";

/** A file's text, a link, or a device with its rights; folders are there by what is in them. */
export type Entry = string | { readonly link: string } | { readonly device: Partial<FileFacts> };

export interface FakeTree {
  readonly entries: Readonly<Record<string, Entry>>;
  /** Paths that this user may not look at, and all below them. */
  readonly denied?: readonly string[];
  /** Devices that this user may open. */
  readonly open?: readonly string[];
  /** Programs that this user may run. */
  readonly programs?: readonly string[];
  readonly system?: Partial<Pick<System, "platform" | "nodeVersion" | "userName" | "userId" | "groupIds">>;
}

const LINKS_MAX = 40;
const DEVICE: FileFacts = { mode: 0o020660, userId: 0, groupId: 20, device: 6, inode: 1 };

/** A system of files in memory, in which links lead where they would. */
export function fakeSystem({ entries, denied = [], open = [], programs = [], system }: FakeTree): System {
  const paths = new Map(Object.entries(entries));
  const isFolder = (path: string): boolean => [...paths.keys()].some((key) => key.startsWith(`${path}/`));
  const isDenied = (path: string): boolean =>
    denied.some((above) => path === above || path.startsWith(`${above}/`));

  const resolve = (path: string, follow: boolean): string => realName(paths, path, follow);
  const look = <Found>(
    path: string,
    follow: boolean,
    read: (real: string) => Found | undefined,
  ): Look<Found> => {
    const real = resolve(path, follow);
    if (isDenied(path) || isDenied(real)) return "denied";
    const found = read(real);
    return found === undefined ? "absent" : { found };
  };

  return {
    platform: "linux",
    nodeVersion: "20.19.0",
    userName: "ann",
    userId: 1000,
    groupIds: [1000],
    ...system,
    programFolders: ["/usr/bin"],
    text: (path) =>
      look(path, true, (real) => {
        const entry = paths.get(real);
        return typeof entry === "string" ? entry : undefined;
      }),
    names: (folder) =>
      look(folder, true, (real) => {
        const below = [...paths.keys()].filter((key) => key.startsWith(`${real}/`));
        const names = below.map((key) => key.slice(real.length + 1).split("/")[0] as string);
        return names.length === 0 ? undefined : [...new Set(names)].sort();
      }),
    link: (path) =>
      look(path, false, (real) => {
        const entry = paths.get(real);
        return typeof entry === "object" && "link" in entry ? entry.link : undefined;
      }),
    realPath: (path) => look(path, true, (real) => (paths.has(real) || isFolder(real) ? real : undefined)),
    facts: (path) =>
      look(path, false, (real) => {
        const entry = paths.get(real);
        if (entry === undefined) return undefined;
        return typeof entry === "object" && "device" in entry ? { ...DEVICE, ...entry.device } : DEVICE;
      }),
    mayReadAndWrite: (path) => open.includes(path),
    mayRun: (path) => programs.includes(path),
  };
}

/** The path with its links followed, the last one too if asked for; none where they go in a circle. */
function realName(paths: ReadonlyMap<string, Entry>, path: string, follow: boolean): string {
  let at = "";
  let rest = partsOf(path);
  for (let links = 0; links < LINKS_MAX; ) {
    const [part, ...after] = rest;
    if (part === undefined) return at;
    const name = part === ".." ? folderOf(at) : `${at}/${part}`;
    const target = follow || after.length > 0 ? linkAt(paths, name) : undefined;
    if (target === undefined) {
      at = name;
      rest = after;
    } else {
      rest = [...partsOf(target.startsWith("/") ? target : `${at}/${target}`), ...after];
      at = "";
      links++;
    }
  }
  return "";
}

function linkAt(paths: ReadonlyMap<string, Entry>, path: string): string | undefined {
  const entry = paths.get(path);
  return typeof entry === "object" && "link" in entry ? entry.link : undefined;
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "");
}

/** What the kernel and udev show of an adapter on the USB port `1-1`; its texts are the adapter's own. */
export function usbAdapter({
  name = "ttyUSB0",
  driver = "ftdi_sio",
  vendorId = "0403",
  productId = "6001",
  product = "FT232R USB UART",
  latencyMs = "16",
} = {}): Record<string, Entry> {
  const usb = "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-1";
  const port = `${usb}/1-1:1.0/${name}`;
  return {
    [`/sys/class/tty/${name}`]: {
      link: `../../devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1:1.0/${name}/tty/${name}`,
    },
    [`${port}/tty/${name}/device`]: { link: `../../../${name}` },
    [`${port}/tty/${name}/dev`]: "188:0\n",
    [`${port}/driver`]: { link: `../../../../../../../bus/usb-serial/drivers/${driver}` },
    [`${port}/latency_timer`]: `${latencyMs}\n`,
    [`/sys/bus/usb-serial/drivers/${driver}/bind`]: "",
    [`${usb}/idVendor`]: `${vendorId}\n`,
    [`${usb}/idProduct`]: `${productId}\n`,
    [`${usb}/manufacturer`]: "FTDI\n",
    [`${usb}/product`]: `${product}\n`,
    [`${usb}/serial`]: "A50285BI\n",
    [`${usb}/dev`]: "189:4\n",
    "/sys/bus/usb/devices/1-1": { link: "../../../devices/pci0000:00/0000:00:14.0/usb1/1-1" },
    [`/dev/${name}`]: { device: { inode: 77 } },
    "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0": { link: `../../${name}` },
    "/dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0": { link: `../../${name}` },
  };
}

/** A process as /proc shows it. */
export function process(
  id: number,
  name: string,
  { terminal = 0, files = [] }: { terminal?: number; files?: readonly string[] } = {},
): Record<string, Entry> {
  const stat = `${id} (${name}) S 1 ${id} ${id} ${terminal} -1 4194560 0 0\n`;
  const open = files.map((file, i) => [`/proc/${id}/fd/${i}`, { link: file }]);
  return { [`/proc/${id}/stat`]: stat, ...Object.fromEntries(open) };
}

/** A machine with nothing wrong with it and no port. */
export const QUIET: Record<string, Entry> = {
  "/sys/class/tty/console/active": "tty0\n",
  "/sys/class/tty/tty0/dev": "4:0\n",
  ...process(1, "systemd"),
  "/proc/self/limits": "Max open files            1048576              1048576              files     \n",
  "/proc/locks": "",
  "/etc/group": "root:x:0:\ndialout:x:20:bob\n",
  "/run/systemd/timesync/synchronized": "",
};
