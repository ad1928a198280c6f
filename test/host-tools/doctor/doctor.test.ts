// What `doctor` finds, and how to mend it, over trees as sysfs, /dev, /proc and /run have them.
import { describe, expect, test } from "vitest";
import { examine } from "../../../host-tools/doctor/doctor.ts";
import type { Finding } from "../../../host-tools/doctor/finding.ts";
import {
  type Entry,
  type FakeTree,
  fakeSystem,
  process,
  QUIET,
  usbAdapter,
} from "../../support/fake-system.ts";

const DEVICE = "/dev/ttyUSB0";

/** A bench with an adapter that is as it should be; `entries` are added to it or stand in for its own. */
function bench(entries: Record<string, Entry> = {}, more: Partial<FakeTree> = {}): FakeTree {
  return {
    entries: { ...QUIET, ...usbAdapter({ latencyMs: "1" }), ...entries },
    open: [DEVICE],
    programs: ["/usr/bin/socat"],
    ...more,
  };
}

function findings(tree: FakeTree, check?: string): Finding[] {
  return examine(fakeSystem(tree)).filter((finding) => check === undefined || finding.check === check);
}

test("a bench with nothing wrong has good findings only, and nothing to mend", () => {
  const found = findings(bench());
  expect(found.filter(({ level }) => level !== "ok")).toEqual([]);
  expect(found.filter(({ mend }) => mend !== undefined)).toEqual([]);
  expect(found.map(({ check }) => check)).toEqual([
    "node",
    "pty",
    "open-files",
    "clock",
    "access",
    "latency",
    "login",
    "modem-manager",
    "brltty",
  ]);
});

test("every finding and mend is one sentence", () => {
  for (const tree of [bench(), { entries: {} }, { entries: QUIET }, bench({}, { open: [], programs: [] })]) {
    for (const { finding, mend = "A." } of findings(tree)) {
      expect(finding).toMatch(/^[^\n]+\.$/);
      expect(mend).toMatch(/^[A-Z][^\n]+\.$|^A\.$/);
    }
  }
});

/** Program terminal numbers are as in proc_pid_stat(5): major 188, minor 0. */
const ON_PORT = 188 << 8;
const MODEM_MANAGER = process(50, "ModemManager");
const BRLTTY_RULES = "/usr/lib/udev/rules.d/85-brltty.rules";

type Row = [
  what: string,
  tree: FakeTree,
  check: string,
  level: Finding["level"],
  finding: RegExp,
  mend?: RegExp,
];

