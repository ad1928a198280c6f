import { COMMAND, checksum, PACKET, READ_ALL } from "./registers.ts";

/** How to know an answer: what its checksum covers beside itself, and which of its bytes never change. */
interface AnswerShape {
  readonly lengthBytes: number;
  /** Bytes of the request that the answer's checksum covers. */
  readonly coveredRequest: readonly number[];
  readonly fixedBytes: readonly { readonly offset: number; readonly byte: number }[];
}

/**
 * Finds the answers to one request in bytes that are split, joined or damaged in any way. A bad
 * checksum drops one byte and looks again, so that a good answer right behind is never lost
 * (arendst/Tasmota#6302). Holds one answer's length of bytes and no more.
 */
export class AnswerFramer {
  readonly #shape: AnswerShape;
  #window: number[] = [];
  #bytesSeen = 0;

  constructor(shape: AnswerShape) {
    this.#shape = shape;
  }

  /** Bytes taken in so far, good or not. */
  get bytesSeen(): number {
    return this.#bytesSeen;
  }

  /** Takes bytes in and gives the answers that became complete, each whole with its checksum. */
  push(bytes: Uint8Array): Uint8Array[] {
    const answers: Uint8Array[] = [];
    for (const byte of bytes) {
      this.#bytesSeen++;
      this.#window.push(byte);
      if (this.#window.length < this.#shape.lengthBytes) continue;
      if (this.#isSound()) {
        answers.push(Uint8Array.from(this.#window));
        this.#window = [];
      } else {
        this.#window.shift();
      }
    }
    return answers;
  }

  /** An 8-bit sum alone would pass one window in 256, and more of those that lie across two like packets. */
  #isSound(): boolean {
    const { coveredRequest, fixedBytes } = this.#shape;
    if (fixedBytes.some(({ offset, byte }) => this.#window[offset] !== byte)) return false;
    return checksum([...coveredRequest, ...this.#window.slice(0, -1)]) === this.#window.at(-1);
  }
}

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

/** For the answer to {@link readAllRequest}. */
export function packetFramer(address: number): AnswerFramer {
  return new AnswerFramer({
    lengthBytes: PACKET.length,
    coveredRequest: [COMMAND.read | address],
    fixedBytes: [
      { offset: 0, byte: PACKET.header },
      { offset: PACKET.RESERVED, byte: 0 },
    ],
  });
}

/** For the answer to {@link readRequest}: three bytes, lowest first, and the checksum. */
export function registerFramer(address: number, register: number): AnswerFramer {
  return new AnswerFramer({
    lengthBytes: 4,
    coveredRequest: [COMMAND.read | address, register],
    fixedBytes: [],
  });
}
