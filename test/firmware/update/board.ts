// A board of tests: a tree, its slots, and what a loader, a flasher and a meter on it do.
import { BoardSlots, type BoardSlotsParts } from "../../../firmware/update/board-slots.ts";
import type { Refused } from "../../../firmware/update/refusals.ts";
import type { Installed } from "../../../firmware/update/slots-report.ts";
import { unpack } from "../../../hal/node/brotli.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import type { FileTree } from "../../../hal/ports/file-tree.ts";
import { MemoryFileTree } from "../../../hal/storage/memory-file-tree.ts";
import { AUTHOR, FACTS, imageOf } from "./images.ts";

export function slotsOn(tree: FileTree, more: Partial<BoardSlotsParts> = {}): BoardSlots {
  return new BoardSlots({
    ...{ tree, crypto: opensslEngine, authors: [AUTHOR.credential], facts: FACTS, unpack },
    ...more,
  });
}

/** A board on which an image of this sequence was confirmed. */
export function boardWith(sequence: number): MemoryFileTree {
  const tree = new MemoryFileTree();
  mustInstall(slotsOn(tree).installImage(imageOf(sequence)));
  return tree;
}

export function mustInstall(outcome: Installed | Refused): Installed {
  if ("refusal" in outcome) throw new Error(`${outcome.refusal}: ${outcome.why}`);
  return outcome;
}

/** The tree as it is, all durable. */
export function copyOf(tree: MemoryFileTree): MemoryFileTree {
  return tree.afterCut({ bytes: "all", folder: "all" });
}

/** Parts of an image file, of so many bytes each. */
export function partsOf(image: Uint8Array, partBytes = 100) {
  const digest = opensslEngine.sha256(image);
  return Array.from({ length: Math.ceil(image.length / partBytes) }, (_, i) => ({
    ...{ digest, imageBytes: image.length, offset: i * partBytes },
    bytes: image.slice(i * partBytes, (i + 1) * partBytes),
  }));
}
