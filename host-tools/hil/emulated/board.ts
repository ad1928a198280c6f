// The images of an emulated board: two slots on a model disk, and what stands in for a loader that starts them.
import { AUTHOR_KEYS, type Identity, newIdentity } from "../../../firmware/identity/identity.ts";
import type { BoardUpdates } from "../../../firmware/meter-board.ts";
import { concat, fromText, toHex } from "../../../firmware/protocol/bytes.ts";
import { BoardSlots } from "../../../firmware/update/board-slots.ts";
import { encodeImage } from "../../../firmware/update/image.ts";
import { signManifest } from "../../../firmware/update/manifest.ts";
import type { BoardFacts } from "../../../firmware/update/refusals.ts";
import type { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { pack, unpack } from "../../../hal/node/brotli.ts";
import type { Clock } from "../../../hal/ports/clock.ts";
import type { CryptoEngine } from "../../../hal/ports/crypto.ts";
import type { Survival } from "../../../hal/storage/disk-model.ts";
import { MemoryFileTree } from "../../../hal/storage/memory-file-tree.ts";

export interface EmulatedBoardParts {
  readonly crypto: CryptoEngine;
  readonly clock: Clock;
  readonly random: SeededRandom;
}

/** `sound` gets well and is confirmed; `sick` starts and never gets well. */
export type ImageKind = "sound" | "sick";

const FACTS: BoardFacts = {
  ...{ board: "node-gateway", arch: "arm64", nodeVersion: "20.19.6" },
  libc: { kind: "glibc", version: "2.36" },
};
const NATIVE = "prebuilds/linux-arm64/node.napi.glibc.node";
export const FACTORY_SEQUENCE = 1;
/** Enough that an upload takes several parts. */
const NATIVE_BYTES = 12_000;
/** A meter has looked at its own health by then. */
const CONFIRM_AFTER_MS = 5000;

export class EmulatedBoard {
  readonly #parts: EmulatedBoardParts;
  readonly #author: Identity;
  #tree = new MemoryFileTree();

  /** Fresh from the factory. */
  constructor(parts: EmulatedBoardParts) {
    const { crypto, random } = parts;
    this.#parts = parts;
    this.#author = newIdentity(crypto, random.fork("author"), {
      ...{ role: "author", id: "maker", development: true },
      ...AUTHOR_KEYS,
    });
    const installed = this.#slots().installImage(this.image("sound", FACTORY_SEQUENCE));
    if ("refusal" in installed) throw new Error(`${installed.refusal}: ${installed.why}`);
  }

  /** As its author would make it. */
  image(kind: ImageKind, sequence: number): Uint8Array {
    const { crypto, random } = this.#parts;
    const files = {
      "app/main.mjs": fromText(`// ${kind} ${sequence}\n`),
      "package.json": fromText('{"type":"module"}\n'),
      [NATIVE]: random.fork(`native of ${sequence}`).bytes(NATIVE_BYTES),
    };
    const payload = packedOnce(crypto, concat(...Object.values(files)));
    const manifest = {
      ...{ sequence, version: `1.${sequence}.0-${kind}`, board: FACTS.board, arch: "arm64" as const },
      ...{ libc: "glibc" as const, libcMin: "2.28", node: { from: "20.19.0" } },
      ...{ dataSchema: { reads: [1, 1] as const, writes: 1 }, entry: "app/main.mjs", native: NATIVE },
      files: Object.entries(files).map(([path, bytes]) => {
        return { path, bytes: bytes.length, digest: crypto.sha256(bytes) };
      }),
      payload: { bytes: payload.length, digest: crypto.sha256(payload) },
    };
    return encodeImage({ envelope: signManifest(crypto, this.#author, manifest), payload });
  }

  /** What a start finds: what the meter is given of the board, or `sick` where its program never gets well. */
  start(restart: () => void): BoardUpdates | "sick" {
    const slots = this.#slots();
    const choice = slots.choose();
    if (choice.kind === "recovery") throw new Error(`an emulated board is in recovery: ${choice.why}`);
    if (choice.manifest.version.endsWith("-sick")) return "sick";
    const tree = this.#tree;
    if (choice.isTrial)
      this.#parts.clock.after(CONFIRM_AFTER_MS, () => {
        // Whose supply was cut meanwhile is not there any more to say so.
        if (this.#tree === tree) slots.confirm(choice.slot);
      });
    return { slots, restart };
  }

  /** Called in the middle of each operation of the disk. */
  watch(watcher: () => void): void {
    this.#tree.watch(watcher);
  }

  /** The disk as it would be found after a cut now. */
  treeAfterCut(survival: Survival): MemoryFileTree {
    return this.#tree.afterCut(survival);
  }

  /** From now on this is the disk. */
  putBack(tree: MemoryFileTree): void {
    this.#tree = tree;
  }

  #slots(): BoardSlots {
    const { crypto } = this.#parts;
    const authors = [this.#author.credential];
    return new BoardSlots({ tree: this.#tree, crypto, authors, facts: FACTS, unpack });
  }
}

/** To pack as small as it gets takes longer than all else of a rig's opening, and a seed makes the same images again. */
function packedOnce(crypto: CryptoEngine, bytes: Uint8Array): Uint8Array {
  const name = toHex(crypto.sha256(bytes));
  const packed = PACKED.get(name) ?? pack(bytes);
  if (PACKED.size < PACKED_MAX) PACKED.set(name, packed);
  return packed;
}

const PACKED = new Map<string, Uint8Array>();
/** Images of some seeds, a megabyte in all. */
const PACKED_MAX = 64;
