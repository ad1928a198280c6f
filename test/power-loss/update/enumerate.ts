// Every operation of an update x what may survive a cut in it x a second cut in what follows.
import type { MemoryFileTree } from "../../../hal/storage/memory-file-tree.ts";
import { distinctSurvivals, NOTHING_PENDING, nameOf, survivalNamed, untilCut } from "../survivals.ts";
import { textOf } from "./crypto.ts";
import {
  diskFor,
  History,
  judged,
  LIVES,
  type Life,
  type MakeBoard,
  play,
  productBoard,
  recover,
  type Scene,
  spoilOther,
  type Verdict,
} from "./life.ts";

export interface UpdateTally {
  /** Operations of an update in which the power went. */
  operations: number;
  /** Disks that were started from: no two were alike in their bytes and in what had been answered. */
  cases: number;
  /** No confirmed image could be started, or something that nobody signed was. */
  bricked: number;
  /** An image was kept that was never confirmed, or started more often than it may be. */
  unconfirmed: number;
  /** An image of before came back, or would have been let in. */
  downgraded: number;
  /** An answer that was given did not hold, or the update could not be ended. */
  lost: number;
  /** How to repeat the first failures, as an argument of `-- update-case`. */
  readonly failures: string[];
}

export interface UpdateSelection {
  readonly make?: MakeBoard;
  readonly lives?: readonly Life[];
  /** Takes every n-th cut of an update, for a sample. */
  readonly every?: number;
  /** Takes every n-th cut of what follows the first one. */
  readonly everySecond?: number;
  /** Looks at no more cuts of an update once something has failed. */
  readonly untilFailure?: boolean;
}

/** Disks by what is on them and what was answered: those that a cut left, and those that a board has settled on since. */
interface Seen {
  readonly first: Set<string>;
  readonly second: Set<string>;
  /** What a board has come through on its way. */
  readonly passed: Set<string>;
  readonly settledFirst: Set<string>;
  readonly settledSecond: Set<string>;
}

const NO_CASES = { operations: 0, cases: 0, bricked: 0, unconfirmed: 0, downgraded: 0, lost: 0 };
/** Enough to see a pattern. */
const FAILURES_MAX = 5;
/** After a second cut the board is started until it has settled, and in every fourth case updated to the end as well. */
const ENDED_EVERY = 4;
/** Behind the name of a survival: somebody has spoiled the slot that is not confirmed while the power was off. */
const SPOILED = "+spoiled";

export function enumerateUpdates(selection: UpdateSelection = {}): UpdateTally {
  const { make = productBoard, lives = LIVES, every = 1, untilFailure = false } = selection;
  const tally: UpdateTally = { ...NO_CASES, failures: [] };
  for (const life of lives) {
    const seen: Seen = {
      ...{ first: new Set(), second: new Set(), passed: new Set() },
      ...{ settledFirst: new Set(), settledSecond: new Set() },
    };
    const isKnown = (settled: Scene): boolean => isIn(seen.settledFirst, settledKey(settled));
    const scene: Scene = { make, tree: diskFor(life), history: new History(), life, isKnown };
    scene.tree.watch(() => {
      if ((scene.tree.operations - 1) % every !== 0 || (untilFailure && tally.failures.length > 0)) return;
      tally.operations++;
      for (const { left, name } of scenesAfter(scene, ["", SPOILED], seen.first)) {
        const cut = `${life}/${scene.tree.operations}/${name}`;
        enumerateRecovery(left, cut, seen, selection.everySecond ?? 1, tally);
      }
    });
    count(
      tally,
      judged(() => play(scene)),
      `${life}/0/none+none`,
    );
  }
  return tally;
}

