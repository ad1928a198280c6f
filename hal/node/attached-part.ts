// A metering part at the other end of a real line, by the text that names both.
import { lineFault } from "../metering-ics/line-settings.ts";
import { METERING_PARTS, PART_NAMES } from "../metering-ics/parts.ts";
import type { Clock } from "../ports/clock.ts";
import type { MeteringIc } from "../ports/metering-ic.ts";
import type { Uart } from "../ports/uart.ts";
import { openUart, parseAddress } from "./address.ts";
import { LineError } from "./line-error.ts";

/** Opens `PART@ADDRESS`. `watch` may stand between the line and the driver. Rejects with {@link LineError}. */
export async function openAttachedPart(
  text: string,
  clock: Clock,
  watch: (uart: Uart) => Uart = (uart) => uart,
): Promise<{ meteringIc: MeteringIc; uart: Uart }> {
  const { part, address } = parseAttachedPart(text);
  const uart = watch(await openUart(address, part.line, "reach"));
  return { meteringIc: part.driver(uart, clock), uart };
}

/**
 * What `PART@ADDRESS` names: an address of serial bytes (`serial:`, `pty:` or `tcp:`), whose settings are the part's own; one
 * that names others does not fit. Throws {@link LineError}.
 */
export function parseAttachedPart(text: string) {
  const at = text.indexOf("@");
  const name = at < 0 ? text : text.slice(0, at);
  const part = METERING_PARTS.get(name);
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
  if (address.kind === "serial") {
    const fault = lineFault(name, part.line, { ...part.line, ...address.settings });
    if (fault !== undefined)
      throw new LineError(`The address ${text} does not fit: ${fault}; leave ?... out.`);
  }
  return { part, address };
}
