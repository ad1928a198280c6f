import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const MAIN = fileURLToPath(new URL("../../dist/host-tools/cli/main.js", import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly cwd?: string;
  readonly input?: string;
  /** One that hangs is ended. */
  readonly withinMs?: number;
}

/** Runs a program to its end. */
export function run(
  program: string,
  args: readonly string[],
  { cwd, input = "", withinMs = 30_000 }: RunOptions = {},
): Promise<Finished> {
  const child = spawn(program, args, {
    ...(cwd !== undefined && { cwd }),
    env: { ...process.env, NO_COLOR: "1" },
  });
  const guard = setTimeout(() => child.kill("SIGKILL"), withinMs);
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const output = collect(child);
  return new Promise((resolve) => {
    child.once("close", (code) => {
      clearTimeout(guard);
      resolve({ code, ...output });
    });
  });
}

/** Runs the command line. */
export function meterbench(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return run(process.execPath, [MAIN, ...args], options);
}

export interface Running {
  /** The line of JSON that it printed when it was ready. */
  readonly ready: Record<string, unknown>;
  readonly child: ChildProcess;
  /** All that it has printed so far. */
  readonly output: { readonly stdout: string; readonly stderr: string };
  /** Ends it as a user would, and gives its exit code. */
  stop(): Promise<number | null>;
  /** Ends it as a power cut would, and waits until it is gone. */
  kill(): Promise<void>;
}

const running = new Set<Running>();

/** Starts a program that prints one line of JSON when it is ready, and goes on. */
export async function start(
  program: string,
  args: readonly string[],
  { cwd }: { cwd?: string } = {},
): Promise<Running> {
  const child = spawn(program, args, {
    ...(cwd !== undefined && { cwd }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = collect(child);
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const ready = await new Promise<Record<string, unknown>>((resolve, reject) => {
    child.stdout.on("data", () => {
      const end = output.stdout.indexOf("\n");
      if (end >= 0) resolve(JSON.parse(output.stdout.slice(0, end)) as Record<string, unknown>);
    });
    void ended.then((code) => reject(new Error(`ended with ${code} before it was ready: ${output.stderr}`)));
  });
  const started: Running = {
    ready,
    child,
    output,
    stop: () => {
      running.delete(started);
      child.kill("SIGTERM");
      return ended;
    },
    kill: async () => {
      running.delete(started);
      child.kill("SIGKILL");
      await ended;
    },
  };
  running.add(started);
  return started;
}

/** Starts a long-running sub-command with `--json`. */
export function startMeterbench(args: readonly string[], options: { cwd?: string } = {}): Promise<Running> {
  return start(process.execPath, [MAIN, ...args, "--json"], options);
}

/** Ends whatever a test left running. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map((started) => started.stop()));
}

/** Ends all that was started here and still runs, ready or not, as a power cut would. */
export function killAll(): void {
  for (const child of children) child.kill("SIGKILL");
}

/** A folder of its own, and how to be rid of it. */
export function emptyFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "meterbench-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

const children = new Set<ChildProcess>();

function collect(child: ChildProcess): { stdout: string; stderr: string } {
  children.add(child);
  child.once("close", () => children.delete(child));
  const output = { stdout: "", stderr: "" };
  child.stdout?.on("data", (data: Buffer) => {
    output.stdout += data.toString();
  });
  child.stderr?.on("data", (data: Buffer) => {
    output.stderr += data.toString();
  });
  return output;
}
