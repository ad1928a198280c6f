// Metering parts by name, as the command line and a board's configuration give them.

import type { Command } from "commander";
import { PROFILE_PERIOD_SECONDS } from "../../firmware/protocol/readings/profile-reading.ts";
import type { Mains } from "../../hal/emulated/mains.ts";
import { PacedClock } from "../../hal/emulated/paced-clock.ts";
import { EmulatedRelay } from "../../hal/emulated/relay.ts";
import { uartPair } from "../../hal/emulated/uart-pair.ts";
import { VirtualClock } from "../../hal/emulated/virtual-clock.ts";
import type { MeteringPart } from "../../hal/metering-ics/parts.ts";
import { openAttachedPart } from "../../hal/node/attached-part.ts";
import { systemClock } from "../../hal/node/system-clock.ts";
import type { Clock } from "../../hal/ports/clock.ts";
import type { MeteringIc } from "../../hal/ports/metering-ic.ts";
import type { Uart } from "../../hal/ports/uart.ts";
import { LOAD_FORMS, LOAD_HELP, type Load, mainsOf, parseLoad } from "../loads/index.ts";
import { numberOption } from "./common.ts";
import { usageFault } from "./fault.ts";

const PROFILE_PERIOD_MS = (PROFILE_PERIOD_SECONDS[0] as number) * 1000;

/** Metering parts, one for each meter, and the clock that they are measured by. */
export interface MeteringSide {
  readonly meteringIcs: readonly MeteringIc[];
  readonly meterClock: Clock;
  /** What cuts the loads of emulated parts, one for each; none where the part is real. */
  readonly relays: readonly EmulatedRelay[];
  /** What is to be played before the meters serve; emulated parts only. */
  readonly past?: { readonly clock: VirtualClock; readonly lengthMs: number };
  close(): void;
}

export interface LoadOptions {
  readonly load: string;
  readonly annual: number;
}

/** `--load` and `--annual`, for emulated parts. */
export function withLoad(command: Command): Command {
  return command
    .option("--load <load>", `what an emulated part measures: ${LOAD_FORMS}`, "h25")
    .option("--annual <kwh>", "a year's use of the load h25", numberOption(1, 1_000_000), 3500)
    .addHelpText("after", LOAD_HELP);
}

/** The load that the options name; text that names none is a usage fault. */
export function loadOf({ load: text, annual }: LoadOptions): Load {
  const load = parseLoad(text, { annualKilowattHours: annual });
  if ("error" in load) throw usageFault(load.error);
  return load;
}

/**
 * Emulated parts on lines in memory, one for each load, on one clock that goes `speed` times as fast as
 * real time. With a past it starts on a boundary of the profile, that long ago or a little longer.
 */
export function emulatedSide(
  part: MeteringPart,
  loads: readonly Load[],
  speed: number,
  pastMs = 0,
): MeteringSide {
  const nowUtcMs = systemClock.utcMs() ?? 0;
  const beginUtcMs = nowUtcMs - pastMs;
  const startUtcMs = pastMs === 0 ? nowUtcMs : beginUtcMs - (beginUtcMs % PROFILE_PERIOD_MS);
  const clock = new VirtualClock({ utcMs: startUtcMs });
  const relays = loads.map(() => new EmulatedRelay(clock));
  const meteringIcs = relays.map((relay, i) =>
    emulatedPart(part, clock, relay.loadOf(mainsOf(loads[i] as Load, startUtcMs))),
  );
  const pace = new PacedClock(clock, systemClock, speed);
  return {
    meteringIcs,
    meterClock: clock,
    relays,
    ...(pastMs > 0 && { past: { clock, lengthMs: nowUtcMs - startUtcMs } }),
    close: () => pace.stop(),
  };
}

function emulatedPart(part: MeteringPart, clock: Clock, mains: Mains): MeteringIc {
  const [chipEnd, driverEnd] = uartPair(clock, part.line);
  part.emulate(chipEnd, clock, mains);
  return part.driver(driverEnd, clock);
}

/** A part at the other end of a real line, `PART@ADDRESS`, measured in real time. */
export async function attachedSide(text: string, watch: (uart: Uart) => Uart): Promise<MeteringSide> {
  const { meteringIc, uart } = await openAttachedPart(text, systemClock, watch);
  return { meteringIcs: [meteringIc], meterClock: systemClock, relays: [], close: () => uart.close() };
}
