// What a board is wired to: an emulated metering IC on one PTY, the line to its reader on another.
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { meterbench, startMeterbench } from "../support/command.ts";
import { FILES } from "./board-root.ts";
import { tell } from "./commands.ts";
import { ptyLine } from "./pty-line.ts";

const LOAD_WATTS = 1200;
/** A board that has just started asks its chip once a second. */
const READS_MAX = 20;
const READ_AGAIN_MS = 500;
/** A rate that the emulator knows: it has no other than the standard ones. */
const RATE = "?baud=115200";

export interface Bench {
  readonly folder: string;
  /** The lines of `meter.conf` for a board that is wired so. */
  readonly settings: readonly string[];
  /** Where a reader finds the meter. */
  readonly line: string;
  close(): Promise<void>;
}

export async function wire(folder: string): Promise<Bench> {
  const line = await ptyLine(folder);
  const chip = join(folder, "chip");
  const ic = await startMeterbench([
    "ic",
    "emulate",
    "bl0942",
    "--at",
    `pty:${chip}`,
    "--load",
    `watts:${LOAD_WATTS}`,
  ]);
  return {
    folder,
    settings: [
      `at serial:${line.boardEnd}${RATE}`,
      `chip bl0942@serial:${chip}`,
      "serial-number 4711",
      "allow utility=update",
    ],
    line: `serial:${line.readerEnd}${RATE}`,
    close: async () => {
      await ic.stop();
      line.close();
    },
  };
}

interface Reading {
  readonly registers: readonly { readonly value?: number | null }[];
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly milliseconds: number;
}

/**
 * Reads the meter's power as a head-end does, protected, until the chip has been measured after a start, and throws where it
 * is not what the chip is loaded with.
 */
export async function readPower({ folder, line }: Bench) {
  const args = ["read", line, "1.7.0", "--meter", "M1", "--keys", FILES.headEndKey];
  for (let reads = 1; ; reads++) {
    const reading = (await tell(folder, args)) as unknown as Reading;
    const watts = reading.registers[0]?.value ?? undefined;
    if (watts !== undefined) return powerFrom(reading, watts);
    if (reads === READS_MAX) throw new Error(`the board has measured nothing by its ${reads}th answer`);
    await pause(READ_AGAIN_MS);
  }
}

function powerFrom({ requestBytes, responseBytes, milliseconds }: Reading, watts: number) {
  if (Math.abs(watts - LOAD_WATTS) > LOAD_WATTS / 100)
    throw new Error(`the chip has a load of ${LOAD_WATTS} W and the board told ${watts} W`);
  return { watts, requestBytes, responseBytes, milliseconds };
}

/** What the board says on the same line to whoever asks for its slots without protection; throws where it tells any. */
export async function refusalUnprotected({ folder, line }: Bench): Promise<string> {
  const { code, stdout, stderr } = await meterbench(["slots", "--on", line], { cwd: folder });
  if (code === 0 || !stderr.includes("takes nothing unprotected"))
    throw new Error(`the board told something without protection: ${stdout}${stderr}`);
  return stderr.trim();
}
