// What a meter measures, and by which OBIS codes its energy registers are named (IEC 62056-6-1).
import type { MeteringReading } from "../../hal/ports/metering-ic.ts";
import type { Obis } from "../protocol/readings/obis.ts";

/** What is booked, in the order of the cells that it is kept in, which saved states rely on. */
export const QUANTITIES = [
  "activeImport",
  "activeExport",
  "reactiveQuadrant1",
  "reactiveQuadrant2",
  "reactiveQuadrant3",
  "reactiveQuadrant4",
  "apparent",
  "phase1Import",
  "phase1Export",
  "phase2Import",
  "phase2Export",
  "phase3Import",
  "phase3Export",
] as const;
export type Quantity = (typeof QUANTITIES)[number];

/** Energy since the reading before, in whole mWh, mvarh or mVAh; what the part does not measure is absent. */
export type EnergyDelta = { readonly [quantity in Quantity]?: number };

/** An energy register: the sum of these quantities, in total (rate 0) or of one rate. */
export interface EnergyAddress {
  readonly quantities: readonly Quantity[];
  readonly rate: number;
}

/**
 * By value group C. Reactive energy is booked by quadrant; +R is quadrants I and II, -R is III and IV,
 * so that they agree with the quadrants by construction.
 */
const QUANTITIES_OF: ReadonlyMap<number, readonly Quantity[]> = new Map([
  [1, ["activeImport"]],
  [2, ["activeExport"]],
  [3, ["reactiveQuadrant1", "reactiveQuadrant2"]],
  [4, ["reactiveQuadrant3", "reactiveQuadrant4"]],
  [5, ["reactiveQuadrant1"]],
  [6, ["reactiveQuadrant2"]],
  [7, ["reactiveQuadrant3"]],
  [8, ["reactiveQuadrant4"]],
  [9, ["apparent"]],
  [21, ["phase1Import"]],
  [22, ["phase1Export"]],
  [41, ["phase2Import"]],
  [42, ["phase2Export"]],
  [61, ["phase3Import"]],
  [62, ["phase3Export"]],
]);

const ENERGY = /^1-0:(\d+)\.8\.([0-8])\*255$/;
/** Value group F of the billing period before this one; 102 is the one before that. */
export const PREVIOUS_PERIOD = 101;

/** The energy register that a full OBIS code names, or undefined where it names none. */
export function energyAddress(obis: Obis): EnergyAddress | undefined {
  const match = ENERGY.exec(obis);
  const quantities = match === null ? undefined : QUANTITIES_OF.get(Number(match[1]));
  return quantities === undefined ? undefined : { quantities, rate: Number(match?.[2]) };
}

/** The same of a billing period that is over, 0 for the last; undefined for all else. */
export function pastEnergyAddress(obis: Obis): (EnergyAddress & { readonly place: number }) | undefined {
  const [, register, period] = /^(.+)\*(1[01]\d)$/.exec(obis) ?? [];
  const address = register === undefined ? undefined : energyAddress(`${register}*255`);
  return address && { ...address, place: Number(period) - PREVIOUS_PERIOD };
}

/** What one reading of the metering part adds. */
export function energyOf(reading: MeteringReading): EnergyDelta {
  const { reactiveMillivarHours: reactive, apparentMillivoltampereHours: apparent, phases } = reading;
  const quantities: Readonly<Record<Quantity, number | undefined>> = {
    activeImport: reading.importMilliwattHours,
    activeExport: reading.exportMilliwattHours,
    reactiveQuadrant1: reactive?.[0],
    reactiveQuadrant2: reactive?.[1],
    reactiveQuadrant3: reactive?.[2],
    reactiveQuadrant4: reactive?.[3],
    apparent,
    phase1Import: phases[0]?.importMilliwattHours,
    phase1Export: phases[0]?.exportMilliwattHours,
    phase2Import: phases[1]?.importMilliwattHours,
    phase2Export: phases[1]?.exportMilliwattHours,
    phase3Import: phases[2]?.importMilliwattHours,
    phase3Export: phases[2]?.exportMilliwattHours,
  };
  return Object.fromEntries(Object.entries(quantities).filter(([, energy]) => energy !== undefined));
}
