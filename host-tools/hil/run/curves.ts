// What a test looked like over its time, for plots: from what was read, and from what went over the lines.
import { parseObis } from "../../../firmware/protocol/readings/obis.ts";
import { publishedForm } from "../../../firmware/protocol/readings/register-table.ts";
import { readPcapng } from "../../capture/pcapng.ts";
import { type Evidence, LOAD, type Rig } from "../rig.ts";
import type { Curve } from "./run-context.ts";

type Point = Curve["points"][number];

/** A plot is some hundred pixels wide. */
const POINTS_MAX = 300;
/** A bench of many meters would fill the report with one test. */
const CURVES_MAX = 16;

/** Each load as it was set, each register that was read, and of each line the bytes and how long answers took. */
export function curvesOf(evidence: Evidence, { clock }: Pick<Rig, "clock">): Curve[] {
  const nowMs = clock.monotonicMs();
  const loads = loadCurves(evidence, nowMs / 1000);
  const lines = lineCurves(evidence.framesPcapng, clock.utcMs() - nowMs);
  return [...loads, ...lines, ...registerCurves(evidence)]
    .filter(({ points }) => points.length > 1)
    .slice(0, CURVES_MAX)
    .map((curve) => ({ ...curve, points: thinned(curve.points) }));
}

/** A load is what it was until it is set anew. */
function loadCurves(evidence: Evidence, endSeconds: number): Curve[] {
  return pointsByMeter(evidence, (register) => register === LOAD).map(([meter, points]) => ({
    ...{ name: `${meter} ${LOAD}`, unit: "W" },
    points: points.flatMap((point, i): Point[] => [point, [points[i + 1]?.[0] ?? endSeconds, point[1]]]),
  }));
}

/** In their units, as people read them. */
function registerCurves(evidence: Evidence): Curve[] {
  const registers = [...new Set(evidence.points.map(({ register }) => register))].filter(
    (one) => one !== LOAD,
  );
  return registers.flatMap((register) => {
    const obis = parseObis(register);
    const form = obis === undefined ? undefined : publishedForm(obis);
    return pointsByMeter(evidence, (one) => one === register).map(([meter, points]) => ({
      ...{ name: `${meter} ${register}`, unit: form?.unit ?? "" },
      points: points.map(([at, value]): Point => [at, Number(`${value}e${form?.scaler ?? 0}`)]),
    }));
  });
}

/** The points of some registers, by the meter. */
function pointsByMeter(
  { points }: Evidence,
  isAsked: (register: string) => boolean,
): readonly (readonly [meter: string, points: readonly Point[]])[] {
  const byMeter = new Map<string, Point[]>();
  for (const { meter, register, atMs, value } of points) {
    if (!isAsked(register)) continue;
    const drawn = byMeter.get(meter) ?? [];
    byMeter.set(meter, drawn);
    drawn.push([atMs / 1000, value]);
  }
  return [...byMeter];
}

interface LineTotals {
  bytes: number;
  /** When the question was sent that is not yet answered. */
  askedAtMicroseconds: number | undefined;
  readonly total: Point[];
  readonly answers: Point[];
}

/** An answer is the first datagram that comes in after one that went out; one that was repeated counts from the first. */
function lineCurves(pcapng: Uint8Array, openedUtcMs: number): Curve[] {
  const lines = new Map<string, LineTotals>();
  readPcapng(pcapng, ({ line = "line", utcMicroseconds, direction, bytes }) => {
    const totals = lines.get(line) ?? { bytes: 0, askedAtMicroseconds: undefined, total: [], answers: [] };
    lines.set(line, totals);
    const seconds = (utcMicroseconds / 1000 - openedUtcMs) / 1000;
    totals.bytes += bytes.length;
    totals.total.push([seconds, totals.bytes]);
    if (direction === "outbound") totals.askedAtMicroseconds ??= utcMicroseconds;
    else if (totals.askedAtMicroseconds !== undefined) {
      totals.answers.push([seconds, (utcMicroseconds - totals.askedAtMicroseconds) / 1000]);
      totals.askedAtMicroseconds = undefined;
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
