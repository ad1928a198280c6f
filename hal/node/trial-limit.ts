// The end of a trial that nobody confirms, whatever its program does.
import { readlinkSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";

/** For a program that ends in order: what it has measured is not lost with its trial. */
const ORDERLY_MS = 2000;
/** A program whose main thread is caught in a loop does not even end itself. */
const GRACE_MS = 5000;

/** A thread of its own, as the main one may never be free again. It can end the process by a signal only. */
const WATCHER = `
const { readlinkSync } = require("node:fs");
const { workerData: { link, target, limitMs } } = require("node:worker_threads");
setTimeout(() => {
  let current;
  try { current = readlinkSync(link); } catch {}
  if (current !== target) process.kill(process.pid, "SIGKILL");
}, limitMs);
`;

export interface LimitedTrial {
  /** The board's data folder. */
  readonly data: string;
  /** As the link has it: "slots/b". */
  readonly folder: string;
  readonly limitMs: number;
  /** By which the supervisor knows that there is another image to start. */
  readonly exitCode: number;
}

/** Ends the process with the exit code unless the slot has become the confirmed one by then. */
export function limitTrial({ data, folder, limitMs, exitCode }: LimitedTrial): void {
  const link = join(data, "current");
  setTimeout(() => {
    if (targetOf(link) === folder) return;
    process.stderr.write(`The trial of ${folder} was not confirmed in time, and ends.\n`);
    process.exitCode = exitCode;
    setTimeout(() => process.exit(exitCode), process.emit("SIGTERM", "SIGTERM") ? ORDERLY_MS : 0);
  }, limitMs).unref();
  const workerData = { link, target: folder, limitMs: limitMs + GRACE_MS };
  const worker = new Worker(WATCHER, { eval: true, workerData, execArgv: [] });
  // A program that ends by itself ends its trial too.
  worker.unref();
}

function targetOf(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    return undefined;
  }
}
