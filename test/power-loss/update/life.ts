// A board that is updated, and what must hold of it whenever the power goes.

import { EMPTY, equal, fromText } from "../../../firmware/protocol/bytes.ts";
import type { BoardSlots } from "../../../firmware/update/board-slots.ts";
import { TRIES } from "../../../firmware/update/boot-state.ts";
import { IncomingImage } from "../../../firmware/update/incoming.ts";
import type { BootChoice } from "../../../firmware/update/slots-report.ts";
import type { FileTree } from "../../../hal/ports/file-tree.ts";
import { MemoryFileTree } from "../../../hal/storage/memory-file-tree.ts";
import { copyOf, mustInstall, partsOf, slotsOn } from "../../firmware/update/board.ts";
import { type Files, imageOf, filesOf as smallFilesOf } from "../../firmware/update/images.ts";
import { crypto } from "./crypto.ts";

/** What a board has, and what happens to it. */
interface Plot {
  /** A disk with that on it. */
  readonly disk: () => MemoryFileTree;
  /** The image that is installed, and whether it works once it is started. */
  readonly next: number;
  readonly works: boolean;
  /** The start in which it says so, where that is not its first. */
  readonly worksAtStart?: number;
  /** There is nothing to start before: the recovery console is no fault then. */
  readonly beginsInRecovery?: boolean;
  /** The board's card is mounted elsewhere while it is written. */
  readonly isAtRest?: boolean;
}

export type Board = Pick<BoardSlots, "take" | "install" | "installImage" | "choose" | "confirm">;
/** A board's slots as each of its programs opens them anew: those of the product, or a mutant's. */
export type MakeBoard = (tree: MemoryFileTree, isAtRest?: boolean) => Board;

export type Verdict = "kept" | "bricked" | "unconfirmed" | "downgraded" | "lost";

export const productBoard: MakeBoard = (tree, isAtRest = false) => slotsOn(tree, { crypto, isAtRest });

const [OLD, CONFIRMED, NEXT, LATER] = [5, 6, 7, 8];
/** More files than a real image has: what a cut leaves of many that are not durable yet is what differs. */
const filesOf = (sequence: number): Files => {
  const more = ["a", "b", "c", `only-${sequence}`].map(
    (name) => [`app/${name}.mjs`, fromText(name)] as const,
  );
  const files = [...more, ...Object.entries(smallFilesOf(sequence))];
  return Object.fromEntries(files.sort(([one], [other]) => (one < other ? -1 : 1)));
};
const FILES = new Map([OLD, CONFIRMED, NEXT, LATER].map((sequence) => [sequence, filesOf(sequence)]));
const IMAGES = new Map([...FILES].map(([sequence, files]) => [sequence, imageOf(sequence, { files })]));
const image = (sequence: number): Uint8Array => IMAGES.get(sequence) as Uint8Array;
const PART_BYTES = 200;
/** Three starts of a trial, the one that gives it up, and the one after; a board that starts more often has no end. */
const STARTS_MAX = 6;

/** Image 6 is confirmed in slot b; in slot a, which the next one goes to, is 5 from before. */
const BOARD = boardThat((slots, tree) => {
  mustInstall(slots.installImage(image(OLD)));
  mustInstall(slots.installImage(image(CONFIRMED)));
  slots.choose();
  slots.confirm("b");
  return tree;
});
const ARMED = boardThat((slots) => mustInstall(slots.installImage(image(NEXT))), BOARD);
const ON_TRIAL = boardThat((slots) => slots.choose(), ARMED);
const SPOILED = boardThat((_, tree) => tree.append("slots/b/app/main.mjs", Uint8Array.of(0)), BOARD);

const PLOTS = {
  /** It works in its second start: the third is its last, and nothing mends what a cut leaves of that. */
  healthy: { disk: () => copyOf(BOARD), next: NEXT, works: true, worksAtStart: 2 },
  unhealthy: { disk: () => copyOf(BOARD), next: NEXT, works: false },
  /** Another image was armed, and never started. */
  replaced: { disk: () => copyOf(ARMED), next: LATER, works: true },
  /** Another image was on trial when the card was taken out. */
  carded: { disk: () => copyOf(ON_TRIAL), next: LATER, works: true, isAtRest: true },
  /** The confirmed image is spoiled: the same one is installed again, in the recovery console. */
  repaired: { disk: () => copyOf(SPOILED), next: CONFIRMED, works: true, beginsInRecovery: true },
  first: { disk: () => new MemoryFileTree(), next: CONFIRMED, works: true, beginsInRecovery: true },
} satisfies Readonly<Record<string, Plot>>;

export type Life = keyof typeof PLOTS;
export const LIVES = Object.keys(PLOTS) as readonly Life[];

/** A disk at the beginning of such a life. */
export function diskFor(life: Life): MemoryFileTree {
  return PLOTS[life].disk();
}

function boardThat(
  does: (slots: BoardSlots, tree: MemoryFileTree) => unknown,
  from = new MemoryFileTree(),
): MemoryFileTree {
  const tree = copyOf(from);
  does(slotsOn(tree), tree);
  return copyOf(tree);
}

/** What was begun and what was answered on a board so far. */
export class History {
  received = 0;
  /** The installation was answered, and so was the confirmation. */
  installed = false;
  confirmed = false;
  /** A confirmation was begun. */
  confirming = false;
  /** Starts of the trial since it was armed. */
  starts = 0;
  /** There was something to start once. */
  bootable = false;

  constructor(from?: History) {
    Object.assign(this, from);
  }

