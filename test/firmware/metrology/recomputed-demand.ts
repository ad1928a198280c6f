// Demand as a bystander works it out from a list of what was seen, by looking for whole sub-periods afterwards.

/** What the meter's register of imported energy stood at when something happened. */
export interface Sight {
  readonly event: "start" | "adjusted" | "synchronised" | "passed";
  /** Undefined where the meter has no valid clock. */
  readonly utcSeconds: number | undefined;
  readonly milliwattHours: number;
}

/** The first sight of a slot of the grid. */
interface First {
  readonly slot: number;
  readonly isAtItsStart: boolean;
  readonly milliwattHours: number;
}

interface SubPeriod {
  readonly slot: number;
  readonly milliwattHours: number;
}

/** The highest mean power in whole watts and the end of the first period with it, or undefined without any. */
export function recomputedMaximum(
  sights: readonly Sight[],
  periodSeconds: number,
  subPeriods: number,
): readonly [watts: number, endSeconds: number] | undefined {
  const seconds = periodSeconds / subPeriods;
  let best: readonly [number, number] | undefined;
  let lastSlot: number | undefined;
  for (const stretch of undisturbedStretches(sights)) {
    const firsts = firstsOfSlots(stretch, seconds, lastSlot);
    lastSlot = firsts.at(-1)?.slot;
    for (const run of runsOf(wholeSubPeriods(firsts), subPeriods)) {
      const milliwattHours = run.reduce((sum, each) => sum + BigInt(each.milliwattHours), 0n);
      const watts = Number((milliwattHours * 3600n) / (1000n * BigInt(periodSeconds)));
      if (best === undefined || watts > best[0]) best = [watts, ((run.at(-1)?.slot ?? 0) + 1) * seconds];
    }
  }
  return best;
}

/** Cut where the meter started, its clock was set, or it had none. */
function undisturbedStretches(sights: readonly Sight[]): Sight[][] {
  const stretches: Sight[][] = [];
  for (const sight of sights) {
    if (sight.event === "start" || sight.event === "adjusted" || sight.utcSeconds === undefined)
      stretches.push([]);
    stretches.at(-1)?.push(sight);
  }
  return stretches;
}

/** A slot seen again after the clock was kept in step is not seen for the first time, nor that of `before`. */
function firstsOfSlots(stretch: readonly Sight[], seconds: number, before: number | undefined): First[] {
  const firsts: First[] = [];
  for (const { utcSeconds, milliwattHours } of stretch) {
    if (utcSeconds === undefined) continue;
    const slot = Math.floor(utcSeconds / seconds);
    const isAtItsStart = utcSeconds === slot * seconds && !(firsts.length === 0 && slot === before);
    if (slot > (firsts.at(-1)?.slot ?? Number.NEGATIVE_INFINITY))
      firsts.push({ slot, isAtItsStart, milliwattHours });
  }
  return firsts;
}

/** Seen from their start, or from the first sight after the slot before, to the first sight of the next slot. */
function wholeSubPeriods(firsts: readonly First[]): SubPeriod[] {
  return firsts.flatMap(({ slot, isAtItsStart, milliwattHours }, i) => {
    const [before, after] = [firsts[i - 1], firsts[i + 1]];
    const isWhole = (isAtItsStart || before?.slot === slot - 1) && after?.slot === slot + 1;
    return isWhole ? [{ slot, milliwattHours: after.milliwattHours - milliwattHours }] : [];
  });
}

function runsOf(whole: readonly SubPeriod[], length: number): SubPeriod[][] {
  const runs = whole.map((_, i) => whole.slice(i, i + length));
  return runs.filter(
    (run) => run.length === length && run.every(({ slot }, i) => slot === (run[0]?.slot ?? 0) + i),
  );
}
