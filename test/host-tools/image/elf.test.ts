import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { elfBytes, highestVersion, readElf } from "../../../host-tools/image/elf.ts";
import { readElfFile } from "../../../host-tools/image/elf-file.ts";
import { smallElf } from "./elf-files.ts";

const PREBUILDS = "node_modules/@serialport/bindings-cpp/prebuilds";

/** Facts of one of serialport's native modules. */
function prebuild(path: string) {
  const facts = readElfFile(`${PREBUILDS}/${path}.node`);
  if ("error" in facts) throw new Error(facts.error);
  return facts;
}

describe("an ELF file", () => {
  test.each([
    ["linux-x64/@serialport+bindings-cpp.glibc", "x64", "2.28"],
    ["linux-arm64/@serialport+bindings-cpp.armv8.glibc", "arm64", "2.28"],
    ["linux-arm/@serialport+bindings-cpp.armv6.glibc", "arm", "2.28"],
  ])("%s tells its machine, its libc and the glibc that it needs", (path, arch, glibc) => {
    const { needsVersions, ...facts } = prebuild(path);
    expect(facts).toMatchObject({ arch, libc: "glibc", soname: "bindings.node", givesVersions: [] });
    expect(facts.needed).toContain("libstdc++.so.6");
    expect(highestVersion(needsVersions, "GLIBC_")).toBe(glibc);
    expect(highestVersion(needsVersions, "GLIBCXX_")).toBe("3.4.21");
  });

  test.each([
    ["linux-x64/@serialport+bindings-cpp.musl", "x64"],
    ["linux-arm64/@serialport+bindings-cpp.armv8.musl", "arm64"],
    ["linux-arm/@serialport+bindings-cpp.armv7.musl", "arm"],
  ])("%s is for musl, by whichever name musl goes", (path, arch) => {
    expect(prebuild(path)).toMatchObject({ arch, libc: "musl" });
  });

  test("a program tells what loads it, and glibc itself which one it is", () => {
    expect(readElfFile(process.execPath)).toMatchObject({
      arch: process.arch,
      interpreter: expect.any(String),
    });
    const libc = ["/lib/x86_64-linux-gnu/libc.so.6", "/lib/aarch64-linux-gnu/libc.so.6"].find(existsSync);
    const facts = libc === undefined ? undefined : readElfFile(libc);
    if (facts === undefined || "error" in facts) return;
    expect(facts).toMatchObject({ libc: "glibc", soname: "libc.so.6" });
    expect(Number(highestVersion(facts.givesVersions, "GLIBC_")?.split(".")[1])).toBeGreaterThanOrEqual(17);
  });

  test.each([32, 64] as const)("of %i bits says all that it has, and nothing more", (bits) => {
    const parts = { interpreter: "/lib/ld-musl-armhf.so.1", soname: "libc.so.6", needed: ["a.so", "b.so"] };
    const versions = { versions: ["GLIBC_2.4", "GLIBC_2.28"], gives: ["BASE", "GLIBC_2.36"] };
    expect(readElf(elfBytes(smallElf({ bits, machine: 40, ...parts, ...versions })))).toEqual({
      ...{ arch: "arm", libc: "glibc", ...parts },
      ...{ needsVersions: versions.versions, givesVersions: versions.gives },
    });
  });

  test("what is none is told as the end of a sentence", () => {
    expect(readElfFile("package.json")).toEqual({ error: "is no ELF file" });
    expect(readElfFile("no such file")).toEqual({ error: "cannot be read (ENOENT)" });
    expect(readElfFile("test")).toEqual({ error: "is no file" });
    expect(readElfFile("/dev/zero")).toEqual({ error: "is no file" });
    const bigEndian = readFileSync(`${PREBUILDS}/linux-arm/@serialport+bindings-cpp.armv6.glibc.node`);
    bigEndian[5] = 2;
    expect(readElf(elfBytes(bigEndian))).toEqual({ error: "is big-endian, and no board of ours is" });
  });

  test("one that was cut off or spoiled anywhere is read in bounded time, and never throws", () => {
    const whole = readFileSync(`${PREBUILDS}/linux-arm64/@serialport+bindings-cpp.armv8.glibc.node`);
    for (let length = 0; length < whole.length; length += length < 1024 ? 1 : 997) {
      const facts = readElf(elfBytes(whole.subarray(0, length)));
      if (length < 1024) expect(facts).toHaveProperty("error");
    }
    const random = new SeededRandom("elf");
    for (let round = 0; round < 1000; round++) {
      const spoiled = Uint8Array.from(whole.subarray(0, 16_384));
      const [high = 0, low = 0, value = 0, where = 0] = random.bytes(4);
      // Most of it is in the header and in the tables behind it.
      spoiled[where < 128 ? low : (high * 256 + low) % spoiled.length] = value;
      readElf(elfBytes(spoiled));
    }
  });

  test("versions are compared by their numbers, and names beside them do not count", () => {
    expect(highestVersion(["GLIBC_2.4", "GLIBC_2.28", "GLIBC_2.3.4", "GLIBC_PRIVATE"], "GLIBC_")).toBe(
      "2.28",
    );
    expect(highestVersion(["GCC_3.0"], "GLIBC_")).toBeUndefined();
  });
});
