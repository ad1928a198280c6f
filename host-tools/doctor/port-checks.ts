// Checks of each serial port: may it be opened, does it answer at once, and who else has it.
import type { Bench, Finding, Level } from "./finding.ts";
import type { Process } from "./processes.ts";
import type { SerialPort } from "./serial-ports.ts";
import { type FileFacts, foundIn, lineOf, type System } from "./system.ts";

/** Groups that own serial ports: Debian's and Fedora's, Arch's. */
const PORT_GROUPS = ["dialout", "uucp"] as const;
const GROUP_MAY_READ_AND_WRITE = 0o060;
/** An FTDI chip keeps bytes back for so long, 16 unless set: one poll's answer comes late by it. */
const LATENCY_MS = 1;

/** Whether there is any port, and whether this user may open it. */
export function checkAccess({ system, ports }: Bench): Finding[] {
  if (ports.length > 0) return ports.map((port) => accessTo(system, port));
  const none: Finding = {
    check: "ports",
    level: "warning",
    finding: "No serial port is here.",
    mend: "Plug an adapter in and see the end of 'sudo dmesg' if it does not appear; PTYs, TCP and UDP need none.",
  };
  return [none, ...membership(system)];
}

export function checkLatency({ system, ports }: Bench): Finding[] {
  return ports
    .filter(({ driver }) => driver === "ftdi_sio")
    .map(({ name, device, folder }): Finding => {
      const path = `${folder}/latency_timer`;
      const text = lineOf(system, path) ?? "";
      const about = { check: "latency", port: device };
      if (!/^\d+$/.test(text))
        return { ...about, level: "warning", finding: `The latency timer of ${device} cannot be read.` };
      if (Number(text) <= LATENCY_MS)
        return { ...about, level: "ok", finding: `${device} hands on bytes after ${text} ms at most.` };
      return {
        ...about,
        level: "warning",
        finding: `${device} keeps received bytes back for up to ${text} ms (FTDI's latency timer).`,
        mend: `Run 'echo ${LATENCY_MS} | sudo tee /sys/bus/usb-serial/devices/${name}/latency_timer' after each plugging.`,
      };
    });
}

/** Other programs that have a port now; those that it controls are said by {@link checkLogin}. */
export function checkHolders({ system, ports }: Bench): Finding[] {
  return ports.flatMap(({ name: portName, device, holders }) =>
    holders
      .filter(({ terminal }) => terminal === undefined || terminal !== numberOf(system, portName))
      .map(
        ({ id, name }): Finding => ({
          check: "held",
          level: "warning",
          port: device,
          finding: `${name} (process ${id}) has ${device}.`,
          mend: "End that program before you open the port here.",
        }),
      ),
  );
}

/** A console or a login writes on the port, and takes a share of what comes in. */
export function checkLogin({ system, ports, processes }: Bench): Finding[] {
  const check = "login";
  const consoles = consolesOf(system);
  const found = ports.flatMap((port) => [
    ...(consoles?.includes(port.name) ? [consoleOn(port)] : []),
    ...loginOn(system, port, processes ?? []),
  ]);
  if (found.length > 0 || ports.length === 0) return found;
  if (processes === undefined || consoles === undefined)
    return [{ check, level: "warning", finding: "It cannot be told whether a login has one of the ports." }];
  return [{ check, level: "ok", finding: "No login and no console is seen on the ports." }];
}

function consoleOn({ name, device }: SerialPort): Finding {
  return {
    check: "login",
    level: "warning",
    port: device,
    finding: `The kernel writes its messages to ${device}, and may offer a login there.`,
    mend: `Take console=${name} out of the kernel's command line (on a Raspberry Pi by raspi-config) and start anew, or use another port.`,
  };
}

/**
 * A process that the port controls (a getty, or the session that came of it), or one that is set to start.
 */
