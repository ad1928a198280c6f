// Metering parts by name, as the command line and a board's configuration give them.

import { PacedClock } from "../../hal/emulated/paced-clock.ts";
import { uartPair } from "../../hal/emulated/uart-pair.ts";
import { VirtualClock } from "../../hal/emulated/virtual-clock.ts";
import { Bl0942 } from "../../hal/metering-ics/bl0942/driver.ts";
import { EmulatedBl0942 } from "../../hal/metering-ics/bl0942/emulated.ts";
import { BL0942_LINE, BL0942_REFERENCE_BOARD } from "../../hal/metering-ics/bl0942/registers.ts";
import { openAttachedPart } from "../../hal/node/attached-part.ts";
import { systemClock } from "../../hal/node/system-clock.ts";
import type { Clock } from "../../hal/ports/clock.ts";
import type { MeteringIc } from "../../hal/ports/metering-ic.ts";
import { type Load, mainsOf, parseLoad } from "../loads/index.ts";
import { usageFault } from "./fault.ts";

/** A metering part and the clock that it is measured by. */
export interface MeteringSide {
  readonly meteringIc: MeteringIc;
  readonly meterClock: Clock;
  close(): void;
}

/** The load that `--load` and `--annual` name. */
export function loadOf(text: string, annualKilowattHours: number): Load {
  const load = parseLoad(text, { annualKilowattHours });
  if ("error" in load) throw usageFault(load.error);
  return load;
}

/** An emulated part on a line in memory, its load and its meter's clock at `speed` times real time. */
export function emulatedSide(load: Load, speed: number): MeteringSide {
  const startUtcMs = systemClock.utcMs() ?? 0;
  const virtual = new VirtualClock({ utcMs: startUtcMs });
  const [chipEnd, driverEnd] = uartPair(virtual, BL0942_LINE);
  new EmulatedBl0942(chipEnd, virtual, mainsOf(load, startUtcMs), BL0942_REFERENCE_BOARD);
  const pace = new PacedClock(virtual, systemClock, speed);
  return {
    meteringIc: new Bl0942(driverEnd, virtual, BL0942_REFERENCE_BOARD),
    meterClock: virtual,
    close: () => pace.stop(),
  };
}

/** A part at the other end of a real line, `PART@ADDRESS`, measured in real time. */
export async function attachedSide(text: string): Promise<MeteringSide> {
  const { meteringIc, uart } = await openAttachedPart(text, systemClock);
  return { meteringIc, meterClock: systemClock, close: () => uart.close() };
}
