// A board's slots, as its loader and its meter find them.
import { unpack } from "../../hal/node/brotli.ts";
import { holdAtOnce } from "../../hal/node/exclusive.ts";
import { openFileTree } from "../../hal/node/file-tree.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import { join } from "../../hal/node/program.ts";
import { loadFault, thisMachine } from "../../hal/node/this-machine.ts";
import type { TrustProfile } from "../identity/trust.ts";
import type { Credential } from "../protocol/cose/credential.ts";
import { BoardSlots } from "../update/board-slots.ts";
import type { BoardFacts } from "../update/refusals.ts";
import { jsonFilesIn } from "./board-files.ts";
import { readCredential } from "./board-parties.ts";
import { placesBelow } from "./board-places.ts";

/** The one class of boards that there is: a small Linux machine with a UART. */
const BOARD_CLASS = "node-gateway";

/** Whether an image of the board may be running while somebody is at the slots. */
type Use = "running" | "at rest";

/** The slots below a board's root. */
export function openSlots(root: string, profile: TrustProfile, use: Use = "running"): BoardSlots {
  const { data, authors } = placesBelow(root);
  let facts: BoardFacts | undefined;
  return new BoardSlots({
    tree: openFileTree(data),
    crypto: opensslEngine,
    authors: jsonFilesIn(authors).flatMap((path) => authorIn(path, profile)),
    // What Node has to say takes a twentieth of a start, and most starts do not ask.
    get facts() {
      facts ??= { board: BOARD_CLASS, ...thisMachine() };
      return facts;
    },
    unpack,
    preflight: (folder, native) => loadFault(join(data, folder, native)),
    isAtRest: use === "at rest",
    hold: () => holdAtOnce(`slots of ${data}`),
  });
}

/** A file that is not right is told of and is nobody: the others decide whether anything can be started. */
function authorIn(path: string, profile: TrustProfile): readonly Credential[] {
  try {
    return [readCredential(path, "author", profile)];
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return [];
  }
}
