// Digits as a meter's liquid crystal shows them, three lines high.
import { POSITIONS, positionsOf } from "../../firmware/display/page.ts";

/**
 * Segments from `a` at the top, clockwise, to `f`, and `g` in the middle. A character that has none of its own is
 * drawn as itself: a serial number must be read exactly, and seven segments cannot tell S from 5 or O from 0.
 */
const SEGMENTS: Readonly<Record<string, string>> = {
  ...{ "0": "abcdef", "1": "bc", "2": "abdeg", "3": "abcdg", "4": "bcfg", "5": "acdfg", "6": "acdefg" },
  ...{ "7": "abc", "8": "abcdefg", "9": "abcdfg", "-": "g" },
  ...{ A: "abcefg", B: "cdefg", C: "adef", D: "bcdeg", E: "adefg", F: "aefg" },
};

/** Columns of one position: three of segments and one of its mark. */
const POSITION_COLUMNS = 4;
export const SEGMENT_COLUMNS = POSITIONS * POSITION_COLUMNS;

/** The text at the right of all positions, on three lines of the same width. */
export function segmentLines(text: string): string[] {
  const cells = positionsOf(text)
    .slice(0, POSITIONS)
    .map(({ character, mark }) => {
      const [top, middle, bottom] = shape(character);
      return [`${top} `, `${middle}${mark === ":" ? "." : " "}`, `${bottom}${mark === "" ? " " : "."}`];
    });
  return [0, 1, 2].map((line) =>
    cells
      .map((cell) => cell[line])
      .join("")
      .padStart(SEGMENT_COLUMNS),
  );
}

function shape(character: string): readonly [string, string, string] {
  const segments = SEGMENTS[character];
  if (segments === undefined) return ["   ", ` ${character} `, "   "];
  const lit = (segment: string, stroke: string): string => (segments.includes(segment) ? stroke : " ");
  return [
    ` ${lit("a", "_")} `,
    `${lit("f", "|")}${lit("g", "_")}${lit("b", "|")}`,
    `${lit("e", "|")}${lit("d", "_")}${lit("c", "|")}`,
  ];
}
