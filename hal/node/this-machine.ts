// What Node says of the machine that it runs on, and whether a native module runs on it.
import { spawnSync } from "node:child_process";

export interface Machine {
  /** As Node calls it. */
  readonly arch: string;
  readonly libc: { readonly kind: "glibc" | "musl"; readonly version?: string };
  readonly nodeVersion: string;
}

interface ReportHeader {
  readonly glibcVersionRuntime?: string;
}

/** Without glibc it is taken for musl, which is what Node is built with beside it. */
export function thisMachine(): Machine {
  const { header } = process.report.getReport() as unknown as { header: ReportHeader };
  const glibc = header.glibcVersionRuntime;
  return {
    arch: process.arch,
    libc: glibc === undefined ? { kind: "musl" } : { kind: "glibc", version: glibc },
    nodeVersion: process.versions.node,
  };
}

/** A module that is loaded takes a twentieth of a second; a small board that is busy, some seconds. */
const LOAD_TIMEOUT_MS = 30_000;
const LOAD = "process.dlopen({ exports: {} }, process.argv[1])";
const TEXT_LENGTH_MAX = 300;

/** Why this Node cannot load the module at `path`, in its own words; undefined if it can. It is tried in another process. */
export function loadFault(path: string): string | undefined {
  const { status, signal, stderr, error } = spawnSync(process.execPath, ["-e", LOAD, path], {
    env: {},
    stdio: ["ignore", "ignore", "pipe"],
    timeout: LOAD_TIMEOUT_MS,
    encoding: "utf8",
  });
  if (error !== undefined) return error.message;
  if (status === 0) return undefined;
  if (signal !== null) return `it ends the process by ${signal}`;
  const words = /^Error: (.*)$/m.exec(stderr)?.[1] ?? `it ends the process with ${status}`;
  return words.slice(0, TEXT_LENGTH_MAX);
}
