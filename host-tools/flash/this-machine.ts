// This machine as a board: for a folder that is to run here, and for loading a native module before it is trusted.
import type { BoardFacts } from "../../firmware/update/refusals.ts";

interface ReportHeader {
  readonly glibcVersionRuntime?: string;
}

/** What Node says of the machine that it runs on; without glibc it is taken for musl, as Node's own builds are. */
export function thisMachine(): Omit<BoardFacts, "board"> {
  const { header } = process.report.getReport() as unknown as { header: ReportHeader };
  const glibc = header.glibcVersionRuntime;
  return {
    arch: process.arch,
    libc: glibc === undefined ? { kind: "musl" } : { kind: "glibc", version: glibc },
    nodeVersion: process.versions.node,
  };
}
