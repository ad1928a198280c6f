// `--capture FILE`, for the commands that have a line.
import type { Command } from "commander";
import { systemClock } from "../../hal/node/system-clock.ts";
import { UdpLink } from "../../hal/node/udp-link.ts";
import type { Clock } from "../../hal/ports/clock.ts";
import type { Link } from "../../hal/ports/link.ts";
import type { Uart } from "../../hal/ports/uart.ts";
import { Capture, type LineEnd } from "../capture/capture.ts";
import { openCaptureFile } from "../capture/capture-file.ts";
import { EXIT, usageFault } from "./fault.ts";
import { printable } from "./output.ts";

export interface CaptureOptions {
  readonly capture?: string;
}

export function withCapture(command: Command): Command {
  return command.option("--capture <file>", "write all that goes over the line to a pcapng file (Wireshark)");
}

/** What the capture option asks for: watches lines, or lets them be where there is no such option. */
export class LineWatch {
  readonly #capture: Capture | undefined;

  /** Opens the capture file; one that cannot be written is a usage fault. */
  constructor({ capture: path }: CaptureOptions) {
    this.#capture = path === undefined ? undefined : new Capture(openFile(path));
  }

  /** The link, watched from `end`, under the name that its address has. */
  link(link: Link, name: string, end: LineEnd, clock: Clock = systemClock): Link {
    if (this.#capture === undefined) return link;
    return this.#capture.link(link, { name, end: link instanceof UdpLink ? link.local : end, clock });
  }

  /** The bytes of a metering part's line, watched. */
  uart(uart: Uart, name: string, clock: Clock = systemClock): Uart {
    return this.#capture?.uart(uart, name, clock) ?? uart;
  }

  close(): void {
    this.#capture?.close();
  }
}

function openFile(path: string) {
  const sink = openCaptureFile(path, (why) => {
    process.stderr.write(`${printable(`The capture ${path} ends here: ${why}.`)}\n`);
    process.exitCode = EXIT.partly;
  });
  if ("error" in sink)
    throw usageFault(`The capture ${path} cannot be written: ${sink.error}; name another file.`);
  return sink;
}
