// The processes of this machine, as far as this user may look into them.
import { baseName, foundIn, lineOf, type System } from "./system.ts";

/** The kernel's own default limit of process ids on a small machine; further ones are not looked at. */
const PROCESSES_MAX = 32_768;
/** Serial programs have a handful; a server with more is looked into this far. */
const OPEN_FILES_MAX = 4096;

export interface Process {
  readonly id: number;
  /** Its name as the kernel has it, at most 15 characters, and not yet safe to print. */
  readonly name: string;
  /** The device number of the terminal that controls it, as sysfs writes it (`4:64`); undefined for none. */
  readonly terminal: string | undefined;
}

/** Who has a port, and how this is known: an open file, a lock on the device, or a lock file. */
export interface Holder extends Process {
  readonly by: "open" | "lock" | "lock-file";
}

/**
 * Every process by number; undefined where /proc is not there or shows one's own processes only (hidepid).
 */
export function processesOf(system: System): Process[] | undefined {
  const names = foundIn(system.names("/proc"));
  if (names === undefined || foundIn(system.text("/proc/1/stat")) === undefined) return undefined;
  const ids = names.filter((name) => /^\d+$/.test(name)).slice(0, PROCESSES_MAX);
  return ids.flatMap((id) => readProcess(system, Number(id)) ?? []);
}

/** From proc_pid_stat(5): id, name in parentheses, state, parent, group, session, terminal, ... */
function readProcess(system: System, id: number): Process | undefined {
  const stat = foundIn(system.text(`/proc/${id}/stat`)) ?? "";
  const [, name, terminal] = /^\d+ \((.*)\) \S+ \d+ \d+ \d+ (-?\d+) /s.exec(stat) ?? [];
  if (name === undefined) return undefined;
  const number = Number(terminal);
  const major = (number >> 8) & 0xfff;
  const minor = (number & 0xff) | ((number >>> 12) & 0xfff00);
  return { id, name, terminal: number === 0 ? undefined : `${major}:${minor}` };
}

/** Who has which of the devices. */
export interface Holders {
  readonly byDevice: ReadonlyMap<string, readonly Holder[]>;
  /** How many processes this user may not look into; undefined where not even their number is known. */
  readonly unseenProcesses: number | undefined;
}

/** Looks for those who have the `devices` (`/dev/ttyUSB0`); a process is named once for each. */
export function holdersOf(
  system: System,
  processes: readonly Process[] | undefined,
  devices: readonly string[],
): Holders {
  const byDevice = new Map<string, Holder[]>(devices.map((device) => [device, []]));
  if (processes === undefined) return { byDevice, unseenProcesses: undefined };
  const add = (device: string, holder: Holder): void => {
    const holders = byDevice.get(device);
    if (holders !== undefined && !holders.some(({ id }) => id === holder.id)) holders.push(holder);
  };
  const openFiles = processes.map((process) => ({ process, targets: openFilesOf(system, process.id) }));
  for (const { process, targets = [] } of openFiles) {
    for (const target of targets) add(target, { ...process, by: "open" });
  }
  const byId = new Map(processes.map((process) => [process.id, process]));
  for (const device of devices) {
    const locker = byId.get(lockOwner(system, device) ?? 0);
    if (locker !== undefined) add(device, { ...locker, by: "lock" });
    const filer = byId.get(lockFileOwner(system, device) ?? 0);
    if (filer !== undefined) add(device, { ...filer, by: "lock-file" });
  }
  return { byDevice, unseenProcesses: openFiles.filter(({ targets }) => targets === undefined).length };
}

/** Where the open files of a process lead; undefined where this user may not look. */
function openFilesOf(system: System, processId: number): string[] | undefined {
  const folder = `/proc/${processId}/fd`;
  const files = system.names(folder);
  if (files === "denied") return undefined;
  return (foundIn(files) ?? [])
    .slice(0, OPEN_FILES_MAX)
    .flatMap((file) => foundIn(system.link(`${folder}/${file}`)) ?? []);
}

/**
 * The process with a lock on the device; /proc/locks shows everybody's: `1: FLOCK ADVISORY WRITE 42 00:06:7 0
 * EOF`.
 */
function lockOwner(system: System, device: string): number | undefined {
  const facts = foundIn(system.facts(device));
  const locks = foundIn(system.text("/proc/locks"));
  if (facts === undefined || locks === undefined) return undefined;
  for (const lock of locks.split("\n")) {
    const [, id, major = "", minor = "", inode] =
      /^\d+: \S+ +\S+ +\S+ (\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) /.exec(lock) ?? [];
    const isThis = deviceNumber(major, minor) === facts.device && Number(inode) === facts.inode;
    if (isThis) return Number(id);
  }
  return undefined;
}

/**
 * As stat gives it (makedev of the C library), for the small majors and minors that Linux has for file
 * systems.
 */
function deviceNumber(major: string, minor: string): number {
  const low = Number.parseInt(minor, 16);
  return (Number.parseInt(major, 16) << 8) | (low & 0xff) | ((low & ~0xff) << 12);
}

/** The process that a lock file of the UUCP kind names, as minicom and cu leave them. */
function lockFileOwner(system: System, device: string): number | undefined {
  const line = lineOf(system, `/run/lock/LCK..${baseName(device)}`);
  return line !== undefined && /^\d{1,7}$/.test(line) ? Number(line) : undefined;
}
