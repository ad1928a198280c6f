// What makes a board of an empty root: its loader, its settings, its keys and whom it believes.

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

/** In the order in which it is written: the last file is the one by which a board is known, so that a cut leaves none. */
export interface BoardSetUp {
  readonly links: readonly SetUpLink[];
  readonly files: readonly SetUpFile[];
}
