// Digi XBee modules with DigiMesh firmware in API mode: their user guides as data. All that driver.ts and
// emulated.ts have in common.
import type { UartSettings } from "../../ports/uart.ts";

/** As a module comes from the factory (BD = 3, NB = 0). */
export const XBEE_LINE: UartSettings = { baud: 9600, dataBits: 8, parity: "none", stopBits: 1 };

/** The command AP: 1 sends frames as they are, 2 escapes the bytes of {@link FRAME} that steer. */
export type ApiMode = 1 | 2;

/** Around the data of a frame: start, length (two bytes, highest first), data, checksum. */
export const FRAME = {
  start: 0x7e,
  /** In mode 2 the next byte is XORed with `mask`. */
  escape: 0x7d,
  xon: 0x11,
  xoff: 0x13,
  mask: 0x20,
  /** Start, length and checksum. */
  overheadBytes: 4,
} as const;

/** What ends a frame: FF minus the sum of its data, in 8 bits. */
export function checksum(data: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += data[i] as number;
  return 0xff - (sum & 0xff);
}

/** First byte of a frame's data. */
export const TYPE = {
  atCommand: 0x08,
  transmitRequest: 0x10,
  atResponse: 0x88,
  modemStatus: 0x8a,
  transmitStatus: 0x8b,
  receivePacket: 0x90,
} as const;

/** Bytes of a transmit request before what is to be sent, and of a receive packet before what has come. */
export const TRANSMIT_HEADER_BYTES = 14;
export const RECEIVE_HEADER_BYTES = 12;

/** A 64-bit address in bytes. */
export const ADDRESS_BYTES = 8;
/** DigiMesh has no 16-bit addresses; this stands in their place. */
export const NO_SHORT_ADDRESS = 0xfffe;

/** In the options of a received packet: it was meant for everybody. */
export const RECEIVED_BROADCAST = 0x02;

/** Names of AT commands: API mode, upper and lower half of the own address, most bytes that a packet can have. */
export const AT = { apiMode: "AP", addressHigh: "SH", addressLow: "SL", maxPayload: "NP" } as const;

/** Status of an AT response. */
export const AT_STATUS = { ok: 0, error: 1, invalidCommand: 2, invalidParameter: 3 } as const;

/** Why a module did not deliver a packet, as its transmit status says. */
export const DELIVERY = {
  delivered: 0x00,
  "no-mac-ack": 0x01,
  "channel-busy": 0x02,
  "bad-endpoint": 0x15,
  "no-buffers": 0x18,
  "no-network-ack": 0x21,
  "not-joined": 0x22,
  "self-addressed": 0x23,
  "no-address": 0x24,
  "no-route": 0x25,
  "payload-too-large": 0x74,
} as const;
export type Delivery = keyof typeof DELIVERY;

/** Modem statuses after which a module has forgotten what it was doing. */
export const MODEM_STATUS = { reset: 0x00, watchdog: 0x01 } as const;

/** What NP says on 2.4 GHz DigiMesh, and on the 900 MHz modules. */
export const MAX_PAYLOAD_BYTES = { digiMesh24: 73, digiMesh900: 256 } as const;
/** No module of the family carries more. */
export const PAYLOAD_MAX_BYTES = 256;
