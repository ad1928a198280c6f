import { EmulatedAir } from "../../hal/emulated/air.ts";
import { SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { type EmulatedUart, uartPair } from "../../hal/emulated/uart-pair.ts";
import { VirtualClock } from "../../hal/emulated/virtual-clock.ts";
import { startXbee, XbeeLink, type XbeeStart } from "../../hal/modems/xbee/driver.ts";
import { EmulatedXbee, type EmulatedXbeeOptions } from "../../hal/modems/xbee/emulated.ts";
import type { ApiMode } from "../../hal/modems/xbee/registers.ts";
import type { Clock } from "../../hal/ports/clock.ts";
import type { Station } from "../../hal/ports/link.ts";
import type { UartSettings } from "../../hal/ports/uart.ts";

/** As fast as modules go, so that the air is what a test waits for. */
const FAST_LINE: UartSettings = { baud: 115_200, dataBits: 8, parity: "none", stopBits: 1 };

export const NEAR: Station = "0013a20041234567";
/** With every byte that is escaped in mode 2. */
export const FAR: Station = "0013a2007e7d1113";

export interface ModuleOptions extends Partial<EmulatedXbeeOptions> {
  readonly settings?: UartSettings;
}

/** A module on the air, and the host's end of its UART. */
export function module(clock: Clock, air: EmulatedAir, options: ModuleOptions = {}) {
  const [host, end] = uartPair(clock, options.settings ?? FAST_LINE);
  const emulated = new EmulatedXbee(end, clock, air, { station: NEAR, ...options });
  return { emulated, host };
}

/** The link at a host's end, started. */
export function started(clock: VirtualClock, host: EmulatedUart): XbeeLink {
  let start: XbeeStart | undefined;
  startXbee(host, clock, (came) => {
    start = came;
  });
  clock.runUntil(() => start !== undefined, 10_000);
  if (!(start instanceof XbeeLink)) throw new Error(`the module is ${start}`);
  return start;
}

export interface AirPairOptions {
  readonly seed?: number;
  readonly loss?: number;
  readonly hops?: number;
  readonly bitsPerSecond?: number;
  readonly apiMode?: ApiMode;
  readonly maxPayloadBytes?: number;
  readonly near?: ModuleOptions;
  readonly far?: ModuleOptions;
}

/** Two links by two modules on one air. */
export function airPair(options: AirPairOptions = {}, clock = new VirtualClock()) {
  const { seed = 1, loss = 0, hops = 1, bitsPerSecond = 50_000, apiMode = 1, maxPayloadBytes = 73 } = options;
  const air = new EmulatedAir(clock, new SeededRandom(seed), { bitsPerSecond, loss, hops: () => hops });
  const near = module(clock, air, { station: NEAR, apiMode, maxPayloadBytes, ...options.near });
  const far = module(clock, air, { station: FAR, apiMode, maxPayloadBytes, ...options.far });
  return {
    ...{ clock, air },
    near: { ...near, link: started(clock, near.host) },
    far: { ...far, link: started(clock, far.host) },
  };
}
