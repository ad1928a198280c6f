// Registers of maximum demand by OBIS code (IEC 62056-6-1, value groups C to F of electricity).
import type { Obis } from "../protocol/readings/obis.ts";
import type { Maximum, MaximumDemand } from "./maximum-demand.ts";
import { PREVIOUS_PERIOD } from "./quantities.ts";

/** A value in the unit that it is published in, or why there is none. */
export type Published = number | "unavailable" | "not-in-meter";

const RESETS: Obis = "1-0:0.1.0*255";
/** C: import or export. D: 2 cumulative maximum, 6 maximum. E: the rate, 0 for the total. */
const DEMAND = /^1-0:([12])\.([26])\.([0-8])\*(\d+)$/;
const THIS_PERIOD = 255;

/** 1.6.t and 2.6.t in W, now and by `*101` to `*112` of months before; 1.2.t and 2.2.t; the counter 0.1.0. */
export function publishedDemand(demand: MaximumDemand, rates: number, obis: Obis): Published {
  if (obis === RESETS) return demand.resets;
  const address = addressOf(rates, obis);
  if (address === undefined) return "not-in-meter";
  const { kind, channel, period } = address;
  if (kind === "maximum") {
    const maxima = maximaOf(demand, period);
    return maxima === undefined ? "not-in-meter" : (maxima[channel]?.watts ?? "unavailable");
  }
  return (period === THIS_PERIOD ? demand.cumulativeWatts[channel] : undefined) ?? "not-in-meter";
}

/** When the period ended that a register's maximum is of; undefined where the register is no maximum, or has none. */
export function maximumSeconds(demand: MaximumDemand, rates: number, obis: Obis): number | undefined {
  const address = addressOf(rates, obis);
  if (address?.kind !== "maximum") return undefined;
  return maximaOf(demand, address.period)?.[address.channel]?.endSeconds;
}

interface DemandAddress {
  readonly kind: "maximum" | "cumulative";
  readonly channel: number;
  /** Value group F. */
  readonly period: number;
}

function addressOf(rates: number, obis: Obis): DemandAddress | undefined {
  const [, c, d, e, f] = (DEMAND.exec(obis) ?? []).map(Number);
  if (c === undefined || e === undefined || f === undefined || e > rates) return undefined;
  return { kind: d === 6 ? "maximum" : "cumulative", channel: (c - 1) * (rates + 1) + e, period: f };
}

function maximaOf(demand: MaximumDemand, period: number): readonly (Maximum | undefined)[] | undefined {
  return period === THIS_PERIOD ? demand.maxima : demand.history[period - PREVIOUS_PERIOD]?.maxima;
}
