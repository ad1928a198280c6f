// A head-end's trust list that goes with the registry while others change it.
import { TrustList } from "../../firmware/identity/trust.ts";
import type { Credential } from "../../firmware/protocol/cose/credential.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { HeadEndParts } from "./client.ts";
import { type IssuedMeterParts, issuedMeter } from "./issued-meters.ts";
import type { Registry } from "./registry.ts";
import { servedCredentials } from "./registry-file.ts";

/** What it takes to believe issuers: their signatures are checked, and the head-end's own clock says what has expired. */
export interface IssuerChecks {
  readonly crypto: CryptoEngine;
  readonly utcMs: () => number | undefined;
}

export interface FollowedRegistry extends Required<Pick<HeadEndParts, "trust" | "refreshTrust">> {
  /** Why the last signed credential that somebody showed was not taken, as the end of a sentence; he need not be its owner. */
  readonly refusal: () => string | undefined;
}

/**
 * For a head-end that runs on: before each ask it looks whether the registry has changed, and serves whom it has then.
 * Of those in the registry, only the wanted ones are trusted; with `checks`, those too for whom one of its issuers has
 * signed; `others` are trusted whatever the registry says. Throws RegistryError, and so does each ask later.
 */
export function followRegistry(
  registry: Registry,
  isWanted: (credential: Credential) => boolean = () => true,
  checks?: IssuerChecks,
  others: readonly Credential[] = [],
): FollowedRegistry {
  let known: Known = { issuers: new Map(), enrolments: new Map() };
  let version: string | undefined;
  let refusal: string | undefined;
  const trust = new TrustList(
    [],
    {},
    {
      get isAny() {
        return checks !== undefined && known.issuers.size > 0;
      },
      credentialIn(idCred) {
        const outcome = checks && issuedMeter({ ...known, ...clockOf(checks), isWanted }, idCred);
        refusal = outcome !== undefined && "refusal" in outcome ? outcome.refusal : undefined;
        return outcome === undefined || "refusal" in outcome ? undefined : outcome;
      },
    },
  );
  const refreshTrust = (): void => {
    // A change between these two lines is read now, and once more at the next ask.
    const found = registry.version();
    if (found === version) return;
    const content = registry.content();
    known = { issuers: byId(content.issuers), enrolments: byId(content.enrolments) };
    trust.replace([...servedCredentials(content), ...others].filter(isWanted));
    version = found;
  };
  refreshTrust();
  return { trust, refreshTrust, refusal: () => refusal };
}

type Known = Pick<IssuedMeterParts, "issuers" | "enrolments">;

/** Without a clock nothing can be told of what expires: then all has. */
function clockOf({ crypto, utcMs }: IssuerChecks): Pick<IssuedMeterParts, "crypto" | "utcSeconds"> {
  return { crypto, utcSeconds: (utcMs() ?? Number.POSITIVE_INFINITY) / 1000 };
}

function byId<Item extends { readonly id: string }>(items: readonly Item[]): ReadonlyMap<string, Item> {
  return new Map(items.map((item) => [item.id, item]));
}
