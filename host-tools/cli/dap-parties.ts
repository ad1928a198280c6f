// Whose keys a DAP has, and which head-ends run it.
import type { Identity } from "../../firmware/identity/identity.ts";
import { HEAD_ENDS_MAX, TrustList } from "../../firmware/identity/trust.ts";
import type { Address } from "../../hal/node/address.ts";
import { type CommonOptions, homeOf } from "./common.ts";
import { refuseFarDevelopment } from "./development.ts";
import { usageFault } from "./fault.ts";
import { readCredential, readIdentity } from "./home.ts";
import { refuseUnfit } from "./served-keys.ts";

type Options = Pick<CommonOptions, "home"> & {
  readonly id?: string;
  readonly keys?: string;
  readonly trust?: string[];
};

export interface Parties {
  readonly identity: Identity;
  readonly trust: TrustList;
}

/** Development keys of this folder, or with `--keys` real ones. */
export function dapParties(options: Options, address: Address): Parties {
  return options.keys === undefined ? development(options, address) : production(options, options.keys);
}

function development(options: Options, address: Address): Parties {
  if (options.trust !== undefined) throw usageFault("--trust goes with --keys: give the DAP's key file too.");
  refuseFarDevelopment(address, "A development DAP");
  const home = homeOf(options);
  return { identity: home.dap(options.id ?? "DAP"), trust: new TrustList([home.headEnd().credential]) };
}

/** Real keys: development credentials and keys whose secrets are public are refused. */
function production({ id, trust = [] }: Options, keys: string): Parties {
  const identity = readIdentity(keys, "dap");
  const own = identity.credential;
  refuseUnfit(own, keys);
  if (id !== undefined && id !== own.id)
    throw usageFault(
      `The key file ${keys} is of ${own.id}, not of ${id}: leave --id out or name another file.`,
    );
  if (trust.length > HEAD_ENDS_MAX)
    throw usageFault(`A DAP knows at most ${HEAD_ENDS_MAX} head-ends: name fewer --trust files.`);
  const trusted = trust.map((path) => {
    const credential = readCredential(path, "head-end");
    refuseUnfit(credential, path);
    return credential;
  });
  return { identity, trust: new TrustList(trusted) };
}
