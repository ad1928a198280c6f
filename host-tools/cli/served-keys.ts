// Whose keys a served meter has, and whom it trusts.
import type { Identity } from "../../firmware/identity/identity.ts";
import { grantedTrust, HEAD_ENDS_MAX, OWNER, refusalOf, TrustList } from "../../firmware/identity/trust.ts";
import type { Credential } from "../../firmware/protocol/cose/credential.ts";
import { type Address, formatAddress } from "../../hal/node/address.ts";
import { keyFiles } from "../../hal/node/key-files.ts";
import type { KeyStore } from "../../hal/ports/key-store.ts";
import { type CommonOptions, homeOf } from "./common.ts";
import { absoluteAddress, refuseFarDevelopment } from "./development.ts";
import { CliFault, EXIT, usageFault } from "./fault.ts";
import { type Home, readCredential, readIdentity, readIssuedIdentity } from "./home.ts";
import { idsFrom } from "./places.ts";

/** The options that say who a meter is. */
export type KeyOptions = Pick<CommonOptions, "home"> & {
  readonly id?: string;
  readonly count: number;
  readonly keys?: string;
  readonly cwt?: string;
  readonly trust?: string[];
  readonly allow?: string[];
  readonly oscoreContext?: string;
};

export interface ServedKeys {
  readonly identities: readonly Identity[];
  /** Where each of them is, and where its next key will be. */
  readonly keyStores: readonly KeyStore[];
  readonly trust: TrustList;
  /** Notes the meters at the head-end, once their lines are open. */
  readonly enrol: () => void;
}

/** Development keys of this folder, or with `--keys` real ones. */
export function servedKeys(options: KeyOptions, addresses: readonly Address[]): ServedKeys {
  return options.keys === undefined ? development(options, addresses) : production(options);
}

/** This folder's own meters and head-end, enrolled with each other, for this machine only. */
function development(options: KeyOptions, addresses: readonly Address[]): ServedKeys {
  if (options.trust !== undefined)
    throw usageFault("--trust goes with --keys: give the meter's key file too.");
  if (options.cwt !== undefined) throw usageFault("--cwt goes with --keys: give the meter's key file too.");
  if (options.allow !== undefined)
    throw usageFault("--allow goes with --keys: a development head-end may do all that there is.");
  for (const address of addresses) refuseFarDevelopment(address, "A development meter");
  const home = homeOf(options);
  const ids = idsFrom(options.id, options.count);
  const identities = ids.map((id) => home.meter(id));
  const keyStores = ids.map((id) => keyFiles(home.meterKeyPath(id)));
  const enrol = (): void => enrolAll(home, identities, addresses);
  const { credential } = home.headEnd();
  return { identities, keyStores, trust: new TrustList([credential], { [credential.id]: OWNER }), enrol };
}

function enrolAll(home: Home, identities: readonly Identity[], addresses: readonly Address[]): void {
  const meters = identities.map(({ credential }, i) => ({
    credential,
    address: formatAddress(absoluteAddress(addresses[i] as Address)),
  }));
  home.registry.addAll(meters).forEach((outcome, i) => {
    const { id } = (identities[i] as Identity).credential;
    const why = { "other-key": `has another key for ${id}`, revoked: `has revoked ${id}` };
    if (outcome === "other-key" || outcome === "revoked")
      throw new CliFault(
        EXIT.refused,
        `The registry in ${home.folder} ${why[outcome]}: serve another meter by --id, or one with a real key by --keys.`,
      );
  });
}

/** Real keys: development credentials and keys whose secrets are public are refused. */
function production(options: KeyOptions): ServedKeys {
  const { keys = "", trust = [] } = options;
  if (options.oscoreContext !== undefined) {
    throw new CliFault(
      EXIT.refused,
      "--oscore-context proves nobody and is for development only: leave it out, or leave --keys out.",
    );
  }
  const plain = readIdentity(keys, "meter");
  const identity = options.cwt === undefined ? plain : readIssuedIdentity(plain, options.cwt);
  if (options.cwt !== undefined && identity === plain) process.stderr.write(`${rotatedSince(options.cwt)}\n`);
  refuseUnfit(identity.credential, keys);
  if (options.id !== undefined && options.id !== identity.credential.id) {
    throw usageFault(
      `The key file ${keys} is of ${identity.credential.id}, not of ${options.id}: leave --id out or name another file.`,
    );
  }
  if (trust.length === 0)
    throw usageFault(
      "A meter with real keys serves nobody without --trust: name the head-end's credential file.",
    );
  if (trust.length > HEAD_ENDS_MAX)
    throw usageFault(`A meter knows at most ${HEAD_ENDS_MAX} head-ends: name fewer --trust files.`);
  const trusted = trust.map((path) => {
    const credential = readCredential(path, "head-end");
    refuseUnfit(credential, path);
    return credential;
  });
  const list = grantedTrust(trusted, options.allow ?? []);
  if ("error" in list) throw usageFault(list.error);
  return { identities: [identity], keyStores: [keyFiles(keys)], trust: list, enrol: () => {} };
}

function rotatedSince(path: string): string {
  return `The key was rotated since ${path} was signed, and is shown without it: have it signed anew.`;
}

/** What a production profile does not take is a refusal. */
export function refuseUnfit(credential: Credential, path: string): void {
  const refusal = refusalOf("production", credential);
  if (refusal !== undefined)
    throw new CliFault(
      EXIT.refused,
      `The credential in ${path} ${refusal}: make a real key with 'meterbench keys new'.`,
    );
}
