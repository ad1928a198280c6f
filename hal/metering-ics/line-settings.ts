import type { UartSettings } from "../ports/uart.ts";

/** `4800 8E1`, as people write it. */
function settingsText({ baud, dataBits, parity, stopBits }: UartSettings): string {
  return `${baud} ${dataBits}${parity.charAt(0).toUpperCase()}${stopBits}`;
}

/**
 * One sentence where a line is not set as the part needs it, undefined where it is. Stop bits are not
 * looked at: a receiver takes more than it is set to.
 */
export function lineFault(part: string, wanted: UartSettings, actual: UartSettings): string | undefined {
  const isRight =
    actual.baud === wanted.baud && actual.dataBits === wanted.dataBits && actual.parity === wanted.parity;
  if (isRight) return undefined;
  return `a ${part} talks ${settingsText(wanted)}, and its line is set to ${settingsText(actual)}`;
}
