// Whom a party believes: a meter's few head-ends, a head-end's allow list.
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import { equal } from "../protocol/bytes.ts";
import { type Credential, credentialHash } from "../protocol/cose/credential.ts";
import { isByValue } from "../protocol/cose/cwt.ts";
import { isTestKey } from "./test-keys.ts";

/** `production` refuses development credentials and keys whose secrets are public; `development` takes all. */
export type TrustProfile = "development" | "production";

/** A meter knows at most this many head-ends: utility, successor, test lab, spare. */
export const HEAD_ENDS_MAX = 4;

/** Why a credential is not to be used under this profile, as the end of a sentence; undefined if it may. */
export function refusalOf(profile: TrustProfile, credential: Credential): string | undefined {
  if (profile === "development") return undefined;
  if (credential.development) return "is marked development, which a production profile refuses";
  const { key, signingKey } = credential;
  if (isTestKey(key.publicKey) || (signingKey !== undefined && isTestKey(signingKey)))
    return "uses a key whose secret is public";
  return undefined;
}

/** What a head-end may do at a meter; each for itself. */
export const RIGHTS = ["read", "clock", "tariff", "update", "relay"] as const;
export type Right = (typeof RIGHTS)[number];

/** One who is trusted with nothing but reading. */
export const READER: ReadonlySet<Right> = new Set(["read"]);
/** One who may do all that there is. */
export const OWNER: ReadonlySet<Right> = new Set(RIGHTS);

type Refusal = { readonly error: string };

/**
 * A meter's list of head-ends. `grants` say who may do what beside reading, each as `utility=clock,tariff`, and several
 * of one head-end add up; one sentence about what is wrong with them, if anything is.
 */
export function grantedTrust(
  credentials: readonly Credential[],
  grants: readonly string[],
): TrustList | Refusal {
  const rights: Record<string, ReadonlySet<Right>> = Object.create(null);
  for (const text of grants) {
    const grant = parseGrant(text);
    if ("error" in grant) return grant;
    if (!credentials.some(({ id }) => id === grant.id)) {
      return {
        error: `--allow names ${grant.id}, and no --trust file is of that head-end: name one of them.`,
      };
    }
    rights[grant.id] = new Set([...(rights[grant.id] ?? []), ...grant.rights]);
  }
  return new TrustList(credentials, rights);
}

function parseGrant(text: string): { readonly id: string; readonly rights: ReadonlySet<Right> } | Refusal {
  const [, id, list] = /^([^=]+)=([a-z,]+)$/.exec(text) ?? [];
  const rights = list?.split(",") ?? [];
  const unknown = rights.find((right) => !RIGHTS.some((known) => known === right));
  if (id === undefined) return { error: "Rights are given as ID=RIGHT,RIGHT, such as utility=clock,tariff." };
  if (unknown !== undefined)
    return { error: `There is no right ${unknown}: name some of ${RIGHTS.join(", ")}.` };
  return { id, rights: new Set([...READER, ...(rights as Right[])]) };
}

/** Whose signatures under credentials are believed. */
export interface IssuerTrust {
  /** False while there is nobody such. */
  readonly isAny: boolean;
  /** The credential in an ID_CRED_x that has it by value, where somebody has signed it who is believed now. */
  credentialIn(idCred: Uint8Array): Credential | undefined;
}

/**
 * The credentials that a peer may prove, looked up by what EDHOC carries (ID_CRED_x). A kid is a hint
 * of one byte: all that match are tried, and the proof decides (RFC 9528 3.5.3). One by value need not be on the
 * list where its issuer is believed, and is looked at anew each time where it is.
 */
export class TrustList {
  readonly #credentials = new Set<Credential>();
  readonly #rights = new Map<object, ReadonlySet<Right>>();
  readonly #issuers: IssuerTrust | undefined;
  /** Those by value that are not on the list: no more than issuers have signed. */
  readonly #issued = new Set<Credential>();
  /** Those that are let in for a while. */
  readonly #guests = new Set<Credential>();

