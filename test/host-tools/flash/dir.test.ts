import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openSlots } from "../../../firmware/startup/open-slots.ts";
import type { ImageManifest } from "../../../firmware/update/manifest.ts";
import { holdExclusively } from "../../../hal/node/exclusive.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { DirTarget } from "../../../host-tools/flash/dir.ts";
import type { FlashOptions } from "../../../host-tools/flash/flash.ts";
import type { FlashImage } from "../../../host-tools/flash/target.ts";
import { elfBytes, readElf } from "../../../host-tools/image/elf.ts";
import { author } from "../../firmware/update/images.ts";
import { elfFile } from "../../support/elf-file.ts";
import { temporaryFolder } from "../../support/pty-pair.ts";
import { filesIn, flashedIn, ownImage, setUp } from "./boards.ts";

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

function flashed(image: FlashImage, options: Partial<FlashOptions> = {}) {
  return flashedIn(root, image, options);
}

async function reported() {
  const target = await DirTarget.open("dir:card", root, opensslEngine);
  try {
    return await target.report();
  } finally {
    await target.close();
  }
}

/** A board with its first image, made once. */
let made: ReturnType<typeof temporaryFolder>;
beforeAll(async () => {
  made = temporaryFolder();
  await flashedIn(made.path, FIRST, { setUp: setUp() });
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

test("a folder that is not there is no empty board, and two flashers are not at work in one", async () => {
  await expect(DirTarget.open("dir:none", join(root, "none"), opensslEngine)).rejects.toThrow(
    /is no folder: mount/,
  );
  const first = await DirTarget.open("dir:card", root, opensslEngine);
  await expect(DirTarget.open("dir:card", root, opensslEngine)).rejects.toMatchObject({ refusal: "busy" });
  await first.close();
});

test("what a set-up that was cut has left beside its files, a key among it, is away after the next one", async () => {
  const left = [
    "etc/meterbench/meter.conf.new",
    `${DATA}/keys/meter.key.json.new`,
    "opt/meterbench/boot.mjs.new",
  ];
  for (const path of left) {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), "half of it");
  }
  symlinkSync("/etc/passwd", join(root, "opt/meterbench/start.new"));
  await flashed(FIRST, { setUp: setUp() });
  const all = readdirSync(root, { recursive: true }).map(String);
  expect(all.filter((path) => path.endsWith(".new"))).toEqual([]);
});

test("a trial that a loader on this machine runs is not written over, nor is anything while a meter is at the slots", async () => {
  await flashed(FIRST, { setUp: setUp() });
  await flashed(NEXT);
  const data = join(realpathSync(root), DATA);
  const letLoaderGo = await holdExclusively(`board of ${data}`);
  openSlots(root, "production").choose();
  await expect(flashed(ownImage(9))).rejects.toMatchObject({ refusal: "busy" });
  letLoaderGo?.();
  const letMeterGo = await holdExclusively(`slots of ${data}`);
  await expect(flashed(ownImage(9))).rejects.toMatchObject({ refusal: "busy" });
  letMeterGo?.();
  expect(await flashed(ownImage(9))).toMatchObject({ end: "armed" });
});

test("a card whose data has a partition of its own is flashed with that mounted, or not at all", async () => {
  mkdirSync(join(root, "etc"));
  writeFileSync(join(root, "etc/fstab"), "LABEL=meter /var/lib/meterbench ext4 defaults,noatime 0 2\n");
  await expect(flashed(FIRST, { setUp: setUp() })).rejects.toThrow(/partition of its own .*: mount that too/);
  writeFileSync(join(root, "etc/fstab"), "#LABEL=meter /var/lib/meterbench ext4 defaults 0 2\n");
  expect(await flashed(FIRST, { setUp: setUp() })).toMatchObject({ end: "installed" });
});

describe("the card of another machine, a Pi's", () => {
  const PREBUILDS =
    "node_modules/@serialport/bindings-cpp/prebuilds/linux-arm64/@serialport+bindings-cpp.armv8";
  const LIBRARIES = "usr/lib/aarch64-linux-gnu";
  const module = new Uint8Array(readFileSync(`${PREBUILDS}.glibc.node`));
  const needs = readElf(elfBytes(module));

  function put(path: string, bytes: Uint8Array): void {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), bytes);
  }

  /** An image for it: its native module is a real one. */
  function piImage(sequence: number, native = module, manifest: Partial<ImageManifest> = {}): FlashImage {
    const path = "prebuilds/linux-arm64/@serialport+bindings-cpp.node";
    const says = { arch: "arm64", libc: "glibc", libcMin: "2.28", native: path, ...manifest } as const;
    return ownImage(sequence, { files: { [path]: native }, manifest: says });
  }

  beforeEach(() => {
    if ("error" in needs) throw new Error(needs.error);
    put(
      "usr/bin/node",
      elfFile({ machine: 183, needed: ["libc.so.6"], behind: "nodejs.org/download/release/v20.19.6/" }),
    );
    for (const name of needs.needed) put(`${LIBRARIES}/${name}`, elfFile({ machine: 183 }));
    put(
      `${LIBRARIES}/libc.so.6`,
      elfFile({ machine: 183, givesVersions: [...needs.needsVersions, "GLIBC_2.36"] }),
    );
    symlinkSync("usr/lib", join(root, "lib"));
  });

  test("takes the image for it, with a module that is looked at and not loaded", async () => {
    expect(await flashed(piImage(1), { setUp: setUp() })).toMatchObject({ end: "installed" });
    expect(await flashed(piImage(2))).toMatchObject({ end: "armed", slot: "b" });
    expect(await reported()).toMatchObject({
      facts: { arch: "arm64", libc: { kind: "glibc", version: "2.36" } },
    });
  });

  test("is an empty folder too, where a Node for a Pi comes with the meter: its libc is what that Node needs", async () => {
    for (const name of readdirSync(root)) rmSync(join(root, name), { recursive: true });
    const node = elfFile({
      ...{ machine: 183, needed: ["libc.so.6"], needsVersions: ["GLIBC_2.17", "GLIBC_2.28"] },
      behind: "nodejs.org/download/release/v20.19.6/",
    });
    await expect(flashed(FIRST, { setUp: setUp({ node }) })).rejects.toMatchObject({ refusal: "arch" });
    expect(readdirSync(root)).toEqual([]);
    expect(await flashed(piImage(1), { setUp: setUp({ node }) })).toMatchObject({ end: "installed" });
    expect(statSync(join(root, "opt/meterbench/node/bin/node")).mode & 0o777).toBe(0o755);
    expect(await reported()).toMatchObject({ facts: { libc: { version: "2.28" }, nodeVersion: "20.19.6" } });
  });

  test("refuses this machine's image, one for musl, and one whose module its libraries do not load", async () => {
    await expect(flashed(FIRST, { setUp: setUp() })).rejects.toMatchObject({ refusal: "arch" });
    const musl = piImage(1, new Uint8Array(readFileSync(`${PREBUILDS}.musl.node`)), { libc: "musl" });
    await expect(flashed(musl, { setUp: setUp() })).rejects.toMatchObject({ refusal: "libc" });
    expect(existsSync(join(root, "opt"))).toBe(false);
    await flashed(piImage(1), { setUp: setUp() });
    rmSync(join(root, LIBRARIES, "libstdc++.so.6"));
    await expect(flashed(piImage(2))).rejects.toMatchObject({
      refusal: "preflight",
      message: expect.stringMatching(/needs libstdc\+\+\.so\.6, which the board has not/),
    });
    expect(await reported()).not.toHaveProperty("trial");
  });
});
