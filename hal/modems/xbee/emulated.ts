import type { Carried, EmulatedAir } from "../../emulated/air.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Station } from "../../ports/link.ts";
import type { Uart } from "../../ports/uart.ts";
import { EmulatedSerial, type SerialRefusal } from "./emulated-serial.ts";
import {
  ADDRESS_BYTES,
  type ApiMode,
  AT,
  AT_STATUS,
  DELIVERY,
  type Delivery,
  MAX_PAYLOAD_BYTES,
  MODEM_STATUS,
  NO_SHORT_ADDRESS,
  TRANSMIT_HEADER_BYTES,
  TYPE,
} from "./registers.ts";

/** Packets that a module holds; one more is refused for want of buffers. */
const BUFFERS = 4;
/** Frames that wait for a sleeping module, as the host is held back by CTS; more are lost. */
const HELD_FRAMES_MAX = 8;
/** In the options of a packet that has come: its sender was sent an acknowledgement. */
const ACKNOWLEDGED = 0x01;

/** What is wrong with a frame of the host that is neither answered nor done. */
export type XbeeRefused = SerialRefusal | "type" | "short";

/** A cycle of sleep: the module wakes each `everyMs` and stays awake for `awakeMs`, or that long after its last packet. */
export interface SleepCycle {
  readonly everyMs: number;
  readonly awakeMs: number;
}

export interface EmulatedXbeeOptions {
  /** 16 lower-case hexadecimal digits. */
  readonly station: Station;
  /** What NP says; 73 if not given. */
  readonly maxPayloadBytes?: number;
  /** What AP says; 1 if not given. */
  readonly apiMode?: ApiMode;
  /** Always awake if not given. */
  readonly sleep?: SleepCycle;
}

/**
 * A module between its host's UART and the air. It sends packets one after the other and tells what became of each; it
 * knows the AT commands of {@link AT}, of which AP can be set. A sleeping one hears nothing from the air, and what its
 * host says waits until it wakes.
 */
export class EmulatedXbee {
  /** While true the module neither hears its host nor tells it anything. */
  isMute = false;
  readonly #clock: Clock;
  readonly #air: EmulatedAir;
  readonly #serial: EmulatedSerial;
  readonly #station: Station;
  readonly #maxPayloadBytes: number;
  readonly #sleep: SleepCycle | undefined;
  readonly #refused = { type: 0, short: 0 };
  /** Of the packets held, the first is on the air. */
  #packets: Uint8Array[] = [];
  #heldFrames: Uint8Array[] = [];
  #awakeUntilMs = Number.NEGATIVE_INFINITY;

  constructor(uart: Uart, clock: Clock, air: EmulatedAir, options: EmulatedXbeeOptions) {
    this.#clock = clock;
    this.#air = air;
    this.#station = options.station;
    this.#maxPayloadBytes = options.maxPayloadBytes ?? MAX_PAYLOAD_BYTES.digiMesh24;
    this.#sleep = options.sleep;
    this.#serial = new EmulatedSerial(uart, clock, options.apiMode ?? 1, (data) => this.#told(data));
    air.join(options.station, {
      isAwake: () => this.#sleepsForMs() === 0,
      hear: (from, packet) => this.#heard(from, packet),
    });
  }

  get refusals(): Readonly<Record<XbeeRefused, number>> {
    return { ...this.#serial.refusals, ...this.#refused };
  }

  /** As after a reset: what it held is lost, and the host is told that it starts. */
  restart(): void {
    this.#packets = [];
    this.#heldFrames = [];
    this.#tell([TYPE.modemStatus, MODEM_STATUS.reset]);
  }

  #told(data: Uint8Array): void {
    if (this.isMute) return;
    const sleepsForMs = this.#sleepsForMs();
    if (sleepsForMs === 0) return this.#do(data);
    if (this.#heldFrames.length === HELD_FRAMES_MAX) return;
    if (this.#heldFrames.push(data) > 1) return;
    this.#clock.after(sleepsForMs, () => {
      for (const held of this.#heldFrames.splice(0)) this.#do(held);
    });
  }

  #do(data: Uint8Array): void {
    if (data[0] === TYPE.atCommand) this.#command(data);
    else if (data[0] === TYPE.transmitRequest) this.#transmit(data);
    else this.#refused.type++;
  }

