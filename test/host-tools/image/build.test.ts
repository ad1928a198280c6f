import { cpSync, mkdirSync, readdirSync, readFileSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fromText, toHex } from "../../../firmware/protocol/bytes.ts";
import { refusalFor } from "../../../firmware/update/refusals.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { type BuiltImage, buildImage, type ImageInputs } from "../../../host-tools/image/build.ts";
import { type BoardPrograms, bundlePrograms } from "../../../host-tools/image/bundle.ts";
import { checkImage } from "../../../host-tools/image/check.ts";
import {
  nativeModule,
  PROGRAM_FILES,
  packageFacts,
  packageLicence,
} from "../../../host-tools/image/programs.ts";
import { sequenceOf } from "../../../host-tools/image/sequence.ts";
import { IMAGE_TARGETS, type ImageTarget, nativeFacts, TARGETS } from "../../../host-tools/image/targets.ts";
import { AUTHOR } from "../../firmware/update/images.ts";
import { emptyFolder } from "../../support/command.ts";
import { smallElf } from "./elf-files.ts";

let programs: BoardPrograms;
let folder: ReturnType<typeof emptyFolder>;
/** As `npm run build` has put them into the package, before all tests. */
beforeAll(() => {
  folder = emptyFolder();
  const read = (name: keyof BoardPrograms) =>
    Uint8Array.from(readFileSync(join("dist/board", PROGRAM_FILES[name])));
  programs = { main: read("main"), boot: read("boot"), notices: read("notices") };
});
afterAll(() => folder.remove());

/** Packing real programs takes a second: where it is not about them, small ones do. */
const SMALL: BoardPrograms = { main: fromText("//\n"), boot: fromText(""), notices: fromText("none\n") };

function inputs(target: ImageTarget, libc: "glibc" | "musl", more: Partial<ImageInputs> = {}): ImageInputs {
  const native = nativeModule(TARGETS[target].native[libc]);
  return { target, libc, facts: packageFacts(), programs: SMALL, licence: packageLicence(), native, ...more };
}

const BUILT = new Map<string, BuiltImage>();

/** An image of small programs, made once. */
function small(target: ImageTarget, libc: "glibc" | "musl" = "glibc"): BuiltImage {
  const image = BUILT.get(`${target} ${libc}`) ?? built(target, libc);
  BUILT.set(`${target} ${libc}`, image);
  return image;
}

function built(
  target: ImageTarget,
  libc: "glibc" | "musl" = "glibc",
  more: Partial<ImageInputs> = {},
): BuiltImage {
  const image = buildImage(opensslEngine, AUTHOR, inputs(target, libc, more));
  if ("error" in image) throw new Error(image.error);
  return image;
}

