// A head-end's trust list that goes with the registry while others change it.
import { TrustList } from "../../firmware/identity/trust.ts";
import type { Credential } from "../../firmware/protocol/cose/credential.ts";
import type { HeadEndParts } from "./client.ts";
import type { Registry } from "./registry.ts";

/**
 * For a head-end that runs on: before each ask it looks whether the registry has changed, and serves whom it has then.
 * Of those in the registry, only the wanted ones are trusted. Throws RegistryError, and so does each ask later.
 */
export function followRegistry(
  registry: Registry,
  isWanted: (credential: Credential) => boolean = () => true,
): Required<Pick<HeadEndParts, "trust" | "refreshTrust">> {
  const trust = new TrustList();
  let version: string | undefined;
  const refreshTrust = (): void => {
    // A change between these two lines is read now, and once more at the next ask.
    const found = registry.version();
    if (found === version) return;
    trust.replace(registry.credentials().filter(isWanted));
    version = found;
  };
  refreshTrust();
  return { trust, refreshTrust };
}
