// What `clock` shows: as a document, and for people.
import type { ClockReading } from "../../firmware/protocol/readings/clock-reading.ts";
import { durationText } from "../duration.ts";
import type { Answer } from "../head-end/client.ts";
import { meterTimeText, zoneOf } from "./meter-time.ts";
import { clockStatusTexts, printable, sizeText, statusTexts, table, utcText } from "./output.ts";

/** A meter's clock, and what this machine's said when it was asked. */
export interface ClockRead extends Answer<ClockReading> {
  readonly askedUtcMs: number;
}

/** How far the meter's clock is ahead of this machine's, give or take `uncertaintySeconds`. */
interface Difference {
  readonly seconds: number;
  readonly uncertaintySeconds: number;
}

/** A meter tells whole seconds, cut: the middle of that second is half a second from both of its ends. */
const HALF_TELLING_SECONDS = 0.5;

/** The challenge is for who sets the clock next, and for nobody to see. */
export function clockDocument(read: ClockRead) {
  const { timeSeconds, status, clockStatus, source, ageSeconds, zone } = read.body;
  const difference = differenceOf(read);
  return {
    meter: read.meter,
    time: timeSeconds === undefined ? null : utcText(timeSeconds),
    status: statusTexts(status),
    clockStatus: clockStatusTexts(clockStatus),
    differenceSeconds: difference?.seconds ?? null,
    uncertaintySeconds: difference?.uncertaintySeconds ?? null,
    source,
    syncAgeSeconds: ageSeconds ?? null,
    driftPpm: driftPpmOf(read.body) ?? null,
    zone,
    ...read.size,
  };
}

export function clockLines(read: ClockRead): string[] {
  const { timeSeconds, status, clockStatus, source, ageSeconds, zone } = read.body;
  const time = timeSeconds === undefined ? "its clock is not set" : meterTimeText(zone, timeSeconds);
  const rows = [
    ["difference", differenceText(differenceOf(read))],
    ["state", clockStatusTexts(clockStatus).join(", ") || "good"],
    ["source", source],
    ["last sync", ageSeconds === undefined ? "never" : `${durationText(ageSeconds)} ago`],
    ["drift", driftText(driftPpmOf(read.body))],
    ["zone", zoneText(zone)],
  ];
  return [
    `Meter ${printable(read.meter)}, ${[time, ...statusTexts(status)].join(", ")}`,
    ...table(rows).map((line) => `  ${line}`),
    sizeText(read.size),
  ];
}

/**
 * The answer was made at some time between the question and its arrival: in the middle, give or take half of the
 * round trip.
 */
function differenceOf({ body: { timeSeconds }, askedUtcMs, size }: ClockRead): Difference | undefined {
  if (timeSeconds === undefined) return undefined;
  const halfTripSeconds = size.milliseconds / 2000;
  const middleSeconds = askedUtcMs / 1000 + halfTripSeconds;
  return {
    seconds: toMilliseconds(timeSeconds + HALF_TELLING_SECONDS - middleSeconds),
    uncertaintySeconds: toMilliseconds(halfTripSeconds + HALF_TELLING_SECONDS),
  };
}

function toMilliseconds(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}

function differenceText(difference: Difference | undefined): string {
  if (difference === undefined) return "not known";
  const { seconds, uncertaintySeconds } = difference;
  const size = Math.abs(seconds);
  const amount = size < 120 ? `${size.toFixed(1)} s` : durationText(size);
  const way = seconds < 0 ? "behind" : "ahead of";
  return `${amount} ${way} this machine's clock, give or take ${uncertaintySeconds.toFixed(1)} s`;
}

/** How much faster UTC runs than the crystal, in millionths. */
function driftPpmOf({ driftPartsPerBillion: drift }: ClockReading): number | undefined {
  return drift === undefined ? undefined : drift / 1000;
}

function driftText(ppm: number | undefined): string {
  if (ppm === undefined) return "not known yet";
  return ppm === 0 ? "0 ppm" : `the crystal is ${Math.abs(ppm)} ppm ${ppm < 0 ? "fast" : "slow"}`;
}

function zoneText(text: string): string {
  const zone = zoneOf(text);
  if (text === "") return "UTC, as it was given none";
  return "error" in zone ? `${printable(text)} cannot be used: ${zone.error}` : printable(text);
}
