// Makes an image: programs, native module and licences, and a manifest over them that its author signs.

import { DATA_SCHEMA } from "../../firmware/data-schema.ts";
import type { Identity } from "../../firmware/identity/identity.ts";
import { concat, fromText } from "../../firmware/protocol/bytes.ts";
import { encodeImage } from "../../firmware/update/image.ts";
import {
  type BoardLibc,
  encodeManifest,
  type ImageManifest,
  signManifest,
} from "../../firmware/update/manifest.ts";
import { pack } from "../../hal/node/brotli.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { BoardPrograms } from "./bundle.ts";
import type { PackageFacts } from "./programs.ts";
import { sequenceOf } from "./sequence.ts";
import { BOARD_CLASS, type ImageTarget, nativeFacts, nativePlace, TARGETS } from "./targets.ts";

/** What goes into an image. The same parts by the same author give the same bytes. */
export interface ImageInputs {
  readonly target: ImageTarget;
  readonly libc: BoardLibc;
  /** The version's own where not given. */
  readonly sequence?: number | undefined;
  readonly facts: PackageFacts;
  readonly programs: BoardPrograms;
  readonly licence: Uint8Array;
  /** serialport's, for the target. */
  readonly native: Uint8Array;
}

export interface BuiltImage {
  readonly bytes: Uint8Array;
  readonly manifest: ImageManifest;
  /** SHA-256 of what the author has signed. */
  readonly manifestDigest: Uint8Array;
}

type Refusal = { readonly error: string };

const ENTRY = "app/main.mjs";

/** The image, or one sentence on why there is none of these parts. */
export function buildImage(
  crypto: CryptoEngine,
  author: Identity,
  inputs: ImageInputs,
): BuiltImage | Refusal {
  const { version } = inputs.facts;
  const sequence = inputs.sequence ?? sequenceOf(version);
  if (sequence === undefined)
    return { error: `Version ${version} has no sequence of its own: give this image one with --sequence.` };
  const machine = machineOf(inputs);
  if ("error" in machine) return machine;
  const node = nodeRange(inputs.facts);
  if ("error" in node) return node;
  const native = nativePlace(machine.arch);
  const files = filesOf(inputs, native);
  const payload = pack(concat(...files.map(({ bytes }) => bytes)));
  const manifest: ImageManifest = {
    ...{ sequence, version, board: BOARD_CLASS, ...machine, node, dataSchema: DATA_SCHEMA },
    ...{ entry: ENTRY, native },
    files: files.map(({ path, bytes }) => ({ path, bytes: bytes.length, digest: crypto.sha256(bytes) })),
    payload: { bytes: payload.length, digest: crypto.sha256(payload) },
  };
  return {
    bytes: encodeImage({ envelope: signManifest(crypto, author, manifest), payload }),
    manifest,
    manifestDigest: crypto.sha256(encodeManifest(manifest)),
  };
}

/** As the native module itself has it, which must be what was asked for. */
function machineOf({
  target,
  libc,
  native,
}: ImageInputs): Pick<ImageManifest, "arch" | "libc" | "libcMin"> | Refusal {
  const { arch } = TARGETS[target];
  const facts = nativeFacts(native);
  if ("error" in facts)
    return { error: `The native module of serialport ${facts.error}: install the packages anew.` };
  if (facts.arch !== arch || facts.libc !== libc)
    return {
      error: `The native module of serialport for ${target} with ${libc} is for ${facts.arch} with ${facts.libc}: install the packages anew.`,
    };
  return { ...facts, arch };
}

/** What the package says that it runs on; there is no upper end, as nothing newer is known to fail. */
function nodeRange({ engines }: PackageFacts): ImageManifest["node"] | Refusal {
  const [, from, patch = ".0"] = /^>=(\d+\.\d+)(\.\d+)?$/.exec(engines.node) ?? [];
  return from === undefined
    ? { error: `package.json asks for Node ${engines.node}, which is not as >=20.19: correct it.` }
    : { from: `${from}${patch}` };
}

interface SlotFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** In the order of a manifest. */
function filesOf({ facts, programs, licence, native }: ImageInputs, nativePath: string): readonly SlotFile[] {
  const { version, released } = facts;
  const about = { name: "meterbench", version, released, license: "Apache-2.0" };
  const files: readonly SlotFile[] = [
    { path: ENTRY, bytes: programs.main },
    { path: "app/package.json", bytes: fromText(`${JSON.stringify(about)}\n`) },
    { path: "LICENSE", bytes: licence },
    { path: "THIRD-PARTY-NOTICES.md", bytes: programs.notices },
    { path: nativePath, bytes: native },
  ];
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}
