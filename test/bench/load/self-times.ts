import type { Profiler } from "node:inspector";

/** A function and the share of the processor's time that it had itself, without those that it called. */
export interface SelfTime {
  readonly name: string;
  readonly share: number;
}

/** Not the program's: V8 says so of the time in which there was nothing to do. */
const IDLE = "(idle)";

/** All functions of a profile by their own time, longest first; shares of the time in which there was work. */
export function selfTimes({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): SelfTime[] {
  const nameOf = new Map(nodes.map(({ id, callFrame }) => [id, frameName(callFrame)]));
  const times = new Map<string, number>();
  samples.forEach((id, i) => {
    const name = nameOf.get(id) ?? "";
    // A sample's delta is the time since the one before it: that is how long the one before it ran.
    times.set(name, (times.get(name) ?? 0) + Math.max(0, timeDeltas[i + 1] ?? 0));
  });
  times.delete(IDLE);
  const whole = [...times.values()].reduce((sum, time) => sum + time, 0);
  return [...times].map(([name, time]) => ({ name, share: time / whole })).sort((a, b) => b.share - a.share);
}

/** By its name and its file; what is V8's, libuv's or OpenSSL's has none. */
function frameName({ functionName, url }: Profiler.Profile["nodes"][number]["callFrame"]): string {
  const file = url.split("/").at(-1) ?? "";
  return `${functionName || "(anonymous)"}${file === "" ? "" : ` ${file}`}`;
}
