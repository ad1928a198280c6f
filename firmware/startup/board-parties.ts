// Who a board is, and whom it believes: its key file, and the credential files of others.

import { opensslEngine } from "../../hal/node/openssl.ts";
import { readPrivateFile } from "../../hal/node/private-file.ts";
import { readText } from "../../hal/node/program.ts";
import { identityIssued, readCwtFile } from "../identity/cwt-file.ts";
import { type Identity, type Role, readCredentialFile, readKeyFile } from "../identity/identity.ts";
import { grantedTrust, refusalOf, type TrustList, type TrustProfile } from "../identity/trust.ts";
import type { Credential } from "../protocol/cose/credential.ts";
import { BoardFault, EXIT } from "./board-fault.ts";
import { readAs } from "./board-files.ts";
import type { BoardOptions } from "./board-options.ts";

/** The meter's own key; one that others could read, or that is not for this profile, ends the program. */
export function readMeterKey({ keys: path, cwt, profile }: BoardOptions): Identity {
  const file = readAs(path, readPrivateFile);
  if ("exposure" in file) throw usage(`The key file ${path} ${file.exposure}`);
  const identity = readKeyFile(opensslEngine, file.text);
  if ("error" in identity) throw usage(`The key file ${path} ${identity.error}.`);
  if (identity.role !== "meter") throw usage(`The key file ${path} is a ${identity.role}'s: name a meter's.`);
  refuseUnfit(profile, identity.credential, path);
  return cwt === undefined ? identity : issuedIdentity(identity, cwt);
}

/** The head-ends that the meter serves, and what each of them may do. */
export function trustOf({ trust, allow, profile }: BoardOptions): TrustList {
  const list = grantedTrust(
    trust.map((path) => readCredential(path, "head-end", profile)),
    allow,
  );
  if ("error" in list) throw usage(list.error);
  return list;
}

/** The credential of somebody in this role; any other ends the program. */
export function readCredential(path: string, role: Role, profile: TrustProfile): Credential {
  const file = readCredentialFile(readAs(path, readText));
  if ("error" in file) throw usage(`The credential file ${path} ${file.error}.`);
  if (file.role !== role) throw usage(`The credential file ${path} is a ${file.role}'s: name a ${role}'s.`);
  refuseUnfit(profile, file.credential, path);
  return file.credential;
}

/** The meter as it shows itself by what an issuer has signed of its key. */
function issuedIdentity(identity: Identity, path: string): Identity {
  const issued = readCwtFile(readAs(path, readText));
  const known = "error" in issued ? issued : identityIssued(identity, issued);
  if ("error" in known) throw usage(`The file ${path} ${known.error}.`);
  if (known === identity)
    process.stderr.write(`The key was rotated since ${path} was signed, and is shown without it.\n`);
  return known;
}

/** A board runs the production profile, unless its settings say that it is one for trying things out. */
function refuseUnfit(profile: TrustProfile, credential: Credential, path: string): void {
  const refusal = refusalOf(profile, credential);
  if (refusal !== undefined)
    throw new BoardFault(
      EXIT.identity,
      `The credential in ${path} ${refusal}: make a real key with 'meterbench keys new'.`,
    );
}

function usage(sentence: string): BoardFault {
  return new BoardFault(EXIT.usage, sentence);
}
