// A day of metering and the readings of it: what the demonstration plays, and tests check.

import type { MeterConfiguration } from "../../firmware/configuration.ts";
import type { RegisterReading } from "../../firmware/protocol/readings/register-reading.ts";
import type { Clock } from "../../hal/ports/clock.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { Link } from "../../hal/ports/link.ts";
import { tapLink } from "../capture/tap.ts";
import type { Answer, ExchangeSize, TimedInterval } from "../head-end/client.ts";
import { type Load, loadWattHours } from "../loads/index.ts";
import { type Sender, settle, singleLine } from "./single-line.ts";

const DAY_MS = 86_400_000;
const PERIOD_SECONDS = 900;
/** The last poll of the day is on its way for 60 ms at 4800 baud when the day ends. */
const LAST_POLL_MS = 500;
const POLL_INTERVAL_MS = 10_000;
const IMPORT = "1-0:1.8.0*255";

/** One exchange, by the name that other tools know it by. */
export interface NamedExchange {
  readonly name: "edhoc" | "read-default" | "read-one" | "profile-24" | "profile-96";
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly lineMilliseconds: number;
}

/** A datagram on the line, as somebody beside the head-end sees it. */
export interface TappedDatagram {
  readonly sender: Sender;
  readonly atMs: number;
  readonly bytes: Uint8Array;
}

export interface Day {
  readonly meter: string;
  readonly startUtcMs: number;
  /** True energy of the day, from the load alone. */
  readonly loadWattHours: number;
  readonly reading: RegisterReading;
  readonly intervals: readonly TimedInterval[];
  readonly exchanges: readonly NamedExchange[];
  /** All that went over the line, in order. */
  readonly tapped: readonly TappedDatagram[];
}

export interface DayOptions {
  readonly seed: number;
  readonly load: Load;
  readonly crypto: CryptoEngine;
  readonly startUtcMs: number;
  readonly baud: number;
  readonly configuration: MeterConfiguration;
  /** Watches the head-end's end of the line. */
  readonly watch?: (link: Link, clock: Clock) => Link;
}

/** Plays a UTC day in virtual time and then reads it. The line is free but for the exchanges. */
export async function playDay(options: DayOptions): Promise<Day> {
  const { load, startUtcMs, watch = (link) => link } = options;
  const seen: TappedDatagram[] = [];
  const world = singleLine({
    ...options,
    pollIntervalMs: POLL_INTERVAL_MS,
    wrapLink: (link, end, clock) => (end === "head-end" ? watch(tapped(link, clock, seen), clock) : link),
  });
  const { clock, headEnd, target } = world;
  clock.advanceBy(DAY_MS + LAST_POLL_MS);
  const cold = await settle(clock, headEnd.readRegisters(target));
  const warm = await settle(clock, headEnd.readRegisters(target));
  const one = await settle(clock, headEnd.readRegisters(target, [IMPORT]));
  const ask = (count: number) => {
    const startSeconds = (startUtcMs + DAY_MS) / 1000 - count * PERIOD_SECONDS;
    const request = { profile: 0, register: IMPORT, startSeconds, count, step: 1 };
    return settle(clock, headEnd.readProfile(target, request));
  };
  const quarterDay = await ask(24);
  const wholeDay = await ask(96);
  world.stop();
  return {
    meter: one.meter,
    startUtcMs,
    loadWattHours: loadWattHours(load, startUtcMs, startUtcMs + DAY_MS),
    reading: one.body,
    intervals: wholeDay.body,
    exchanges: [
      handshakeOf(cold, warm),
      named("read-default", warm.size),
      named("read-one", one.size),
      named("profile-24", quarterDay.size),
      named("profile-96", wholeDay.size),
    ],
    tapped: seen,
  };
}

/** The head-end's link, with what goes through it added to `seen`. */
function tapped(link: Link, clock: Clock, seen: TappedDatagram[]): Link {
  return tapLink(link, (direction, _, bytes) =>
    seen.push({
      sender: direction === "outbound" ? "head-end" : "meter",
      atMs: clock.monotonicMs(),
      bytes: bytes.slice(),
    }),
  );
}

/** The handshake is what the first read took more than the same read did afterwards. */
function handshakeOf(cold: Answer<unknown>, warm: Answer<unknown>): NamedExchange {
  const { handshake } = cold.size;
  if (handshake === undefined) throw new Error("the first read began without a handshake");
  return {
    name: "edhoc",
    requestBytes: handshake.message1Bytes + handshake.message3AddedBytes,
    responseBytes: handshake.message2Bytes,
    lineMilliseconds: cold.size.milliseconds - warm.size.milliseconds,
  };
}

function named(
  name: NamedExchange["name"],
  { requestBytes, responseBytes, milliseconds }: ExchangeSize,
): NamedExchange {
  return { name, requestBytes, responseBytes, lineMilliseconds: milliseconds };
}
