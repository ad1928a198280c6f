// What a test looked like over its time, for plots: from what was read, and from what went over the lines.
import { readPcapng } from "../../capture/pcapng.ts";
import type { Evidence, Rig } from "../rig.ts";
import type { Curve } from "./run-context.ts";

type Point = Curve["points"][number];

/** A plot is some hundred pixels wide. */
const POINTS_MAX = 300;
/** A bench of many meters would fill the report with one test. */
const CURVES_MAX = 16;

/** Each register that was read, and of each line the bytes and how long answers took. */
export function curvesOf(evidence: Evidence, { clock }: Pick<Rig, "clock">): Curve[] {
  const openedUtcMs = clock.utcMs() - clock.monotonicMs();
  return [...registerCurves(evidence), ...lineCurves(evidence.framesPcapng, openedUtcMs)]
    .filter(({ points }) => points.length > 0)
    .slice(0, CURVES_MAX)
    .map((curve) => ({ ...curve, points: thinned(curve.points) }));
}

function registerCurves({ points }: Evidence): Curve[] {
  const curves = new Map<string, Point[]>();
  for (const { meter, register, atMs, value } of points) {
    const name = `${meter} ${register}`;
    curves.set(name, [...(curves.get(name) ?? []), [atMs / 1000, value]]);
  }
  return [...curves].map(([name, drawn]) => ({ name, unit: "as published", points: drawn }));
}

interface LineTotals {
  bytes: number;
  /** When the question was sent that is not yet answered. */
  askedAtSeconds: number | undefined;
  readonly total: Point[];
  readonly answers: Point[];
}

/** An answer is the first datagram that comes in after one that went out; one that was repeated counts from the first. */
function lineCurves(pcapng: Uint8Array, openedUtcMs: number): Curve[] {
  const lines = new Map<string, LineTotals>();
  readPcapng(pcapng, ({ line = "line", utcMicroseconds, direction, bytes }) => {
    const totals = lines.get(line) ?? { bytes: 0, askedAtSeconds: undefined, total: [], answers: [] };
    lines.set(line, totals);
    const seconds = (utcMicroseconds / 1000 - openedUtcMs) / 1000;
    totals.bytes += bytes.length;
    totals.total.push([seconds, totals.bytes]);
    if (direction === "outbound") totals.askedAtSeconds ??= seconds;
    else if (totals.askedAtSeconds !== undefined) {
      totals.answers.push([seconds, (seconds - totals.askedAtSeconds) * 1000]);
      totals.askedAtSeconds = undefined;
    }
  });
  return [...lines].flatMap(([line, { total, answers }]) => [
    { name: `${line}: bytes in all`, unit: "bytes", points: total },
    { name: `${line}: time to an answer`, unit: "ms", points: answers },
  ]);
}

/** Every n-th point, and the last. */
function thinned(points: readonly Point[]): readonly Point[] {
  const step = Math.ceil(points.length / POINTS_MAX);
  return points.filter((_, i) => i % step === 0 || i === points.length - 1);
}
