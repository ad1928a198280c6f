import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { systemClock } from "../../../hal/node/system-clock.ts";
import { DirTarget } from "../../../host-tools/flash/dir.ts";
import { type FlashOptions, flash } from "../../../host-tools/flash/flash.ts";
import type { FlashImage } from "../../../host-tools/flash/target.ts";
import { author } from "../../firmware/update/images.ts";
import { elfFile } from "../../support/elf-file.ts";
import { temporaryFolder } from "../../support/pty-pair.ts";
import { ownImage, setUp } from "./boards.ts";

let folder: ReturnType<typeof temporaryFolder>;
let root: string;
beforeEach(() => {
  folder = temporaryFolder();
  root = join(folder.path, "card");
  mkdirSync(root);
});
afterEach(() => folder.remove());

const FIRST = ownImage(7);
const NEXT = ownImage(8);
const DATA = "var/lib/meterbench";

async function flashed(image: FlashImage, options: Partial<FlashOptions> = {}, at = root) {
  const target = await DirTarget.open("dir:card", at, opensslEngine);
  try {
    return await flash(target, image, { clock: systemClock, ...options });
  } finally {
    await target.close();
  }
}

async function reported() {
  const target = await DirTarget.open("dir:card", root, opensslEngine);
  try {
    return await target.report();
  } finally {
    await target.close();
  }
}

/** All files below the folder, with the digest of what is in each. */
function filesIn(path: string): Record<string, string> {
  const entries = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return Object.fromEntries(
    entries.map((entry) => {
      const at = join(entry.parentPath, entry.name);
      return [at, createHash("sha256").update(readFileSync(at)).digest("hex")];
    }),
  );
}

/** A board with its first image, made once. */
let made: ReturnType<typeof temporaryFolder>;
beforeAll(async () => {
  made = temporaryFolder();
  await flashed(FIRST, { setUp: setUp() }, made.path);
});
afterAll(() => made.remove());

function board(): void {
  cpSync(made.path, root, { recursive: true, verbatimSymlinks: true });
}

test("an empty folder becomes a board with its keys for their owner alone, and starts its first image from then on", async () => {
  expect(await reported()).toBe("empty");
  expect(await flashed(FIRST, { setUp: setUp(), dryRun: true })).toMatchObject({ end: "dry-run", slot: "a" });
  expect(readdirSync(root)).toEqual([]);
  mkdirSync(join(root, "etc"));
  writeFileSync(join(root, "etc/.updated"), "");
  expect(await flashed(FIRST, { setUp: setUp() })).toMatchObject({
    ...{ end: "installed", slot: "a" },
    uploaded: { bytes: FIRST.bytes.length, resumedAt: 0 },
  });
  expect(statSync(join(root, DATA, "keys/meter.key.json")).mode & 0o777).toBe(0o600);
  expect(statSync(join(root, DATA)).mode & 0o777).toBe(0o700);
  expect(statSync(join(root, "opt/meterbench/start")).mode & 0o777).toBe(0o755);
  expect(readlinkSync(join(root, "etc/systemd/system/multi-user.target.wants/m.service"))).toBe(
    "../m.service",
  );
  expect(readlinkSync(join(root, DATA, "current"))).toBe("slots/a");
  // systemd makes the meter's user, and the like, where this is not there.
  expect(readdirSync(join(root, "etc"))).toEqual(["meterbench", "systemd"]);
  expect(await reported()).toMatchObject({
    current: "a",
    floor: 7,
    slots: { a: { state: "confirmed", sequence: 7 } },
  });
});

