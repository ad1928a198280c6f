// The installation that a part measures, and what no installation does whatever a checksum says
// (arendst/Tasmota#5789).

/** One phase as a board's profile states it. */
export interface Installation {
  readonly nominalVoltageMillivolts: number;
  /** By its fuse. */
  readonly largestCurrentMilliamperes: number;
}

/**
 * Overvoltage and overload that a part still measures truly: a lost neutral puts 1.73 times the
 * nominal voltage on a phase, and a fuse carries more than its rating for a while.
 */
const OVERVOLTAGE = 2;
const OVERLOAD = 1.25;

/** The highest voltage that is believed. */
export function largestVoltageMillivolts({ nominalVoltageMillivolts }: Installation): number {
  return nominalVoltageMillivolts * OVERVOLTAGE;
}

/** The most current that is believed, short overloads included. */
export function overloadMilliamperes({ largestCurrentMilliamperes }: Installation): number {
  return largestCurrentMilliamperes * OVERLOAD;
}

/** The most that the installation can draw or feed, short overloads included. */
export function largestPowerMilliwatts(installation: Installation): number {
  return Math.round((overloadMilliamperes(installation) * installation.nominalVoltageMillivolts) / 1000);
}
