// Who was found where, beside a head-end's sessions in their folder: a command that names nobody goes on with his session.
import { createHash } from "node:crypto";
import { join } from "node:path";
import { isValidId } from "../../firmware/identity/identity.ts";
import { writeDurably } from "../../hal/node/durable-file.ts";
import { readPrivateFile } from "../../hal/node/private-file.ts";

/** Which meters a utility has, and where, is nobody else's business. */
const FILE_MODE = 0o600;

/** The places of one head-end on one line. What is wrong here costs a handshake, and nothing else. */
export class Places {
  readonly #folder: string;
  readonly #owner: string;

  constructor(folder: string, owner: string) {
    this.#folder = folder;
    this.#owner = owner;
  }

  lastAt(place: string): string | undefined {
    const peer = privateText(this.#pathOf(place))?.trim();
    return peer !== undefined && isValidId(peer) ? peer : undefined;
  }

  foundAt(place: string, peer: string): void {
    if (this.lastAt(place) === peer) return;
    try {
      writeDurably(this.#pathOf(place), `${peer}\n`, FILE_MODE);
    } catch {}
  }

  #pathOf(place: string): string {
    return join(this.#folder, `${nameOf(this.#owner, place)}.place`);
  }
}

/** A file's name, which says nothing of whose it is. */
export function nameOf(owner: string, what: string): string {
  return createHash("sha256").update(`${owner}\n${what}`).digest("hex").slice(0, 32);
}

/** The text of a file that is its owner's alone; what others could have written, or nobody can read, is none. */
export function privateText(path: string): string | undefined {
  try {
    const file = readPrivateFile(path);
    return "text" in file ? file.text : undefined;
  } catch {
    return undefined;
  }
}
