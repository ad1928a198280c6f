// Checks of what the machine must have, ports aside.
import type { Bench, Finding } from "./finding.ts";
import { foundIn, type System } from "./system.ts";

/** package.json's `engines`. */
const NODE_LEAST = [20, 19] as const;
/** As many meters as one command serves, and files of its own. */
const OPEN_FILES_LEAST = 1100;
/** What makes a PTY, in the order that it is tried. */
const PTY_HELPERS = ["socat", "python3"] as const;
/** Names of programs that keep the clock, as the kernel cuts them to 15 characters. */
const TIMESYNCD = "systemd-timesyn";
const CLOCK_KEEPERS: ReadonlySet<string> = new Set(["chronyd", "ntpd", "ntpd-rs", "ptp4l", "phc2sys"]);

export function checkNode({ system }: Bench): Finding[] {
  const [major = 0, minor = 0] = system.nodeVersion.split(".").map(Number);
  const [leastMajor, leastMinor] = NODE_LEAST;
  const isEnough = major > leastMajor || (major === leastMajor && minor >= leastMinor);
  if (isEnough) return [{ check: "node", level: "ok", finding: `Node ${system.nodeVersion} is new enough.` }];
  return [
    {
      check: "node",
      level: "problem",
      finding: `Node ${system.nodeVersion} is too old.`,
      mend: `Install Node ${leastMajor}.${leastMinor} or newer, as from nodejs.org.`,
    },
  ];
}

export function checkPtyHelper({ system }: Bench): Finding[] {
  const check = "pty";
  if (system.platform === "win32")
    return [{ check, level: "ok", finding: "Windows has no PTYs; use tcp:HOST:PORT or udp:HOST:PORT." }];
  const paths = PTY_HELPERS.flatMap((name) => system.programFolders.map((folder) => `${folder}/${name}`));
  const helper = paths.find((path) => system.mayRun(path));
  if (helper !== undefined) return [{ check, level: "ok", finding: `PTYs are made by ${helper}.` }];
  return [
    {
      check,
      level: "problem",
      finding: "Neither socat nor python3 is here, and so pty:PATH cannot be served.",
      mend: "Install one, as with 'sudo apt install socat', or use tcp:HOST:PORT or udp:HOST:PORT.",
    },
  ];
}

export function checkOpenFiles({ system }: Bench): Finding[] {
  const check = "open-files";
  const [, limit] =
    /^Max open files +(\d+|unlimited)/m.exec(foundIn(system.text("/proc/self/limits")) ?? "") ?? [];
  if (limit === undefined)
    return [{ check, level: "warning", finding: "It cannot be told how many files a program may open." }];
  if (limit === "unlimited" || Number(limit) >= OPEN_FILES_LEAST)
    return [{ check, level: "ok", finding: `A program may have ${limit} files and lines open.` }];
  return [
    {
      check,
      level: "warning",
      finding: `A program may have only ${limit} files and lines open, too few for many meters.`,
      mend: "Run 'ulimit -n 4096' in the shell first, or raise nofile in /etc/security/limits.conf.",
    },
  ];
}

/** What stamps readings is the system's clock, on a bench as on a board. */
export function checkClock({ system, processes }: Bench): Finding[] {
  const check = "clock";
  if (isThere(system, "/run/systemd/timesync/synchronized"))
    return [{ check, level: "ok", finding: "The clock is synchronised (systemd-timesyncd)." }];
  const keeper = processes?.find(({ name }) => CLOCK_KEEPERS.has(name));
  if (keeper !== undefined)
    return [{ check, level: "ok", finding: `${keeper.name} keeps the clock; how well, it alone can tell.` }];
  if (processes?.some(({ name }) => name === TIMESYNCD))
    return [
      {
        check,
        level: "warning",
        finding: "The clock is not synchronised yet: systemd-timesyncd has reached no time server.",
        mend: "Give the machine a way to a time server, and look with 'timedatectl timesync-status'.",
      },
    ];
  return [
    {
      check,
      level: "warning",
      finding: "It cannot be told whether the clock is right: no program that keeps it is seen here.",
      mend: "Compare it with a clock that you trust, or run 'sudo timedatectl set-ntp true'.",
    },
  ];
}

function isThere(system: System, path: string): boolean {
  return foundIn(system.facts(path)) !== undefined;
}
