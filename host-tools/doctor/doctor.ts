// What is missing on this machine for meters on lines, and how to get it.
import type { Check, Finding } from "./finding.ts";
import { checkBraille, checkModemManager } from "./intruder-checks.ts";
import { checkClock, checkNode, checkOpenFiles, checkPtyHelper } from "./machine-checks.ts";
import { checkAccess, checkHolders, checkLatency, checkLogin } from "./port-checks.ts";
import { processesOf } from "./processes.ts";
import { serialPortsOf } from "./serial-ports.ts";
import type { System } from "./system.ts";

const CHECKS: readonly Check[] = [checkNode, checkPtyHelper];
/** They ask /proc and /sys. */
const LINUX_CHECKS: readonly Check[] = [
  checkOpenFiles,
  checkClock,
  checkAccess,
  checkLatency,
  checkHolders,
  checkLogin,
  checkModemManager,
  checkBraille,
];

/** Every finding, good ones too, in the order of the checks. */
export function examine(system: System): Finding[] {
  const processes = processesOf(system);
  const found = serialPortsOf(system, processes);
  const bench = { system, processes, ports: found?.ports ?? [] };
  const findings = CHECKS.flatMap((check) => check(bench));
  if (system.platform === "linux" && found !== undefined)
    return [...findings, ...LINUX_CHECKS.flatMap((check) => check(bench))];
  return [...findings, { check: "ports", level: "warning", finding: notLookedAt(system) }];
}

function notLookedAt({ platform }: System): string {
  return platform === "linux"
    ? "Serial ports and what disturbs them cannot be looked at: sysfs is not here."
    : `Serial ports and what disturbs them are looked at on Linux only, and this is ${platform}.`;
}
