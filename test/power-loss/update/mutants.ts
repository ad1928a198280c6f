// Boards whose installer or loader is careless in one thing: the checker must find each of them.
import { BoardSlots, type BoardSlotsParts } from "../../../firmware/update/board-slots.ts";
import { BootRecord } from "../../../firmware/update/boot-record.ts";
import { type ArmedTrial, TRIES } from "../../../firmware/update/boot-state.ts";
import { type ImageParts, readImage, unpackFiles } from "../../../firmware/update/image.ts";
import { IncomingImage } from "../../../firmware/update/incoming.ts";
import { type OpenedManifest, openManifest } from "../../../firmware/update/manifest.ts";
import { openSlot, slotFolder, writeSlot } from "../../../firmware/update/slot.ts";
import type { BootChoice, Installed, Slot } from "../../../firmware/update/slots-report.ts";
import { inTurn } from "../../../firmware/update/tree-steps.ts";
import { unpack } from "../../../hal/node/brotli.ts";
import type { FileTree } from "../../../hal/ports/file-tree.ts";
import type { StorageResult } from "../../../hal/ports/storage.ts";
import type { MemoryFileTree } from "../../../hal/storage/memory-file-tree.ts";
import { AUTHOR, FACTS } from "../../firmware/update/images.ts";
import { crypto } from "./crypto.ts";
import { enumerateUpdates, type UpdateTally } from "./enumerate.ts";
import type { Board, MakeBoard } from "./life.ts";

/** A sample that ends with what it finds first. */
export function sampleOf(make: MakeBoard): UpdateTally {
  return enumerateUpdates({ make, everySecond: 2, untilFailure: true });
}

function partsOn(tree: FileTree, isAtRest = false): BoardSlotsParts {
  return { tree, crypto, authors: [AUTHOR.credential], facts: FACTS, unpack, isAtRest };
}

/** A product board on a tree in which some operations are others. */
function onTree(replaced: (tree: FileTree) => Partial<FileTree>): MakeBoard {
  return (tree, isAtRest) => new BoardSlots(partsOn(withReplaced(tree, replaced(tree)), isAtRest));
}

/** All operations passed on, but those that are replaced. */
function withReplaced(tree: FileTree, replaced: Partial<FileTree>): FileTree {
  return {
    kindOf: (path) => tree.kindOf(path),
    list: (folder) => tree.list(folder),
    read: (path) => tree.read(path),
    sizeOf: (path) => tree.sizeOf(path),
    readLink: (path) => tree.readLink(path),
    write: (path, bytes) => tree.write(path, bytes),
    append: (path, bytes) => tree.append(path, bytes),
    makeFolder: (path) => tree.makeFolder(path),
    remove: (path) => tree.remove(path),
    removeAll: (path) => tree.removeAll(path),
    rename: (from, to) => tree.rename(from, to),
    link: (path, target) => tree.link(path, target),
    sync: (path) => tree.sync(path),
    syncFolder: (folder) => tree.syncFolder(folder),
    ...replaced,
  };
}

/** Syncs of what this matches are skipped. */
function unsynced(what: RegExp): MakeBoard {
  return onTree((tree) => ({
    sync: (path) => (what.test(path) ? "done" : tree.sync(path)),
    syncFolder: (folder) => (what.test(`${folder}/`) ? "done" : tree.syncFolder(folder)),
  }));
}

/** The link is taken away, and made anew. */
const linkNotRenamed = onTree((tree) => ({
  rename: (from, to) => {
    if (to !== "current") return tree.rename(from, to);
    const target = tree.readLink(from) ?? "";
    tree.remove(from);
    tree.remove(to);
    return tree.link(to, target);
  },
}));

/** The state is written where it stands. */
const stateInPlace = onTree((tree) => {
  const placed = (path: string): string => path.replace(/^boot\.state\.new$/, "boot.state");
  return {
    removeAll: (path) => (placed(path) === path ? tree.removeAll(path) : "done"),
    write: (path, bytes) => tree.write(placed(path), bytes),
    sync: (path) => tree.sync(placed(path)),
    rename: (from, to) => (placed(from) === to ? "done" : tree.rename(from, to)),
  };
});

/** Each part of an upload is answered before it is synced. */
const lateUpload = onTree((tree) => {
  let owed: () => StorageResult = () => "done";
  return {
    sync: (path) => {
      if (!path.startsWith("incoming")) return tree.sync(path);
      const result = owed();
      owed = () => tree.sync(path);
      return result;
    },
  };
});

/** A board of which some answers come about in another way. */
function doing(replaced: (parts: BoardSlotsParts, board: BoardSlots) => Partial<Board>): MakeBoard {
  return (tree: MemoryFileTree, isAtRest) => {
    const parts = partsOn(tree, isAtRest);
    const board = new BoardSlots(parts);
    return { ...boundTo(board), ...replaced(parts, board) };
  };
}

function boundTo(board: Board): Board {
  return {
    take: (part) => board.take(part),
    install: (digest) => board.install(digest),
    installImage: (image) => board.installImage(image),
    choose: () => board.choose(),
    confirm: (slot) => board.confirm(slot),
  };
}

/** Writes an image into the other slot, and whatever the way does besides; all that the installer looks at is passed by. */
function installing(
  way: (record: BootRecord, trial: ArmedTrial, write: () => StorageResult) => void,
): MakeBoard {
  return doing((parts) => ({
    install: (digest) => installBy(way, parts, new IncomingImage(parts).image(digest) as Uint8Array),
    ...(way === letIn && { installImage: (image) => installBy(way, parts, image) }),
  }));
}

