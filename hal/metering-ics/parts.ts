// Metering parts by name: the one table of their drivers and emulated parts.
import type { Mains } from "../emulated/mains.ts";
import type { Clock } from "../ports/clock.ts";
import type { MeteringIc } from "../ports/metering-ic.ts";
import type { Uart, UartSettings } from "../ports/uart.ts";
import { Bl0942 } from "./bl0942/driver.ts";
import { EmulatedBl0942 } from "./bl0942/emulated.ts";
import { BL0942_LINE, BL0942_REFERENCE_BOARD } from "./bl0942/registers.ts";
import { Cse7766 } from "./cse7766/driver.ts";
import { EmulatedCse7766 } from "./cse7766/emulated.ts";
import {
  CSE7766_LINE,
  CSE7766_REFERENCE_BOARD,
  type Cse7766Profile,
  HLW8032_REFERENCE_BOARD,
} from "./cse7766/registers.ts";
import { UartBus } from "./uart-bus.ts";

/** A part on its maker's reference board. */
export interface MeteringPart {
  readonly line: UartSettings;
  /** The driver, on a line that it has to itself. */
  driver(uart: Uart, clock: Clock): MeteringIc;
  /** Puts an emulated part at the other end; gives what ends it, so that nothing of it stays armed on the clock. */
  emulate(uart: Uart, clock: Clock, mains: Mains): () => void;
}

const BL0942: MeteringPart = {
  line: BL0942_LINE,
  driver: (uart, clock) => new Bl0942(new UartBus(uart, clock), BL0942_REFERENCE_BOARD),
  emulate: (uart, clock, mains) => {
    new EmulatedBl0942(uart, clock, mains, BL0942_REFERENCE_BOARD);
    return () => {};
  },
};

/** By name. HLW8032 is the same protocol, usually behind another divider. */
export const METERING_PARTS: ReadonlyMap<string, MeteringPart> = new Map([
  ["bl0942", BL0942],
  ["cse7766", cse7766On(CSE7766_REFERENCE_BOARD)],
  ["hlw8032", cse7766On(HLW8032_REFERENCE_BOARD)],
]);

/** Names of the parts that there are drivers for. */
export const PART_NAMES: readonly string[] = [...METERING_PARTS.keys()];

function cse7766On(profile: Cse7766Profile): MeteringPart {
  return {
    line: CSE7766_LINE,
    driver: (uart, clock) => new Cse7766(new UartBus(uart, clock), profile),
    emulate: (uart, clock, mains) => {
      const part = new EmulatedCse7766(uart, clock, mains, profile);
      return () => part.stop();
    },
  };
}
