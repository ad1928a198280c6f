import { describe, expect, test } from "vitest";
import type { Slot } from "../../../firmware/update/slots-report.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { MemoryFileTree } from "../../../hal/storage/memory-file-tree.ts";
import { boardWith, copyOf, mustInstall, partsOf, slotsOn } from "./board.ts";
import { AUTHOR, author, FACTS, imageOf } from "./images.ts";

/** What a start gives: `a6` for the confirmed image 6 in slot a, `b7?` for image 7 on trial in slot b. */
function start(tree: MemoryFileTree): string {
  const choice = slotsOn(tree).choose();
  return choice.kind === "recovery"
    ? choice.why
    : `${choice.slot}${choice.manifest.sequence}${choice.isTrial ? "?" : ""}`;
}

/** Image 6 confirmed in slot a, image 7 armed in slot b. */
function armed(): MemoryFileTree {
  const tree = boardWith(6);
  mustInstall(slotsOn(tree).installImage(imageOf(7)));
  return tree;
}

describe("a board without an image", () => {
  test("starts nothing and says so", () => {
    expect(slotsOn(new MemoryFileTree()).choose()).toEqual({
      kind: "recovery",
      why: "no image is confirmed",
    });
    expect(slotsOn(new MemoryFileTree()).report()).toEqual({ facts: FACTS, floor: 0, slots: {} });
  });

  test("starts its first one without a trial", () => {
    const tree = new MemoryFileTree();
    expect(slotsOn(tree).installImage(imageOf(6))).toEqual({ slot: "a", sequence: 6, armed: false });
    expect([start(tree), start(tree)]).toEqual(["a6", "a6"]);
    expect(tree.readLink("current")).toBe("slots/a");
    expect(tree.unsynced).toEqual({ bytes: false, folderChanges: 0 });
  });
});

describe("an image that follows", () => {
  test("goes into the other slot, is tried, and is the confirmed one once it says so", () => {
    const tree = boardWith(6);
    expect(slotsOn(tree).installImage(imageOf(7))).toEqual({ slot: "b", sequence: 7, armed: true });
    expect(start(tree)).toBe("b7?");
    expect(slotsOn(tree).confirm("b")).toBe("done");
    expect([start(tree), start(tree)]).toEqual(["b7", "b7"]);
    expect(mustInstall(slotsOn(tree).installImage(imageOf(8)))).toEqual({
      slot: "a",
      sequence: 8,
      armed: true,
    });
    expect(start(tree)).toBe("a8?");
  });

  test("that is never confirmed is started three times, and then no more", () => {
    const tree = armed();
    expect([start(tree), start(tree), start(tree), start(tree), start(tree)]).toEqual([
      ...["b7?", "b7?", "b7?", "a6", "a6"],
    ]);
    const { outcome, trial, floor } = slotsOn(tree).report();
    expect([trial, floor]).toEqual([undefined, 6]);
    expect(outcome).toEqual({ kind: "rolled-back", sequence: 7, why: "it was not confirmed in 3 starts" });
  });

  test("that was rolled back may be tried again, as may one between it and the confirmed one", () => {
    const tree = armed();
    for (let starts = 0; starts < 4; starts++) start(tree);
    mustInstall(slotsOn(tree).installImage(imageOf(7)));
    expect(start(tree)).toBe("b7?");
  });

  test("raises the floor once it is confirmed, and not when it is tried", () => {
    const tree = armed();
    start(tree);
    expect(slotsOn(tree).report().floor).toBe(6);
    slotsOn(tree).confirm("b");
    expect(slotsOn(tree).report().floor).toBe(7);
    expect(slotsOn(tree).installImage(imageOf(6))).toMatchObject({ refusal: "rollback" });
  });

  test("three cuts in a row take nothing from a confirmed image, which has no number of starts", () => {
    const tree = boardWith(6);
    for (let starts = 0; starts < 20; starts++) expect(start(tree)).toBe("a6");
  });
});

describe("a confirmation", () => {
  test("counts from the slot that is on trial, and only once that was started", () => {
    const tree = armed();
    expect([slotsOn(tree).confirm("b"), slotsOn(tree).confirm("a")]).toEqual(["broken", "done"]);
    expect(slotsOn(tree).report()).toMatchObject({ current: "a", trial: { slot: "b", left: 3 }, floor: 6 });
    start(tree);
    expect([slotsOn(tree).confirm("b"), slotsOn(tree).confirm("b")]).toEqual(["done", "done"]);
    expect(slotsOn(tree).confirm("a")).toBe("broken");
  });

  test("comes too late once the image was rolled back", () => {
    const tree = armed();
    for (let starts = 0; starts < 4; starts++) start(tree);
    expect(slotsOn(tree).confirm("b")).toBe("broken");
    expect(start(tree)).toBe("a6");
  });

  test("of an image that is spoiled by now is none: the last one is started again", () => {
    const tree = armed();
    start(tree);
    tree.append("slots/b/app/main.mjs", Uint8Array.of(0));
    expect(slotsOn(tree).confirm("b")).toBe("broken");
    expect(start(tree)).toBe("a6");
  });
});

