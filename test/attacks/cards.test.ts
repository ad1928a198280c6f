// A card that was in somebody else's hands, in the reader of the machine that flashes it; and images whose files lead out.
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fromText } from "../../firmware/protocol/bytes.ts";
import { signSign1 } from "../../firmware/protocol/cose/sign1.ts";
import { encodeImage, readImage } from "../../firmware/update/image.ts";
import { encodeManifest } from "../../firmware/update/manifest.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import { DirTarget } from "../../host-tools/flash/dir.ts";
import { readFlashImage } from "../../host-tools/flash/image-file.ts";
import type { FlashImage } from "../../host-tools/flash/target.ts";
import { AUTHOR } from "../firmware/update/images.ts";
import { filesIn, flashedIn, ownImage, setUp } from "../host-tools/flash/boards.ts";
import { temporaryFolder } from "../support/pty-pair.ts";

const FIRST = ownImage(7);
const NEXT = ownImage(8);
const DATA = "var/lib/meterbench";

let folder: ReturnType<typeof temporaryFolder>;
let root: string;
/** What is this machine's and not the card's. */
let decoy: string;
let before: Record<string, string>;
beforeEach(() => {
  folder = temporaryFolder();
  root = join(folder.path, "card");
  decoy = join(folder.path, "decoy");
  for (const path of [root, decoy]) mkdirSync(path);
  writeFileSync(join(decoy, "passwd"), "root:x:0:0\n");
  before = filesIn(decoy);
});
afterEach(() => folder.remove());

describe("a card with links that lead to this machine's own files", () => {
  function plant(path: string, target = decoy): void {
    rmSync(join(root, path), { recursive: true, force: true });
    mkdirSync(join(root, path, ".."), { recursive: true });
    symlinkSync(target, join(root, path));
  }

  test("in the place of a folder is not set up, and it is said which link it was", async () => {
    const places = ["var", DATA, `${DATA}/keys`, "etc", "etc/meterbench/authors", "opt/meterbench"];
    for (const path of places) {
      plant(path);
      const words = /is a link, which could lead anywhere/;
      await expect(flashedIn(root, FIRST, { setUp: setUp() }), path).rejects.toThrow(words);
      rmSync(join(root, path.split("/")[0] ?? ""), { recursive: true });
    }
    expect(filesIn(decoy)).toEqual(before);
  });

  test("in the place of a file gets the file, and what the link led to stays as it was", async () => {
    const places = [`${DATA}/keys/meter.key.json`, "etc/meterbench/meter.conf", "opt/meterbench/start"];
    for (const path of places) plant(path, join(decoy, "passwd"));
    expect(await flashedIn(root, FIRST, { setUp: setUp() })).toMatchObject({ end: "installed" });
    expect(filesIn(decoy)).toEqual(before);
    expect(statSync(join(root, DATA, "keys/meter.key.json")).mode & 0o777).toBe(0o600);
  });

  test("anywhere among its slots has nothing written where they lead", async () => {
    await flashedIn(root, FIRST, { setUp: setUp() });
    for (const path of ["slots/b", "slots/b/app", "incoming", "boot.state", "slots/a", "slots", "current"]) {
      plant(join(DATA, path));
      await flashedIn(root, NEXT).catch(() => {});
      expect(filesIn(decoy), path).toEqual(before);
    }
    expect(readdirSync(decoy)).toEqual(["passwd"]);
  });
});

describe("an image whose manifest names files outside of its slot", () => {
  /** Signed by an author whom the board believes: the names alone are wrong. */
  function leading(to: string): FlashImage {
    const parts = readImage(NEXT.bytes);
    if ("refusal" in parts) throw new Error(parts.why);
    const manifest = replaced(encodeManifest(NEXT.manifest), "app/main.mjs", to);
    const { kid } = AUTHOR.credential;
    const options = { algorithm: "EdDSA", kid } as const;
    const context = fromText("meterbench image");
    const envelope = signSign1(opensslEngine, AUTHOR.secretKey, context, manifest, options);
    const bytes = encodeImage({ envelope, payload: parts.payload });
    return {
      ...NEXT,
      bytes,
      digest: opensslEngine.sha256(bytes),
      manifestDigest: opensslEngine.sha256(manifest),
    };
  }

  test("is no image to the flasher, and is refused by the installer that believes its author", async () => {
    await flashedIn(root, FIRST, { setUp: setUp() });
    expect(readFlashImage(opensslEngine, leading("app/main.mjs").bytes)).not.toHaveProperty("refusal");
    // As long as the name that it stands for.
    for (const to of [
      "../main.mjs/",
      "/tmp/../m.js",
      "a/../../m.js",
      "a//main.mjs/",
      "app/./main.m",
      ".ssh/main.js",
    ]) {
      const image = leading(to);
      expect(readFlashImage(opensslEngine, image.bytes)).toMatchObject({ refusal: "malformed" });
      const target = await DirTarget.open("dir:card", root, opensslEngine);
      const taken = target.upload(image, () => {}).then(() => target.activate(image.digest));
      await expect(taken, to).rejects.toMatchObject({ refusal: "malformed" });
      await target.close();
    }
    expect(readdirSync(join(root, DATA, "slots"))).toEqual(["a"]);
    expect(existsSync(join(folder.path, "main.mjs"))).toBe(false);
    expect(filesIn(decoy)).toEqual(before);
  });
});

/** The bytes with one text in the place of another of its length. */
function replaced(bytes: Uint8Array, from: string, to: string): Uint8Array {
  if (from.length !== to.length) throw new Error(`${to} is not as long as ${from}`);
  const text = Buffer.from(bytes).toString("latin1").replaceAll(from, to);
  return Uint8Array.from(Buffer.from(text, "latin1"));
}
