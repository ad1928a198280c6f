// What a board remembers of its images: the link to the confirmed slot, the boot state, and what both together say.
import type { StorageResult } from "../../hal/ports/storage.ts";
import {
  type ArmedTrial,
  BOOT_STATE_FILE,
  type BootState,
  readBootState,
  writeBootState,
} from "./boot-state.ts";
import type { BoardHistory } from "./refusals.ts";
import { openSlot, type SlotReader, slotFolder } from "./slot.ts";
import { SLOTS, type Slot } from "./slots-report.ts";
import { inTurn } from "./tree-steps.ts";

/** The link to the confirmed slot. */
const CURRENT = "current";

export class BootRecord {
  readonly #reader: SlotReader;

  constructor(reader: SlotReader) {
    this.#reader = reader;
  }

  /** The confirmed slot. */
  get current(): Slot | undefined {
    const target = this.#reader.tree.readLink(CURRENT);
    return SLOTS.find((slot) => slotFolder(slot) === target);
  }

  /** Undefined where it is lost: the link says all that is needed to start. */
  get state(): BootState | undefined {
    return readBootState(this.#reader.tree);
  }

  /** True for a board that never had an image. One that has lost its link has lost no more than that. */
  get isEmpty(): boolean {
    const { tree } = this.#reader;
    return tree.kindOf(CURRENT) === undefined && tree.kindOf(BOOT_STATE_FILE) === undefined;
  }

  /** The floor is never below the confirmed image, whether the state was lost or a cut kept it from being written. */
  get history(): BoardHistory {
    const { floor = 0, floorDigest } = this.state ?? {};
    const known = { floor, ...(floorDigest && { floorDigest }) };
    const slot = this.current;
    const opened = slot === undefined ? "no slot" : openSlot(this.#reader, slot);
    if (typeof opened === "string") return known;
    const { manifest, digest } = opened;
    const runningSchema = manifest.dataSchema;
    const isKnown = floorDigest !== undefined && manifest.sequence <= floor;
    if (isKnown || manifest.sequence < floor) return { ...known, runningSchema };
    return { floor: manifest.sequence, floorDigest: digest, runningSchema };
  }

  /** Changes some of the state, durably; what was lost of it is put together again. */
  write(change: Partial<BootState>): StorageResult {
    const { floor, floorDigest } = this.history;
    const { trial, outcome } = this.state ?? {};
    return writeBootState(this.#reader.tree, { floor, floorDigest, trial, outcome, ...change });
  }

  /** From now on this slot is the confirmed one. Durable with the next sync of the root. */
  point(slot: Slot): StorageResult {
    const { tree } = this.#reader;
    const fresh = `${CURRENT}.new`;
    return inTurn(
      () => tree.removeAll(fresh),
      () => tree.link(fresh, slotFolder(slot)),
      () => tree.rename(fresh, CURRENT),
    );
  }

  /**
   * What is to follow once the link points to an image: the floor rises to it, and it is on trial no more. The link is
   * durable first: otherwise a cut could leave the old image, and a floor above it.
   */
  settle({ sequence, digest }: Pick<ArmedTrial, "sequence" | "digest">): StorageResult {
    const { floor, floorDigest } = this.state ?? { floor: 0 };
    const risen = sequence >= floor ? { floor: sequence, floorDigest: digest } : { floor, floorDigest };
    return inTurn(
      () => this.#reader.tree.syncFolder(""),
      () => this.write({ ...risen, trial: undefined, outcome: { kind: "confirmed", sequence } }),
    );
  }
}