describe("an image that is there already", () => {
  test("is not written again: armed it stays armed, confirmed it stays confirmed", () => {
    const tree = armed();
    expect(slotsOn(tree).installImage(imageOf(7))).toEqual({ slot: "b", sequence: 7, armed: true });
    start(tree);
    expect(slotsOn(tree).installImage(imageOf(7))).toEqual({ slot: "b", sequence: 7, armed: false });
    slotsOn(tree).confirm("b");
    expect(slotsOn(tree).installImage(imageOf(7))).toEqual({ slot: "b", sequence: 7, armed: false });
    expect(start(tree)).toBe("b7");
  });

  test("and runs takes back what was armed to follow it", () => {
    const tree = armed();
    expect(slotsOn(tree).installImage(imageOf(6))).toEqual({ slot: "a", sequence: 6, armed: false });
    expect(start(tree)).toBe("a6");
  });

  test("and is spoiled is repaired, by way of the other slot and a trial", () => {
    const tree = boardWith(6);
    tree.append("slots/a/app/main.mjs", Uint8Array.of(0));
    expect(start(tree)).toContain("app/main.mjs of slot a is not as it was signed");
    expect(slotsOn(tree).installImage(imageOf(6))).toEqual({ slot: "b", sequence: 6, armed: true });
    expect(start(tree)).toBe("b6?");
    slotsOn(tree).confirm("b");
    expect(start(tree)).toBe("b6");
  });
});

describe("an installation while another image is on trial", () => {
  test("is refused as busy, as its slot may be running", () => {
    const tree = armed();
    start(tree);
    expect(slotsOn(tree).installImage(imageOf(8))).toMatchObject({ refusal: "busy" });
    expect(start(tree)).toBe("b7?");
  });

  test("takes its place on a mounted card, where nothing runs, and has all its starts", () => {
    const tree = armed();
    start(tree);
    start(tree);
    const card = slotsOn(tree, { isAtRest: true });
    expect(card.installImage(imageOf(7))).toEqual({ slot: "b", sequence: 7, armed: true });
    expect(card.report().trial).toEqual({ slot: "b", left: 3 });
    expect(card.installImage(imageOf(8))).toEqual({ slot: "b", sequence: 8, armed: true });
    expect(start(tree)).toBe("b8?");
  });

  test("takes its place where that was never started", () => {
    const tree = armed();
    mustInstall(slotsOn(tree).installImage(imageOf(8)));
    expect(start(tree)).toBe("b8?");
  });

  test("is refused as busy too while another process is at the slots, and so is a confirmation", () => {
    const tree = armed();
    start(tree);
    const slots = slotsOn(tree, { hold: () => undefined });
    expect(slots.installImage(imageOf(8))).toMatchObject({ refusal: "busy" });
    expect(slots.confirm("b")).toBe("broken");
  });

  test("lets go of what it held, also where it is refused", () => {
    let held = 0;
    const hold = () => {
      held++;
      return () => held--;
    };
    const slots = slotsOn(boardWith(6), { hold });
    slots.installImage(imageOf(7));
    slots.installImage(imageOf(5));
    expect(held).toBe(0);
  });
});

