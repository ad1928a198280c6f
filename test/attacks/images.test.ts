// Images and cards that are to write, or to start, what is not theirs.
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { concat, fromText } from "../../firmware/protocol/bytes.ts";
import { type CborValue, decodeCbor, encodeCbor } from "../../firmware/protocol/cbor.ts";
import { signSign1 } from "../../firmware/protocol/cose/sign1.ts";
import { encodeImage } from "../../firmware/update/image.ts";
import { encodeManifest } from "../../firmware/update/manifest.ts";
import { type NodeFileTree, openFileTree } from "../../hal/node/file-tree.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import { mustInstall, slotsOn } from "../firmware/update/board.ts";
import { AUTHOR, filesOf, imageOf, manifestOf, payloadOf } from "../firmware/update/images.ts";
import { emptyFolder } from "../support/command.ts";

/** Where the board is, in a folder that is all an attacker's. */
let outside: ReturnType<typeof emptyFolder>;
let tree: NodeFileTree;
beforeEach(() => {
  outside = emptyFolder();
  mkdirSync(join(outside.path, "board"));
  tree = openFileTree(join(outside.path, "board"));
  mustInstall(slotsOn(tree).installImage(imageOf(6)));
});
afterEach(() => {
  tree.close();
  outside.remove();
});

const onBoard = (path: string): string => join(outside.path, "board", path);

/** An image as no author's tools make it, well signed all the same: its first file has this path. */
function imageWithPath(path: string): Uint8Array {
  const map = new Map(decodeCbor(encodeManifest(manifestOf(7))) as ReadonlyMap<number, CborValue>);
  const [, ...others] = map.get(-5) as readonly CborValue[];
  const evil = filesOf(7)["app/main.mjs"] ?? new Uint8Array(0);
  map.set(-5, [[path, evil.length, opensslEngine.sha256(evil)], ...others]);
  const envelope = signSign1(opensslEngine, AUTHOR.secretKey, fromText("meterbench image"), encodeCbor(map), {
    ...{ algorithm: "EdDSA", kid: AUTHOR.credential.kid },
  });
  return encodeImage({ envelope, payload: payloadOf(filesOf(7)) });
}

describe("an image", () => {
  test.each([
    "../../evil.mjs",
    "../../../../../../../../etc/cron.d/evil",
    "/etc/cron.d/evil",
    "app/../../../boot.state",
    "..",
    ".ssh/authorized_keys",
    "app//main.mjs",
    "app\\..\\evil",
    "manifest.cbor",
    "app/main.mjs\u0000.txt",
  ])("%j of a file in it is no path: the image is refused, whoever has signed it", (path) => {
    const before = slotsOn(tree).report();
    expect(slotsOn(tree).installImage(imageWithPath(path))).toMatchObject({ refusal: "malformed" });
    expect(slotsOn(tree).report()).toEqual(before);
    expect(existsSync(join(outside.path, "evil.mjs"))).toBe(false);
    expect(existsSync(onBoard("slots/b"))).toBe(false);
  });

  test("swapped for another one between its check and its start is not started", () => {
    mustInstall(slotsOn(tree).installImage(imageOf(7)));
    writeFileSync(
      onBoard("slots/b/app/main.mjs"),
      "evil();".padEnd(readFileSync(onBoard("slots/b/app/main.mjs")).length),
    );
    expect(slotsOn(tree).choose()).toMatchObject({ slot: "a", isTrial: false });
    mustInstall(slotsOn(tree).installImage(imageOf(7)));
    slotsOn(tree).choose();
    slotsOn(tree).confirm("b");
    writeFileSync(onBoard("slots/b/app/main.mjs"), readFileSync(onBoard("slots/a/app/main.mjs")));
    expect(slotsOn(tree).choose()).toMatchObject({ kind: "recovery" });
  });
});

describe("links", () => {
  test("at a place where an image goes are taken away, and nothing is written behind them", () => {
    const kept = join(outside.path, "kept");
    mkdirSync(kept);
    writeFileSync(join(kept, "main.mjs"), "kept");
    for (const name of ["boot.state.new", "current.new", "slots/b"]) symlinkSync(kept, onBoard(name));
    mustInstall(slotsOn(tree).installImage(imageOf(7)));
    slotsOn(tree).choose();
    expect(slotsOn(tree).confirm("b")).toBe("done");
    expect(readFileSync(join(kept, "main.mjs"), "utf8")).toBe("kept");
    expect(existsSync(join(kept, "app"))).toBe(false);
    expect(slotsOn(tree).choose()).toMatchObject({ slot: "b", isTrial: false });
  });

  test("among the files of a slot keeps it from being started", () => {
    mustInstall(slotsOn(tree).installImage(imageOf(7)));
    writeFileSync(join(outside.path, "evil.mjs"), "evil()");
    symlinkSync(join(outside.path, "evil.mjs"), onBoard("slots/b/app/package.json"));
    expect(slotsOn(tree).choose()).toMatchObject({ slot: "a", isTrial: false });
    expect(slotsOn(tree).report().outcome).toMatchObject({ kind: "rolled-back" });
  });

  test("in place of the upload's folder are not written through", () => {
    const image = imageOf(7);
    symlinkSync(outside.path, onBoard("incoming"));
    const part = { digest: opensslEngine.sha256(image), imageBytes: image.length, offset: 0, bytes: image };
    expect(slotsOn(tree).take(part)).toMatchObject({ refusal: "storage" });
    expect(existsSync(join(outside.path, "parts"))).toBe(false);
    expect(slotsOn(tree).installImage(concat(image))).toMatchObject({ armed: true });
  });
});