  get key(): string {
    return JSON.stringify(this);
  }
}

export interface Scene {
  readonly make: MakeBoard;
  readonly tree: MemoryFileTree;
  readonly history: History;
  readonly life: Life;
  /** Whether what is to come need not be looked at, as it came before from the same disk and the same answers. */
  readonly isKnown?: (scene: Scene) => boolean;
}

/** What a board goes through while the power stays on. */
export function play(scene: Scene): Verdict {
  return update(scene) ?? "kept";
}

/** What is found after a cut, and the same update once more: it comes to its end then. */
export function recover(scene: Scene): Verdict {
  return judgeStart(scene) ?? (scene.isKnown?.(scene) ? "kept" : (update(scene) ?? probe(scene)));
}

/** Any answer of a board that throws is as good as none. */
export function judged(run: () => Verdict): Verdict {
  try {
    return run();
  } catch (error) {
    if ((error as Error).name === "PowerCut") throw error;
    return "bricked";
  }
}

/** Spoils what is in the slot that is not the confirmed one; false where there is nothing. */
export function spoilOther(tree: MemoryFileTree): boolean {
  const other = tree.readLink("current") === "slots/b" ? "a" : "b";
  const file = `slots/${other}/app/main.mjs`;
  if (tree.kindOf(file) !== "file") return false;
  tree.append(file, Uint8Array.of(0));
  return true;
}

/** Sends the image, installs it, and lets the board start until it does so without a trial. */
function update(scene: Scene): Verdict | undefined {
  const { make, tree, history, life } = scene;
  const { next, works, isAtRest }: Plot = PLOTS[life];
  const board = make(tree, isAtRest);
  const from = receivedOn(tree, next);
  for (const part of partsOf(image(next), PART_BYTES).filter(({ offset }) => offset >= from)) {
    const taken = board.take(part);
    if ("refusal" in taken) return "lost";
    history.received = taken.received;
  }
  history.starts = 0;
  history.installed = false;
  if ("refusal" in board.install(crypto.sha256(image(next)))) return "lost";
  history.installed = true;
  history.bootable = true;
  return judgeStart(scene) ?? (isConfirmed(tree, works ? next : CONFIRMED) ? undefined : "lost");
}

/** What the board starts in the end, against what was answered. */
function judgeStart(scene: Scene): Verdict | undefined {
  const { tree, history, life } = scene;
  const { next, works } = PLOTS[life];
  const started = settle(scene);
  if (typeof started === "string") return started;
  if (receivedOn(tree, next) < history.received) return "lost";
  if (started === undefined) return undefined;
  history.bootable = true;
  const { sequence } = started.manifest;
  if (sequence < CONFIRMED || (history.confirmed && sequence < next)) return "downgraded";
  if (sequence === CONFIRMED)
    return history.installed && history.starts === 0 && next > CONFIRMED ? "lost" : undefined;
  return sequence === next && works && history.confirming ? undefined : "unconfirmed";
}

function receivedOn(tree: FileTree, sequence: number): number {
  const { digest, received = 0 } = new IncomingImage({ tree, crypto }).incoming ?? {};
  return digest !== undefined && equal(digest, crypto.sha256(image(sequence))) ? received : 0;
}

function isConfirmed(tree: FileTree, sequence: number): boolean {
  const entry = `${tree.readLink("current")}/app/main.mjs`;
  return equal(tree.read(entry) ?? EMPTY, FILES.get(sequence)?.["app/main.mjs"] ?? EMPTY);
}

/** Older images are refused, whatever happened. */
function probe({ make, tree, life }: Scene): Verdict {
  const { next, works } = PLOTS[life];
  const older = [OLD, CONFIRMED, NEXT].filter((sequence) => sequence < (works ? next : CONFIRMED));
  const isRefused = (sequence: number): boolean => "refusal" in make(tree).installImage(image(sequence));
  return older.every(isRefused) ? "kept" : "downgraded";
}

type Started = Extract<BootChoice, { kind: "start" }>;

/** Starts the board until it starts what it has confirmed; undefined where it has nothing yet, and need not. */
function settle(scene: Scene): Started | Verdict | undefined {
  const { make, tree, history, life } = scene;
  for (let starts = 0; starts < STARTS_MAX; starts++) {
    const board = make(tree);
    const choice = board.choose();
    if (choice.kind === "recovery") return mayRecover(life) && !history.bootable ? undefined : "bricked";
    if (!isAsSigned(tree, choice)) return "bricked";
    if (!choice.isTrial) return choice;
    if (++history.starts > TRIES) return "unconfirmed";
    runTrial(scene, board, choice);
  }
  return "bricked";
}

function runTrial({ history, life }: Scene, board: Board, { slot, manifest }: Started): void {
  const { next, works, worksAtStart = 1 }: Plot = PLOTS[life];
  if (!works || manifest.sequence !== next || history.starts < worksAtStart) return;
  history.confirming = true;
  if (board.confirm(slot) === "done") history.confirmed = true;
}

function mayRecover(life: Life): boolean {
  const { beginsInRecovery = false }: Plot = PLOTS[life];
  return beginsInRecovery;
}

/** What is started is what the author made, whatever the board says of it. */
function isAsSigned(tree: FileTree, { folder, manifest }: Started): boolean {
  return Object.entries(FILES.get(manifest.sequence) ?? {}).every(([path, bytes]) => {
    const found = tree.read(`${folder}/${path}`);
    return found !== undefined && equal(found, bytes);
  });
}
