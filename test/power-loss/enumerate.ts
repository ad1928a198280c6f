// Every operation of a workload x what may survive a cut in it x a second cut in the recovery.
import { createHash } from "node:crypto";
import type { Storage } from "../../hal/ports/storage.ts";
import { MemoryStorage } from "../../hal/storage/memory-storage.ts";
import { History, openAndJudge, type Verdict } from "./history.ts";
import { distinctSurvivals, NOTHING_PENDING, nameOf, survivalNamed, untilCut } from "./survivals.ts";
import { AFTERWARDS, play, WORKLOAD } from "./workload.ts";

/** Stands between journal and disk: the disk itself, or a mutant. */
export type Wrap = (disk: MemoryStorage) => Storage;

export interface Tally {
  /** Operations of the workload in which the power went. */
  operations: number;
  /** Disks that were recovered: no two were alike in their bytes and in what had been acknowledged. */
  cases: number;
  lost: number;
  invented: number;
  unreadable: number;
  falseAlarms: number;
  /** How to repeat the first failures, as an argument of `-- case`. */
  readonly failures: string[];
}

const NO_CASES = { operations: 0, cases: 0, lost: 0, invented: 0, unreadable: 0, falseAlarms: 0 };

/** Enough to see a pattern. */
const FAILURES_MAX = 5;

export interface Selection {
  readonly wrap?: Wrap;
  /** Takes every n-th cut of the workload, for a sample. */
  readonly every?: number;
  /** Takes every n-th cut of a recovery. */
  readonly everySecond?: number;
  /** Looks at no more cuts of the workload once records were lost. */
  readonly untilLoss?: boolean;
}

export function enumerate({
  wrap = (disk) => disk,
  every = 1,
  everySecond = 1,
  untilLoss = false,
}: Selection = {}): Tally {
  const tally: Tally = { ...NO_CASES, failures: [] };
  const seen = { first: new Set<string>(), second: new Set<string>() };
  const disk = new MemoryStorage();
  const history = new History();
  disk.watch(() => {
    if ((disk.operations - 1) % every !== 0 || (untilLoss && tally.lost > 0)) return;
    tally.operations++;
    for (const left of newDisksAfter(disk, history, seen.first)) {
      const name = `${disk.operations}/${left.name}`;
      enumerateRecovery({ wrap, left: left.disk, history, name, everySecond, seen: seen.second }, tally);
    }
  });
  play(wrap(disk), history, WORKLOAD);
  return tally;
}

/** One case by the name that a failure gave it, such as `12/torn+all` or `12/torn+all/3/none+none`. */
export function repeatCase(name: string, wrap: Wrap = (disk) => disk): Verdict {
  const [cut, survival, secondCut, secondSurvival] = name.split("/");
  const first = cutWorkload(wrap, Number(cut));
  const disk = first.disk.afterCut(survivalNamed(survival));
  if (secondCut === undefined) return recover(wrap, disk, first.history);
  const second = cutRecovery(wrap, disk, first.history, Number(secondCut));
  return judge(wrap, second.disk.afterCut(survivalNamed(secondSurvival)), second.history);
}

interface CutOff {
  readonly disk: MemoryStorage;
  readonly history: History;
}

interface Recovered {
  readonly wrap: Wrap;
  readonly left: MemoryStorage;
  readonly history: History;
  readonly name: string;
  readonly everySecond: number;
  /** Disks that were looked at after another second cut. */
  readonly seen: Set<string>;
}

function enumerateRecovery({ wrap, left, history, name, everySecond, seen }: Recovered, tally: Tally): void {
  const disk = left.afterCut(NOTHING_PENDING);
  const after = new History(history);
  disk.watch(() => {
    if ((disk.operations - 1) % everySecond !== 0) return;
    for (const again of newDisksAfter(disk, after, seen)) {
      const verdict = judge(wrap, again.disk, new History(after));
      count(tally, verdict, `${name}/${disk.operations}/${again.name}`);
    }
  });
  count(tally, recover(wrap, disk, after), name);
}

function cutWorkload(wrap: Wrap, cut: number): CutOff {
  const disk = new MemoryStorage();
  const history = new History();
  disk.cutAt(cut);
  untilCut(() => play(wrap(disk), history, WORKLOAD));
  return { disk, history };
}

/** Recovers, goes on, and recovers again in good order. */
function recover(wrap: Wrap, disk: MemoryStorage, history: History): Verdict {
  const verdict = judge(wrap, disk, history);
  if (verdict !== "kept") return verdict;
  play(wrap(disk), history, AFTERWARDS);
  return judge(wrap, disk, history);
}

function cutRecovery(wrap: Wrap, disk: MemoryStorage, before: History, cut: number): CutOff {
  const history = new History(before);
  disk.cutAt(cut);
  untilCut(() => {
    openAndJudge(wrap(disk), history);
    play(wrap(disk), history, AFTERWARDS);
  });
  return { disk, history };
}

function judge(wrap: Wrap, disk: MemoryStorage, history: History): Verdict {
  try {
    return openAndJudge(wrap(disk), history);
  } catch {
    return "unreadable";
  }
}

/** The disks that a cut may leave, without those that were seen before. */
function newDisksAfter(cutOff: MemoryStorage, history: History, seen: Set<string>) {
  const disks: { disk: MemoryStorage; name: string }[] = [];
  for (const survival of distinctSurvivals(cutOff.unsynced)) {
    const disk = cutOff.afterCut(survival);
    const key = keyOf(disk, history);
    if (seen.has(key)) continue;
    seen.add(key);
    disks.push({ disk, name: nameOf(survival) });
  }
  return disks;
}

function keyOf(disk: MemoryStorage, history: History): string {
  const hash = createHash("sha1").update(history.key);
  for (const name of [...disk.list()].sort()) hash.update(`/${name}=`).update(disk.read(name) ?? "");
  return hash.digest("base64");
}

const COUNTERS = {
  lost: "lost",
  invented: "invented",
  unreadable: "unreadable",
  "false-alarm": "falseAlarms",
} as const;

function count(tally: Tally, verdict: Verdict, name: string): void {
  tally.cases++;
  if (verdict === "kept") return;
  tally[COUNTERS[verdict]]++;
  if (tally.failures.length < FAILURES_MAX) tally.failures.push(`${verdict} ${name}`);
}