describe("an image that a board does not take", () => {
  test.each([
    ["by an author whom nobody trusts", imageOf(7, { author: author("mallory") }), "signature"],
    ["for another class of boards", imageOf(7, { manifest: { board: "toaster" } }), "board"],
    ["for another processor", imageOf(7, { manifest: { arch: "x64" } }), "arch"],
    ["for another libc", imageOf(7, { manifest: { libc: "musl" } }), "libc"],
    ["of a sequence that is too low", imageOf(5), "rollback"],
    ["of the same sequence and another content", imageOf(6, { manifest: { version: "6.6.6" } }), "rollback"],
    ["whose files were cut off", imageOf(7).subarray(0, -1), "payload"],
    ["that is no image", Uint8Array.from([1, 2, 3]), "malformed"],
  ])("%s changes nothing that is started", (_, image, refusal) => {
    const tree = armed();
    expect(slotsOn(tree).installImage(image)).toMatchObject({ refusal, why: expect.stringMatching(/\.$/) });
    expect(start(tree)).toBe("b7?");
  });

  test("is told as the last outcome, if its author is trusted", () => {
    const tree = boardWith(6);
    slotsOn(tree).installImage(imageOf(7, { author: author("mallory") }));
    expect(slotsOn(tree).report().outcome?.kind).toBe("confirmed");
    slotsOn(tree).installImage(imageOf(5));
    expect(slotsOn(tree).report().outcome).toEqual({
      ...{ kind: "refused", sequence: 5 },
      why: "The image has sequence 5, and this board has confirmed 6.",
    });
  });

  test("as its native module does not load is written, and not armed", () => {
    const tree = boardWith(6);
    const asked: string[] = [];
    const preflight = (folder: string, native: string) => {
      asked.push(`${folder}/${native}`);
      return "The native module does not load: GLIBC_2.38 not found.";
    };
    expect(slotsOn(tree, { preflight }).installImage(imageOf(7))).toMatchObject({ refusal: "preflight" });
    expect(asked).toEqual(["slots/b/prebuilds/linux-arm64/node.napi.glibc.node"]);
    expect(start(tree)).toBe("a6");
    expect(slotsOn(tree).report().slots.b?.state).toBe("old");
  });
});

describe("a slot in which somebody else has been", () => {
  const spoil: readonly (readonly [string, (tree: MemoryFileTree, slot: Slot) => void])[] = [
    ["a bit of a file", (tree, slot) => tree.write(`slots/${slot}/package.json`, Uint8Array.from([1, 2]))],
    [
      "a file that is not listed",
      (tree, slot) => tree.write(`slots/${slot}/app/preload.mjs`, Uint8Array.of(1)),
    ],
    ["a folder that is not listed", (tree, slot) => tree.makeFolder(`slots/${slot}/node_modules`)],
    ["a link", (tree, slot) => tree.link(`slots/${slot}/app/main.js`, "/tmp/evil.mjs")],
    [
      "a link in place of a file",
      (tree, slot) => {
        tree.remove(`slots/${slot}/app/main.mjs`);
        tree.link(`slots/${slot}/app/main.mjs`, "/tmp/evil.mjs");
      },
    ],
    [
      "a link in place of a folder, with the right files behind it",
      (tree, slot) => {
        tree.removeAll(`slots/${slot}/app`);
        tree.link(`slots/${slot}/app`, `../${slot === "a" ? "b" : "a"}/app`);
      },
    ],
    ["a file that is gone", (tree, slot) => tree.remove(`slots/${slot}/package.json`)],
    ["no manifest", (tree, slot) => tree.remove(`slots/${slot}/manifest.cbor`)],
    ["a manifest of noise", (tree, slot) => tree.write(`slots/${slot}/manifest.cbor`, new Uint8Array(600))],
    [
      "a manifest of a megabyte",
      (tree, slot) => tree.write(`slots/${slot}/manifest.cbor`, new Uint8Array(1 << 20)),
    ],
  ];

  test.each(spoil)("on trial with %s is not started, and rolled back", (_, change) => {
    const tree = armed();
    change(tree, "b");
    expect(slotsOn(tree).report().slots.b?.state).toBe("broken");
    expect([start(tree), start(tree)]).toEqual(["a6", "a6"]);
    expect(slotsOn(tree).report().outcome).toMatchObject({ kind: "rolled-back", sequence: 7 });
  });

  test.each(spoil)("confirmed with %s ends in recovery, and never in an older image", (_, change) => {
    const tree = armed();
    start(tree);
    slotsOn(tree).confirm("b");
    change(tree, "b");
    const choice = slotsOn(tree).choose();
    expect(choice).toMatchObject({ kind: "recovery", why: expect.stringContaining("slot b") });
  });

  test.each(spoil)("and that is to be written with %s in it is written anew", (_, change) => {
    const tree = armed();
    start(tree);
    slotsOn(tree).confirm("b");
    change(tree, "a");
    mustInstall(slotsOn(tree).installImage(imageOf(8)));
    expect(slotsOn(tree).report().slots.a?.state).toBe("trial");
    expect(start(tree)).toBe("a8?");
  });

  test("with an older image in it, well signed, is not started: neither on trial nor as the confirmed one", () => {
    const older = boardWith(5);
    const put = (tree: MemoryFileTree, slot: Slot) => {
      for (const file of ["manifest.cbor", "app/main.mjs", "prebuilds/linux-arm64/node.napi.glibc.node"])
        tree.write(`slots/${slot}/${file}`, older.read(`slots/a/${file}`) as Uint8Array);
    };
    const tree = armed();
    put(tree, "b");
    expect(start(tree)).toBe("a6");
    put(tree, "a");
    expect(start(tree)).toBe("slot a has another image than the one that was confirmed");
  });
});

