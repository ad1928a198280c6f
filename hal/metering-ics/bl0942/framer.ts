import { FixedLengthFramer } from "../../framing/fixed-length.ts";
import { COMMAND, checksum, PACKET, READ_ALL } from "./registers.ts";

/** Asks the part at `address` for its {@link PACKET}. */
export function readAllRequest(address: number): Uint8Array {
  return Uint8Array.of(COMMAND.read | address, READ_ALL);
}

export function readRequest(address: number, register: number): Uint8Array {
  return Uint8Array.of(COMMAND.read | address, register);
}

/** Writes 24 bits. The part does not acknowledge: read back. */
export function writeRequest(address: number, register: number, value: number): Uint8Array {
  const bytes = [COMMAND.write | address, register, value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff];
  return Uint8Array.from([...bytes, checksum(bytes)]);
}

/**
 * For the answer to {@link readAllRequest}. Its checksum also covers the command byte. An 8-bit sum
 * alone would pass one window in 256, and more of those that lie across two like packets: the bytes
 * that never change are looked at first.
 */
export function packetFramer(address: number): FixedLengthFramer {
  return new FixedLengthFramer(PACKET.length, (window) => {
    if (window[0] !== PACKET.header || window[PACKET.RESERVED] !== 0) return false;
    return isSummed([COMMAND.read | address], window);
  });
}

/** For the answer to {@link readRequest}: three bytes, lowest first, and the checksum, which covers the request too. */
export function registerFramer(address: number, register: number): FixedLengthFramer {
  return new FixedLengthFramer(4, (window) => isSummed([COMMAND.read | address, register], window));
}

function isSummed(request: readonly number[], window: Uint8Array): boolean {
  return checksum([...request, ...window.subarray(0, -1)]) === window.at(-1);
}