/** One case by the name that a failure gave it, such as `healthy/12/torn+all` or `first/12/torn+all/3/none+none`. */
export function repeatUpdateCase(name: string, make: MakeBoard = productBoard): Verdict {
  const [life, cut, survival, secondCut, secondSurvival] = name.split("/");
  if (!LIVES.some((known) => known === life))
    throw new Error(`a case begins with one of ${LIVES.join(", ")}`);
  const scene: Scene = { make, tree: diskFor(life as Life), history: new History(), life: life as Life };
  if (cut === "0") return judged(() => play(scene));
  scene.tree.cutAt(Number(cut));
  untilCut(() => judged(() => play(scene)));
  const left = sceneLeft(scene, survival);
  if (secondCut === undefined) return judged(() => recover(left));
  left.tree.cutAt(Number(secondCut));
  untilCut(() => judged(() => recover(left)));
  return judged(() => recover(sceneLeft(left, secondSurvival)));
}

function enumerateRecovery(left: Scene, name: string, seen: Seen, every: number, tally: UpdateTally): void {
  const { settledSecond } = seen;
  const isKnown = (settled: Scene): boolean =>
    isIn(settledSecond, settledKey(settled)) || settledSecond.size % ENDED_EVERY !== 0;
  left.tree.watch(() => {
    if ((left.tree.operations - 1) % every !== 0 || isIn(seen.passed, pendingKey(left))) return;
    for (const again of scenesAfter(left, [""], seen.second)) {
      const verdict = judged(() => recover({ ...again.left, isKnown }));
      count(tally, verdict, `${name}/${left.tree.operations}/${again.name}`);
    }
  });
  count(
    tally,
    judged(() => recover(left)),
    name,
  );
}

/** What a cut may leave, without what was seen before. */
function scenesAfter(cutOff: Scene, endings: readonly string[], seen: Set<string>) {
  const scenes: { readonly left: Scene; readonly name: string }[] = [];
  for (const survival of distinctSurvivals(cutOff.tree.unsynced)) {
    for (const ending of endings) {
      const name = `${nameOf(survival)}${ending}`;
      const left = sceneLeft(cutOff, name);
      const key = keyOf(left);
      if (seen.has(key)) continue;
      seen.add(key);
      scenes.push({ left, name });
    }
  }
  return scenes;
}

function sceneLeft(cutOff: Scene, name = ""): Scene {
  const isSpoiled = name.endsWith(SPOILED);
  const survival = survivalNamed(isSpoiled ? name.slice(0, -SPOILED.length) : name);
  const tree = cutOff.tree.afterCut(survival);
  const left = { ...cutOff, tree, history: new History(cutOff.history) };
  return isSpoiled && spoilOther(tree) ? settled(left) : left;
}

/** What was spoiled is so durably, and takes no operation of the board's. An image that is spoiled was never installed. */
function settled({ tree, history, ...rest }: Scene): Scene {
  history.installed &&= history.confirmed;
  history.bootable &&= history.confirmed;
  return { ...rest, history, tree: tree.afterCut({ ...NOTHING_PENDING, bytes: "all" }) };
}

/** True for what was there before; it is from now on. */
function isIn(seen: Set<string>, key: string | undefined): boolean {
  if (key === undefined) return false;
  const isKnown = seen.has(key);
  seen.add(key);
  return isKnown;
}

/** A disk that has nothing pending, which could make it another one. */
function settledKey(scene: Scene): string | undefined {
  const { bytes, folderChanges } = scene.tree.unsynced;
  return bytes || folderChanges > 0 ? undefined : keyOf(scene);
}

/** A disk with what is pending on it, as far as both ends of it tell. */
function pendingKey({ tree, history }: Scene): string {
  return history.key + textOn(tree) + textOn(tree.afterCut(NOTHING_PENDING)) + tree.unsynced.folderChanges;
}

/** Some kilobytes of text: to take its hash would take longer than to keep it. */
function keyOf({ tree, history }: Scene): string {
  return history.key + textOn(tree);
}

function textOn(tree: MemoryFileTree): string {
  let text = "";
  for (const [path, content] of tree.contents())
    text += `|${path}=${typeof content === "string" ? content : textOf(content)}`;
  return text;
}

function count(tally: UpdateTally, verdict: Verdict, name: string): void {
  tally.cases++;
  if (verdict === "kept") return;
  tally[verdict]++;
  if (tally.failures.length < FAILURES_MAX) tally.failures.push(`${verdict} ${name}`);
}
