// Two slots for images, and the one that is started: install, trial, confirm, roll back. README.md says why in this order.
import type { StorageResult } from "../../hal/ports/storage.ts";
import { equal } from "../protocol/bytes.ts";
import { BootRecord } from "./boot-record.ts";
import { type ArmedTrial, TRIES } from "./boot-state.ts";
import { type ImageParts, payloadRefusal, readImage, type Unpack, unpackFiles } from "./image.ts";
import { refusalOfHead } from "./image-head.ts";
import { IncomingImage } from "./incoming.ts";
import { type OpenedManifest, openManifest } from "./manifest.ts";
import {
  type BoardFacts,
  type Refused,
  refusalFor,
  refused,
  rollbackRefusal,
  type UpdateRefusal,
} from "./refusals.ts";
import { checkSlot, type SlotReader, slotFolder, writeSlot } from "./slot.ts";
import {
  type BootChoice,
  type ImagePart,
  type Incoming,
  type Installed,
  SLOTS,
  type Slot,
  type SlotImage,
  type SlotsReport,
} from "./slots-report.ts";
import { inTurn } from "./tree-steps.ts";

export interface BoardSlotsParts extends SlotReader {
  readonly facts: BoardFacts;
  readonly unpack: Unpack;
  /** Whether a native module of a slot's folder loads on this board: undefined, or why not, as a sentence. */
  readonly preflight?: (slotFolder: string, native: string) => string | undefined;
  /** Nothing of the board's images runs, as on a mounted card or in the recovery console: no trial is under way. */
  readonly isAtRest?: boolean;
  /** Keeps other processes from these slots until it is let go; undefined where one has them. */
  readonly hold?: () => (() => void) | undefined;
}

/** A file whose presence asks for the recovery console; an image that is installed takes it away. */
const RECOVERY = "recovery";
/** What passes by itself is no outcome of an update. */
const PASSING: ReadonlySet<UpdateRefusal> = new Set(["busy", "storage"]);

/** The slots of one board. What is answered is durable before. */
export class BoardSlots {
  readonly #parts: BoardSlotsParts;
  readonly #record: BootRecord;
  readonly #incoming: IncomingImage;

  constructor(parts: BoardSlotsParts) {
    this.#parts = parts;
    this.#record = new BootRecord(parts);
    this.#incoming = new IncomingImage(parts);
  }