function loginOn(system: System, { name, device }: SerialPort, processes: readonly Process[]): Finding[] {
  const unit = `serial-getty@${name}.service`;
  const number = numberOf(system, name);
  const about = {
    check: "login",
    level: "warning",
    port: device,
    mend: `Run 'sudo systemctl disable --now ${unit}', or use another port.`,
  } as const;
  const login = processes.find(({ terminal }) => terminal !== undefined && terminal === number);
  if (login !== undefined)
    return [{ ...about, finding: `A login (${login.name}, process ${login.id}) has ${device}.` }];
  return isSet(system, unit) ? [{ ...about, finding: `A login is set to start on ${device}.` }] : [];
}

/** The port's device number, as sysfs writes it. */
function numberOf(system: System, portName: string): string | undefined {
  return lineOf(system, `/sys/class/tty/${portName}/dev`);
}

function consolesOf(system: System): string[] | undefined {
  return foundIn(system.text("/sys/class/tty/console/active"))?.trim().split(/\s+/);
}

function isSet(system: System, unit: string): boolean {
  const folders = ["/etc/systemd/system", "/run/systemd/generator"];
  return folders.some((folder) => foundIn(system.link(`${folder}/getty.target.wants/${unit}`)) !== undefined);
}

function accessTo(system: System, port: SerialPort): Finding {
  const { name, device } = port;
  const about = { check: "access", port: device };
  const facts = foundIn(system.facts(device));
  if (facts === undefined)
    return {
      ...about,
      level: "warning",
      finding: `The kernel has the port ${name}, but ${device} is not here, as in a container.`,
      mend: `Give the container the device, as with 'docker run --device ${device}'.`,
    };
  if (system.mayReadAndWrite(device))
    return { ...about, level: "ok", finding: `You may read and write ${device}.` };
  // A console's port is the system's on purpose: that it is shut fails nothing.
  const level: Level = consolesOf(system)?.includes(name) ? "warning" : "problem";
  return { ...about, level, ...whyShut(system, port, facts) };
}

function whyShut(system: System, { name, device }: SerialPort, { mode, groupId }: FileFacts) {
  const group = groupsOf(system).find(({ id }) => id === groupId);
  if (group === undefined || (mode & GROUP_MAY_READ_AND_WRITE) !== GROUP_MAY_READ_AND_WRITE) {
    const rule = `KERNEL=="${name}", GROUP="${PORT_GROUPS[0]}", MODE="0660"`;
    return {
      finding: `You may not read and write ${device}, and no group that you could join may.`,
      mend: `Write '${rule}' to /etc/udev/rules.d/99-meterbench.rules and plug the adapter in again.`,
    };
  }
  const finding = `You may not read and write ${device}, which is for the group ${group.name}.`;
  const mend = group.members.includes(system.userName)
    ? `You are in ${group.name} but this session began before: log out and in again.`
    : `Run 'sudo usermod -aG ${group.name} ${system.userName}', and log out and in again.`;
  return { finding, mend };
}

/** Without a port to try: whether a port that is plugged in later will open. */
function membership(system: System): Finding[] {
  const groups = groupsOf(system).filter(({ name }) => PORT_GROUPS.some((known) => known === name));
  const [group] = groups;
  const check = "access";
  if (group === undefined || system.userId === 0) return [];
  const member = groups.find(({ id }) => system.groupIds.includes(id));
  if (member !== undefined)
    return [
      { check, level: "ok", finding: `You are in the group ${member.name}, which serial ports are for.` },
    ];
  return [
    {
      check,
      level: "warning",
      finding: `You are not in the group ${group.name}, and so cannot open a port that is plugged in later.`,
      mend: `Run 'sudo usermod -aG ${group.name} ${system.userName}', and log out and in again.`,
    },
  ];
}

interface Group {
  readonly name: string;
  readonly id: number;
  readonly members: readonly string[];
}

/** Lines such as `dialout:x:20:ann,bob`. */
function groupsOf(system: System): Group[] {
  const lines = (foundIn(system.text("/etc/group")) ?? "").split("\n");
  return lines.flatMap((line): Group[] => {
    const [name, , id, members = ""] = line.split(":");
    if (name === undefined || name === "" || id === undefined) return [];
    return [{ name, id: Number(id), members: members.split(",") }];
  });
}