describe("an image", () => {
  test("holds, and says what it is for and by what", () => {
    const { bytes, manifest, manifestDigest } = small("linux-x64");
    const checked = checkImage(opensslEngine, [AUTHOR.credential], bytes);
    expect(checked).toMatchObject({ manifest, digest: manifestDigest, author: { id: AUTHOR.credential.id } });
    expect(manifest).toMatchObject({
      ...{ board: "node-gateway", arch: "x64", libc: "glibc", libcMin: "2.28", node: { from: "20.19.0" } },
      ...{ version: packageFacts().version, dataSchema: { reads: [1, 1], writes: 1 }, entry: "app/main.mjs" },
      native: "prebuilds/linux-x64/@serialport+bindings-cpp.node",
    });
  });

  test.each(IMAGE_TARGETS.flatMap((target) => [[target, "glibc"] as const, [target, "musl"] as const]))(
    "for %s with %s has a native module that is for them, and needs no more of glibc than Node does",
    (target, libc) => {
      const { arch } = TARGETS[target];
      const needed = libc === "glibc" ? { libcMin: "2.28" } : {};
      expect(nativeFacts(nativeModule(TARGETS[target].native[libc]))).toEqual({ arch, libc, ...needed });
    },
  );

  test("for this machine is taken by a board that is like it, and by none with another processor or an older glibc", () => {
    const { manifest, manifestDigest } = small("linux-x64");
    const image = { manifest, digest: manifestDigest };
    const libc = { kind: "glibc", version: "2.36" } as const;
    const board = { board: "node-gateway", arch: "x64", libc, nodeVersion: "22.12.0" };
    expect(refusalFor(image, board, { floor: 0 })).toBeUndefined();
    expect(refusalFor(image, { ...board, arch: "arm64" }, { floor: 0 })).toMatchObject({ refusal: "arch" });
    const old = { ...board, libc: { kind: "glibc", version: "2.27" } as const };
    expect(refusalFor(image, old, { floor: 0 })).toMatchObject({ refusal: "libc" });
  });

  test("has the programs, the native module and the licences, and nothing else", () => {
    expect(small("linux-x64").manifest.files.map(({ path }) => path)).toEqual([
      ...["LICENSE", "THIRD-PARTY-NOTICES.md", "app/main.mjs", "app/package.json"],
      "prebuilds/linux-x64/@serialport+bindings-cpp.node",
    ]);
    const notices = new TextDecoder().decode(programs.notices);
    for (const name of ["@noble/ciphers", "cbor-x", "serialport", "@serialport/bindings-cpp"])
      expect(notices).toContain(`## ${name} `);
    expect(notices).not.toContain("parser-spacepacket");
  });

  test("is the same, bit by bit, from another folder, at another time and under another umask", async () => {
    const clone = join(folder.path, "another place");
    copyOfSource(clone);
    const umask = process.umask(0o077);
    const again = await bundlePrograms(clone);
    process.umask(umask);
    for (const name of ["main", "boot", "notices"] as const)
      expect(toHex(opensslEngine.sha256(again[name]))).toBe(toHex(opensslEngine.sha256(programs[name])));
    const native = smallElf({ machine: 183 });
    const [one, other] = [
      built("linux-arm64", "glibc", { programs, native }),
      built("linux-arm64", "glibc", { programs: again, native }),
    ];
    expect(toHex(opensslEngine.sha256(other.bytes))).toBe(toHex(opensslEngine.sha256(one.bytes)));
    expect(one.bytes.length).toBeLessThan(200_000);
  });

  test("of a version without a sequence of its own is made with one that is given, and not else", () => {
    const facts = { ...packageFacts(), version: "1.3.0-rc.1" };
    expect(buildImage(opensslEngine, AUTHOR, inputs("linux-arm", "glibc", { facts }))).toEqual({
      error: "Version 1.3.0-rc.1 has no sequence of its own: give this image one with --sequence.",
    });
    expect(built("linux-arm", "glibc", { facts, sequence: 7 }).manifest).toMatchObject({ sequence: 7 });
  });

  test.each([
    ["is no library", new Uint8Array(100), /is no ELF file: install/],
    ["is for another processor", smallElf({ machine: 183 }), /is for arm64 with glibc: install/],
    ["is for another libc", smallElf({ needed: ["libc.so"] }), /is for x64 with musl: install/],
    ["is for no libc", smallElf({ needed: ["libm.so.6"] }), /names neither glibc nor musl/],
  ])("is not made where the native module %s", (_, native, sentence) => {
    const image = buildImage(opensslEngine, AUTHOR, inputs("linux-x64", "glibc", { native }));
    expect(image).toMatchObject({ error: expect.stringMatching(sentence) });
  });
});

describe("the sequence of a version", () => {
  test("has its digits, so that a later version has a greater one, with room for builds between them", () => {
    const versions = ["0.0.1", "0.1.0", "0.1.1", "0.2.0", "0.10.0", "1.0.0", "1.2.3", "41.999.999"];
    const sequences = versions.map(sequenceOf);
    expect(sequences.slice(0, 2)).toEqual([100, 100_000]);
    expect(sequences[6]).toBe(100_200_300);
    expect(sequences.toSorted((a = 0, b = 0) => a - b)).toEqual(sequences);
  });

  test.each(["0.0.0", "1.2", "1.2.3-rc.1", "1.2.3+5", "43.0.0", "1.1000.0", "1.2.3.4", ""])(
    "is none for %s",
    (version) => expect(sequenceOf(version)).toBeUndefined(),
  );
});

/** The parts of the source that the programs are made of, and the packages, with times of their own. */
function copyOfSource(to: string): void {
  mkdirSync(to);
  const parts = [
    "firmware",
    "hal",
    "host-tools/image/stand-ins",
    "package.json",
    "tsconfig.json",
    "tsconfig.base.json",
  ];
  const packages = ["@noble", "@serialport", "cbor-x", "serialport"].map((name) => `node_modules/${name}`);
  for (const part of [...parts, ...packages])
    cpSync(part, join(to, part), { recursive: true, filter: (path) => !/\/prebuilds$|\.map$/.test(path) });
  for (const name of readdirSync(join(to, "firmware"))) utimesSync(join(to, "firmware", name), 1, 1);
}
