// The parts of a meter's state: how each is written in the journal, and what a start makes of it.
import { type ClockMemory, clockMemoryFromCbor, clockMemoryToCbor } from "./clock/clock-memory.ts";
import type { MeterBilling } from "./configuration.ts";
import type { EventLogCounters } from "./events/event-log.ts";
import { logCountersToCbor } from "./events/event-log-state.ts";
import type { SavedMeter } from "./meter.ts";
import type { EnergyEngineState, EnergyState } from "./metrology/energy-engine.ts";
import type { IntervalProfileState, IntervalRecord } from "./metrology/interval-profile.ts";
import type { MaximumDemandState } from "./metrology/maximum-demand.ts";
import type { MonthEndRecord } from "./metrology/month-ends.ts";
import type { CborValue } from "./protocol/cbor.ts";
import { arrayItems } from "./protocol/readings/answer-fields.ts";
import type { TariffPlan } from "./protocol/readings/tariff.ts";
import { decodeTariffPlan, encodeTariffPlan } from "./protocol/readings/tariff-table.ts";
import { type RelayMemory, relayMemoryToCbor } from "./relay/relay-memory.ts";
import type { StatementChainState } from "./statement-chain.ts";

/** The form of a checkpoint; another one is not guessed at. */
const FORM = 2;

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
  statements: 24,
  relay: 27,
} as const;
export type Part = keyof typeof KIND;
export const PARTS = Object.keys(KIND) as Part[];

/** Why a storage cannot be this meter's: one sentence. */
export class MeterStateError extends Error {}

/**
 * A meter as it is at one moment, but for its rows and events, which are told as they come. A part that is the same
 * object as before is not looked at again.
 */
export interface MeterSnapshot {
  readonly engine: EnergyEngineState;
  readonly clock: ClockMemory;
  readonly logs: EventLogCounters;
  readonly tariff: TariffPlan;
  readonly plate: PlateState;
  readonly statements: StatementChainState;
  /** Undefined for a meter that never had a relay. */
  readonly relay: RelayMemory | undefined;
}

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

/** What a state must be of: registers are cut by it, and cannot be cut anew. */
export type StateBilling = Pick<MeterBilling, "profilePeriodsSeconds" | "profileChannels" | "demand">;

/** How each part is written, and what it is made of. */
export const FORMS: Readonly<
  Record<
    Part,
    {
      readonly source: (now: MeterSnapshot) => unknown;
      readonly value: (now: MeterSnapshot, billing: StateBilling) => CborValue;
    }
  >
> = {
  energy: { source: ({ engine }) => engine.energy, value: ({ engine }) => [FORM, ...engine.energy] },
  profiles: { source: ({ engine }) => engine.profiles, value: ({ engine }) => engine.profiles },
  demand: {
    source: ({ engine }) => engine.demand,
    value: ({ engine }, { demand: { periodSeconds, subPeriods } }) => {
      const [resets, last, next, cumulative, maxima, , window, open] = engine.demand ?? NO_DEMAND;
      return [periodSeconds, subPeriods, resets, last, next, cumulative, maxima, window, open];
    },
  },
  pastDemand: {
    source: ({ engine }) => engine.demand?.[5],
    value: ({ engine }) => engine.demand?.[5] ?? [],
  },
  clock: { source: ({ clock }) => clock, value: ({ clock }) => clockMemoryToCbor(clock) },
  logs: { source: ({ logs }) => logs, value: ({ logs }) => logCountersToCbor(logs) },
  tariff: { source: ({ tariff }) => tariff, value: ({ tariff }) => encodeTariffPlan(tariff) },
  plate: {
    source: ({ plate }) => plate,
    value: ({ plate }) => [plate.firmwareDigest, plate.configurationDigest],
  },
  statements: {
    source: ({ statements }) => statements,
    value: ({ statements }) => [statements.sequence, statements.previous],
  },
  relay: {
    source: ({ relay }) => relay,
    value: ({ relay }) => (relay === undefined ? null : relayMemoryToCbor(relay)),
  },
};

const NO_DEMAND: MaximumDemandState = [0, null, null, [], [], [], [], []];

/** The value as it is, unless this firmware or this configuration cannot go on from it. */
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
  monthEnds: readonly MonthEndRecord[],
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
      engine: { state, rows, monthEnds },
      tariff: tariff instanceof Uint8Array ? decodeTariffPlan(tariff) : undefined,
    },
    clock: clockOf(found.get(KIND.clock), state.energy),
    plate: plateOf(found.get(KIND.plate)),
  };
}

/** Outlives a lost register: a number must not be given twice. */
export function statementsOf(found: ReadonlyMap<number, CborValue>): StatementChainState | undefined {
  const [sequence, previous] = arrayItems(found.get(KIND.statements)) ?? [];
  return typeof sequence === "number" && previous instanceof Uint8Array ? { sequence, previous } : undefined;
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
