// `npm run blindness [-- --seed N --days N --json]`: what a DAP finds out. Figures; exit 1 where it finds out anything.
import { parseArgs } from "node:util";
import { type BlindnessFigures, blindness, type DaysFigures } from "./blindness.ts";
import type { Figures } from "./figures.ts";

/** As many meters as a block has; with 100 days 5,000 meter-days. */
const METERS = 50;
const UNPADDED_DAYS_MAX = 20;

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    days: { type: "string", default: "100" },
    json: { type: "boolean", default: false },
  },
});
const [seed, days] = [Number(values.seed), Number(values.days)];
if (!Number.isInteger(seed) || !Number.isInteger(days) || days < 2) {
  process.stderr.write("--seed takes a whole number, and --days one of 2 or more.\n");
  process.exit(2);
}
const unpaddedDays = Math.min(days, UNPADDED_DAYS_MAX);
const tell = (line: string): void => void process.stderr.write(`${line}\n`);
const figures = await blindness({ seed, meters: METERS, days, unpaddedDays, tell });
process.stdout.write(values.json ? `${JSON.stringify(figures, rounded, 2)}\n` : text(figures));
process.exitCode = figures.faults.length === 0 ? 0 : 1;

function text({ settings, unprotected, days: read, unpadded, faults }: BlindnessFigures): string {
  const lines = [
    `Seed ${seed}, ${METERS} meters. Hits are of pieces of 8 bytes; short values by chance in brackets.`,
    ...Object.entries(settings).map(([name, of]) => settingLine(name, of)),
    settingLine("protection off", unprotected),
    ...daysLines("padded", read),
    ...daysLines("padding off", unpadded),
    faults.length === 0 ? "A DAP is blind." : `A DAP is not blind:\n  ${faults.join("\n  ")}`,
  ];
  return `${lines.join("\n")}\n`;
}

function settingLine(name: string, { messages, bytes, canaries, short, strays }: Figures): string {
  const pieces = Object.entries(canaries).map(([kind, of]) => `${kind} ${of.hits} of ${of.pieces}`);
  const values = short.map(({ bytes: of, hits, byChance }) => `${of} B ${hits} (${number(byChance)})`);
  return `${name}: ${messages} messages, ${bytes} bytes; ${pieces.join(", ")}; short ${values.join(", ")}; ${strays.length} other lengths`;
}

function daysLines(name: string, { meterDays, messages, strays, guess, guessByKind }: DaysFigures): string[] {
  const kinds = Object.entries(guessByKind).map(([kind, { area }]) => `${kind} ${number(area)}`);
  return [
    `${name}: ${meterDays} meter-days, ${messages} messages, ${strays.length} other lengths; area ${number(guess.area)} by ${guess.by}`,
    `  by kind of house: ${kinds.join(", ")}`,
  ];
}

function number(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function rounded(_: string, value: unknown): unknown {
  return typeof value === "number" ? Number(value.toPrecision(4)) : value;
}