function installBy(
  way: (record: BootRecord, trial: ArmedTrial, write: () => StorageResult) => void,
  parts: BoardSlotsParts,
  image: Uint8Array,
): Installed {
  const { envelope, payload } = readImage(image) as ImageParts;
  const { manifest, digest } = openManifest(crypto, parts.authors, envelope) as OpenedManifest;
  const contents = unpackFiles(parts, manifest, payload) as readonly Uint8Array[];
  const files = manifest.files.map(({ path }, i) => ({ path, bytes: contents[i] as Uint8Array }));
  const record = new BootRecord(parts);
  const slot = record.current === "a" ? "b" : "a";
  const { sequence } = manifest;
  way(record, { slot, left: TRIES, sequence, digest }, () => writeSlot(parts.tree, slot, envelope, files));
  return { slot, sequence, armed: true };
}

/** Starts what it is told to, without a look at more than its manifest. */
function startBlindly(parts: BoardSlotsParts): BootChoice {
  const record = new BootRecord(parts);
  const { current, state: { trial } = {} } = record;
  if (trial !== undefined && trial.slot !== current && trial.left > 0) {
    record.write({ trial: { ...trial, left: trial.left - 1 } });
    return blindly(parts, trial.slot, true);
  }
  if (trial !== undefined && trial.slot === current) record.settle(trial);
  else if (trial !== undefined) record.write({ trial: undefined });
  return blindly(parts, current ?? "a", false);
}

function blindly(parts: BoardSlotsParts, slot: Slot, isTrial: boolean): BootChoice {
  const opened = openSlot(parts, slot);
  if (typeof opened === "string") return { kind: "recovery", why: opened };
  return { kind: "start", slot, folder: slotFolder(slot), manifest: opened.manifest, isTrial };
}

const armedFirst = installing((record, trial, write) => {
  record.write({ trial });
  write();
});
function letIn(record: BootRecord, trial: ArmedTrial, write: () => StorageResult): void {
  write();
  record.write({ trial });
}

/** With a loader that does not look either. */
function andBlind(make: MakeBoard): MakeBoard {
  return (tree, isAtRest) => ({
    ...boundTo(make(tree, isAtRest)),
    choose: () => startBlindly(partsOn(tree, isAtRest)),
  });
}

/** Goes on once the board has started a trial. */
function afterTrialStart(does: (record: BootRecord, before: ArmedTrial) => void): MakeBoard {
  return doing((parts, board) => ({
    choose: () => {
      const record = new BootRecord(parts);
      const before = record.state?.trial;
      const choice = board.choose();
      if (before !== undefined && choice.kind === "start" && choice.isTrial) does(record, before);
      return choice;
    },
  }));
}

const unsyncedStarts = doing((parts) => ({
  choose: () => {
    const tree = withReplaced(parts.tree, { sync: () => "done", syncFolder: () => "done" });
    return new BoardSlots({ ...parts, tree }).choose();
  },
}));

/** The floor rises, and the trial ends, before the link points to the image. */
const floorBeforeLink = doing((parts) => ({
  confirm: (slot) => {
    const record = new BootRecord(parts);
    const { sequence = 0, digest } = record.state?.trial ?? {};
    record.write({ floor: sequence, floorDigest: digest, trial: undefined });
    return inTurn(
      () => record.point(slot),
      () => parts.tree.syncFolder(""),
    );
  },
}));

/** The link is durable only with the state that relies on it. */
const linkNotSynced = onTree((tree) => {
  let isPointed = false;
  return {
    rename: (from, to) => {
      isPointed = to === "current";
      return tree.rename(from, to);
    },
    syncFolder: (folder) => {
      if (folder !== "" || !isPointed) return tree.syncFolder(folder);
      isPointed = false;
      return "done";
    },
  };
});

export const UPDATE_MUTANTS: ReadonlyMap<string, MakeBoard> = new Map<string, MakeBoard>([
  ["files-not-synced", unsynced(/^slots\/.*[^/]$/)],
  ["slot-folders-not-synced", unsynced(/^slots\/(.*\/)?$/)],
  ["root-not-synced", unsynced(/^\/$/)],
  ["state-not-synced", unsynced(/^boot\.state/)],
  ["state-written-in-place", stateInPlace],
  ["link-not-renamed", linkNotRenamed],
  ["link-not-synced-before-the-floor", linkNotSynced],
  ["floor-before-link", floorBeforeLink],
  [
    "floor-raised-at-trial",
    afterTrialStart((record, { sequence, digest }) => {
      record.write({ floor: sequence, floorDigest: digest });
    }),
  ],
  ["starts-not-counted", afterTrialStart((record, trial) => record.write({ trial }))],
  ["starts-counted-without-sync", unsyncedStarts],
  ["not-verified-at-start", andBlind((tree, isAtRest) => new BoardSlots(partsOn(tree, isAtRest)))],
  ["armed-before-written-and-not-verified", andBlind(armedFirst)],
  [
    "no-trial",
    installing((record, trial, write) => {
      inTurn(
        write,
        () => record.point(trial.slot),
        () => record.settle(trial),
      );
    }),
  ],
  ["older-image-let-in", installing(letIn)],
  [
    "slot-not-cleared",
    onTree((tree) => ({ removeAll: (path) => (path.startsWith("slots") ? "done" : tree.removeAll(path)) })),
  ],
  ["upload-answered-before-the-sync", lateUpload],
]);
