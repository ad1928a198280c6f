// Which rate energy is booked on: time of use, by the wall clock of the meter's place.
import { type CivilDate, dateOfDays, SECONDS_PER_DAY, weekdayOfDays } from "../calendar/civil.ts";
import type { TimeZone } from "../calendar/time-zone.ts";
import {
  type DayProfile,
  dayOfYear,
  EMPTY_TARIFF_TABLE,
  RATE_OF_EMPTY_TABLE,
  type TariffPlan,
  type TariffTable,
  tariffTableFault,
} from "../protocol/readings/tariff.ts";

/** A week's profile repeats after seven days; who needs to look further asks again then. */
const SEARCH_DAYS = 8;

/**
 * A tariff plan in a time zone. It has no memory: the rate of an instant is the same however often it is asked for, in
 * whatever order, after a power failure too.
 *
 * It follows the latest reading that the wall clock has had. A switch in the gap of a clock set forward thus happens
 * at the gap's end, where its time is past: else a day would lack a rate that it is sold with. A switch in an overlap
 * happens at the first of its two instants, and the repeated hour undoes nothing. To COSEM's activity calendar (class
 * 20), which runs a script at each such time, that is: every script of a day runs once, in its order.
 */
export class Tariff {
  readonly #zone: TimeZone;
  readonly #plan: TariffPlan;

  /** Without a plan there is one rate. A plan that is not sound is a bug of the caller and throws. */
  constructor(zone: TimeZone, plan: TariffPlan = { active: EMPTY_TARIFF_TABLE }) {
    const fault = tariffTableFault(plan.active) ?? (plan.passive && tariffTableFault(plan.passive.table));
    if (fault !== undefined) throw new Error(fault);
    this.#zone = zone;
    this.#plan = plan;
  }

  /** 1 to 8. */
  rateAt(utcSeconds: number): number {
    return rateAtWall(this.#tableAt(utcSeconds), this.#zone.latestWallSeconds(utcSeconds));
  }

  /**
   * The next instant at which the rate may be another. Up to it the rate does not change; where no change is found in
   * {@link SEARCH_DAYS} days, it is the midnight at their end.
   */
  nextSwitchSeconds(utcSeconds: number): number {
    const next = this.#nextOfTable(this.#tableAt(utcSeconds), utcSeconds);
    const from = this.#plan.passive?.fromSeconds;
    return from !== undefined && utcSeconds < from ? Math.min(next, from) : next;
  }

  #tableAt(utcSeconds: number): TariffTable {
    return activateDue(this.#plan, utcSeconds).active;
  }

  #nextOfTable(table: TariffTable, utcSeconds: number): number {
    const wall = this.#zone.latestWallSeconds(utcSeconds);
    const rate = rateAtWall(table, wall);
    const today = Math.floor(wall / SECONDS_PER_DAY);
    for (let days = today; days < today + SEARCH_DAYS; days++) {
      const next = dayProfileOf(table, days).find(
        (each) => each.rate !== rate && wallOf(days, each.minuteOfDay) > wall,
      );
      if (next !== undefined) return this.#zone.firstInstantFrom(wallOf(days, next.minuteOfDay));
    }
    return this.#zone.firstInstantFrom(wallOf(today + SEARCH_DAYS, 0));
  }
}

/**
 * The plan once what is due has happened: from its time on the passive table is the active one, and there is no passive
 * one. Who keeps the plan keeps this: a clock set back afterwards does not bring the old table back.
 */
export function activateDue(plan: TariffPlan, utcSeconds: number): TariffPlan {
  const { passive } = plan;
  return passive !== undefined && utcSeconds >= passive.fromSeconds ? { active: passive.table } : plan;
}

function rateAtWall(table: TariffTable, wallSeconds: number): number {
  const days = Math.floor(wallSeconds / SECONDS_PER_DAY);
  const latest = dayProfileOf(table, days).findLast(
    ({ minuteOfDay }) => wallOf(days, minuteOfDay) <= wallSeconds,
  );
  return latest?.rate ?? RATE_OF_EMPTY_TABLE;
}

/** The profile of a local day; no switches in an empty table. */
function dayProfileOf(table: TariffTable, days: number): DayProfile {
  const date = dateOfDays(days);
  const index = specialProfileOf(table, date) ?? weekOf(table, date)?.[weekdayOfDays(days) - 1];
  return index === undefined ? [] : (table.dayProfiles[index] as DayProfile);
}

/** Those of one year come last in the list, and go before those of each. */
function specialProfileOf({ specialDays }: TariffTable, date: CivilDate): number | undefined {
  const special = specialDays.findLast(({ year, month, day }) => {
    return month === date.month && day === date.day && (year === undefined || year === date.year);
  });
  return special?.dayProfile;
}

function weekOf({ seasons, weekProfiles }: TariffTable, date: CivilDate): readonly number[] | undefined {
  const begun = seasons.findLast((season) => dayOfYear(season) <= dayOfYear(date));
  const season = begun ?? seasons.at(-1);
  return season && weekProfiles[season.weekProfile];
}

function wallOf(days: number, minuteOfDay: number): number {
  return days * SECONDS_PER_DAY + minuteOfDay * 60;
}
