// What the board of a mounted tree is, by the files of its programs: nothing of it is run here.
import type { BoardFacts } from "../../firmware/update/refusals.ts";
import { thisMachine } from "../../hal/node/this-machine.ts";
import { type ElfFacts, type ElfSource, elfBytes, highestVersion, readElf } from "../image/elf.ts";
import { BOARD_CLASS } from "../image/targets.ts";
import { withFile } from "./inside-root.ts";
import { libraryOf } from "./libraries.ts";

/** Node where a board's start script looks for it: shipped with the meter, or the system's own. */
const NODE_PATHS = [
  "/opt/meterbench/node/bin/node",
  "/usr/local/bin/node",
  "/usr/bin/node",
  "/usr/bin/nodejs",
] as const;

/** Programs that every system has, where there is no Node. */
const PROGRAM_PATHS = ["/bin/sh", "/bin/busybox", "/sbin/init"] as const;

/** Where a board's facts come from: its own files, or this machine where the folder has no system in it. */
export interface FoundFacts extends BoardFacts {
  readonly from: "its files" | "this machine";
}

/** The facts of the board in a tree, or what cannot be told, as a sentence; `shipped` is a Node that it is to get. */
export function boardFactsOf(root: string, shipped?: Uint8Array): FoundFacts | { readonly error: string } {
  const nodes = shipped === undefined ? elfsIn(root, NODE_PATHS) : [shippedNode(shipped)];
  const found = nodes.map((node) => ({ node, facts: factsWith(root, node) }));
  const told = found.flatMap(({ facts }) => ("error" in facts ? [] : [facts]));
  // As the board's start script does: the first that is new enough.
  const best = told.find(({ nodeVersion }) => isNewEnough(nodeVersion)) ?? told[0];
  return best ?? found[0]?.facts ?? factsWithoutNode(root);
}

/** What a board's start script asks for. */
const NEEDED = [20, 19] as const;

function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1]);
}

function factsWith(root: string, node: FoundElf): ReturnType<typeof boardFactsOf> {
  const { arch, libc: kind } = node.facts;
  if (kind === undefined) return { error: `${node.path} is no Node for Linux: name another one.` };
  const nodeVersion = withSource(root, node, builtVersion) ?? packagedVersion(root);
  if (nodeVersion === undefined)
    return {
      error: `The version of Node in ${node.path} cannot be told: give a Node of nodejs.org with --node.`,
    };
  const version = libcVersionOf(root, node.facts);
  const libc = { kind, ...(version !== undefined && { version }) };
  return { board: BOARD_CLASS, arch, libc, nodeVersion, from: "its files" };
}

function factsWithoutNode(root: string): ReturnType<typeof boardFactsOf> {
  if (elfsIn(root, PROGRAM_PATHS).length > 0)
    return { error: "There is no Node on the board: give one with --node, or install it there." };
  return { ...thisMachine(), board: BOARD_CLASS, from: "this machine" };
}

interface FoundElf {
  readonly path: string;
  readonly facts: ElfFacts;
  /** Of a file that is not in the tree yet. */
  readonly bytes?: Uint8Array;
}

function shippedNode(bytes: Uint8Array): FoundElf {
  const facts = readElf(elfBytes(bytes));
  const none = { arch: "none", needed: [], needsVersions: [], givesVersions: [] };
  return { path: "The file of --node", facts: "error" in facts ? none : facts, bytes };
}

function withSource<Result>(root: string, { path, bytes }: FoundElf, work: (source: ElfSource) => Result) {
  return bytes === undefined ? withFile(root, path, work) : work(elfBytes(bytes));
}

function elfsIn(root: string, paths: readonly string[]): readonly FoundElf[] {
  return paths.flatMap((path) => {
    const facts = withFile(root, path, readElf);
    return facts === undefined || "error" in facts ? [] : [{ path, facts }];
  });
}

/**
 * Of glibc, whose own file says which symbols it has; in a tree without it, it has at least those that Node needs. musl's
 * says nothing, and nobody asks.
 */
function libcVersionOf(root: string, { arch, libc, needsVersions }: ElfFacts): string | undefined {
  if (libc !== "glibc") return undefined;
  return highestVersion(libraryOf(root, arch, "libc.so.6")?.givesVersions ?? needsVersions, "GLIBC_");
}

const BUILT_FROM = "nodejs.org/download/release/v";
const VERSION = /^(\d{1,3}\.\d{1,3}\.\d{1,3})\//;
const READ_BYTES = 4 << 20;
/** What begins at the end of a piece is whole in the next. */
const OVERLAP_BYTES = 64;
const TEXT = new TextDecoder("latin1");

/** What Node's own builds say of themselves: of its hundred megabytes the text is somewhere in the middle. */
function builtVersion({ bytes, read }: ElfSource): string | undefined {
  for (let offset = 0; offset < bytes; offset += READ_BYTES - OVERLAP_BYTES) {
    const { buffer, byteOffset, length } = read(offset, Math.min(READ_BYTES, bytes - offset));
    const piece = Buffer.from(buffer, byteOffset, length);
    for (let at = piece.indexOf(BUILT_FROM); at >= 0; at = piece.indexOf(BUILT_FROM, at + 1)) {
      const behind = at + BUILT_FROM.length;
      const version = VERSION.exec(piece.toString("latin1", behind, behind + 16))?.[1];
      if (version !== undefined) return version;
    }
  }
  return undefined;
}

/** The lists of installed packages of dpkg, opkg and apk: `Package: nodejs`, `Version: 18.19.0+dfsg-6`. */
const PACKAGE_LISTS = [
  { path: "/var/lib/dpkg/status", pattern: /^Package: nodejs\n(?:.+\n)*?Version: (\d+\.\d+\.\d+)/m },
  { path: "/usr/lib/opkg/status", pattern: /^Package: node\n(?:.+\n)*?Version: v?(\d+\.\d+\.\d+)/m },
  { path: "/lib/apk/db/installed", pattern: /^P:nodejs\n(?:.+\n)*?V:(\d+\.\d+\.\d+)/m },
] as const;
const LIST_BYTES_MAX = 64 << 20;

function packagedVersion(root: string): string | undefined {
  for (const { path, pattern } of PACKAGE_LISTS) {
    const list = withFile(root, path, ({ bytes, read }) =>
      bytes > LIST_BYTES_MAX ? "" : TEXT.decode(read(0, bytes)),
    );
    const version = pattern.exec(list ?? "")?.[1];
    if (version !== undefined) return version;
  }
  return undefined;
}
