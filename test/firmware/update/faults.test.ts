import { describe, expect, test } from "vitest";
import type { StorageFaultPlan, Survival } from "../../../hal/storage/disk-model.ts";
import {
  diskFor,
  History,
  judged,
  type Life,
  play,
  productBoard,
  recover,
  type Scene,
} from "../../power-loss/update/life.ts";
import { boardWith, copyOf, slotsOn } from "./board.ts";
import { imageOf } from "./images.ts";

const FAULTS: Readonly<Record<string, Omit<StorageFaultPlan, "operation">>> = {
  "full, and empty again": { fault: "full", short: true },
  full: { fault: "full", short: true, lasting: true },
  "read-only": { fault: "read-only", lasting: true },
  "broken for one operation": { fault: "broken" },
  broken: { fault: "broken", lasting: true },
};

/** Whoever looks at the disk afterwards finds what was written, or what is durable. */
const AFTERWARDS: readonly Survival[] = [
  { bytes: "all", folder: "all" },
  { bytes: "none", folder: "none" },
];

function beginning(life: Life): Scene {
  return { make: productBoard, tree: diskFor(life), history: new History(), life };
}

/** A disk that fails from this operation of an update on, and is well again after a new start. */
function verdictsAfter(life: Life, plan: StorageFaultPlan): readonly string[] {
  const scene = beginning(life);
  scene.tree.failAt(plan);
  judged(() => play(scene));
  // Whoever was refused for the disk's sake begins its upload anew.
  scene.history.received = 0;
  return AFTERWARDS.map((survival) =>
    judged(() =>
      recover({ ...scene, tree: scene.tree.afterCut(survival), history: new History(scene.history) }),
    ),
  );
}

describe.each(Object.entries(FAULTS))("a disk that is %s", (_, fault) => {
  test.each<Life>(["healthy", "unhealthy"])(
    "in an update leaves the confirmed image, and the update can be ended later: %s",
    (life) => {
      const whole = beginning(life);
      play(whole);
      // Each operation of the one life, each third of the other, which differs in its end only.
      const step = life === "healthy" ? 1 : 3;
      const failed = Array.from({ length: whole.tree.operations / step }, (__, i) => step * i + 1).filter(
        (operation) => verdictsAfter(life, { ...fault, operation }).some((verdict) => verdict !== "kept"),
      );
      expect(failed).toEqual([]);
    },
  );
});

describe("an installation that fills the disk", () => {
  test("is refused with the reason, and gives back the room that the meter's records need", () => {
    const tree = boardWith(6);
    const before = copyOf(tree);
    tree.failAt({ operation: tree.operations + 8, fault: "full", short: true });
    expect(slotsOn(tree).installImage(imageOf(7))).toEqual({
      refusal: "storage",
      why: "The image cannot be installed: the disk is full.",
    });
    expect([...tree.contents()]).toEqual([...before.contents()]);
  });

  test("is refused on a disk that cannot be written, which starts what it has all the same", () => {
    const tree = boardWith(6);
    tree.failAt({ operation: tree.operations + 1, fault: "read-only", lasting: true });
    expect(slotsOn(tree).installImage(imageOf(7))).toMatchObject({ refusal: "storage" });
    expect(slotsOn(tree).choose()).toMatchObject({ kind: "start", slot: "a", isTrial: false });
  });

  test("whose start of a trial cannot be counted does not start it", () => {
    const tree = boardWith(6);
    slotsOn(tree).installImage(imageOf(7));
    tree.failAt({ operation: tree.operations + 1, fault: "read-only", lasting: true });
    for (let starts = 0; starts < 5; starts++)
      expect(slotsOn(tree).choose()).toMatchObject({ kind: "start", slot: "a", isTrial: false });
  });
});