  /** Looks at every byte of both slots, which takes a board some ten milliseconds. */
  report(): SlotsReport {
    const { current, history, state: { trial, outcome } = {} } = this.#record;
    const { incoming } = this.#incoming;
    const slots = SLOTS.map((slot) => [slot, this.#imageIn(slot, current, trial)] as const);
    return {
      facts: this.#parts.facts,
      ...history,
      ...(current && { current }),
      ...(trial && { trial: { slot: trial.slot, left: trial.left } }),
      slots: Object.fromEntries(slots.filter(([, image]) => image !== undefined)),
      ...(incoming && { incoming }),
      ...(outcome && { outcome }),
    };
  }

  /** Why an image that begins so would never be installed: asked before any of it is kept. */
  judge(first: Pick<ImagePart, "bytes" | "imageBytes">): Refused | undefined {
    return refusalOfHead(this.#parts, this.#record.history, first);
  }

  /** Keeps a part of an image; a part that begins elsewhere than the last one ended is refused as a gap. */
  take(part: ImagePart): Incoming | Refused {
    return this.#incoming.take(part);
  }

  /** Installs the uploaded image of this SHA-256. Asked for again, after a cut or a lost answer, it ends the same. */
  install(digest: Uint8Array): Installed | Refused {
    const image = this.#incoming.image(digest);
    return "refusal" in image ? image : this.installImage(image);
  }

  /** The same for an image file that came another way. */
  installImage(image: Uint8Array): Installed | Refused {
    return this.#held(
      () => this.#install(image),
      () => refused("busy", "Another process is at the slots of this board: try again."),
    );
  }

  /** What to start now. A start of a trial is spent before its slot is looked at. */
  choose(): BootChoice {
    if (this.#parts.tree.kindOf(RECOVERY) === "file") return { kind: "recovery", why: "it was asked for" };
    const trial = this.#record.state?.trial;
    if (trial === undefined) return this.#startCurrent();
    // A cut came in the midst of a confirmation. Where it cannot be ended now, it is as good as ended.
    if (trial.slot === this.#record.current) this.#record.settle(trial);
    else return this.#startTrial(trial) ?? this.#startCurrent();
    return this.#startCurrent();
  }

  /**
   * The image of this slot, which runs on trial, has shown that it works: it is the confirmed one from now on. "broken" too
   * where it is not on trial any more.
   */
  confirm(slot: Slot): StorageResult {
    return this.#held(
      () => this.#confirm(slot),
      () => "broken",
    );
  }

  #install(image: Uint8Array): Installed | Refused {
    const { crypto, authors, tree } = this.#parts;
    const parts = readImage(image);
    if ("refusal" in parts) return parts;
    const opened = openManifest(crypto, authors, parts.envelope);
    if ("refusal" in opened) return opened;
    const installed = this.#known(opened, parts.payload) ?? this.#installNew(opened, parts);
    if (!("refusal" in installed)) tree.remove(RECOVERY);
    else if (!PASSING.has(installed.refusal) && !this.#record.isEmpty) {
      const { sequence } = opened.manifest;
      const why = installed.why ?? installed.refusal;
      this.#record.write({ outcome: { kind: "refused", sequence, why } });
    }
    return installed;
  }

  /** Why this image is not for this board, or where it is already. */
  #known(opened: OpenedManifest, payload: Uint8Array): Installed | Refused | undefined {
    return (
      refusalFor(opened, this.#parts.facts, this.#record.history) ??
      payloadRefusal(this.#parts.crypto, opened.manifest, payload) ??
      this.#onTrial(opened) ??
      this.#confirmed(opened)
    );
  }

  #onTrial(opened: OpenedManifest): Installed | Refused | undefined {
    const trial = this.#record.state?.trial;
    if (trial === undefined) return undefined;
    const { slot, left, sequence, digest } = trial;
    // It may run: its slot is not to be touched.
    const isUnderWay = left < TRIES && this.#parts.isAtRest !== true;
    if (!equal(digest, opened.digest) || !this.#has(slot, digest)) {
      if (!isUnderWay) return undefined;
      const why = `The image of sequence ${sequence} is on trial: wait until it is confirmed or rolled back.`;
      return refused("busy", why);
    }
    return isUnderWay ? { slot, sequence, armed: false } : this.#arm(slot, opened);
  }

  /** Installed again it stays, and what was armed to follow it is not. */
  #confirmed({ manifest: { sequence }, digest }: OpenedManifest): Installed | Refused | undefined {
    const slot = this.#record.current;
    if (slot === undefined || !this.#has(slot, digest)) return undefined;
    const settled = this.#record.settle({ sequence, digest });
    return settled === "done" ? { slot, sequence, armed: false } : storageRefusal(settled);
  }

  #installNew(opened: OpenedManifest, { envelope, payload }: ImageParts): Installed | Refused {
    const { tree, preflight } = this.#parts;
    const { files, native } = opened.manifest;
    const contents = unpackFiles(this.#parts, opened.manifest, payload);
    if ("refusal" in contents) return contents;
    const slot = this.#record.current === "a" ? "b" : "a";
    const all = files.map(({ path }, i) => ({ path, bytes: contents[i] as Uint8Array }));
    const written = inTurn(
      () => this.#disarm(),
      () => writeSlot(tree, slot, envelope, all),
    );
    if (written !== "done") {
      // The meter's own records need the room.
      tree.removeAll(slotFolder(slot));
      return storageRefusal(written);
    }
    const checked = checkSlot(this.#parts, slot);
    if (!checked.isWhole) return refused("storage", `What was written reads otherwise: ${checked.why}.`);
    const why = preflight?.(slotFolder(slot), native);
    if (why !== undefined) return refused("preflight", why);
    return this.#record.isEmpty ? this.#makeFirst(slot, opened) : this.#arm(slot, opened);
  }

  /** The slot that is to be written is not to be started, whatever happens. */
  #disarm(): StorageResult {
    return this.#record.state?.trial === undefined ? "done" : this.#record.write({ trial: undefined });
  }

  #arm(slot: Slot, { manifest: { sequence }, digest }: OpenedManifest): Installed | Refused {
    const armed = this.#record.write({ trial: { slot, left: TRIES, sequence, digest } });
    return armed === "done" ? { slot, sequence, armed: true } : storageRefusal(armed);
  }

  /** The first image of a board is good by definition: there is nothing to go back to. */
  #makeFirst(slot: Slot, { manifest: { sequence }, digest }: OpenedManifest): Installed | Refused {
    const made = inTurn(
      () => this.#record.point(slot),
      () => this.#record.settle({ sequence, digest }),
    );
    return made === "done" ? { slot, sequence, armed: false } : storageRefusal(made);
  }

