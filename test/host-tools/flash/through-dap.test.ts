// A meter's board is flashed over its own protected line, through a DAP, with loss on both sides and its supply cut.
import { expect, test } from "vitest";
import { concat } from "../../../firmware/protocol/bytes.ts";
import type { Refused } from "../../../firmware/update/refusals.ts";
import type { ImagePart } from "../../../firmware/update/slots-report.ts";
import { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import type { VirtualClock } from "../../../hal/emulated/virtual-clock.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { PowerCut } from "../../../hal/storage/disk-model.ts";
import { MemoryStorage } from "../../../hal/storage/memory-storage.ts";
import { AskedBoard } from "../../../host-tools/flash/asked-board.ts";
import { protectedAsker } from "../../../host-tools/flash/board-askers.ts";
import { flash } from "../../../host-tools/flash/flash.ts";
import { readFlashImage } from "../../../host-tools/flash/image-file.ts";
import { Block } from "../../../host-tools/world/block.ts";
import { settle } from "../../../host-tools/world/single-line.ts";
import type { SouthKind } from "../../../host-tools/world/south.ts";
import { boardWith, slotsOn } from "../../firmware/update/board.ts";
import { filesOf, imageOf } from "../../firmware/update/images.ts";
import { configuration } from "../../support/configuration.ts";

const START_MS = Date.UTC(2026, 10, 24);
/** A meter that has no supply for half a minute. */
const OUTAGE_MS = 30_000;
const CONFIRM_AFTER_MS = 5000;
const LEFT = { bytes: "torn", folder: "none" } as const;

const random = new SeededRandom("native");
const NATIVE = concat(...Array.from({ length: 4 }, () => random.bytes(50_000)));
const IMAGE = flashImage();

function flashImage() {
  const files = { ...filesOf(8), "prebuilds/linux-arm64/node.napi.glibc.node": NATIVE };
  const image = readFlashImage(opensslEngine, imageOf(8, { files }));
  return "refusal" in image ? expect.fail(image.why) : image;
}

interface Options {
  /** Of datagrams on each side of the DAP, each way. */
  readonly loss: number;
  /** After how many operations of its disk the supply goes, each time that the board has started. */
  readonly cuts: readonly number[];
}

/** A DAP with one meter on a board, whose supply goes in the middle of some operations of its disk. */
class World {
  readonly block: Block;
  tree = boardWith(7);
  storage = new MemoryStorage();
  starts = 0;
  cuts = 0;
  readonly #pending: number[];

  constructor(south: SouthKind, { loss, cuts }: Options) {
    this.#pending = [...cuts];
    this.block = new Block({
      ...{ seed: 11, south, meters: 1, southLoss: loss, northLoss: loss },
      ...{ crypto: opensslEngine, startUtcMs: START_MS, configuration },
      storage: () => this.storage,
      meter: (_, clock) => ({ updates: this.#start(clock) }),
    });
  }

  get target() {
    const { headEnd, clock } = this.block;
    const target = this.block.target("M1", 30_000);
    return new AskedBoard(protectedAsker({ headEnd, target, clock }));
  }

  /** What a loader does, and a meter that is well. */
  #start(clock: VirtualClock) {
    this.starts++;
    const { tree } = this;
    const slots = slotsOn(tree);
    const choice = slots.choose();
    if (choice.kind === "start" && choice.isTrial)
      clock.after(CONFIRM_AFTER_MS, () => void slots.confirm(choice.slot));
    const next = this.#pending.shift();
    if (next !== undefined) tree.cutAt(tree.operations + next);
    return {
      slots: {
        report: () => slots.report(),
        judge: (first: ImagePart) => slots.judge(first),
        take: (part: ImagePart) => this.#untilCut(() => slots.take(part)),
        install: (digest: Uint8Array) => this.#untilCut(() => slots.install(digest)),
      },
      restart: () => this.#off(1000),
    };
  }

  /** In a cut nothing is answered any more: the line is closed by then. */
  #untilCut<Answer>(work: () => Answer): Answer | Refused {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
      this.cuts++;
      this.#off(OUTAGE_MS);
      return { refusal: "storage" };
    }
  }

  #off(forMs: number): void {
    const [tree, storage] = [this.tree.afterCut(LEFT), this.storage.afterCut(LEFT)];
    this.block.powerOff();
    Object.assign(this, { tree, storage });
    this.block.clock.after(forMs, () => this.block.powerOn());
  }
}

interface Figures {
  readonly south: SouthKind;
  readonly loss: number;
  readonly cuts: readonly number[];
  /** Of the image's own bytes, how many times over they went, and at what rate in all, outages too. */
  readonly share: number;
  readonly bytesPerSecond: number;
}

test.each<Figures>([
  { south: "slipmux", loss: 0, cuts: [], share: 1, bytesPerSecond: 600 },
  { south: "slipmux", loss: 0.1, cuts: [14, 9, 64], share: 1.15, bytesPerSecond: 200 },
  { south: "ip", loss: 0.1, cuts: [8, 8, 8], share: 1.5, bytesPerSecond: 700 },
])(
  "an image of 200 kB goes through a DAP to a meter and is confirmed there: %j",
  async ({ south, ...plan }) => {
    const world = new World(south, plan);
    const { clock } = world.block;
    const result = await settle(clock, flash(world.target, IMAGE, { clock, wait: true }));
    const { bytes = 0, resumedAt } = result.uploaded ?? {};
    expect([result.end, result.slot, resumedAt]).toEqual(["confirmed", "b", 0]);
    expect(bytes / IMAGE.bytes.length).toBeLessThanOrEqual(plan.share);
    expect(IMAGE.bytes.length / (result.milliseconds / 1000)).toBeGreaterThan(plan.bytesPerSecond);
    expect(await settle(clock, world.target.report())).toMatchObject({
      ...{ current: "b", floor: 8, outcome: { kind: "confirmed", sequence: 8 } },
    });
    expect([world.cuts, world.starts]).toEqual([plan.cuts.length, plan.cuts.length + 2]);
    world.block.stop();
  },
);