const TABLE: readonly Row[] = [
  [
    "an old Node",
    bench({}, { system: { nodeVersion: "20.18.3" } }),
    "node",
    "problem",
    /20\.18\.3/,
    /20\.19/,
  ],
  ["a new Node", bench({}, { system: { nodeVersion: "24.0.0" } }), "node", "ok", /24\.0\.0/],
  [
    "no maker of PTYs",
    bench({}, { programs: [] }),
    "pty",
    "problem",
    /socat nor python3/,
    /apt install socat/,
  ],
  ["python3 alone", bench({}, { programs: ["/usr/bin/python3"] }), "pty", "ok", /\/usr\/bin\/python3/],
  [
    "a low limit of open files",
    bench({ "/proc/self/limits": "Max open files            64                 64              files\n" }),
    "open-files",
    "warning",
    /only 64/,
    /ulimit -n/,
  ],
  [
    "limits that are not shown",
    bench({}, { denied: ["/proc/self"] }),
    "open-files",
    "warning",
    /cannot be told/,
  ],
  ["no port", { entries: QUIET }, "ports", "warning", /No serial port/, /Plug an adapter in/],
  [
    "no port, and a user outside the group",
    { entries: QUIET },
    "access",
    "warning",
    /not in the group dialout/,
    /usermod -aG dialout ann'/,
  ],
  [
    "no port, and a user in the group",
    { entries: QUIET, system: { groupIds: [20] } },
    "access",
    "ok",
    /in the group dialout/,
  ],
  [
    "a port of a group that the user is not in",
    bench({}, { open: [] }),
    "access",
    "problem",
    /for the group dialout/,
    /^Run 'sudo usermod -aG dialout ann'/,
  ],
  [
    "a port of a group that the user has joined since",
    bench({}, { open: [], system: { userName: "bob" } }),
    "access",
    "problem",
    /for the group dialout/,
    /log out and in again/,
  ],
  [
    "a port of another group",
    bench({ "/etc/group": "uucp:x:20:\n" }, { open: [] }),
    "access",
    "problem",
    /for the group uucp/,
    /-aG uucp ann/,
  ],
  [
    "a port of root alone",
    bench({ [DEVICE]: { device: { mode: 0o020600, groupId: 0 } } }, { open: [] }),
    "access",
    "problem",
    /no group/,
    /KERNEL=="ttyUSB0", GROUP="dialout", MODE="0660"/,
  ],
  [
    "the console's port, which is shut on purpose",
    bench({ "/sys/class/tty/console/active": "tty0 ttyUSB0\n" }, { open: [] }),
    "access",
    "warning",
    /may not read and write/,
    /usermod/,
  ],
  [
    "an FTDI adapter that keeps bytes back",
    bench(usbAdapter()),
    "latency",
    "warning",
    /16 ms/,
    /echo 1 \| sudo tee \/sys\/bus\/usb-serial\/devices\/ttyUSB0\/latency_timer/,
  ],
  [
    "a latency that is not shown",
    bench(usbAdapter({ latencyMs: "" })),
    "latency",
    "warning",
    /cannot be read/,
  ],
  [
    "a program that has the port",
    bench(process(42, "minicom", { files: [DEVICE] })),
    "held",
    "warning",
    /minicom \(process 42\)/,
    /End that program/,
  ],
  [
    "a login on the port",
    bench(process(42, "agetty", { terminal: ON_PORT, files: [DEVICE] })),
    "login",
    "warning",
    /agetty, process 42/,
    /disable --now serial-getty@ttyUSB0\.service/,
  ],
  [
    "a login that is set to start",
    bench({
      "/etc/systemd/system/getty.target.wants/serial-getty@ttyUSB0.service": {
        link: "/lib/systemd/system/serial-getty@.service",
      },
    }),
    "login",
    "warning",
    /set to start/,
    /disable/,
  ],
  [
    "a console on the port",
    bench({ "/sys/class/tty/console/active": "tty0 ttyUSB0\n" }),
    "login",
    "warning",
    /kernel writes/,
    /console=ttyUSB0/,
  ],
  [
    "processes that are hidden, for logins",
    bench({}, { denied: ["/proc/1"] }),
    "login",
    "warning",
    /cannot be told/,
  ],
  [
    "processes that are hidden, for ModemManager",
    bench({}, { denied: ["/proc/1"] }),
    "modem-manager",
    "warning",
    /cannot be told/,
  ],
  [
    "ModemManager",
    bench({ ...MODEM_MANAGER, "/run/udev/data/c188:0": "E:ID_MM_CANDIDATE=1\n" }),
    "modem-manager",
    "warning",
    /may try \/dev\/ttyUSB0/,
    /ATTRS\{idVendor\}=="0403", ATTRS\{idProduct\}=="6001", ENV\{ID_MM_DEVICE_IGNORE\}="1"/,
  ],
  [
    "ModemManager that is told by the port's mark",
    bench({ ...MODEM_MANAGER, "/run/udev/data/c188:0": "S:x\nE:ID_MM_DEVICE_IGNORE=1\nE:A=1\n" }),
    "modem-manager",
    "ok",
    /leave \/dev\/ttyUSB0 alone/,
  ],
  [
    "ModemManager that is told by the adapter's mark",
    bench({
      ...MODEM_MANAGER,
      "/run/udev/data/c188:0": "S:x\n",
      "/run/udev/data/c189:4": "E:ID_MM_DEVICE_IGNORE=1\n",
    }),
    "modem-manager",
    "ok",
    /alone/,
  ],
  ["ModemManager and no udev", bench(MODEM_MANAGER), "modem-manager", "warning", /cannot be told/],
  [
    "ModemManager and no port",
    { entries: { ...QUIET, ...MODEM_MANAGER } },
    "modem-manager",
    "ok",
    /no USB port/,
  ],
  [
    "brltty's rules with an adapter of another kind",
    bench({ [BRLTTY_RULES]: 'ENV{PRODUCT}=="1a86/7523/*", GOTO="brltty"\n' }),
    "brltty",
    "warning",
    /1a86\/7523/,
    /apt remove brltty/,
  ],
  [
    "brltty's rules with the line taken out",
    bench({ [BRLTTY_RULES]: ' # ENV{PRODUCT}=="1a86/7523/*", GOTO="brltty"\n' }),
    "brltty",
    "ok",
    /No rule/,
  ],
  [
    "an adapter whose port brltty has taken",
    {
      entries: {
        ...QUIET,
        [BRLTTY_RULES]: 'ENV{PRODUCT}=="10c4/ea60/*", GOTO="brltty"\n',
        "/sys/bus/usb/devices/1-2/idVendor": "10c4\n",
        "/sys/bus/usb/devices/1-2/idProduct": "ea60\n",
      },
    },
    "brltty",
    "problem",
    /10c4\/ea60/,
    /apt remove brltty/,
  ],
  [
    "an adapter that still has its port",
    bench({ [BRLTTY_RULES]: 'ENV{PRODUCT}=="403/6001/*", GOTO="brltty"\n' }),
    "brltty",
    "warning",
    /403\/6001/,
    /put a # before 403\/6001/,
  ],
];

