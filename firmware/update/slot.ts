// One slot: a folder with a signed manifest and exactly the files that it lists.
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import { type FileTree, isTreePath } from "../../hal/ports/file-tree.ts";
import type { StorageResult } from "../../hal/ports/storage.ts";
import { equal } from "../protocol/bytes.ts";
import type { Credential } from "../protocol/cose/credential.ts";
import { SIGN1_BYTES_MAX } from "../protocol/cose/sign1.ts";
import { type ImageManifest, MANIFEST_FILE, type OpenedManifest, openManifest } from "./manifest.ts";
import type { Slot } from "./slots-report.ts";
import { folderOf, inTurn } from "./tree-steps.ts";

/** What it takes to tell whether a slot may be started. */
export interface SlotReader {
  readonly tree: FileTree;
  readonly crypto: CryptoEngine;
  /** Whose images are started. */
  readonly authors: readonly Credential[];
}

/** A slot that is whole, or why it is not, and its manifest where that can be read. */
export type CheckedSlot =
  | { readonly isWhole: true; readonly opened: OpenedManifest }
  | { readonly isWhole: false; readonly why: string; readonly opened?: OpenedManifest };

const SLOTS_FOLDER = "slots";

export function slotFolder(slot: Slot): string {
  return `${SLOTS_FOLDER}/${slot}`;
}

/** The last manifest that a reader has opened in each slot: a signature takes a board longer than all the rest. */
const OPENED = new WeakMap<
  SlotReader,
  Map<Slot, { readonly envelope: Uint8Array; readonly opened: OpenedManifest }>
>();

/** The manifest of a slot, or why there is none. Its files are not looked at. */
export function openSlot(reader: SlotReader, slot: Slot): OpenedManifest | string {
  const { tree, crypto, authors } = reader;
  const path = `${slotFolder(slot)}/${MANIFEST_FILE}`;
  const size = tree.sizeOf(path);
  if (size === undefined) return `slot ${slot} has no manifest`;
  const envelope = size > SIGN1_BYTES_MAX ? undefined : tree.read(path);
  if (envelope === undefined) return `the manifest of slot ${slot} cannot be read`;
  const known = OPENED.get(reader)?.get(slot);
  if (known !== undefined && equal(known.envelope, envelope)) return known.opened;
  const opened = openManifest(crypto, authors, envelope);
  if ("refusal" in opened)
    return `the manifest of slot ${slot} is ${opened.refusal === "signature" ? "not signed by a trusted author" : "spoiled"}`;
  OPENED.set(reader, new Map(OPENED.get(reader)).set(slot, { envelope, opened }));
  return opened;
}

/** Looks at every byte of a slot: what a loader does before each start, and an installer once it has written. */
export function checkSlot(reader: SlotReader, slot: Slot): CheckedSlot {
  const opened = openSlot(reader, slot);
  if (typeof opened === "string") return { isWhole: false, why: opened };
  const { tree, crypto } = reader;
  const folder = slotFolder(slot);
  const foreign = foreignIn(tree, folder, opened.manifest);
  if (foreign !== undefined)
    return { isWhole: false, why: `slot ${slot} has ${foreign}, which its manifest does not list`, opened };
  const wrong = opened.manifest.files.find(({ path, bytes, digest }) => {
    const content = tree.sizeOf(`${folder}/${path}`) === bytes ? tree.read(`${folder}/${path}`) : undefined;
    return content === undefined || !equal(crypto.sha256(content), digest);
  });
  if (wrong === undefined) return { isWhole: true, opened };
  return { isWhole: false, why: `${wrong.path} of slot ${slot} is not as it was signed`, opened };
}

/**
 * Writes a slot anew, durably. Whatever was in it is gone first, links and all, so that nothing is written through them; and
 * names become durable from the leaves up, so that a folder that is found has what belongs in it.
 */
export function writeSlot(
  tree: FileTree,
  slot: Slot,
  envelope: Uint8Array,
  files: readonly { readonly path: string; readonly bytes: Uint8Array }[],
): StorageResult {
  const folder = slotFolder(slot);
  const all = [...files, { path: MANIFEST_FILE, bytes: envelope }];
  const folders = foldersOf(all.map(({ path }) => `${folder}/${path}`));
  return inTurn(
    () => tree.removeAll(folder),
    ...folders.map((path) => () => tree.makeFolder(path)),
    ...all.flatMap(({ path, bytes }) => [
      () => tree.write(`${folder}/${path}`, bytes),
      () => tree.sync(`${folder}/${path}`),
    ]),
    ...[...folders.toReversed(), ""].map((path) => () => tree.syncFolder(path)),
  );
}

/** All folders on the ways to these files, each before those in it. */
function foldersOf(paths: readonly string[]): readonly string[] {
  const folders = new Set<string>();
  for (const path of paths)
    for (let folder = folderOf(path); folder !== ""; folder = folderOf(folder)) folders.add(folder);
  return [...folders].sort();
}

/** The first thing below a slot's folder that is neither a file of the manifest nor a folder on the way to one. */
function foreignIn(tree: FileTree, slot: string, { files }: ImageManifest): string | undefined {
  const wanted = new Set([MANIFEST_FILE, ...files.map(({ path }) => path)].map((path) => `${slot}/${path}`));
  const folders = new Set(foldersOf([...wanted]));
  const open = [slot];
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    for (const name of tree.list(folder)) {
      const path = `${folder}/${name}`;
      const kind = isTreePath(path) ? tree.kindOf(path) : "other";
      if (kind === "folder" && folders.has(path)) open.push(path);
      else if (kind !== "file" || !wanted.has(path)) return path.slice(slot.length + 1);
    }
  }
  return undefined;
}
