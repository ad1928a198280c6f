// `npm run board -- arm64|arm [--fetch]`: see README.md. One JSON document on what a board showed.
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { killAll } from "../support/command.ts";
import { temporaryFolder } from "../support/pty-pair.ts";
import { type Figures, loadedModule, runningBoard } from "./figures.ts";
import { MACHINES, type Machine, missingFor } from "./machine.ts";
import { fetchNodePackage } from "./node-package.ts";

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
/** What test harnesses take for "skipped": this machine lacks what the board needs. */
const EXIT_SKIPPED = 77;
/** Node under this emulator is known to crash or hang now and then. What goes wrong twice is ours. */
const TRIES = 2;
const TRY_WITHIN_MS = 120_000;

const { values, positionals } = readArguments();
const arch = positionals.length === 1 ? positionals[0] : undefined;
if (arch !== "arm64" && arch !== "arm") {
  process.stderr.write(
    "One board is to be named: npm run board -- arm64, or arm, and --fetch to have npm fetch its Node.\n",
  );
  process.exit(EXIT_USAGE);
}
const machine = MACHINES[arch];
if (values.fetch) fetchNodePackage(machine.node);
const missing = missingFor(machine);
if (missing.length > 0) {
  for (const sentence of missing) process.stderr.write(`${sentence}\n`);
  report({ arch, skipped: missing });
  process.exit(EXIT_SKIPPED);
}
const faults: string[] = [];
let figures = await attempt(machine);
while (figures === undefined && faults.length < TRIES) figures = await attempt(machine);
report({ arch, ...figures, faults, seconds: process.uptime() });
process.exit(figures === undefined ? EXIT_FAILED : 0);

async function attempt(machine: Machine): Promise<Figures | undefined> {
  const folder = temporaryFolder();
  const show = machine.arch === "arm64" ? runningBoard : loadedModule;
  try {
    return await Promise.race([show(machine, folder.path), tooLong()]);
  } catch (error) {
    faults.push((error as Error).message);
    return undefined;
  } finally {
    killAll();
    folder.remove();
  }
}

async function tooLong(): Promise<never> {
  await pause(TRY_WITHIN_MS);
  throw new Error(`not done in ${TRY_WITHIN_MS / 1000} s`);
}

function readArguments() {
  try {
    return parseArgs({ allowPositionals: true, options: { fetch: { type: "boolean", default: false } } });
  } catch {
    return { values: { fetch: false }, positionals: [] };
  }
}

function report(document: Figures): void {
  const short = (_: string, value: unknown) =>
    typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(3)) : value;
  process.stdout.write(`${JSON.stringify(document, short, 2)}\n`);
}