describe("a board", () => {
  beforeEach(board);

  test("gets the next image into its other slot, on trial; the same again is no other end, and says what it is", async () => {
    expect(await flashed(NEXT, { dryRun: true })).toMatchObject({ end: "dry-run", slot: "b" });
    expect(await reported()).not.toHaveProperty("trial");
    for (let again = 0; again < 2; again++)
      expect(await flashed(NEXT, { wait: true })).toMatchObject({ end: "armed", slot: "b" });
    expect(await reported()).toMatchObject({ current: "a", trial: { slot: "b", left: 3 }, floor: 7 });
    expect(await flashed(ownImage(9))).toMatchObject({ end: "armed", slot: "b" });
    expect(await reported()).toMatchObject({ slots: { b: { sequence: 9, state: "trial" } } });
  });

  test("has its confirmed image already, and nothing is sent", async () => {
    expect(await flashed(FIRST)).toEqual({
      end: "unchanged",
      slot: "a",
      milliseconds: expect.any(Number),
    });
  });

  test.each([
    [
      "rollback",
      "identity-free",
      ownImage(6),
      /\(rollback: the image has sequence 6, and this board has confirmed 7\)/,
    ],
    [
      "rollback",
      "same sequence",
      ownImage(7, { files: { x: new Uint8Array(1) } }),
      /another image of sequence 7/,
    ],
    ["signature", "stranger", ownImage(8, { author: author("mallory") }), /not signed by any author/],
    ["board", "class", ownImage(8, { manifest: { board: "toaster" } }), /for boards of the class toaster/],
    ["arch", "arch", ownImage(8, { manifest: { arch: "arm" } }), /for arm, and this board is/],
    ["libc", "libc", ownImage(8, { manifest: { libcMin: "99.0" } }), /needs glibc 99.0/],
    ["node", "node", ownImage(8, { manifest: { node: { from: "99.0.0" } } }), /needs Node 99.0.0/],
    ["schema", "schema", ownImage(8, { manifest: { dataSchema: { reads: [9, 9], writes: 9 } } }), /schema/],
  ])(
    "refuses an image for its %s (%s) before a byte is written, dry run or not",
    async (refusal, _what, image, words) => {
      const before = filesIn(root);
      for (const dryRun of [true, false])
        await expect(flashed(image, { dryRun })).rejects.toMatchObject({
          refusal,
          message: expect.stringMatching(words),
        });
      expect(filesIn(root)).toEqual(before);
    },
  );

  test("does not arm an image whose native module does not load, and starts what it has", async () => {
    const broken = ownImage(8, {
      files: { "prebuilds/linux-x64/@serialport+bindings-cpp.node": elfFile({ machine: 62 }) },
    });
    if (process.arch === "x64") await expect(flashed(broken)).rejects.toMatchObject({ refusal: "preflight" });
    expect(await reported()).not.toHaveProperty("trial");
  });

  test("is not set up a second time: its keys are the meter's", async () => {
    await expect(flashed(NEXT, { setUp: setUp() })).rejects.toThrow(/is set up already/);
  });

  test("that lost its loader gets it again, and keeps its key: another meter's is refused", async () => {
    rmSync(join(root, "opt/meterbench/boot.mjs"));
    const key = join(root, DATA, "keys/meter.key.json");
    const before = readFileSync(key, "utf8");
    const wrong = setUp({ meterKey: before.replace("M1", "M2") });
    await expect(flashed(NEXT, { setUp: wrong })).rejects.toThrow(/it is another one/);
    expect(readFileSync(key, "utf8")).toBe(before);
    expect(await flashed(NEXT, { setUp: setUp() })).toMatchObject({ end: "armed" });
  });
});

describe("links that somebody has planted on a card", () => {
  let decoy: string;
  let before: Record<string, string>;
  beforeEach(() => {
    decoy = join(folder.path, "decoy");
    mkdirSync(decoy);
    writeFileSync(join(decoy, "passwd"), "root:x:0:0\n");
    before = filesIn(decoy);
  });

  function plant(path: string, target = decoy): void {
    rmSync(join(root, path), { recursive: true, force: true });
    mkdirSync(join(root, path, ".."), { recursive: true });
    symlinkSync(target, join(root, path));
  }

  test.each([
    "var",
    "var/lib/meterbench",
    "var/lib/meterbench/keys",
    "etc",
    "etc/meterbench/authors",
    "opt/meterbench",
  ])("%s: a set-up does not follow it, and says whose it is", async (path) => {
    plant(path);
    await expect(flashed(FIRST, { setUp: setUp() })).rejects.toThrow(/is a link, which could lead anywhere/);
    expect(filesIn(decoy)).toEqual(before);
  });

  test("a file's place that is a link gets the file, and what it led to stays", async () => {
    for (const path of [
      "var/lib/meterbench/keys/meter.key.json",
      "etc/meterbench/meter.conf",
      "opt/meterbench/start",
    ])
      plant(path, join(decoy, "passwd"));
    expect(await flashed(FIRST, { setUp: setUp() })).toMatchObject({ end: "installed" });
    expect(filesIn(decoy)).toEqual(before);
    expect(statSync(join(root, DATA, "keys/meter.key.json")).mode & 0o777).toBe(0o600);
  });

  test.each(["slots", "slots/a", "slots/b", "slots/b/app", "incoming", "boot.state", "current"])(
    "%s of a board: nothing is written where it leads",
    async (path) => {
      board();
      plant(join(DATA, path));
      await flashed(NEXT).catch(() => {});
      expect(filesIn(decoy)).toEqual(before);
      expect(existsSync(join(decoy, "manifest.cbor"))).toBe(false);
    },
  );
});

test("a folder that is not there is no empty board, and two flashers are not at work in one", async () => {
  await expect(DirTarget.open("dir:none", join(root, "none"), opensslEngine)).rejects.toThrow(
    /is no folder: mount/,
  );
  const first = await DirTarget.open("dir:card", root, opensslEngine);
  await expect(DirTarget.open("dir:card", root, opensslEngine)).rejects.toMatchObject({ refusal: "busy" });
  await first.close();
});

test("a card whose data has a partition of its own is flashed with that mounted, or not at all", async () => {
  mkdirSync(join(root, "etc"));
  writeFileSync(join(root, "etc/fstab"), "LABEL=meter /var/lib/meterbench ext4 defaults,noatime 0 2\n");
  await expect(flashed(FIRST, { setUp: setUp() })).rejects.toThrow(/partition of its own .*: mount that too/);
  writeFileSync(join(root, "etc/fstab"), "#LABEL=meter /var/lib/meterbench ext4 defaults 0 2\n");
  expect(await flashed(FIRST, { setUp: setUp() })).toMatchObject({ end: "installed" });
});