  #startTrial(trial: ArmedTrial): BootChoice | undefined {
    const { slot, left, sequence, digest } = trial;
    const drop = (why: string): undefined => {
      this.#record.write({ trial: undefined, outcome: { kind: "rolled-back", sequence, why } });
    };
    if (left === 0) return drop(`it was not confirmed in ${TRIES} starts`);
    // A start that is not spent for certain could be tried for ever.
    if (this.#record.write({ trial: { ...trial, left: left - 1 } }) !== "done") return undefined;
    const checked = checkSlot(this.#parts, slot);
    if (!checked.isWhole) return drop(checked.why);
    if (!equal(checked.opened.digest, digest)) return drop(`slot ${slot} has another image than was armed`);
    if (this.#isOlder(checked.opened)) return drop("a newer image has been confirmed");
    return {
      kind: "start",
      slot,
      folder: slotFolder(slot),
      manifest: checked.opened.manifest,
      isTrial: true,
    };
  }

  #startCurrent(): BootChoice {
    const slot = this.#record.current;
    if (slot === undefined) return { kind: "recovery", why: "no image is confirmed" };
    const checked = checkSlot(this.#parts, slot);
    if (!checked.isWhole) return { kind: "recovery", why: checked.why };
    const { manifest } = checked.opened;
    if (this.#isOlder(checked.opened))
      return { kind: "recovery", why: `slot ${slot} has another image than the one that was confirmed` };
    return { kind: "start", slot, folder: slotFolder(slot), manifest, isTrial: false };
  }

  /** An image of before, put into a slot by somebody else than the installer. */
  #isOlder(opened: OpenedManifest): boolean {
    return rollbackRefusal(opened, this.#record.history) !== undefined;
  }

  #confirm(slot: Slot): StorageResult {
    const { current, state } = this.#record;
    const trial = state?.trial?.slot === slot ? state.trial : undefined;
    if (current === slot) return trial === undefined ? "done" : this.#record.settle(trial);
    // What waits for its first start has shown nothing, whoever says so; and what is spoiled by now would not start again.
    if (trial === undefined || trial.left === TRIES || !this.#has(slot, trial.digest)) return "broken";
    return inTurn(
      () => this.#record.point(slot),
      () => this.#record.settle(trial),
    );
  }

  #imageIn(slot: Slot, current: Slot | undefined, trial: ArmedTrial | undefined): SlotImage | undefined {
    if (this.#parts.tree.kindOf(slotFolder(slot)) === undefined) return undefined;
    const checked = checkSlot(this.#parts, slot);
    const { manifest, digest = new Uint8Array(0) } = checked.opened ?? {};
    const { sequence = 0, version = "" } = manifest ?? {};
    const whole = slot === current ? "confirmed" : slot === trial?.slot ? "trial" : "old";
    return { sequence, version, digest, state: checked.isWhole ? whole : "broken" };
  }

  #has(slot: Slot, digest: Uint8Array): boolean {
    const checked = checkSlot(this.#parts, slot);
    return checked.isWhole && equal(checked.opened.digest, digest);
  }

  #held<Result>(run: () => Result, isHeld: () => Result): Result {
    const { hold = () => () => {} } = this.#parts;
    const release = hold();
    if (release === undefined) return isHeld();
    try {
      return run();
    } finally {
      release();
    }
  }
}

function storageRefusal(fault: StorageResult): Refused {
  return refused("storage", `The image cannot be installed: the disk is ${fault}.`);
}