test.each(TABLE)("%s", (_, tree, check, level, finding, mend) => {
  const found = findings(tree, check);
  expect(found).toMatchObject([{ level, finding: expect.stringMatching(finding) }]);
  expect(found[0]?.mend).toEqual(mend && expect.stringMatching(mend));
});

describe("the clock", () => {
  const without = { ...QUIET };
  delete without["/run/systemd/timesync/synchronized"];

  test("kept by chrony is taken to be right, and it is said that only chrony knows", () => {
    expect(findings({ entries: { ...without, ...process(60, "chronyd") } }, "clock")).toMatchObject([
      { level: "ok", finding: expect.stringMatching(/chronyd .* it alone can tell/) },
    ]);
  });

  test("that timesyncd has not set yet is warned of", () => {
    expect(findings({ entries: { ...without, ...process(60, "systemd-timesyn") } }, "clock")).toMatchObject([
      { level: "warning", finding: expect.stringMatching(/not synchronised yet/) },
    ]);
  });

  test("that nobody is seen to keep cannot be told to be right", () => {
    expect(findings({ entries: without }, "clock")).toMatchObject([
      { level: "warning", finding: expect.stringMatching(/cannot be told/) },
    ]);
  });
});

test("a console that is shut fails nothing, and a port that is not in /dev neither", () => {
  const entries = usbAdapter();
  delete entries[DEVICE];
  expect(findings({ entries: { ...QUIET, ...entries } }, "access")).toMatchObject([
    {
      level: "warning",
      finding: expect.stringMatching(/as in a container/),
      mend: expect.stringMatching(/--device/),
    },
  ]);
});

test("root needs no group", () => {
  expect(findings({ entries: QUIET, system: { userId: 0 } }, "access")).toEqual([]);
});

test("a login's own process is not said a second time as somebody who has the port", () => {
  expect(findings(bench(process(42, "agetty", { terminal: ON_PORT, files: [DEVICE] })), "held")).toEqual([]);
});

test.each([["linux"], ["darwin"], ["win32"]])(
  "without sysfs on %s the rest is looked at, and it is said",
  (platform) => {
    const found = findings({ entries: {}, programs: ["/usr/bin/socat"], system: { platform } });
    expect(found.map(({ check, level }) => [check, level])).toEqual([
      ["node", "ok"],
      ["pty", "ok"],
      ["ports", "warning"],
    ]);
  },
);
