// The HAL as a library: the ports, and every implementation that runs anywhere.

export { nobleEngine } from "./crypto/noble.ts";
export { type AirOptions, EmulatedAir } from "./emulated/air.ts";
export { EmulatedBoardSignals, type HousingSensor } from "./emulated/board-signals.ts";
export { FaultyLink, type LinkFault, type LinkFaults } from "./emulated/faulty-link.ts";
export { linkPair, type SentDatagram } from "./emulated/link-pair.ts";
export {
  constantMains,
  energyWattHours,
  type Mains,
  type MainsState,
  mainsFromLoad,
} from "./emulated/mains.ts";
export { PacedClock } from "./emulated/paced-clock.ts";
export { EmulatedRelay, type EmulatedRelayOptions, type RelayFault } from "./emulated/relay.ts";
export { SeededRandom } from "./emulated/seeded-random.ts";
export { type ByteFault, type EmulatedUart, type UartPairOptions, uartPair } from "./emulated/uart-pair.ts";
export { VirtualClock } from "./emulated/virtual-clock.ts";
export { Bl0942 } from "./metering-ics/bl0942/driver.ts";
export { EmulatedBl0942 } from "./metering-ics/bl0942/emulated.ts";
export { BL0942_LINE, BL0942_REFERENCE_BOARD, type Bl0942Profile } from "./metering-ics/bl0942/registers.ts";
export { Cse7766 } from "./metering-ics/cse7766/driver.ts";
export { EmulatedCse7766 } from "./metering-ics/cse7766/emulated.ts";
export {
  CSE7766_LINE,
  CSE7766_REFERENCE_BOARD,
  type Cse7766Profile,
  HLW8032_REFERENCE_BOARD,
} from "./metering-ics/cse7766/registers.ts";
export { METERING_PARTS, type MeteringPart, PART_NAMES } from "./metering-ics/parts.ts";
export { UartBus } from "./metering-ics/uart-bus.ts";
export { BabblingUart } from "./modems/rs485/babbling.ts";
export { Rs485Link } from "./modems/rs485/driver.ts";
export { EmulatedBus } from "./modems/rs485/emulated.ts";
export { SlipmuxLink, type SlipmuxOptions } from "./modems/slipmux/driver.ts";
export { startXbee, XbeeLink, type XbeeStart } from "./modems/xbee/driver.ts";
export { EmulatedXbee, type EmulatedXbeeOptions } from "./modems/xbee/emulated.ts";
export * from "./ports/board-signals.ts";
export * from "./ports/clock.ts";
export * from "./ports/crypto.ts";
export * from "./ports/file-tree.ts";
export * from "./ports/link.ts";
export * from "./ports/metering-ic.ts";
export * from "./ports/random.ts";
export * from "./ports/relay.ts";
export * from "./ports/storage.ts";
export * from "./ports/uart.ts";
export { MemoryFileTree } from "./storage/memory-file-tree.ts";
export {
  type BytesSurvival,
  type FolderSurvival,
  MemoryStorage,
  PowerCut,
  type StorageFaultPlan,
  type Survival,
} from "./storage/memory-storage.ts";
