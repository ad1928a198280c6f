// A metering part at the other end of a real line, by the text that names both.
import { Bl0942 } from "../metering-ics/bl0942/driver.ts";
import { BL0942_LINE, BL0942_REFERENCE_BOARD } from "../metering-ics/bl0942/registers.ts";
import type { Clock } from "../ports/clock.ts";
import type { MeteringIc } from "../ports/metering-ic.ts";
import type { Uart, UartSettings } from "../ports/uart.ts";
import { openUart, parseAddress } from "./address.ts";
import { LineError } from "./line-error.ts";

interface Part {
  readonly line: UartSettings;
  driver(uart: Uart, clock: Clock): MeteringIc;
}

const PARTS: Readonly<Record<string, Part>> = {
  bl0942: {
    line: BL0942_LINE,
    driver: (uart, clock) => new Bl0942(uart, clock, BL0942_REFERENCE_BOARD),
  },
};

/** Names of the parts that there are drivers for. */
export const PART_NAMES: readonly string[] = Object.keys(PARTS);

/**
 * Opens `PART@ADDRESS`, an address of serial bytes (`serial:`, `pty:` or `tcp:`); its settings are the
 * part's own. Rejects with {@link LineError}.
 */
export async function openAttachedPart(
  text: string,
  clock: Clock,
): Promise<{ meteringIc: MeteringIc; uart: Uart }> {
  const at = text.indexOf("@");
  const name = at < 0 ? text : text.slice(0, at);
  const part = PARTS[name];
  if (part === undefined) {
    throw new LineError(`The metering part ${name} is not known here: name one of ${PART_NAMES.join(", ")}.`);
  }
  const address = parseAddress(at < 0 ? "" : text.slice(at + 1));
  if ("error" in address) throw new LineError(address.error);
  if (address.kind === "udp") {
    throw new LineError(
      `A metering part hangs on serial bytes, not on UDP: write it like ${name}@serial:/dev/ttyUSB0.`,
    );
  }
  const uart = await openUart(address, part.line, "reach");
  return { meteringIc: part.driver(uart, clock), uart };
}
