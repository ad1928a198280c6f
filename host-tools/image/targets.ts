// The boards that there are images for, and the native module of serialport that is for each.
import type { BoardArch, BoardLibc } from "../../firmware/update/manifest.ts";
import { elfBytes, highestVersion, readElf } from "./elf.ts";

/** As `--target` has them. */
export const IMAGE_TARGETS = ["linux-arm64", "linux-arm", "linux-x64"] as const;
export type ImageTarget = (typeof IMAGE_TARGETS)[number];

/** The class of boards: a computer with Linux and Node. */
export const BOARD_CLASS = "node-gateway";

/** What a native module says that it runs on. */
export interface NativeFacts {
  readonly arch: string;
  readonly libc: BoardLibc;
  readonly libcMin?: string;
}

interface Target {
  readonly arch: BoardArch;
  /** Below serialport's `prebuilds/`. */
  readonly native: Readonly<Record<BoardLibc, string>>;
}

export const TARGETS: Readonly<Record<ImageTarget, Target>> = {
  "linux-arm64": {
    arch: "arm64",
    native: {
      glibc: "linux-arm64/@serialport+bindings-cpp.armv8.glibc.node",
      musl: "linux-arm64/@serialport+bindings-cpp.armv8.musl.node",
    },
  },
  "linux-arm": {
    arch: "arm",
    native: {
      // What is built for ARMv6, as in a Pi Zero, runs on ARMv7 too.
      glibc: "linux-arm/@serialport+bindings-cpp.armv6.glibc.node",
      musl: "linux-arm/@serialport+bindings-cpp.armv7.musl.node",
    },
  },
  "linux-x64": {
    arch: "x64",
    native: {
      glibc: "linux-x64/@serialport+bindings-cpp.glibc.node",
      musl: "linux-x64/@serialport+bindings-cpp.musl.node",
    },
  },
};

/** Where a slot has the native module of its architecture: `bundle.ts` has the programs look there. */
export function nativePlace(arch: BoardArch): string {
  return `prebuilds/linux-${arch}/@serialport+bindings-cpp.node`;
}

/** What the module itself says, or what is wrong with it, as the end of a sentence. */
export function nativeFacts(bytes: Uint8Array): NativeFacts | { readonly error: string } {
  const facts = readElf(elfBytes(bytes));
  if ("error" in facts) return facts;
  const { arch, libc, needsVersions } = facts;
  if (libc === undefined) return { error: "names neither glibc nor musl among its libraries" };
  // musl has no versions: what a module for it needs of such names is the compiler's.
  const libcMin = libc === "glibc" ? highestVersion(needsVersions, "GLIBC_") : undefined;
  return { arch, libc, ...(libcMin !== undefined && { libcMin }) };
}
