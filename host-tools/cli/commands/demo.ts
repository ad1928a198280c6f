// `demo`: a whole secured reading in one process, on a virtual 9600-baud line.
import type { Command } from "commander";
import { toHex } from "../../../firmware/protocol/bytes.ts";
import { Explainer } from "../../decode/explain.ts";
import { parseLoad } from "../../loads/index.ts";
import { type Day, type NamedExchange, playDay } from "../../world/day.ts";
import { type CaptureOptions, LineWatch, withCapture } from "../capture.ts";
import { type CommonOptions, engineOf, numberOption, withEngine, withJson } from "../common.ts";
import {
  barPlot,
  columns,
  condensed,
  layerText,
  printable,
  publishedValue,
  say,
  sayJson,
  table,
  utcText,
} from "../output.ts";
import { emulatedConfiguration } from "../plate.ts";

type Options = Pick<CommonOptions, "json" | "crypto"> & CaptureOptions & { readonly seed: number };

/** A working day in autumn: a fixed one, so that the same seed plays the same day. */
const START_UTC_MS = Date.UTC(2026, 10, 24);
const ANNUAL_KILOWATT_HOURS = 3500;
const BAUD = 9600;
const METER_ID = "M1";

export function addDemoCommand(program: Command): void {
  withCapture(withEngine(withJson(program.command("demo"))))
    .description("play a day of a household and read it, secured, over a virtual 9600-baud line")
    .option("--seed <n>", "what keys, tokens and jitter follow from", numberOption(0, 2 ** 32 - 1, true), 1)
    .addHelpText("after", "\nExample: meterbench demo --seed 7")
    .action(async (options: Options) => {
      const load = parseLoad("h25", { annualKilowattHours: ANNUAL_KILOWATT_HOURS });
      if ("error" in load) throw new Error(load.error);
      const watch = new LineWatch(options);
      const day = await playDay({
        seed: options.seed,
        load,
        crypto: await engineOf(options),
        startUtcMs: START_UTC_MS,
        baud: BAUD,
        configuration: emulatedConfiguration(METER_ID, true),
        watch: (link, clock) => watch.link(link, "mem:", "head-end", clock),
      });
      watch.close();
      if (options.json) sayJson(document(day));
      else show(day);
    });
}

function document(day: Day) {
  return {
    meter: day.meter,
    day: utcText(day.startUtcMs / 1000),
    registerWattHours: registerWattHours(day),
    sumOfIntervalsWattHours: sumOfIntervals(day),
    loadWattHours: day.loadWattHours,
    exchanges: day.exchanges.map((exchange) => ({
      ...exchange,
      plainJsonBytes: plainJsonBytes(exchange, day),
    })),
    eavesdropper: day.tapped.map(({ sender, atMs, bytes }) => ({
      from: sender,
      milliseconds: Math.round(atMs),
      hex: toHex(bytes),
      sees: new Explainer().explain(bytes),
    })),
  };
}

function show(day: Day): void {
  say(`A meter with a BL0942 on a virtual line of ${BAUD} baud, one day of a household (BDEW H25,`);
  say(
    `${ANNUAL_KILOWATT_HOURS} kWh a year), and a head-end at the other end. Nothing here is real but the code.`,
  );
  say();
  say("Who is who: each end knows the other's public credential (enrolment); EDHOC proves both.");
  say(`The meter ${day.meter} answered as the one enrolled. Then it was read, encrypted end to end:`);
  say();
  for (const entry of day.reading.entries) say(`  ${entry.register}  ${publishedValue(entry)} Wh`);
  say(`  sum of 96 intervals  ${sumOfIntervals(day)} Wh, the load itself ${day.loadWattHours.toFixed(1)} Wh`);
  say();
  const halfHours = condensed(
    day.intervals.map(({ value }) => value),
    48,
  );
  for (const line of barPlot(halfHours)) say(`  ${line}`);
  say(`  ${"00:00".padEnd(12)}${"06:00".padEnd(12)}${"12:00".padEnd(12)}${"18:00".padEnd(9)}24:00 UTC`);
  say();
  say("What each exchange took (bytes of CoAP; the same in plain JSON, which hides nothing):");
  const rows = day.exchanges.map((exchange) => [
    exchange.name,
    `${exchange.requestBytes} + ${exchange.responseBytes}`,
    `${Math.round(exchange.lineMilliseconds)} ms`,
    plainJsonText(exchange, day),
  ]);
  for (const line of table([["exchange", "bytes", "line time", "plain JSON"], ...rows])) say(`  ${line}`);
  say();
  say("What an eavesdropper on the line sees:");
  for (const { sender, bytes } of day.tapped) {
    const layers = new Explainer().explain(bytes).map(layerText);
    const line = `  ${sender === "meter" ? "meter    ->" : "head-end ->"} ${printable(layers.join(" | "))}`;
    say(line.length > columns() ? `${line.slice(0, columns() - 1)}…` : line);
  }
  say();
  say("Next: npx meterbench serve --id M1 --at pty:./meter1 --load h25 --speed 60");
}

function registerWattHours({ reading }: Day): number | null {
  const [entry] = reading.entries;
  return entry === undefined ? null : publishedValue(entry);
}

function sumOfIntervals({ intervals }: Day): number {
  return intervals.reduce((sum, { value = 0 }) => sum + value, 0);
}

/** Bytes of the same question and answer as plain JSON texts, without any transport; none for the handshake. */
function plainJsonBytes({ name }: NamedExchange, day: Day): { request: number; response: number } | null {
  const time = utcText(day.reading.timeSeconds ?? 0);
  const register = "1-0:1.8.0*255";
  const size = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value)).length;
  if (name === "edhoc") return null;
  if (name === "read-default" || name === "read-one") {
    const answer = {
      meter: day.meter,
      time,
      registers: [{ obis: register, value: registerWattHours(day), unit: "Wh" }],
    };
    return { request: size({ read: name === "read-one" ? [register] : [] }), response: size(answer) };
  }
  const intervals = day.intervals.slice(name === "profile-24" ? -24 : -96);
  const from = utcText(intervals[0]?.startSeconds ?? 0);
  const rows = intervals.map(({ startSeconds, value }) => ({ start: utcText(startSeconds), value }));
  return {
    request: size({ profile: register, from, count: intervals.length }),
    response: size({ meter: day.meter, register, unit: "Wh", interval: 900, intervals: rows }),
  };
}

function plainJsonText(exchange: NamedExchange, day: Day): string {
  const bytes = plainJsonBytes(exchange, day);
  return bytes === null ? "-" : `${bytes.request} + ${bytes.response}`;
}
