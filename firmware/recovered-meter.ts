// What a storage has of a meter's measuring: in which records, whether this firmware can go on from it, and what it gives.
import { type ClockMemory, clockMemoryFromCbor } from "./clock/clock-memory.ts";
import type { MeterBilling } from "./configuration.ts";
import type { SavedMeter } from "./meter.ts";
import type { EnergyState } from "./metrology/energy-engine.ts";
import type { IntervalProfileState, IntervalRecord } from "./metrology/interval-profile.ts";
import type { MaximumDemandState } from "./metrology/maximum-demand.ts";
import type { CborValue } from "./protocol/cbor.ts";
import { arrayItems } from "./protocol/readings/answer-fields.ts";
import { decodeTariffPlan } from "./protocol/readings/tariff-table.ts";

/** The form of a checkpoint; another one is not guessed at. */
export const FORM = 2;

/**
 * Kinds of records. Only the energy changes with each reading; the other parts have kinds of their own, and are
 * written when they are no longer what was written last.
 */
export const KIND = {
  energy: 1,
  profiles: 2,
  demand: 3,
  pastDemand: 4,
  clock: 5,
  logs: 6,
  tariff: 7,
  plate: 8,
} as const;

/** Why a storage cannot be this meter's: one sentence. */
export class MeterStateError extends Error {}

/** What a state must be of: registers are cut by it, and cannot be cut anew. */
export type StateBilling = Pick<MeterBilling, "profilePeriodsSeconds" | "profileChannels" | "demand">;

/** What a later start compares its own with. */
export interface PlateState {
  readonly firmwareDigest: Uint8Array;
  readonly configurationDigest: Uint8Array;
}

/** What the time before left. */
export interface RecoveredMeter {
  readonly meter: SavedMeter;
  readonly clock: ClockMemory;
  readonly plate: PlateState | undefined;
}

/** The value as it is. Throws a {@link MeterStateError} where this firmware or this configuration cannot go on from it. */
export function checked(kind: number, value: CborValue, billing: StateBilling): CborValue {
  if (kind === KIND.energy) checkForm(arrayItems(value)?.[0]);
  if (kind === KIND.profiles) checkProfiles(value as unknown as readonly IntervalProfileState[], billing);
  if (kind === KIND.demand) checkDemand(value as readonly number[], billing);
  return value;
}

function checkForm(form: CborValue | undefined): void {
  if (form === FORM) return;
  throw new MeterStateError(
    `The state is of form ${form} and this firmware knows form ${FORM}: run the one that wrote it, or name another folder.`,
  );
}

function checkProfiles(
  saved: readonly IntervalProfileState[],
  { profilePeriodsSeconds, profileChannels }: StateBilling,
): void {
  const wanted = profilePeriodsSeconds.map((period) => `${profileChannels} every ${period / 60} min`);
  const kept = saved.map(([period, channels]) => `${channels} every ${period / 60} min`);
  if (String(kept) === String(wanted)) return;
  throw new MeterStateError(
    `The state has load profiles of ${kept.join(" and ")} and this meter is set to ${wanted.join(" and ")}: set it as it was, or name another folder.`,
  );
}

function checkDemand([period, parts]: readonly number[], { demand }: StateBilling): void {
  const { periodSeconds, subPeriods } = demand;
  if (period === periodSeconds && parts === subPeriods) return;
  throw new MeterStateError(
    `The state has demand over ${period} s in ${parts} parts and this meter is set to ${periodSeconds} s in ${subPeriods}: set it as it was, or name another folder.`,
  );
}

/** Nothing where there is no energy: a meter whose registers are lost begins anew, and says so in its log. */
export function recoveredOf(
  found: ReadonlyMap<number, CborValue>,
  rows: readonly (readonly IntervalRecord[])[],
): RecoveredMeter | undefined {
  const [, ...energy] = (found.get(KIND.energy) ?? []) as readonly CborValue[];
  const profiles = found.get(KIND.profiles);
  if (energy.length === 0 || profiles === undefined) return undefined;
  const state = {
    energy: energy as unknown as EnergyState,
    profiles: profiles as unknown as readonly IntervalProfileState[],
    demand: demandOf(found),
  };
  const tariff = found.get(KIND.tariff);
  return {
    meter: {
      engine: { state, rows },
      tariff: tariff instanceof Uint8Array ? decodeTariffPlan(tariff) : undefined,
    },
    clock: clockOf(found.get(KIND.clock), state.energy),
    plate: plateOf(found.get(KIND.plate)),
  };
}

function demandOf(found: ReadonlyMap<number, CborValue>): MaximumDemandState | null {
  const demand = found.get(KIND.demand);
  const history = (found.get(KIND.pastDemand) ?? []) as MaximumDemandState[5];
  if (demand === undefined) return null;
  const [, , resets, last, next, cumulative, maxima, window, open] = demand as unknown as [
    ...[number, number],
    ...[MaximumDemandState[0], MaximumDemandState[1], MaximumDemandState[2], MaximumDemandState[3]],
    ...[MaximumDemandState[4], MaximumDemandState[6], MaximumDemandState[7]],
  ];
  return [resets, last, next, cumulative, maxima, history, window, open];
}

/** The energy's time is the newest that the meter has had. */
function clockOf(value: CborValue | undefined, [, lastUtcMs]: EnergyState): ClockMemory {
  const memory = clockMemoryFromCbor(value) ?? {};
  const newest = Math.max(memory.lastUtcMs ?? 0, lastUtcMs ?? 0);
  return { ...memory, lastUtcMs: newest === 0 ? undefined : newest };
}

function plateOf(value: CborValue | undefined): PlateState | undefined {
  const [firmwareDigest, configurationDigest] = arrayItems(value) ?? [];
  if (!(firmwareDigest instanceof Uint8Array) || !(configurationDigest instanceof Uint8Array))
    return undefined;
  return { firmwareDigest, configurationDigest };
}
