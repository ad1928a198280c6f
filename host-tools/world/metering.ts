import type { Mains } from "../../hal/emulated/mains.ts";
import { uartPair } from "../../hal/emulated/uart-pair.ts";
import { Bl0942 } from "../../hal/metering-ics/bl0942/driver.ts";
import { EmulatedBl0942 } from "../../hal/metering-ics/bl0942/emulated.ts";
import { BL0942_LINE, BL0942_REFERENCE_BOARD } from "../../hal/metering-ics/bl0942/registers.ts";
import { UartBus } from "../../hal/metering-ics/uart-bus.ts";
import type { Clock } from "../../hal/ports/clock.ts";
import type { MeteringIc } from "../../hal/ports/metering-ic.ts";

/** The metering part that a world's meters have: an emulated BL0942 at its line, and the driver that asks it. */
export function emulatedMetering(clock: Clock, mains: Mains): MeteringIc {
  const [chipEnd, driverEnd] = uartPair(clock, BL0942_LINE);
  new EmulatedBl0942(chipEnd, clock, mains, BL0942_REFERENCE_BOARD);
  return new Bl0942(new UartBus(driverEnd, clock), BL0942_REFERENCE_BOARD);
}
