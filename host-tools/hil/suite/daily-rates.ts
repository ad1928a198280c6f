import type { TariffPlan } from "../../../firmware/protocol/readings/tariff.ts";

/** Rate 1 from midnight and rate 2 from that minute on, each day of the year. */
export function dailyRates(minuteOfDay: number): TariffPlan {
  const day = [
    { minuteOfDay: 0, rate: 1 },
    { minuteOfDay, rate: 2 },
  ];
  return {
    active: {
      seasons: [{ month: 1, day: 1, weekProfile: 0 }],
      weekProfiles: [[0, 0, 0, 0, 0, 0, 0]],
      dayProfiles: [day],
      specialDays: [],
    },
  };
}
