import type { Mains } from "../../emulated/mains.ts";
import type { Clock } from "../../ports/clock.ts";
import { bitsPerCharacter, type Uart } from "../../ports/uart.ts";
import { EmulatedRegisters, type WriteRefusal } from "./emulated-registers.ts";
import {
  BL0942_REFERENCE_BOARD,
  type Bl0942Profile,
  COMMAND,
  checksum,
  PACKET,
  READ_ALL,
  REGISTER,
} from "./registers.ts";

/**
 * What the emulated part did not do: a write as {@link WriteRefusal} says or with a bad checksum, a
 * read of no register, a request that stopped half-way, a byte that begins no request.
 */
export type Bl0942Refusal = WriteRefusal | "checksum" | "partial" | "noise";

/** A request must go on within this time. The part itself is stricter; a PTY or USB adapter may pause. */
const REQUEST_GAP_MS = 50;
const READ_LENGTH = 2;
const WRITE_LENGTH = 6;
const ADDRESS_BITS = 0x03;

/** Registers of a packet, with their offsets and lengths. */
const PACKET_FIELDS = [
  { register: REGISTER.I_RMS, offset: PACKET.I_RMS, length: 3 },
  { register: REGISTER.V_RMS, offset: PACKET.V_RMS, length: 3 },
  { register: REGISTER.I_FAST_RMS, offset: PACKET.I_FAST_RMS, length: 3 },
  { register: REGISTER.WATT, offset: PACKET.WATT, length: 3 },
  { register: REGISTER.CF_CNT, offset: PACKET.CF_CNT, length: 3 },
  { register: REGISTER.FREQ, offset: PACKET.FREQ, length: 2 },
  { register: REGISTER.STATUS, offset: PACKET.STATUS, length: 1 },
] as const;

/**
 * The part at its end of the line, fed by a mains. Stricter than a real one where that shows bugs of
 * a driver: whatever it refuses is neither answered nor done, and is counted in {@link refusals}.
 */
export class EmulatedBl0942 {
  readonly refusals: Record<Bl0942Refusal, number> = {
    checksum: 0,
    locked: 0,
    register: 0,
    value: 0,
    partial: 0,
    noise: 0,
  };
  /** While true the part neither hears nor answers; it still counts. */
  isMute = false;
  readonly #uart: Uart;
  readonly #clock: Clock;
  readonly #address: number;
  readonly #registers: EmulatedRegisters;
  #request: number[] = [];
  #lastByteMs = 0;
  #damage: (answer: Uint8Array) => Uint8Array = (answer) => answer;

  /** Starts with its counter at 0 and counts from the clock's time on. */
  constructor(uart: Uart, clock: Clock, mains: Mains, profile: Bl0942Profile = BL0942_REFERENCE_BOARD) {
    this.#uart = uart;
    this.#clock = clock;
    this.#address = profile.address;
    this.#registers = new EmulatedRegisters(clock, mains, profile);
    uart.listen({ bytes: (bytes) => this.#received(bytes) });
  }

  /** Sets CF_CNT, 0 to 2^24 - 1. */
  presetCounter(count: number): void {
    this.#registers.presetCounter(count);
  }

  /** CF_CNT falls to 0 and all else stays, as parts in the field do (esphome/esphome#15280). */
  resetCounter(): void {
    this.#registers.presetCounter(0);
  }

  /** As after a loss of supply, or a soft reset: the counter is 0, settings are the default ones, locked. */
  restart(): void {
    this.#registers.restart();
    this.#request = [];
  }

  /** Passes each later answer through `damage` on its way out; an empty one is not sent. */
  damageAnswers(damage: (answer: Uint8Array) => Uint8Array): void {
    this.#damage = damage;
  }

  #received(bytes: Uint8Array): void {
    if (this.isMute) return;
    const { settings } = this.#uart;
    const onLineMs = (bytes.length * bitsPerCharacter(settings) * 1000) / settings.baud;
    const nowMs = this.#clock.monotonicMs();
    if (this.#request.length > 0 && nowMs - onLineMs - this.#lastByteMs > REQUEST_GAP_MS) {
      this.#request = [];
      this.refusals.partial++;
    }
    this.#lastByteMs = nowMs;
    for (const byte of bytes) this.#take(byte);
  }

  #take(byte: number): void {
    this.#request.push(byte);
    const [command = 0] = this.#request;
    const kind = command & ~ADDRESS_BITS;
    if (kind !== COMMAND.read && kind !== COMMAND.write) {
      this.#request = [];
      this.refusals.noise++;
      return;
    }
    if (this.#request.length < (kind === COMMAND.read ? READ_LENGTH : WRITE_LENGTH)) return;
    const request = this.#request;
    this.#request = [];
    if ((command & ADDRESS_BITS) !== this.#address) return;
    if (kind === COMMAND.read) this.#read(command, request[1] ?? 0);
    else this.#write(request);
  }

  #read(command: number, register: number): void {
    if (register === READ_ALL) {
      const packet = this.#packet();
      this.#answer([...packet, checksum([command, ...packet])]);
    } else {
      const value = this.#registers.read(register);
      if (value === undefined) {
        this.refusals.register++;
        return;
      }
      const bytes = lowestFirst(value, 3);
      this.#answer([...bytes, checksum([command, register, ...bytes])]);
    }
    if (register === READ_ALL || register === REGISTER.CF_CNT) this.#registers.counterWasRead();
  }

  #packet(): number[] {
    const packet = new Array<number>(PACKET.length - 1).fill(0);
    packet[0] = PACKET.header;
    for (const { register, offset, length } of PACKET_FIELDS) {
      packet.splice(offset, length, ...lowestFirst(this.#registers.read(register) ?? 0, length));
    }
    packet[PACKET.TRAILER] = 0x01;
    return packet;
  }

  /** A part cannot wait: what finds no room or no line is lost. */
  #answer(bytes: readonly number[]): void {
    const damaged = this.#damage(Uint8Array.from(bytes));
    if (damaged.length > 0) this.#uart.write(damaged);
  }

  #write(request: readonly number[]): void {
    const [, register = 0, low = 0, middle = 0, high = 0, sum] = request;
    const isSound = checksum(request.slice(0, -1)) === sum;
    const refusal = isSound
      ? this.#registers.write(register, low | (middle << 8) | (high << 16))
      : "checksum";
    if (refusal !== undefined) this.refusals[refusal]++;
  }
}

function lowestFirst(value: number, length: number): number[] {
  return Array.from({ length }, (_, index) => (value >> (8 * index)) & 0xff);
}
