// A board whose root is a folder here: a mounted card, or any other. The installer runs in this process.
import { realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { equal } from "../../firmware/protocol/bytes.ts";
import { placesBelow } from "../../firmware/startup/board-places.ts";
import { BoardSlots } from "../../firmware/update/board-slots.ts";
import { refusalFor } from "../../firmware/update/refusals.ts";
import type { SlotsReport } from "../../firmware/update/slots-report.ts";
import { unpack } from "../../hal/node/brotli.ts";
import { holdAtOnce, holdExclusively } from "../../hal/node/exclusive.ts";
import { openFileTree } from "../../hal/node/file-tree.ts";
import { loadFault } from "../../hal/node/this-machine.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import { boardFactsOf, type FoundFacts } from "./board-facts.ts";
import { signatureRefusal } from "./image-file.ts";
import { nativeFault } from "./libraries.ts";
import { folderBelow, handOver, linkBelow, readBelow, removeBelow, writeBelow } from "./root-writer.ts";
import { BOOT, type BoardSetUp } from "./set-up.ts";
import { authorsBelow, isMountedAt } from "./settings-below.ts";
import {
  type Activated,
  FlashError,
  type FlashImage,
  type FlashTarget,
  keyIsThere,
  type OnProgress,
  refusedBy,
  type Uploaded,
} from "./target.ts";

const PLACES = placesBelow("");
const DATA = PLACES.data;

/** systemd looks for new users and the like in /etc where this is not there, as it starts (systemd.unit(5), ConditionNeedsUpdate). */
const UPDATED = "etc/.updated";

/** Elsewhere no board runs, and nobody can be kept away (`hal/node/exclusive.ts`). */
const KNOWS_OTHERS = process.platform === "linux";

/** Small enough to tell how far it is, and to lose little at a cut. */
const PART_BYTES = 64 << 10;

export class DirTarget implements FlashTarget {
  readonly name: string;
  readonly #root: string;
  readonly #crypto: CryptoEngine;
  readonly #release: () => void;
  #known: FoundFacts | undefined;

  private constructor(name: string, root: string, crypto: CryptoEngine, release: () => void) {
    this.name = name;
    this.#root = root;
    this.#crypto = crypto;
    this.#release = release;
  }

  /** The folder must be there: a card that is not mounted is no empty board. */
  static async open(name: string, path: string, crypto: CryptoEngine): Promise<DirTarget> {
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory())
      throw new FlashError("unusable", `${path} is no folder: mount the card there, or make the folder.`);
    const root = realpathSync(path);
    refuseHidden(root);
    const release = await holdExclusively(`flash ${root}`);
    if (release === undefined)
      throw refusedBy(name, { refusal: "busy", why: "Another flasher is at work there." });
    return new DirTarget(name, root, crypto, release);
  }

  async report(): Promise<SlotsReport | "empty"> {
    return readBelow(this.#root, BOOT) === undefined ? "empty" : this.#slots().report();
  }

  async checkSetUp({ node }: BoardSetUp, { manifest, manifestDigest }: FlashImage): Promise<void> {
    const facts = this.#facts(node);
    const refused = refusalFor({ manifest, digest: manifestDigest }, facts, { floor: 0 });
    if (refused === undefined) return;
    const hint =
      facts.from === "this machine"
        ? " (no system is in that folder: it is taken for one of this machine's)"
        : "";
    throw refusedBy(this.name, { ...refused, why: `${(refused.why ?? "").replace(/\.$/, "")}${hint}` });
  }

  async setUp({ files, links }: BoardSetUp, onProgress: OnProgress): Promise<void> {
    const allBytes = files.reduce((sum, { bytes }) => sum + bytes.length, 0);
    let doneBytes = 0;
    for (const file of files) {
      const there = file.isKey ? readBelow(this.#root, file.path) : undefined;
      if (there !== undefined && !equal(there, file.bytes)) throw keyIsThere(file.path, this.name);
      for (const link of file.path === BOOT ? links : []) linkBelow(this.#root, link);
      if (there === undefined) writeBelow(this.#root, file);
      doneBytes += file.bytes.length;
      onProgress(doneBytes, allBytes);
    }
    removeBelow(this.#root, UPDATED);
  }

  async check(image: FlashImage): Promise<void> {
    const authors = authorsBelow(this.#root);
    const refused = signatureRefusal(this.#crypto, authors, image);
    if (refused !== undefined) throw refusedBy(this.name, refused);
  }

  async upload({ digest, bytes }: FlashImage, onProgress: OnProgress): Promise<Uploaded> {
    const slots = this.#slots();
    const { incoming } = slots.report();
    const resumedAt = incoming !== undefined && equal(incoming.digest, digest) ? incoming.received : 0;
    for (let offset = resumedAt; offset < bytes.length; ) {
      const part = bytes.subarray(offset, offset + PART_BYTES);
      const taken = slots.take({ digest, imageBytes: bytes.length, offset, bytes: part });
      if ("refusal" in taken) throw refusedBy(this.name, taken);
      offset = taken.received;
      onProgress(offset, bytes.length);
    }
    return { bytes: bytes.length - resumedAt, resumedAt };
  }

  /** Nobody here starts the board: its next start is the trial's first. */
  async activate(digest: Uint8Array): Promise<Activated> {
    const installed = this.#slots().install(digest);
    handOver(this.#root, DATA);
    if ("refusal" in installed) throw refusedBy(this.name, installed);
    return { ...installed, starts: false };
  }

  async close(): Promise<void> {
    this.#release();
  }

  #slots(): BoardSlots {
    const data = folderBelow(this.#root, DATA);
    const facts = this.#facts();
    const isOurs = facts.from === "this machine";
    return new BoardSlots({
      tree: openFileTree(data),
      crypto: this.#crypto,
      authors: authorsBelow(this.#root),
      facts,
      unpack,
      // On another machine's card nothing can be run: its files say whether the module will load.
      preflight: (folder, native) =>
        isOurs
          ? loadFault(join(data, folder, native))
          : nativeFault(
              this.#root,
              readBelow(this.#root, `${DATA}/${folder}/${native}`) ?? new Uint8Array(0),
            ),
      isAtRest: !this.#runs(),
      hold: () => (KNOWS_OTHERS ? holdAtOnce(`slots of ${data}`) : () => {}),
    });
  }

  /** Told once: Node alone has a hundred megabytes to look through, on a card that is slow. */
  #facts(shippedNode?: Uint8Array): FoundFacts {
    if (this.#known !== undefined) return this.#known;
    const facts = boardFactsOf(this.#root, shippedNode);
    if ("error" in facts)
      throw new FlashError("unusable", `${facts.error.replace(/\.$/, "")} (${this.name}).`);
    this.#known = facts;
    return facts;
  }

  /** On this machine a loader has started what is in this folder, or a meter without one has its state there. */
  #runs(): boolean {
    const names = [`board of ${join(this.#root, DATA)}`, `storage ${join(this.#root, PLACES.state)}`];
    return KNOWS_OTHERS && names.some(isHeld);
  }
}

function isHeld(name: string): boolean {
  const release = holdAtOnce(name);
  release?.();
  return release === undefined;
}

/** What is written into a folder that another partition is mounted over is on the card, and never seen. */
function refuseHidden(root: string): void {
  if (!isMountedAt(root, DATA)) return;
  const data = statSync(join(root, DATA), { throwIfNoEntry: false });
  if (data !== undefined && data.dev !== statSync(root).dev) return;
  throw new FlashError(
    "unusable",
    `By its etc/fstab the board has a partition of its own at /${DATA}: mount that too, at ${join(root, DATA)}.`,
  );
}
