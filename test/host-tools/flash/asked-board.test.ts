// A flasher at a board that it asks: answers that are lost, boards that forget, and what is no use to try again.
import { describe, expect, test } from "vitest";
import type { Refused } from "../../../firmware/update/refusals.ts";
import type { ImagePart, Installed } from "../../../firmware/update/slots-report.ts";
import { VirtualClock } from "../../../hal/emulated/virtual-clock.ts";
import type { MemoryFileTree } from "../../../hal/storage/memory-file-tree.ts";
import { AskedBoard } from "../../../host-tools/flash/asked-board.ts";
import type { BoardAsker } from "../../../host-tools/flash/board-askers.ts";
import { FlashError } from "../../../host-tools/flash/target.ts";
import { settle } from "../../../host-tools/world/single-line.ts";
import { boardWith, slotsOn } from "../../firmware/update/board.ts";
import { imageOf } from "../../firmware/update/images.ts";
import { flashImage } from "../../support/recovery-line.ts";

const IMAGE = flashImage(imageOf(8));
const SECOND_MS = 1000;

interface Faults {
  /** What happens to a question before it comes to the board, and to its answer. */
  readonly before?: (asked: string) => void;
  readonly after?: (asked: string) => void;
  readonly send?: (part: ImagePart) => { received: number } | Refused;
}

/** A board that runs image 7, asked a second for each question. */
function board({ before = () => {}, after = () => {}, send }: Faults = {}, tree = boardWith(7)) {
  const clock = new VirtualClock();
  const slots = slotsOn(tree);
  const asked: string[] = [];
  const ask = async <Answer>(name: string, work: () => Answer): Promise<Answer> => {
    asked.push(name);
    await new Promise<void>((resolve) => void clock.after(SECOND_MS, resolve));
    before(name);
    const answer = work();
    after(name);
    return answer;
  };
  const asker: BoardAsker = {
    ...{ name: "coap:meter:M1", clock, runs: true },
    report: () => ask("report", () => slots.report()),
    send: (part) => ask("send", () => send?.(part) ?? slots.take(part)),
    install: (digest) => ask("install", (): Installed | Refused => slots.install(digest)),
    close: async () => {},
  };
  const target = new AskedBoard(asker, { patienceMs: 60 * SECOND_MS });
  return { clock, slots, asked, target, settle: <Result>(work: Promise<Result>) => settle(clock, work) };
}

/** Nobody answers, the first so many times. */
function silence(times: number, what: string): (asked: string) => void {
  let left = times;
  return (asked) => {
    if (asked === what && left-- > 0) throw new FlashError("unreachable", "Nobody answered.");
  };
}

/** Image 8 runs on trial. */
function onTrial(): MemoryFileTree {
  const tree = boardWith(7);
  slotsOn(tree).installImage(imageOf(8));
  slotsOn(tree).choose();
  return tree;
}

describe("a flasher", () => {
  test("asks again where nobody answered, whatever came of the question", async () => {
    for (const faults of [
      { before: silence(3, "send") },
      { after: silence(3, "send") },
      { before: silence(3, "report") },
    ]) {
      const { target, settle } = board(faults);
      await settle(target.upload(IMAGE, () => {}));
      expect(await settle(target.activate(IMAGE.digest))).toMatchObject({
        slot: "b",
        armed: true,
        starts: true,
      });
    }
  });

  test("learns by the slots that an image was installed whose answer was lost, and has it installed once", async () => {
    const { target, settle, asked } = board({ after: silence(1, "install") });
    await settle(target.upload(IMAGE, () => {}));
    expect(await settle(target.activate(IMAGE.digest))).toMatchObject({
      slot: "b",
      sequence: 8,
      armed: true,
    });
    expect(asked.filter((name) => name === "install")).toHaveLength(1);
  });

  test("ends at once where nobody will have him, and after his patience where nobody answers", async () => {
    const stranger = board({
      before: () => {
        throw new FlashError("identity", "The meter M1 refused this head-end.");
      },
    });
    await expect(stranger.settle(stranger.target.upload(IMAGE, () => {}))).rejects.toMatchObject({
      kind: "identity",
    });
    expect(stranger.asked).toHaveLength(1);
    const silent = board({ before: silence(1000, "send") });
    await expect(silent.settle(silent.target.upload(IMAGE, () => {}))).rejects.toMatchObject({
      kind: "unreachable",
    });
    expect(silent.clock.monotonicMs()).toBeLessThan(80 * SECOND_MS);
  });

  test("does not send for ever to a board that keeps nothing", async () => {
    const { target, settle, asked } = board({ send: () => ({ refusal: "gap", received: 0 }) });
    await expect(settle(target.upload(IMAGE, () => {}))).rejects.toThrow(
      "The board at coap:meter:M1 loses what it is sent again and again: see that nobody else flashes it, and that its storage is sound.",
    );
    expect(asked.length).toBeLessThan(40);
  });

  test("tells before he sends anything that another image is on trial, and not of the very image", async () => {
    const { target, settle, asked } = board({}, onTrial());
    await expect(settle(target.check(flashImage(imageOf(9))))).rejects.toMatchObject({
      ...{ kind: "refused", refusal: "busy", message: expect.stringContaining("sequence 8 is on trial") },
    });
    await settle(target.check(IMAGE));
    expect(asked).toEqual(["report", "report"]);
    expect(await settle(target.upload(IMAGE, () => {}))).toEqual({ bytes: 0, resumedAt: IMAGE.bytes.length });
  });
});
