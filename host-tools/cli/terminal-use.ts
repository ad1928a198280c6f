// Whether a terminal can be drawn on, and read key by key.
import { readFileSync } from "node:fs";

/** True unless the terminal knows no cursor, or is a foreground program's and not ours. */
export function isTerminalUsable(): boolean {
  return process.env["TERM"] !== "dumb" && isForeground(ownStat());
}

/**
 * By `/proc/PID/stat` of Linux (proc(5)): a job in the background would be stopped by the system as soon as it changes
 * or reads the terminal. Without job control, and where the system does not say, nobody is in the way.
 */
export function isForeground(stat: string | undefined): boolean {
  // The second field is the program's name in brackets, which may have brackets and blanks of its own.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ") ?? [];
  const [, , group, , , terminalGroup] = fields.map(Number);
  return terminalGroup === undefined || terminalGroup < 0 || terminalGroup === group;
}

function ownStat(): string | undefined {
  try {
    return readFileSync("/proc/self/stat", "utf8");
  } catch {
    return undefined;
  }
}
