// The libraries of a mounted tree, and whether a native module finds there what it is loaded with.
import { type ElfFacts, elfBytes, readElf } from "../image/elf.ts";
import { withFile } from "./inside-root.ts";

/** Where Debian, Fedora, Buildroot and OpenWrt keep them, by processor. */
const TRIPLETS: Readonly<Record<string, string>> = {
  arm64: "aarch64-linux-gnu",
  arm: "arm-linux-gnueabihf",
  x64: "x86_64-linux-gnu",
};

/** The facts of a library of this processor, undefined where the tree has none. */
export function libraryOf(root: string, arch: string, name: string): ElfFacts | undefined {
  const folders = [
    `/lib/${TRIPLETS[arch]}`,
    `/usr/lib/${TRIPLETS[arch]}`,
    "/lib64",
    "/usr/lib64",
    "/lib",
    "/usr/lib",
  ];
  for (const folder of folders) {
    const facts = withFile(root, `${folder}/${name}`, readElf);
    if (facts !== undefined && !("error" in facts) && facts.arch === arch) return facts;
  }
  return undefined;
}

/** The C library itself, and the loader's own file: a system has them under names of their own. */
const OF_THE_SYSTEM = /^(libc\.so|libc\.musl-|ld-)/;

/** Why the system in the tree could not load a native module, as a sentence; undefined if it could. */
export function nativeFault(root: string, module: Uint8Array): string | undefined {
  const facts = readElf(elfBytes(module));
  if ("error" in facts) return `The native module ${facts.error}.`;
  // A folder without a system in it says nothing of the one that it will be in.
  if (facts.libc === "glibc" && libraryOf(root, facts.arch, "libc.so.6") === undefined) return undefined;
  const names = facts.needed.filter((name) => facts.libc === "glibc" || !OF_THE_SYSTEM.test(name));
  const libraries = names.map((name) => ({ name, found: libraryOf(root, facts.arch, name) }));
  const missing = libraries.find(({ found }) => found === undefined);
  if (missing !== undefined) return `The native module needs ${missing.name}, which the board has not.`;
  const versions = new Set(libraries.flatMap(({ found }) => found?.givesVersions ?? []));
  const lacking = facts.needsVersions.find((version) => !versions.has(version));
  return lacking === undefined
    ? undefined
    : `The native module needs ${lacking}, which no library of the board has.`;
}
