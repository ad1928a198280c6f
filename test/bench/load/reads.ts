// One meter's process under reads: what it and the reader keep, what its processor does, and eight readers at once.
import { opensslEngine } from "meterbench/hal/node";
import { type Ask, type Client, type Counted, countAnswers } from "../counting.ts";
import { secureReader } from "../secure-reader.ts";
import { type Growth, growthOver, type Memory, memoryNow, POINTS } from "./memory.ts";
import type { MeterProcess } from "./meter-process.ts";
import type { SelfTime } from "./self-times.ts";

const EIGHT = 8;
const PROFILE_MS = 5000;
const WARM_UP_MS = 1000;
/** Turns of each kind, alternating; the best is taken, as others on the machine only ever make it worse. */
const TURN_MS = 500;
const TURNS = 10;
/** Where eight look slower: each kind gets so many in all to meet with a quiet moment of the machine. */
const TURNS_MAX = 40;
/** Eight readers' sum by that of one: as fast, within what two measurements on a shared machine differ by. */
const EIGHT_BY_ONE_MIN = 0.95;
const CPU_OF_EIGHT_MAX = 1.1;
/** Time, status, padding, and the one register of the default set. */
const BODY_BYTES_MIN = 13;

/** A client with so many of its asks under way at once. */
function outstanding({ ask }: Client, count: number): Ask[] {
  return Array.from({ length: count }, () => ask);
}

function reader({ port, meter, headEnds }: MeterProcess, headEnd: number): Promise<Client> {
  const identity = headEnds[headEnd % headEnds.length];
  if (identity === undefined) throw new Error("a meter trusts somebody");
  return secureReader(port, { crypto: opensslEngine, identity, meter });
}

/** Reads until so many are answered. */
async function readTimes(asks: readonly Ask[], reads: number): Promise<Counted> {
  return countAnswers(asks, (requests) => requests >= reads, checkBody);
}

function readFor(asks: readonly Ask[], milliseconds: number): Promise<Counted> {
  return countAnswers(asks, (_, elapsedMs) => elapsedMs >= milliseconds, checkBody);
}

function checkBody(body: Uint8Array): void {
  if (body.length < BODY_BYTES_MIN) throw new Error(`an answer of ${body.length} bytes`);
}

/** What both ends keep over so many protected reads. */
export async function memoryOverReads(
  meter: MeterProcess,
  reads: number,
): Promise<{ meter: Growth; reader: Growth; readsPerSecond: number }> {
  const client = await reader(meter, 0);
  const asks = outstanding(client, EIGHT);
  const meterSamples: Memory[] = [];
  const readerSamples: Memory[] = [];
  let seconds = 0;
  for (let point = 0; point < POINTS; point++) {
    seconds += (await readTimes(asks, reads / POINTS)).seconds;
    meterSamples.push(await meter.ask<Memory>("memory"));
    readerSamples.push(memoryNow());
  }
  client.close();
  return {
    meter: growthOver(meterSamples),
    reader: growthOver(readerSamples),
    readsPerSecond: reads / seconds,
  };
}

/** Of the best turn: the sum of all readers, and what the meter's processor had for each read. */
export interface Turn {
  readsPerSecond: number;
  meterCpuMicrosecondsPerRead: number;
}

export type Turns = Readonly<Record<"oneWithEight" | "eightWithOne", Turn>>;

export function eightByOne({ oneWithEight, eightWithOne }: Turns): number {
  return eightWithOne.readsPerSecond / oneWithEight.readsPerSecond;
}

/** Where eight cost the meter hardly more for each read, it is the machine's other work that kept their sum down. */
export function isSlower(turns: Turns): boolean {
  const { oneWithEight, eightWithOne } = turns;
  const cpuRatio = eightWithOne.meterCpuMicrosecondsPerRead / oneWithEight.meterCpuMicrosecondsPerRead;
  return eightByOne(turns) < EIGHT_BY_ONE_MIN && cpuRatio > CPU_OF_EIGHT_MAX;
}

/** One with eight reads outstanding, and eight at once with one each, in turns. */
export async function eightAgainstOne(meter: MeterProcess): Promise<Turns> {
  const one = await reader(meter, 0);
  const eight = await Promise.all(Array.from({ length: EIGHT }, (_, i) => reader(meter, i)));
  const ofOne = outstanding(one, EIGHT);
  const ofEight = eight.map(({ ask }) => ask);
  const best = { oneWithEight: worst(), eightWithOne: worst() };
  for (const asks of [ofOne, ofEight]) await readFor(asks, WARM_UP_MS);
  for (let turn = 0; turn < TURNS || (turn < TURNS_MAX && isSlower(best)); turn++) {
    await takeTurn(meter, ofOne, best.oneWithEight);
    await takeTurn(meter, ofEight, best.eightWithOne);
  }
  for (const client of [one, ...eight]) client.close();
  return best;
}

function worst(): Turn {
  return { readsPerSecond: 0, meterCpuMicrosecondsPerRead: Number.POSITIVE_INFINITY };
}

async function takeTurn(meter: MeterProcess, asks: readonly Ask[], best: Turn): Promise<void> {
  const before = await meter.ask<number>("processor");
  const { requests, seconds } = await readFor(asks, TURN_MS);
  const cpu = ((await meter.ask<number>("processor")) - before) / requests;
  best.readsPerSecond = Math.max(best.readsPerSecond, requests / seconds);
  best.meterCpuMicrosecondsPerRead = Math.min(best.meterCpuMicrosecondsPerRead, cpu);
}

/** Where the meter's processor is while it answers. */
export async function profileUnderReads(meter: MeterProcess): Promise<SelfTime[]> {
  const client = await reader(meter, 0);
  const asks = outstanding(client, EIGHT);
  await readFor(asks, WARM_UP_MS);
  await meter.ask("begin profile");
  await readFor(asks, PROFILE_MS);
  const selfTimes = await meter.ask<SelfTime[]>("end profile");
  client.close();
  return selfTimes;
}
