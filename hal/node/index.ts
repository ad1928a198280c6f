// The HAL on Node: real clocks, lines and randomness.
export {
  type Address,
  formatAddress,
  isLoopback,
  type LineRole,
  openLink,
  openUart,
  parseAddress,
} from "./address.ts";
export { openAttachedPart } from "./attached-part.ts";
export { systemBoardSignals } from "./board-signals.ts";
export { type FileStorage, openFileStorage, StorageError } from "./file-storage.ts";
export { openFileTree } from "./file-tree.ts";
export { LineError } from "./line-error.ts";
export { opensslEngine } from "./openssl.ts";
export { systemClock } from "./system-clock.ts";
export { systemRandom } from "./system-random.ts";
