// Keys, enrolment and state on a laptop: one folder, made on first use.
import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { identityIssued, readCwtFile } from "../../firmware/identity/cwt-file.ts";
import {
  AUTHOR_KEYS,
  type Identity,
  newIdentity,
  type Role,
  readCredentialFile,
  readKeyFile,
  writeKeyFile,
} from "../../firmware/identity/identity.ts";
import type { Credential } from "../../firmware/protocol/cose/credential.ts";
import { syncFolder } from "../../hal/node/durable-file.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import { folderExposure, makePrivateFolder, readPrivateFile } from "../../hal/node/private-file.ts";
import { systemRandom } from "../../hal/node/system-random.ts";
import { Registry } from "../head-end/registry.ts";
import { usageFault } from "./fault.ts";

/** `./.meterbench`, or what `--home` says; one that others could change is a usage fault. */
export class Home {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
    const exposure = folderExposure(folder);
    if (exposure !== undefined) throw usageFault(`The folder ${folder} of keys and enrolment ${exposure}`);
  }

  get registry(): Registry {
    return new Registry(join(this.folder, "registry.json"));
  }

  /** Where its head-ends' sessions are kept. */
  get sessions(): string {
    return join(this.folder, "sessions");
  }

  /** The development head-end of this folder, made on first use. */
  headEnd(): Identity {
    return this.#developmentIdentity("head-end", "head-end", join(this.folder, "head-end.key.json"));
  }

  /** The development operator of this folder, made on first use. */
  operator(): Identity {
    return this.#developmentIdentity("operator", "operator", join(this.folder, "operator.key.json"));
  }

  /** The development author of images of this folder, made on first use. */
  author(): Identity {
    return this.#developmentIdentity("author", "author", this.authorKeyPath);
  }

  /** Where the key of its development author is, once there is one. */
  get authorKeyPath(): string {
    return join(this.folder, "author.key.json");
  }

  /** The development DAP `id` of this folder, made on first use. */
  dap(id: string): Identity {
    return this.#developmentIdentity("dap", id, join(this.folder, "daps", `${id}.key.json`));
  }

  /** The development meter `id` of this folder, made on first use. */
  meter(id: string): Identity {
    return this.#developmentIdentity("meter", id, this.meterKeyPath(id));
  }

  /** Where the key of the development meter `id` is. */
  meterKeyPath(id: string): string {
    return join(this.folder, "meters", `${id}.key.json`);
  }

  #developmentIdentity(role: Role, id: string, path: string): Identity {
    if (!existsSync(path)) {
      const identity = newIdentity(opensslEngine, systemRandom, {
        ...{ role, id, development: true },
        ...(role === "author" && AUTHOR_KEYS),
      });
      createFile(path, writeKeyFile(identity), 0o600);
    }
    return readIdentity(path, role, `remove the folder ${this.folder}, and all of it is made anew`);
  }
}

/** `a meter's`, `an operator's`. */
function owned(role: Role): string {
  return `${/^[aeiou]/.test(role) ? "an" : "a"} ${role}'s`;
}

/** The key file's identity; a file that is none, or of the other role, is a usage fault. */
export function readIdentity(
  path: string,
  role: Role,
  advice = "make one with 'meterbench keys new'",
): Identity {
  const identity = readKeyFile(opensslEngine, readSecretFile(path, "key file"));
  if ("error" in identity) throw usageFault(`The key file ${path} ${identity.error}: ${advice}.`);
  if (identity.role !== role) {
    throw usageFault(
      `The key file ${path} is ${owned(identity.role)} and ${owned(role)} is needed: name another file.`,
    );
  }
  return identity;
}

/** The credential file's credential; a file that is none, or of the other role, is a usage fault. */
export function readCredential(path: string, role: Role): Credential {
  const read = readCredentialFile(readTextFile(path, "credential file"));
  if ("error" in read) {
    throw usageFault(
      `The credential file ${path} ${read.error}: make one with 'meterbench keys credential KEY-FILE'.`,
    );
  }
  if (read.role !== role) {
    throw usageFault(
      `The credential file ${path} is ${owned(read.role)} and ${owned(role)} is needed: name another file.`,
    );
  }
  return read.credential;
}

/** The key file's party as it is known by what an issuer signed of it; what is not of that key is a usage fault. */
export function readIssuedIdentity(identity: Identity, path: string): Identity {
  const issued = readCwtFile(readTextFile(path, "signed credential"));
  const known = "error" in issued ? issued : identityIssued(identity, issued);
  if ("error" in known)
    throw usageFault(`The file ${path} ${known.error}: make one with 'meterbench keys sign'.`);
  return known;
}

/** The text of a file with a secret; one that others may read or write is a usage fault. */
export function readSecretFile(path: string, what: string): string {
  const file = orUsageFault(path, what, () => readPrivateFile(path));
  if ("exposure" in file) throw usageFault(`The ${what} ${path} ${file.exposure}`);
  return file.text;
}

/** The bytes of a file, or undefined of one that has more than `bytesMax`: no more of it is read. */
export function readUpTo(path: string, what: string, bytesMax: number): Uint8Array | undefined {
  return orUsageFault(path, what, () => {
    const file = openSync(path, "r");
    try {
      const bytes = new Uint8Array(bytesMax + 1);
      let length = 0;
      for (let read = -1; read !== 0 && length < bytes.length; length += read)
        read = readSync(file, bytes, length, bytes.length - length, null);
      return length > bytesMax ? undefined : bytes.slice(0, length);
    } finally {
      closeSync(file);
    }
  });
}

/** The text of a file that a person named; one that cannot be read is a usage fault. */
export function readTextFile(path: string, what: string): string {
  return orUsageFault(path, what, () => readFileSync(path, "utf8"));
}

/** What `read` gives; a file that cannot be read is a usage fault that says why. */
function orUsageFault<Result>(path: string, what: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === "ENOENT"
        ? "does not exist"
        : code === "EACCES"
          ? "may not be read by you"
          : `cannot be read (${code})`;
    throw usageFault(`The ${what} ${path} ${why}: check the path.`);
  }
}

/**
 * Makes a file that did not exist, whole and durable, or leaves the one that was there: two commands
 * may start in one new folder at once. Returns whether this call made it.
 */
export function createFile(path: string, content: string | Uint8Array, mode: number): boolean {
  makePrivateFolder(dirname(path));
  const temporary = `${path}.${randomBytes(4).toString("hex")}`;
  const file = openSync(temporary, "wx", mode);
  try {
    writeFileSync(file, content);
    fsyncSync(file);
    linkSync(temporary, path);
    syncFolder(dirname(path));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    closeSync(file);
    rmSync(temporary);
  }
}