  /** `rights`: of those whose id is in it; the others may read. */
  constructor(
    credentials: Iterable<Credential> = [],
    rights: Readonly<Record<string, ReadonlySet<Right>>> = {},
    issuers?: IssuerTrust,
  ) {
    this.#issuers = issuers;
    this.replace(credentials, rights);
  }

  /**
   * Puts other credentials in the place of these. One that is in both stays the same, so that its sessions go on,
   * with its new rights; sessions and handshakes of the others end at once.
   */
  replace(
    credentials: Iterable<Credential>,
    rights: Readonly<Record<string, ReadonlySet<Right>>> = {},
  ): void {
    const before = byId([...this.#credentials, ...this.#issued]);
    this.#credentials.clear();
    this.#rights.clear();
    for (const one of credentials) {
      const same = before.get(one.id)?.find((known) => known === one || equal(known.bytes, one.bytes));
      const credential = same ?? one;
      this.#issued.delete(credential);
      this.#credentials.add(credential);
      if (Object.hasOwn(rights, credential.id)) this.#rights.set(credential, rights[credential.id] ?? READER);
    }
    for (const issued of this.#issued)
      if (this.#issuers?.credentialIn(issued.idCred) === undefined) this.#issued.delete(issued);
  }

  /** Takes out whatever has this id, whose sessions and handshakes end at once; false where nothing has. */
  revoke(id: string): boolean {
    for (const issued of this.#issued) if (issued.id === id) this.#issued.delete(issued);
    const found = this.credentials.filter((credential) => credential.id === id);
    for (const credential of found) {
      this.#credentials.delete(credential);
      this.#rights.delete(credential);
    }
    return found.length > 0;
  }

  /**
   * Lets somebody in who may read until the function that this gives is called: he proves himself as any other, is not on
   * the list, and nothing of him is kept over a restart.
   */
  admit(guest: Credential): () => void {
    this.#guests.add(guest);
    return () => this.#guests.delete(guest);
  }

  isGuest(peer: object): boolean {
    const guests: ReadonlySet<object> = this.#guests;
    return guests.has(peer);
  }

  /** True while this credential, the very object that was proved, is on the list, a guest, or its issuer believed. */
  has(peer: object): boolean {
    const listed: ReadonlySet<object> = this.#credentials;
    const issued: ReadonlySet<object> = this.#issued;
    return listed.has(peer) || issued.has(peer) || this.isGuest(peer);
  }

  /** True where a peer may be on no list, and prove a credential by value. */
  get believesIssuers(): boolean {
    return this.#issuers?.isAny ?? false;
  }

  /** What a session's peer may do: more than reading only as the credential that it proved, whatever else has its id. */
  rightsOf(peer: object): ReadonlySet<Right> {
    return this.#rights.get(peer) ?? READER;
  }

  get credentials(): readonly Credential[] {
    return [...this.#credentials];
  }

  /** Whoever has the credential with this hash. */
  withHash(crypto: CryptoEngine, hash: Uint8Array): Credential | undefined {
    return this.credentials.find((credential) => equal(credentialHash(crypto, credential), hash));
  }

  candidates(idCred: Uint8Array): readonly Credential[] {
    if (isByValue(idCred)) return this.#candidateByValue(idCred);
    const known = [...this.#credentials, ...this.#guests];
    return known.filter((credential) => equal(credential.idCred, idCred));
  }

  #candidateByValue(idCred: Uint8Array): readonly Credential[] {
    const issued = this.#issuers?.credentialIn(idCred);
    if (issued === undefined) return [];
    const all = [...this.#credentials, ...this.#issued];
    const known = all.find(({ bytes }) => equal(bytes, issued.bytes));
    if (known === undefined) this.#issued.add(issued);
    return [known ?? issued];
  }
}

/** Two of one id are a meter's key and the next one. */
function byId(credentials: readonly Credential[]): ReadonlyMap<string, readonly Credential[]> {
  const groups = new Map<string, Credential[]>();
  for (const credential of credentials) {
    const group = groups.get(credential.id);
    if (group === undefined) groups.set(credential.id, [credential]);
    else group.push(credential);
  }
  return groups;
}
