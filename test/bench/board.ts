// A gateway board in a folder, as `flash` makes it of an empty one: what it takes of a disk and of memory, and how soon it serves.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { makePty } from "../../hal/node/pty.ts";
import { emptyFolder, meterbench, startMeterbench, stopAll } from "../support/command.ts";
import { PTY_SETTINGS } from "../support/pty-pair.ts";

const DEPLOY_BYTES_AIM = 1_500_000;
const READY_MILLISECONDS_AIM = 200;
const RSS_MEGABYTES_AIM = 66;
const STARTS = 5;
/** Until a meter has polled its part some times, and Node has given back what only the start took. */
const SETTLE_MS = 6000;
/** Linux counts a process's time in hundredths of a second. */
const TICK_MS = 10;

export async function boardFigures() {
  const folder = emptyFolder();
  const { path: cwd } = folder;
  const line = await makePty(join(cwd, "line"), PTY_SETTINGS);
  try {
    const imageBytes = await makeBoard(cwd);
    const deployBytes = bytesBelow(join(cwd, "board"));
    const chip = ["ic", "emulate", "bl0942", "--at", "pty:./chip", "--load", "watts:1200"];
    await startMeterbench(chip, { cwd });
    const starts: Start[] = [];
    for (let start = 0; start < STARTS; start++) starts.push(await startOnce(cwd));
    await flashTo(cwd, "100001");
    const figures = {
      imageBytes,
      deployBytes,
      deployBytesOfLoader: bytesBelow(join(cwd, "board/opt")),
      deployBytesWithBothSlots: bytesBelow(join(cwd, "board"), /\/state$/),
      readyMilliseconds: median(starts.map(({ readyMs }) => readyMs)),
      readyMillisecondsBest: Math.min(...starts.map(({ readyMs }) => readyMs)),
      readyProcessorMilliseconds: median(starts.map(({ processorMs }) => processorMs)),
      rssMegabytes: median(starts.map(({ rssMegabytes }) => rssMegabytes)),
      machineLoad: loadavg()[0] ?? 0,
    };
    return { ...figures, faults: faultsOf(figures) };
  } finally {
    line.close();
    await stopAll();
    folder.remove();
  }
}

interface Figures {
  readonly deployBytes: number;
  readonly readyMilliseconds: number;
  readonly rssMegabytes: number;
  readonly machineLoad: number;
}

/** How long a start takes says something of the board's program only where nothing else has the processors. */
function faultsOf(figures: Figures): readonly string[] {
  const isQuiet = figures.machineLoad < availableParallelism();
  return [
    ...(figures.deployBytes > DEPLOY_BYTES_AIM ? [`more than ${DEPLOY_BYTES_AIM} bytes`] : []),
    ...(figures.rssMegabytes > RSS_MEGABYTES_AIM ? [`more than ${RSS_MEGABYTES_AIM} MB`] : []),
    ...(isQuiet && figures.readyMilliseconds > READY_MILLISECONDS_AIM
      ? [`ready only after ${READY_MILLISECONDS_AIM} ms`]
      : []),
  ];
}

/** Keys, an image and a board of it, by the commands of a user; how long the image is. */
async function makeBoard(cwd: string): Promise<number> {
  mkdirSync(join(cwd, "board"));
  for (const [role, id] of [
    ["author", "acme"],
    ["meter", "M1"],
    ["head-end", "utility"],
  ] as const) {
    await must(["keys", "new", role, "--id", id, "--out", `${id}.key.json`], cwd);
    writeFileSync(
      join(cwd, `${id}.credential.json`),
      await must(["keys", "credential", `${id}.key.json`], cwd),
    );
  }
  const conf = ["at serial:LINE?baud=115200", "chip bl0942@serial:CHIP", "serial-number 4711"].join("\n");
  const places = conf.replace("LINE", join(cwd, "line")).replace("CHIP", join(cwd, "chip"));
  writeFileSync(join(cwd, "meter.conf"), `${places}\n`);
  const keys = ["--board-keys", "M1.key.json", "--trust", "utility.credential.json"];
  await flashTo(cwd, "100000", [...keys, "--author", "acme.credential.json", "--conf", "meter.conf"]);
  return statSync(join(cwd, "meter.mbi")).size;
}

async function flashTo(cwd: string, sequence: string, setUp: readonly string[] = []): Promise<void> {
  const build = ["image", "build", "--target", `linux-${process.arch}`, "--keys", "acme.key.json"];
  await must([...build, "--sequence", sequence, "--out", "meter.mbi"], cwd);
  await must(["flash", "meter.mbi", "--to", "dir:board", "--no-wait", ...setUp], cwd);
}

async function must(args: readonly string[], cwd: string): Promise<string> {
  const { code, stdout, stderr } = await meterbench(args, { cwd });
  if (code !== 0) throw new Error(`${args.join(" ")}: ${stderr}`);
  return stdout;
}

interface Start {
  readonly readyMs: number;
  readonly processorMs: number;
  readonly rssMegabytes: number;
}

/** By the script that a supervisor starts: it becomes the loader, and the loader the meter. */
async function startOnce(cwd: string): Promise<Start> {
  const startMs = performance.now();
  const child = spawn(join(cwd, "board/opt/meterbench/start"), { stdio: ["ignore", "pipe", "inherit"] });
  const closed = once(child, "close");
  await Promise.race([
    once(child.stdout, "data"),
    closed.then(([code]) => {
      throw new Error(`the board ended with ${code}`);
    }),
  ]);
  const readyMs = performance.now() - startMs;
  const processorMs = processorMilliseconds(child);
  await pause(SETTLE_MS);
  const rssMegabytes = residentMegabytes(child);
  child.kill();
  await closed;
  return { readyMs, processorMs, rssMegabytes };
}

function residentMegabytes({ pid }: ChildProcess): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}

/** proc(5): utime and stime are the 14th and 15th fields, the 12th and 13th behind the name. */
function processorMilliseconds({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** Of all files, but for those below folders that `without` matches. */
function bytesBelow(folder: string, without = /^$/): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !without.test(entry.parentPath))
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
