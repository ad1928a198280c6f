// Whose keys ask the real meters of a bench, and which meters they know.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Identity,
  type Role,
  readCredentialFile,
  readKeyFile,
} from "../../../firmware/identity/identity.ts";
import type { Credential } from "../../../firmware/protocol/cose/credential.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { readPrivateFile } from "../../../hal/node/private-file.ts";
import { RegistryError } from "../../head-end/errors.ts";
import { Registry } from "../../head-end/registry.ts";
import { servedCredentials } from "../../head-end/registry-file.ts";
import type { BenchHeadEnd } from "../bench.ts";
import type { Parties } from "../emulated/meters.ts";
import { InfrastructureFault } from "../infrastructure.ts";

export interface AttachedParties extends Parties {
  /** Meters and DAPs. */
  readonly trusted: readonly Credential[];
}

/** Throws an {@link InfrastructureFault} where a file is not there or not what it has to be. */
export function attachedParties(keys: BenchHeadEnd): AttachedParties {
  if ("home" in keys) return partiesOfHome(keys.home);
  return {
    headEnd: readKey(keys.keys, "head-end"),
    operator: keys.operator === undefined ? undefined : readKey(keys.operator, "operator"),
    trusted: keys.trust.map(readTrusted),
  };
}

/** A folder as `serve` and `read` make it, with the meters that have been enrolled there. */
function partiesOfHome(folder: string): AttachedParties {
  const headEnd = join(folder, "head-end.key.json");
  if (!existsSync(headEnd))
    throw new InfrastructureFault(
      `There is no head-end's key ${headEnd}: name the folder that the meters were served or enrolled from as headEnd.home.`,
    );
  const operator = join(folder, "operator.key.json");
  return {
    headEnd: readKey(headEnd, "head-end"),
    operator: existsSync(operator) ? readKey(operator, "operator") : undefined,
    trusted: [...enrolledIn(join(folder, "registry.json")), ...dapsIn(join(folder, "daps"))],
  };
}

function enrolledIn(path: string): readonly Credential[] {
  try {
    return servedCredentials(new Registry(path).content());
  } catch (error) {
    if (error instanceof RegistryError) throw new InfrastructureFault(error.message);
    throw error;
  }
}

function dapsIn(folder: string): Credential[] {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((name) => name.endsWith(".key.json"));
  return files.map((name) => readKey(join(folder, name), "dap").credential);
}

function readKey(path: string, role: Role): Identity {
  const file = readable(path, readPrivateFile);
  if ("exposure" in file) throw new InfrastructureFault(`The key file ${path} ${file.exposure}`);
  const identity = readKeyFile(opensslEngine, file.text);
  if ("error" in identity)
    throw new InfrastructureFault(`The key file ${path} ${identity.error}: name another file.`);
  if (identity.role !== role)
    throw new InfrastructureFault(
      `The key file ${path} is of the role ${identity.role}, and one of the role ${role} is needed: name another file.`,
    );
  return identity;
}

function readTrusted(path: string): Credential {
  const file = readCredentialFile(readable(path, (name) => readFileSync(name, "utf8")));
  if ("error" in file)
    throw new InfrastructureFault(
      `The credential file ${path} ${file.error}: make one with 'meterbench keys credential'.`,
    );
  return file.credential;
}

function readable<Content>(path: string, read: (path: string) => Content): Content {
  try {
    return read(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new InfrastructureFault(
      `The file ${path} cannot be read (${code}): check the path in the bench file.`,
    );
  }
}
