import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { thisMachine } from "../../../hal/node/this-machine.ts";
import { boardFactsOf } from "../../../host-tools/flash/board-facts.ts";
import { insideRoot } from "../../../host-tools/flash/inside-root.ts";
import { nativeFault } from "../../../host-tools/flash/libraries.ts";
import { elfFile } from "../../support/elf-file.ts";
import { temporaryFolder } from "../../support/pty-pair.ts";

const ARM64 = 183;
const NODE = elfFile({
  machine: ARM64,
  needed: ["libc.so.6"],
  behind: "nodejs.org/download/release/v20.19.6/",
});
const GLIBC = elfFile({
  machine: ARM64,
  givesVersions: ["GLIBC_2.17", "GLIBC_2.28", "GLIBC_2.36", "GLIBC_PRIVATE"],
});
const ARM64_MODULE =
  "node_modules/@serialport/bindings-cpp/prebuilds/linux-arm64/@serialport+bindings-cpp.armv8.glibc.node";

let root: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  root = temporaryFolder();
});
afterEach(() => root.remove());

function put(path: string, bytes: Uint8Array | string): void {
  mkdirSync(dirname(join(root.path, path)), { recursive: true });
  writeFileSync(join(root.path, path), bytes);
}

/** As Raspberry Pi OS has them: /lib is a link, and libc.so.6 a file in the folder of its processor. */
function piCard(): void {
  put("usr/lib/aarch64-linux-gnu/libc.so.6", GLIBC);
  symlinkSync("usr/lib", join(root.path, "lib"));
  put("usr/bin/node", NODE);
}

test("a card's board is told by its Node, its C library and what they say, and nothing of it is run", () => {
  piCard();
  expect(boardFactsOf(root.path)).toEqual({
    board: "node-gateway",
    arch: "arm64",
    libc: { kind: "glibc", version: "2.36" },
    nodeVersion: "20.19.6",
    from: "its files",
  });
});

test("a Node that says no version has the one that the system's list of packages says", () => {
  piCard();
  put("usr/bin/node", elfFile({ machine: ARM64, needed: ["libc.so.6"] }));
  expect(boardFactsOf(root.path)).toMatchObject({ error: expect.stringContaining("cannot be told") });
  put(
    "var/lib/dpkg/status",
    "Package: bash\nVersion: 5.2\n\nPackage: nodejs\nStatus: install ok installed\nVersion: 18.19.0+dfsg-6\n",
  );
  expect(boardFactsOf(root.path)).toMatchObject({ nodeVersion: "18.19.0" });
});

test("of several Nodes it is the first that is new enough, as the board's start script takes it", () => {
  piCard();
  const old = elfFile({
    machine: ARM64,
    needed: ["libc.so.6"],
    behind: "nodejs.org/download/release/v18.20.4/",
  });
  put("usr/local/bin/node", old);
  expect(boardFactsOf(root.path)).toMatchObject({ nodeVersion: "20.19.6" });
  put("usr/bin/node", old);
  expect(boardFactsOf(root.path)).toMatchObject({ nodeVersion: "18.20.4" });
});

test("a card without Node says so, and a Node shipped with the meter comes before the system's", () => {
  put("bin/sh", elfFile({ machine: ARM64, needed: ["libc.so.6"] }));
  expect(boardFactsOf(root.path)).toMatchObject({ error: expect.stringContaining("--node") });
  put("usr/bin/node", NODE);
  const shipped = elfFile({
    machine: 62,
    needed: ["libc.musl-x86_64.so.1"],
    behind: "nodejs.org/download/release/v22.1.0/",
  });
  put("opt/meterbench/node/bin/node", shipped);
  expect(boardFactsOf(root.path)).toMatchObject({
    arch: "x64",
    libc: { kind: "musl" },
    nodeVersion: "22.1.0",
  });
});

test("a folder with no system in it is this machine's, and this machine's own root says the same by its files", () => {
  expect(boardFactsOf(root.path)).toEqual({ board: "node-gateway", ...thisMachine(), from: "this machine" });
  const own = boardFactsOf("/");
  if (!("error" in own)) expect({ ...own, from: "this machine" }).toEqual(boardFactsOf(root.path));
});

test("a card's links lead to its own files: none leads to this machine's", () => {
  put("etc/os-release", "the card's");
  symlinkSync("/etc/os-release", join(root.path, "absolute"));
  symlinkSync("../../../../etc/os-release", join(root.path, "up"));
  symlinkSync("round", join(root.path, "round"));
  symlinkSync("/proc/self/environ", join(root.path, "environ"));
  const own = join(root.path, "etc/os-release");
  expect(insideRoot(root.path, "/absolute")).toBe(own);
  expect(insideRoot(root.path, "/up")).toBe(own);
  expect(insideRoot(root.path, "/round")).toBeUndefined();
  expect(insideRoot(root.path, "/environ")).toBeUndefined();
  expect(insideRoot(root.path, "/../../absolute/../..")).toBe(root.path);
});

test("a native module is looked at before it is trusted: its libraries and their versions must be there", () => {
  const module = readFileSync(ARM64_MODULE);
  piCard();
  expect(nativeFault(root.path, module)).toMatch(/needs lib\S+\.so\.\d+, which the board has not/);
  for (const name of [
    "libstdc++.so.6",
    "libm.so.6",
    "libgcc_s.so.1",
    "libpthread.so.0",
    "ld-linux-aarch64.so.1",
  ])
    put(`usr/lib/aarch64-linux-gnu/${name}`, elfFile({ machine: ARM64 }));
  expect(nativeFault(root.path, module)).toMatch(/needs \w+_[\d.]+, which no library of the board has/);
  expect(nativeFault("/", readFileSync("package.json"))).toBe("The native module is no ELF file.");
});

test("a Node that the board is to get counts in the place of its own, wherever in the file its version is", () => {
  piCard();
  const far = `${"-".repeat((4 << 20) - 300)}nodejs.org/download/release/v22.11.0/`;
  const shipped = elfFile({ machine: ARM64, needed: ["libc.so.6"], behind: far });
  expect(boardFactsOf(root.path, shipped)).toMatchObject({ arch: "arm64", nodeVersion: "22.11.0" });
  expect(boardFactsOf(root.path, NODE.slice(0, 100))).toMatchObject({
    error: expect.stringContaining("no Node"),
  });
});
