// Flashing as it is for every way, to a board in memory on a virtual clock that starts anew, is away, confirms or does not.
import { describe, expect, test } from "vitest";
import type { BoardSlots } from "../../../firmware/update/board-slots.ts";
import { VirtualClock } from "../../../hal/emulated/virtual-clock.ts";
import { type FlashOptions, flash } from "../../../host-tools/flash/flash.ts";
import {
  FlashError,
  type FlashErrorKind,
  type FlashImage,
  type FlashTarget,
} from "../../../host-tools/flash/target.ts";
import { settle } from "../../../host-tools/world/single-line.ts";
import { boardWith, mustInstall, slotsOn } from "../../firmware/update/board.ts";
import { imageOf } from "../../firmware/update/images.ts";
import { flashImage } from "../../support/recovery-line.ts";

const IMAGE = flashImage(imageOf(8));

/** A board that runs image 7: what its starts do is the test's. */
class RunningBoard implements FlashTarget {
  readonly name = "the board";
  readonly slots: BoardSlots = slotsOn(boardWith(7));
  /** Why nobody answers, while that is so. */
  away: FlashErrorKind | undefined;
  uploads = 0;
  readonly #onActivate: (board: RunningBoard) => void;

  constructor(onActivate: (board: RunningBoard) => void) {
    this.#onActivate = onActivate;
  }

  async report() {
    if (this.away !== undefined) throw new FlashError(this.away, "Nobody answers.");
    return this.slots.report();
  }

  async upload({ digest, bytes }: FlashImage) {
    this.uploads++;
    this.slots.take({ digest, imageBytes: bytes.length, offset: 0, bytes });
    return { bytes: bytes.length, resumedAt: 0 };
  }

  async activate(digest: Uint8Array) {
    const installed = mustInstall(this.slots.install(digest));
    this.#onActivate(this);
    return { ...installed, starts: true };
  }

  async close() {}
}

function world(onActivate: (board: RunningBoard, clock: VirtualClock) => void = () => {}) {
  const clock = new VirtualClock();
  const board = new RunningBoard((activated) => onActivate(activated, clock));
  const run = (options: Partial<FlashOptions> = {}) =>
    settle(clock, flash(board, IMAGE, { clock, wait: true, ...options }));
  return { board, run };
}

describe("flashing a board that runs", () => {
  test("ends when the board, which was away, has confirmed the image", async () => {
    const { board, run } = world(({ slots }, clock) => {
      board.away = "unreachable";
      clock.after(9000, () => {
        board.away = undefined;
        slots.choose();
      });
      clock.after(30_000, () => slots.confirm("b"));
    });
    const steps: string[] = [];
    const result = await run({ onStep: (step) => steps.push(step) });
    expect(result).toMatchObject({ end: "confirmed", slot: "b" });
    expect(result.milliseconds).toBeGreaterThanOrEqual(30_000);
    expect(result.milliseconds).toBeLessThan(33_000);
    expect(steps).toEqual(["asking", "carrying", "installing", "waiting"]);
    expect(await run()).toMatchObject({ end: "unchanged", slot: "b" });
    expect(board.uploads).toBe(1);
  });

  test("ends when the board has gone back, and says why", async () => {
    const { run } = world(({ slots }, clock) => {
      for (const minute of [1, 11, 21, 31]) clock.after(minute * 60_000, () => slots.choose());
    });
    expect(await run()).toMatchObject({
      ...{ end: "rolled-back", slot: "b" },
      why: expect.stringMatching(/not confirmed in 3 starts/),
    });
  });

  test("gives up a board that does not come back within minutes, and says what starts it", async () => {
    const silent = world((board, clock) => {
      board.away = "unreachable";
      clock.after(200_000, () => {
        board.away = undefined;
      });
    });
    await expect(silent.run()).rejects.toMatchObject({
      ...{ kind: "unreachable", message: expect.stringContaining("said nothing for 3 minutes") },
    });
  });

  test("does not wait for ever for a board that answers and never ends its trial, nor at all where it is not to", async () => {
    const stuck = world(({ slots }) => void slots.choose());
    expect(await stuck.run()).toMatchObject({ end: "undecided" });
    expect(await world().run({ wait: false })).toMatchObject({ end: "armed", milliseconds: 0 });
  });

  test("does not wait on where the board proves to be another one", async () => {
    const { run } = world((board) => {
      board.away = "identity";
    });
    await expect(run()).rejects.toMatchObject({ kind: "identity" });
  });

  test("waits for a trial of this image that was under way already", async () => {
    const { board, run } = world(({ slots }, clock) => clock.after(5000, () => slots.confirm("b")));
    await run({ wait: false });
    board.slots.choose();
    expect(await run()).toMatchObject({ end: "confirmed" });
  });

  test("sends nothing in a dry run, nor what the board would refuse", async () => {
    const { board, run } = world();
    expect(await run({ dryRun: true })).toEqual({ end: "dry-run", slot: "b", milliseconds: 0 });
    const older = flashImage(imageOf(6));
    await expect(flash(board, older, { clock: new VirtualClock() })).rejects.toMatchObject({
      ...{ kind: "refused", refusal: "rollback" },
    });
    expect(board.uploads).toBe(0);
  });
});