  #command(data: Uint8Array): void {
    if (data.length < 4) {
      this.#refused.short++;
      return;
    }
    const [, id = 0, first = 0, second = 0, ...parameter] = data;
    const name = String.fromCharCode(first, second);
    const [status, value] = parameter.length === 0 ? this.#query(name) : this.#set(name, parameter);
    this.#tell([TYPE.atResponse, id, first, second, status, ...value]);
    const [mode] = parameter;
    if (name === AT.apiMode && status === AT_STATUS.ok && (mode === 1 || mode === 2)) {
      this.#serial.mode = mode;
    }
  }

  #query(name: string): readonly [status: number, value: readonly number[]] {
    const address = addressBytes(this.#station);
    switch (name) {
      case AT.apiMode:
        return [AT_STATUS.ok, [this.#serial.mode]];
      case AT.addressHigh:
        return [AT_STATUS.ok, address.slice(0, ADDRESS_BYTES / 2)];
      case AT.addressLow:
        return [AT_STATUS.ok, address.slice(ADDRESS_BYTES / 2)];
      case AT.maxPayload:
        return [AT_STATUS.ok, [this.#maxPayloadBytes >> 8, this.#maxPayloadBytes & 0xff]];
      default:
        return [AT_STATUS.invalidCommand, []];
    }
  }

  #set(name: string, [value, ...more]: readonly number[]): readonly [status: number, value: readonly []] {
    if (name !== AT.apiMode) return [AT_STATUS.invalidCommand, []];
    const isMode = (value === 1 || value === 2) && more.length === 0;
    return [isMode ? AT_STATUS.ok : AT_STATUS.invalidParameter, []];
  }

  #transmit(data: Uint8Array): void {
    if (data.length <= TRANSMIT_HEADER_BYTES) {
      this.#refused.short++;
      return;
    }
    if (data.length - TRANSMIT_HEADER_BYTES > this.#maxPayloadBytes)
      this.#tellStatus(data, "payload-too-large");
    else if (stationOf(data) === this.#station) this.#tellStatus(data, "self-addressed");
    else if (this.#packets.length === BUFFERS) this.#tellStatus(data, "no-buffers");
    else if (this.#packets.push(data) === 1) this.#sendFirst();
  }

  #sendFirst(): void {
    const [data] = this.#packets;
    if (data === undefined) return;
    const packet = data.slice(TRANSMIT_HEADER_BYTES);
    this.#stayAwake();
    this.#air.send(this.#station, stationOf(data), packet, (carried) => this.#carried(data, carried));
  }

  /** After a restart nobody wants to know any more. */
  #carried(data: Uint8Array, carried: Carried): void {
    if (this.#packets[0] !== data) return;
    this.#packets.shift();
    this.#tellStatus(data, carried);
    this.#stayAwake();
    this.#sendFirst();
  }

  #heard(from: Station, packet: Uint8Array): void {
    this.#stayAwake();
    const short = [NO_SHORT_ADDRESS >> 8, NO_SHORT_ADDRESS & 0xff];
    this.#tell([TYPE.receivePacket, ...addressBytes(from), ...short, ACKNOWLEDGED, ...packet]);
  }

  #tellStatus([, id = 0]: Uint8Array, delivery: Delivery): void {
    const short = [NO_SHORT_ADDRESS >> 8, NO_SHORT_ADDRESS & 0xff];
    const [retries, discovery] = [0, 0];
    if (id !== 0) this.#tell([TYPE.transmitStatus, id, ...short, retries, DELIVERY[delivery], discovery]);
  }

  #tell(data: readonly number[]): void {
    if (!this.isMute) this.#serial.send(data);
  }

  #stayAwake(): void {
    if (this.#sleep !== undefined) this.#awakeUntilMs = this.#clock.monotonicMs() + this.#sleep.awakeMs;
  }

  /** 0 while it is awake, as it is while it sends. */
  #sleepsForMs(): number {
    const nowMs = this.#clock.monotonicMs();
    if (this.#sleep === undefined || nowMs < this.#awakeUntilMs || this.#packets.length > 0) return 0;
    const { everyMs, awakeMs } = this.#sleep;
    const inCycleMs = nowMs % everyMs;
    return inCycleMs < awakeMs ? 0 : everyMs - inCycleMs;
  }
}

/** Where a transmit request is to go. */
function stationOf(data: Uint8Array): Station {
  const digits = Array.from(data.subarray(2, 2 + ADDRESS_BYTES), (byte) =>
    byte.toString(16).padStart(2, "0"),
  );
  return digits.join("");
}

function addressBytes(station: Station): number[] {
  return Array.from({ length: ADDRESS_BYTES }, (_, i) =>
    Number.parseInt(station.slice(2 * i, 2 * i + 2), 16),
  );
}
