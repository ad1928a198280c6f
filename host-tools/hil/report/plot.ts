// A curve as a drawing inside of a page, without a script.
import type { Curve } from "../run/run-context.ts";
import { escaped } from "./markup.ts";

const WIDTH = 340;
const HEIGHT = 110;
/** Room for the name above and the time below. */
const TOP = 18;
const BOTTOM = 16;

/** The plots of one test, all over the same time. */
export function plotsText(curves: readonly Curve[]): string {
  const seconds = rangeOf(curves.flatMap(({ points }) => points.map(([at]) => at)).filter(Number.isFinite));
  return curves.map((curve) => plotText(curve, seconds)).join("");
}

/** An SVG element; its name, least and greatest value are in it as text. */
function plotText({ name, unit, points }: Curve, seconds: Range): string {
  const drawn = points.filter((point) => point.every(Number.isFinite));
  const values = rangeOf(drawn.map(([, value]) => value));
  const x = scale(seconds, 1, WIDTH - 1);
  const y = scale(values, HEIGHT - BOTTOM, TOP + 4);
  const places = drawn.map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`);
  const dots = places.map((place) => {
    const [cx, cy] = place.split(",");
    return `<circle cx="${cx}" cy="${cy}" r="1.6"/>`;
  });
  const title = escaped(
    `${name}${unit === "" ? "" : ` (${unit})`}: ${numberText(values.least)} to ${numberText(values.greatest)}`,
  );
  return [
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">`,
    `<text x="1" y="11">${title}</text>`,
    `<polyline points="${places.join(" ")}"/>`,
    ...dots,
    `<line x1="0" x2="${WIDTH}" y1="${HEIGHT - BOTTOM + 3}" y2="${HEIGHT - BOTTOM + 3}"/>`,
    `<text x="1" y="${HEIGHT - 2}">${numberText(seconds.least)} s</text>`,
    `<text x="${WIDTH - 1}" y="${HEIGHT - 2}" text-anchor="end">${numberText(seconds.greatest)} s</text>`,
    "</svg>",
  ].join("");
}

interface Range {
  readonly least: number;
  readonly greatest: number;
}

function rangeOf(values: readonly number[]): Range {
  return values.length === 0
    ? { least: 0, greatest: 0 }
    : { least: Math.min(...values), greatest: Math.max(...values) };
}

/** Where a value of the range is drawn, in the middle where the range is one value. */
function scale({ least, greatest }: Range, from: number, to: number): (value: number) => number {
  if (least === greatest) return () => (from + to) / 2;
  return (value) => from + ((value - least) / (greatest - least)) * (to - from);
}

function numberText(value: number): string {
  return String(Number(value.toPrecision(6)));
}
