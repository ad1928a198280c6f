// What a host tells a module and hears of it, as the data of frames.
import type { Station } from "../../ports/link.ts";
import {
  ADDRESS_BYTES,
  AT_STATUS,
  DELIVERY,
  type Delivery,
  MODEM_STATUS,
  NO_SHORT_ADDRESS,
  RECEIVE_HEADER_BYTES,
  RECEIVED_BROADCAST,
  TYPE,
} from "./registers.ts";

/** What a frame of the module says; `other` is well formed and none that is looked at. */
export type FromModule =
  | {
      readonly kind: "at";
      readonly id: number;
      readonly name: string;
      readonly value: Uint8Array | undefined;
    }
  | { readonly kind: "status"; readonly id: number; readonly delivery: Delivery | "unknown" }
  | {
      readonly kind: "packet";
      readonly from: Station;
      readonly to: "me" | "all";
      readonly datagram: Uint8Array;
    }
  | { readonly kind: "restarted" }
  | { readonly kind: "other" };

const AT_RESPONSE_HEADER_BYTES = 5;
const TRANSMIT_STATUS_BYTES = 7;
const MODEM_STATUS_BYTES = 2;
const OTHER: FromModule = { kind: "other" };
const RESTARTS: ReadonlySet<number | undefined> = new Set(Object.values(MODEM_STATUS));

/** Asks for the value of an AT command. */
export function atQuery(id: number, name: string): Uint8Array {
  return Uint8Array.of(TYPE.atCommand, id, name.charCodeAt(0), name.charCodeAt(1));
}

/** Sends a packet to one station, by as many hops as it takes. */
export function transmitRequest(id: number, to: Uint8Array, datagram: Uint8Array): Uint8Array {
  const short = [NO_SHORT_ADDRESS >> 8, NO_SHORT_ADDRESS & 0xff];
  const [radius, options] = [0, 0];
  return Uint8Array.of(TYPE.transmitRequest, id, ...to, ...short, radius, options, ...datagram);
}

/** What the data of a frame says. Never throws. */
export function fromModule(data: Uint8Array): FromModule {
  switch (data[0]) {
    case TYPE.atResponse:
      return data.length < AT_RESPONSE_HEADER_BYTES ? OTHER : atResponse(data);
    case TYPE.transmitStatus:
      return data.length === TRANSMIT_STATUS_BYTES ? transmitStatus(data) : OTHER;
    case TYPE.receivePacket:
      return data.length > RECEIVE_HEADER_BYTES ? receivePacket(data) : OTHER;
    case TYPE.modemStatus:
      return data.length === MODEM_STATUS_BYTES && RESTARTS.has(data[1]) ? { kind: "restarted" } : OTHER;
    default:
      return OTHER;
  }
}

/** The address that a station's name writes: 16 hexadecimal digits; undefined for any other name. */
export function addressOf(station: Station): Uint8Array | undefined {
  if (!isStation(station)) return undefined;
  return Uint8Array.from({ length: ADDRESS_BYTES }, (_, i) =>
    Number.parseInt(station.slice(2 * i, 2 * i + 2), 16),
  );
}

export function isStation(text: string): boolean {
  return /^[\da-f]{16}$/.test(text);
}

/** How a link names the station with this address. */
export function stationOf(address: Uint8Array): Station {
  let station = "";
  for (const byte of address) station += byte.toString(16).padStart(2, "0");
  return station;
}

function atResponse(data: Uint8Array): FromModule {
  const name = String.fromCharCode(data[2] as number, data[3] as number);
  const value = data[4] === AT_STATUS.ok ? data.slice(AT_RESPONSE_HEADER_BYTES) : undefined;
  return { kind: "at", id: data[1] as number, name, value };
}

function transmitStatus(data: Uint8Array): FromModule {
  const delivery = (Object.keys(DELIVERY) as Delivery[]).find((name) => DELIVERY[name] === data[5]);
  return { kind: "status", id: data[1] as number, delivery: delivery ?? "unknown" };
}

function receivePacket(data: Uint8Array): FromModule {
  const isForAll = ((data[RECEIVE_HEADER_BYTES - 1] as number) & RECEIVED_BROADCAST) !== 0;
  return {
    kind: "packet",
    from: stationOf(data.subarray(1, 1 + ADDRESS_BYTES)),
    to: isForAll ? "all" : "me",
    datagram: data.slice(RECEIVE_HEADER_BYTES),
  };
}
