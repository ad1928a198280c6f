// What makes a board of an empty root: its loader, its settings, its keys and whom it believes.
import { writeCredentialFile } from "../../firmware/identity/identity.ts";
import { fromText } from "../../firmware/protocol/bytes.ts";
import type { Credential } from "../../firmware/protocol/cose/credential.ts";
import { placesBelow } from "../../firmware/startup/board-places.ts";

/** A file with its rights; one with a secret is its owner's alone from its first byte on. */
export interface SetUpFile {
  /** Below the board's root: "opt/meterbench/boot.mjs". */
  readonly path: string;
  readonly mode: number;
  readonly bytes: Uint8Array;
  /** The meter's own: a file that is there is kept, and must be this one. */
  readonly isKey?: boolean;
}

export interface SetUpLink {
  readonly path: string;
  readonly target: string;
}

/** All of it is written again where a cut came before its end: the loader, by which a board is known, is the last. */
export interface BoardSetUp {
  readonly links: readonly SetUpLink[];
  readonly files: readonly SetUpFile[];
  /** Whom the board will believe to sign images. */
  readonly authors: readonly Credential[];
  /** Node, where it comes with the meter. */
  readonly node?: Uint8Array;
}

/** Who the meter is, whom it believes, and what it runs with. */
export interface SetUpParts {
  /** The text of its key file. */
  readonly meterKey: string;
  readonly headEnds: readonly Credential[];
  readonly authors: readonly Credential[];
  /** The text of its settings. */
  readonly conf: string;
  readonly node?: Uint8Array;
  /** The loader, and the native module that it opens a recovery console with. */
  readonly boot: Uint8Array;
  readonly native: { readonly path: string; readonly bytes: Uint8Array };
  /** What starts it: the start script, and the files of systemd, udev and procd. */
  readonly service: Pick<BoardSetUp, "files" | "links">;
}

const PLACES = placesBelow("");
const LOADER = "opt/meterbench";
/** By its loader a board is known. */
export const BOOT = `${LOADER}/boot.mjs`;
/** Finds a Node, and starts the loader with it. */
export const START = `${LOADER}/start`;
/** Node, where it comes with the meter and not with the system. */
const NODE = `${LOADER}/node/bin/node`;

/** All files and links of a new board, the ones that hold a secret for their owner alone. */
export function boardSetUp(parts: SetUpParts): BoardSetUp {
  const { meterKey, headEnds, authors, conf, node, boot, native, service } = parts;
  const credentials = [
    ...authors.map((one) => ["author", PLACES.authors, one] as const),
    ...headEnds.map((one) => ["head-end", PLACES.headEnds, one] as const),
  ].map(([role, folder, credential]) =>
    textFile(`${folder}/${credential.id}.json`, writeCredentialFile(role, credential)),
  );
  const files = [
    ...(node === undefined ? [] : [{ path: NODE, mode: 0o755, bytes: node }]),
    { path: `${LOADER}/${native.path}`, mode: 0o644, bytes: native.bytes },
    ...service.files,
    ...credentials,
    textFile(PLACES.conf, conf),
    { path: PLACES.key, mode: 0o600, bytes: fromText(meterKey), isKey: true },
    { path: BOOT, mode: 0o644, bytes: boot },
  ];
  return { links: service.links, files, authors, ...(node !== undefined && { node }) };
}

function textFile(path: string, text: string): SetUpFile {
  return { path, mode: 0o644, bytes: fromText(text) };
}