describe("what is lost of the record", () => {
  test.each([
    ["gone", (tree: MemoryFileTree) => tree.remove("boot.state")],
    ["spoiled", (tree: MemoryFileTree) => tree.append("boot.state", Uint8Array.of(0))],
    ["empty", (tree: MemoryFileTree) => tree.write("boot.state", new Uint8Array(0))],
    ["of a megabyte", (tree: MemoryFileTree) => tree.write("boot.state", new Uint8Array(1 << 20))],
  ])("a state that is %s: the confirmed image starts, and is the floor", (_, lose) => {
    const tree = armed();
    lose(tree);
    expect([start(tree), slotsOn(tree).report().floor]).toEqual(["a6", 6]);
    expect(slotsOn(tree).installImage(imageOf(5))).toMatchObject({ refusal: "rollback" });
    expect(mustInstall(slotsOn(tree).installImage(imageOf(7))).armed).toBe(true);
    expect(start(tree)).toBe("b7?");
  });

  test("without the link there is recovery, the floor stays, and an image is installed by way of a trial", () => {
    const tree = boardWith(6);
    tree.remove("current");
    expect(start(tree)).toBe("no image is confirmed");
    expect(slotsOn(tree).installImage(imageOf(5))).toMatchObject({ refusal: "rollback" });
    expect(mustInstall(slotsOn(tree).installImage(imageOf(6))).armed).toBe(true);
    expect(start(tree)).toBe("a6?");
    slotsOn(tree).confirm("a");
    expect(start(tree)).toBe("a6");
  });

  test("a link that leads elsewhere is none", () => {
    const tree = boardWith(6);
    tree.remove("current");
    tree.link("current", "../../tmp/evil");
    expect(start(tree)).toBe("no image is confirmed");
  });
});

describe("the recovery file", () => {
  test("asks for the console without spending a start, and goes once an image is installed", () => {
    const tree = armed();
    tree.write("recovery", new Uint8Array(0));
    expect([start(tree), start(tree)]).toEqual(["it was asked for", "it was asked for"]);
    expect(slotsOn(tree).report().trial?.left).toBe(3);
    mustInstall(slotsOn(tree).installImage(imageOf(7)));
    expect(start(tree)).toBe("b7?");
  });
});

describe("an upload", () => {
  test("is installed by the digest of the whole file, and again with the same end", () => {
    const tree = boardWith(6);
    const image = imageOf(7);
    const digest = opensslEngine.sha256(image);
    for (const part of partsOf(image)) slotsOn(tree).take(part);
    expect(slotsOn(tree).report().incoming).toEqual({
      digest,
      imageBytes: image.length,
      received: image.length,
    });
    expect(slotsOn(tree).install(digest)).toEqual({ slot: "b", sequence: 7, armed: true });
    expect(slotsOn(tree).install(digest)).toEqual({ slot: "b", sequence: 7, armed: true });
    start(tree);
    slotsOn(tree).confirm("b");
    expect(slotsOn(tree).install(digest)).toEqual({ slot: "b", sequence: 7, armed: false });
  });

  test("that was never begun is a gap from the start", () => {
    expect(slotsOn(boardWith(6)).install(new Uint8Array(32))).toMatchObject({ refusal: "gap", received: 0 });
  });
});

describe("a report", () => {
  test("says what is in both slots, and what is on its way", () => {
    const tree = armed();
    start(tree);
    const report = slotsOn(tree).report();
    expect(report).toMatchObject({
      ...{ facts: FACTS, floor: 6, runningSchema: { reads: [1, 2], writes: 2 } },
      ...{ current: "a", trial: { slot: "b", left: 2 } },
      slots: {
        a: { sequence: 6, version: "1.6.0", state: "confirmed" },
        b: { sequence: 7, version: "1.7.0", state: "trial" },
      },
    });
    expect(report.floorDigest).toEqual(report.slots.a?.digest);
  });

  test("changes nothing", () => {
    const tree = copyOf(armed());
    slotsOn(tree).report();
    expect(tree.operations).toBe(0);
  });

  test("of a board whose author is trusted no more has broken slots, and it starts nothing", () => {
    const slots = slotsOn(boardWith(6), { authors: [author("other").credential] });
    expect(slots.report().slots.a).toEqual({
      sequence: 0,
      version: "",
      digest: new Uint8Array(0),
      state: "broken",
    });
    expect(slots.choose()).toMatchObject({ why: "the manifest of slot a is not signed by a trusted author" });
    expect(slotsOn(boardWith(6), { authors: [AUTHOR.credential] }).choose().kind).toBe("start");
  });
});
