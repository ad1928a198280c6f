// Short numbers, units and scalers of the registers that a meter publishes.
import type { CborValue } from "../cbor.ts";
import { type Obis, obisBytes, obisFromBytes } from "./obis.ts";

/** The empty unit is a plain ratio (power factor). */
type RegisterUnit = "Wh" | "varh" | "VAh" | "W" | "V" | "A" | "Hz" | "";

/** How a register is published: its integer times ten to the power of `scaler` is in `unit`. */
export interface Register {
  /** 0 to 23, so that it takes one byte of CBOR. */
  readonly number: number;
  readonly obis: Obis;
  readonly unit: RegisterUnit;
  readonly scaler: number;
}

/** What GET answers until a meter is configured otherwise: active energy imported. */
export const DEFAULT_REGISTERS: readonly Obis[] = ["1-0:1.8.0*255"];

/**
 * In the order of their numbers, which are part of the wire and never change.
 *
 * Scalers keep every value of a household's or a workshop's meter within the five bytes that an
 * answer has for it (up to 2^32 - 1): energy to 4.29 GWh. A current is in milliamperes, which 65 A
 * still fit in three bytes, because a load of 1 W draws 4 mA; frequency is in millihertz for the same
 * three bytes as centihertz.
 */
export const REGISTERS: readonly Register[] = (
  [
    ["1.8.0", "Wh", 0],
    ["2.8.0", "Wh", 0],
    ["3.8.0", "varh", 0],
    ["4.8.0", "varh", 0],
    ["9.8.0", "VAh", 0],
    ["10.8.0", "VAh", 0],
    ["1.8.1", "Wh", 0],
    ["1.8.2", "Wh", 0],
    ["1.8.3", "Wh", 0],
    ["1.8.4", "Wh", 0],
    ["2.8.1", "Wh", 0],
    ["2.8.2", "Wh", 0],
    ["1.7.0", "W", 0],
    ["2.7.0", "W", 0],
    ["32.7.0", "V", -1],
    ["52.7.0", "V", -1],
    ["72.7.0", "V", -1],
    ["31.7.0", "A", -3],
    ["51.7.0", "A", -3],
    ["71.7.0", "A", -3],
    ["14.7.0", "Hz", -3],
    ["13.7.0", "", -3],
    ["1.6.0", "W", 0],
    ["16.7.0", "W", 0],
  ] as const
).map(([short, unit, scaler], number) => ({ number, obis: `1-0:${short}*255`, unit, scaler }));

const BY_OBIS: ReadonlyMap<Obis, Register> = new Map(REGISTERS.map((register) => [register.obis, register]));

/** The register with this short number, or undefined. */
export function registerByNumber(number: number): Register | undefined {
  return REGISTERS[number];
}

/** The register with this code in its full form, or undefined where it has no short number. */
export function registerByObis(obis: Obis): Register | undefined {
  return BY_OBIS.get(obis);
}

/** Value groups C and D of electricity (IEC 62056-6-1): what is measured, and whether it is energy or demand. */
const ELECTRICITY = /^1-0:(\d{1,2})\.([268])\.\d{1,2}\*\d{1,3}$/;

/**
 * How a register is published: as the table has it, or one without a short number as others of its kind. Undefined
 * for what is neither energy nor demand.
 */
export function publishedForm(obis: Obis): Pick<Register, "unit" | "scaler"> | undefined {
  const [, quantity, kind] = ELECTRICITY.exec(obis) ?? [];
  const unit = (kind === "8" ? ENERGY_UNITS : DEMAND_UNITS).get(Number(quantity));
  return registerByObis(obis) ?? (unit === undefined ? undefined : { unit, scaler: 0 });
}

const ENERGY_UNITS: ReadonlyMap<number, RegisterUnit> = new Map([
  ...[1, 2, 21, 22, 41, 42, 61, 62].map((quantity) => [quantity, "Wh"] as const),
  ...[3, 4, 5, 6, 7, 8].map((quantity) => [quantity, "varh"] as const),
  ...[9, 10].map((quantity) => [quantity, "VAh"] as const),
]);
const DEMAND_UNITS: ReadonlyMap<number, RegisterUnit> = new Map([
  [1, "W"],
  [2, "W"],
]);

/** How a request names a register: by its short number, or by six bytes where it has none. */
export function encodeRegisterName(obis: Obis): CborValue {
  return registerByObis(obis)?.number ?? obisBytes(obis);
}

/** The register that a request names, in either form; undefined for anything else. */
export function decodeRegisterName(name: CborValue | undefined): Obis | undefined {
  if (typeof name === "number") return registerByNumber(name)?.obis;
  return name instanceof Uint8Array ? obisFromBytes(name) : undefined;
}
