// A process that writes a journal in a real folder and is killed, again and again, with SIGKILL.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { integerBelow, SeededRandom } from "../../hal/emulated/seeded-random.ts";

const WRITER = fileURLToPath(new URL("./kill-writer.ts", import.meta.url));

/** Long enough to see several segments and a snapshot in one life, and short enough to meet starts often. */
const ACKNOWLEDGED_MAX = 120;
/** A few operations of a disk: the kill comes in the middle of any of them. */
const DELAY_MICROSECONDS_MAX = 2000;

export interface KillFigures {
  readonly kills: number;
  readonly acknowledged: number;
  readonly lost: number;
  readonly invented: number;
  readonly failures: readonly string[];
}

/**
 * Each life of the writer says what it recovered, and then what is durable, one number a line. The seed decides
 * after which line it is killed, and how long after; where that is in its work the machine decides.
 */
export async function killRepeatedly(kills: number, seed: string): Promise<KillFigures> {
  const random = new SeededRandom(seed);
  const folder = mkdtempSync(join(tmpdir(), "meterbench-kill-"));
  const failures: string[] = [];
  let acknowledged = 0;
  let lost = 0;
  let invented = 0;
  for (let life = 1; life <= kills; life++) {
    const lines = 1 + integerBelow(random, ACKNOWLEDGED_MAX);
    const last = await liveAndDie(folder, lines, integerBelow(random, DELAY_MICROSECONDS_MAX));
    if (last.recovered === undefined) failures.push(`life ${life} could not read: ${last.trouble}`);
    else if (last.recovered < acknowledged) {
      lost++;
      failures.push(`life ${life} recovered ${last.recovered} of ${acknowledged}`);
    }
    if (last.trouble.includes("invented")) invented++;
    acknowledged = Math.max(acknowledged, last.acknowledged);
  }
  rmSync(folder, { recursive: true, force: true });
  return { kills, acknowledged, lost, invented, failures };
}

interface Life {
  readonly recovered: number | undefined;
  readonly acknowledged: number;
  readonly trouble: string;
}

async function liveAndDie(folder: string, lines: number, delayMicroseconds: number): Promise<Life> {
  const child = spawn(process.execPath, ["--import", "tsx", WRITER, folder], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const numbers: number[] = [];
  let trouble = "";
  child.stderr.on("data", (data: Buffer) => {
    trouble += data.toString();
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    numbers.push(Number(line));
    if (numbers.length === lines) killLater(child, delayMicroseconds);
  });
  await once(child, "close");
  return { recovered: numbers[0], acknowledged: numbers.at(-1) ?? 0, trouble };
}

/** Timers are of whole milliseconds: the rest is waited for here. */
function killLater(child: ChildProcess, delayMicroseconds: number): void {
  const untilMs = performance.now() + delayMicroseconds / 1000;
  while (performance.now() < untilMs);
  child.kill("SIGKILL");
}
