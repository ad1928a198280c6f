// What `ports` finds, over trees as sysfs, /dev and /proc have them.
import { expect, test } from "vitest";
import { processesOf } from "../../../host-tools/doctor/processes.ts";
import { addressOf, serialPortsOf } from "../../../host-tools/doctor/serial-ports.ts";
import { type Entry, fakeSystem, process, QUIET, usbAdapter } from "../../support/fake-system.ts";

function portsIn(entries: Record<string, Entry>, denied: readonly string[] = []) {
  const system = fakeSystem({ entries: { ...QUIET, ...entries }, denied });
  const found = serialPortsOf(system, processesOf(system));
  if (found === undefined) throw new Error("no sysfs");
  return found;
}

/** A port of the machine itself, as Linux shows it since 6.5. */
function builtIn(name: string, type: string): Record<string, Entry> {
  const base = "/sys/devices/pnp0/00:00";
  return {
    [`/sys/class/tty/${name}`]: { link: `../../devices/pnp0/00:00/00:00:0/00:00:0.0/tty/${name}` },
    [`${base}/00:00:0/00:00:0.0/tty/${name}/device`]: { link: "../../../00:00:0.0" },
    [`${base}/00:00:0/00:00:0.0/tty/${name}/type`]: type,
    [`${base}/00:00:0/00:00:0.0/driver`]: { link: "/sys/bus/serial-base/drivers/port" },
    [`${base}/00:00:0/driver`]: { link: "/sys/bus/serial-base/drivers/ctrl" },
    [`${base}/driver`]: { link: "/sys/bus/pnp/drivers/serial" },
    "/sys/bus/serial-base/drivers/port/bind": "",
    "/sys/bus/serial-base/drivers/ctrl/bind": "",
    "/sys/bus/pnp/drivers/serial/bind": "",
    [`/dev/${name}`]: { device: {} },
  };
}

/** A place that the 8250 driver keeps, whether a port is there or not. */
function place(name: string, type: Record<string, Entry>): Record<string, Entry> {
  return {
    [`/sys/class/tty/${name}`]: { link: `../../devices/platform/serial8250/tty/${name}` },
    [`/sys/devices/platform/serial8250/tty/${name}/device`]: { link: "../../../serial8250" },
    ...type,
  };
}

test("a USB adapter has its names, its own words, its driver and the address to paste", () => {
  const { ports } = portsIn(usbAdapter());
  expect(ports).toMatchObject([
    {
      name: "ttyUSB0",
      device: "/dev/ttyUSB0",
      isInDev: true,
      byId: ["/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0"],
      byPath: ["/dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0"],
      driver: "ftdi_sio",
      usb: {
        vendorId: "0403",
        productId: "6001",
        manufacturer: "FTDI",
        product: "FT232R USB UART",
        serialNumber: "A50285BI",
      },
      holders: [],
    },
  ]);
  const [port] = ports;
  expect(port && addressOf(port)).toBe(
    "serial:/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0",
  );
});

test("without a name of its own a port is called by its socket, and without udev by its number", () => {
  const entries = usbAdapter();
  delete entries["/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0"];
  const [bySocket] = portsIn(entries).ports;
  expect(bySocket && addressOf(bySocket)).toBe(
    "serial:/dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0",
  );
  delete entries["/dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0"];
  const [byNumber] = portsIn(entries).ports;
  expect(byNumber && addressOf(byNumber)).toBe("serial:/dev/ttyUSB0");
});

test("a built-in port has the driver of its hardware, not that of the kernel's layer between", () => {
  expect(portsIn(builtIn("ttyS0", "4\n")).ports).toMatchObject([
    { name: "ttyS0", driver: "serial", usb: undefined },
  ]);
});

test("places without hardware are no ports, and those of which nobody can tell are named apart", () => {
  const typeOf = (name: string) => `/sys/devices/platform/serial8250/tty/${name}/type`;
  const entries = {
    ...builtIn("ttyS0", "4\n"),
    ...place("ttyS1", { [typeOf("ttyS1")]: "0\n" }),
    ...place("ttyS2", { [typeOf("ttyS2")]: "4\n" }),
    ...place("ttyS3", { [typeOf("ttyS3")]: "4\n" }),
  };
  const { ports, doubtfulNames } = portsIn(entries, [typeOf("ttyS3")]);
  expect(ports.map(({ name }) => name)).toEqual(["ttyS0", "ttyS2"]);
  expect(doubtfulNames).toEqual(["ttyS3"]);
});

test("terminals and PTYs, which have no hardware, are no serial ports", () => {
  expect(portsIn({ "/sys/class/tty/ptmx/dev": "5:2\n" }).ports).toEqual([]);
});

test("a port that /dev does not have says so", () => {
  const entries = usbAdapter();
  delete entries["/dev/ttyUSB0"];
  expect(portsIn(entries).ports).toMatchObject([{ isInDev: false }]);
});

test("who has a port is known by open files, by a lock on the device, and by a lock file", () => {
  const by = (entries: Record<string, Entry>) =>
    portsIn({ ...usbAdapter(), ...entries }).ports[0]?.holders.map(({ id, name, by }) => ({ id, name, by }));
  const screen = process(42, "screen", { files: ["/dev/null", "/dev/ttyUSB0"] });
  expect(by(screen)).toEqual([{ id: 42, name: "screen", by: "open" }]);
  const locks = "1: POSIX  ADVISORY  READ  7 00:06:77 0 EOF\n2: FLOCK  ADVISORY  WRITE 42 00:06:77 0 EOF\n";
  const others = "1: FLOCK  ADVISORY  WRITE 42 00:07:77 0 EOF\n2: FLOCK  ADVISORY  WRITE 42 00:06:78 0 EOF\n";
  const node = process(42, "node");
  expect(by({ ...node, "/proc/locks": locks.slice(locks.indexOf("2:")) })).toEqual([
    { id: 42, name: "node", by: "lock" },
  ]);
  expect(by({ ...node, "/proc/locks": others })).toEqual([]);
  expect(by({ ...node, "/run/lock/LCK..ttyUSB0": "        42\n" })).toEqual([
    { id: 42, name: "node", by: "lock-file" },
  ]);
  expect(by({ ...node, "/run/lock/LCK..ttyUSB0": "43\n" })).toEqual([]);
  expect(by({ ...screen, "/run/lock/LCK..ttyUSB0": "42\n" })).toEqual([
    { id: 42, name: "screen", by: "open" },
  ]);
});

test("processes that cannot be looked into are counted, where they are seen at all", () => {
  const entries = { ...usbAdapter(), ...process(42, "screen", { files: ["/dev/ttyUSB0"] }) };
  expect(portsIn(entries, ["/proc/42/fd"])).toMatchObject({ unseenProcesses: 1, ports: [{ holders: [] }] });
  expect(portsIn(entries, ["/proc/1"]).unseenProcesses).toBeUndefined();
});

test("a process may have any name", () => {
  const name = ") S 1 1 1 5 (\n";
  const entries = { ...usbAdapter(), ...process(42, name, { files: ["/dev/ttyUSB0"] }) };
  expect(portsIn(entries).ports[0]?.holders).toMatchObject([{ id: 42, name, terminal: undefined }]);
});

test("where there is no sysfs nothing is said of ports", () => {
  expect(serialPortsOf(fakeSystem({ entries: {} }), undefined)).toBeUndefined();
});
