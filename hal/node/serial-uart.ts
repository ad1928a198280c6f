import { stat } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import type { SerialPort } from "serialport";
import { bitsPerCharacter, type Uart, type UartSettings } from "../ports/uart.ts";
import { LineError } from "./line-error.ts";
import { type Connection, connectStreams, type LineUart, type StallRule } from "./line-uart.ts";
import { openAndReopen } from "./reopen.ts";

/** Beyond the time that the bytes take on the line: the driver or the adapter hangs. */
const WRITE_HANGS_AFTER_MS = 5000;

/**
 * A line that breaks just while its driver is asked for bytes is not reported by the port: it reads
 * nothing again and again. So the name is looked at this often, and another device there, or none,
 * means that the line is gone.
 */
const LOOK_EVERY_MS = 500;

/** Other readers of the line are let finish, and a program that has just closed it lets go of it. */
const LOCKED_TRIES = 30;
const LOCKED_PAUSE_MS = 100;
const LOCKED = /cannot lock/i;

/** Bytes that a driver may still hold from before; Linux gives a serial port one page. */
const DRIVER_BUFFER_BYTES = 4096;

/**
 * Opens the serial line at `path`, for this program alone, and keeps it open: after an unplug it is
 * down and opened again by the same name. A name under /dev/serial/by-id therefore survives an
 * adapter that comes back under another number. Opening drops what the driver holds; closing
 * leaves DTR as it is, so that boards which reset on it do not.
 *
 * Rejects with a LineError where the first opening fails. The far end of a PTY is opened the same way.
 */
export function openSerialUart(path: string, settings: UartSettings): Promise<Uart> {
  return openAndReopen(settings, stallRule(settings), (line) => connect(line, path, settings), "reject");
}

function stallRule(settings: UartSettings): StallRule {
  const msPerCharacter = (bitsPerCharacter(settings) * 1000) / settings.baud;
  return {
    patienceMs: (bytes) => WRITE_HANGS_AFTER_MS + (bytes + DRIVER_BUFFER_BYTES) * msPerCharacter,
    reaction: "give-up",
  };
}

async function connect(line: LineUart, path: string, settings: UartSettings): Promise<Connection> {
  const { baud, dataBits, parity, stopBits } = settings;
  const format = { baudRate: baud, dataBits, parity, stopBits };
  // Loaded with the first line that needs it: a meter on UDP does without its 4 MB.
  const { SerialPort: Port } = await import("serialport");
  const port = new Port({ path, ...format, lock: true, hupcl: false, autoOpen: false });
  const device = await deviceAt(path);
  try {
    await openUnlessLocked(port);
    await outcome((done) => port.flush(done));
  } catch (error) {
    port.close(() => {});
    throw new LineError(
      `Cannot open the serial line ${path}: ${reason((error as Error).message, settings)}.`,
    );
  }
  const look = setInterval(async () => {
    if ((await deviceAt(path)) !== device) line.lost(connection);
  }, LOOK_EVERY_MS);
  // An unplug shows as an error, as a close, as a close twice, or to the look.
  const connection = connectStreams(line, port, port, () => {
    clearInterval(look);
    port.close(() => {});
  });
  return connection;
}

async function openUnlessLocked(port: SerialPort): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await outcome((done) => port.open(done));
    } catch (error) {
      if (tries === LOCKED_TRIES || !LOCKED.test((error as Error).message)) throw error;
    }
    await pause(LOCKED_PAUSE_MS);
  }
}

/** What tells the device at `path` from any other that had or will have the name; undefined for none. */
async function deviceAt(path: string): Promise<string | undefined> {
  try {
    const { rdev, ino } = await stat(path);
    return `${rdev} ${ino}`;
  } catch {
    return undefined;
  }
}

function outcome(start: (done: (error: Error | null | undefined) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => start((error) => (error ? reject(error) : resolve())));
}

/** What the driver's words mean to a person, and what to do. */
function reason(message: string, settings: UartSettings): string {
  if (/no such file/i.test(message)) {
    return "there is no such file; plug the adapter in or start the program that makes the line, and check the path";
  }
  if (/permission denied/i.test(message)) {
    return "you may not; join the group that owns it (often: sudo usermod -aG dialout $USER) and log in again";
  }
  if (LOCKED.test(message)) {
    return "another program has it; stop that one (often another meterbench, ModemManager or a getty)";
  }
  const { baud, dataBits, parity, stopBits } = settings;
  const format = `${baud} baud, ${dataBits} data bits, parity ${parity}, ${stopBits} stop bits`;
  return `${message.replace(/^Error:?\s*/, "")}; check that it is a serial line and can do ${format}`;
}
