// The head-end's allow list: which meters it serves, and how far each has come.
import { statSync } from "node:fs";
import { equal, toHex } from "../../firmware/protocol/bytes.ts";
import { type Credential, hasSameKeys } from "../../firmware/protocol/cose/credential.ts";
import { isIssued } from "../../firmware/protocol/cose/cwt.ts";
import { type Epoch, type EpochMemory, epochAfter } from "../../firmware/protocol/epochs.ts";
import type { Peer } from "../../firmware/protocol/sessions.ts";
import { withFileLock } from "./file-lock.ts";
import { type GroupPlate, isSamePlate } from "./groups/group.ts";
import {
  type DecodedCredentials,
  type Enrolment,
  issuerOf,
  type RegistryContent,
  readRegistry,
  servedCredentials,
  writeRegistry,
} from "./registry-file.ts";

type Meter = Pick<Enrolment, "credential" | "address">;

/** How a meter was reached: at its own address, or through the DAP at another. */
export type Way = { readonly address: string } | { readonly via: string };

type EnrolOutcome = "added" | "known" | "other-key";
type AddOutcome = EnrolOutcome | "revoked";

/**
 * The registry in one JSON file, which several processes may change. Every change is durable when the
 * call returns; a missing file is empty. All methods throw {@link RegistryError}.
 */
export class Registry implements EpochMemory {
  readonly path: string;
  readonly #decoded: DecodedCredentials = new Map();
  /** What meters have told of that are in the registry only once they are {@link proved}: they came by an issuer. */
  readonly #toldBefore = new Map<string, Epoch>();

  constructor(path: string) {
    this.path = path;
  }

  /** All enrolments, in the order that they were made. */
  list(): readonly Enrolment[] {
    return this.content().enrolments;
  }

  /** Meters and issuers at one moment. */
  content(): RegistryContent {
    return readRegistry(this.path, this.#decoded);
  }

  find(id: string): Enrolment | undefined {
    return this.list().find((enrolment) => enrolment.id === id);
  }

  /** Another one after each change of the file, without reading it. */
  version(): string {
    const stat = statSync(this.path, { bigint: true, throwIfNoEntry: false });
    return stat === undefined ? "none" : `${stat.ino} ${stat.size} ${stat.mtimeNs}`;
  }

  /** The credentials that a meter may prove now. */
  credentials(): readonly Credential[] {
    return servedCredentials(this.content());
  }

  /**
   * An operator takes a meter in as `pending`, which lifts a revocation; the same credential again changes
   * nothing, but for one that came by an issuer, which needs that no more. Another credential under a known id is refused:
   * whoever means it revokes the old one first.
   */
  enrol(credential: Credential): EnrolOutcome {
    return this.#change((enrolments) => {
      const known = enrolments.get(credential.id);
      if (known?.state === "revoked") enrolments.delete(credential.id);
      else if (
        known !== undefined &&
        issuerOf(known) !== undefined &&
        hasSameKeys(known.credential, credential)
      ) {
        const { issuer: _, ...rest } = known;
        enrolments.set(credential.id, { ...rest, credential, state: "pending" });
        return "added";
      }
      return takeIn(enrolments, { credential }) as EnrolOutcome;
    });
  }

  /** Takes a meter in as {@link enrol} does, but for an id that is revoked, which stays so. */
  add(credential: Credential, address?: string): AddOutcome {
    return this.addAll([{ credential, ...(address !== undefined && { address }) }])[0] as AddOutcome;
  }

  /** Takes in several by one change of the file, each as {@link add} does; how each ended, in their order. */
  addAll(meters: readonly Meter[]): AddOutcome[] {
    return this.#change((enrolments) => meters.map((meter) => takeIn(enrolments, meter)));
  }

  /** Notes that the meter proved its key, if it is still wanted, and how it was reached. */
  proved(credential: Credential, way: Way): void {
    // Most proofs are of a meter that is where it was: no need to wait for others then.
    const before = this.find(credential.id);
    if (before?.state === "proved" && isReachedBy(before, way) && !isNewer(before, credential)) return;
    this.#change((enrolments, issuers) => {
      const known = enrolments.get(credential.id) ?? this.#newIssued(credential, issuers);
      if (known === undefined || known.state === "revoked") return;
      if (!hasSameKeys(known.credential, credential)) return;
      // What an issuer has signed anew takes the place of what it signed before, and of nothing else.
      const isRenewed = isIssued(known.credential) && isIssued(credential);
      enrolments.set(credential.id, {
        ...reachedBy(known, way),
        state: "proved",
        ...(isRenewed && { credential }),
      });
    });
  }

  /** Notes how a meter was reached that had proved its key before: that way is taken next. */
  reached(id: string, way: Way): void {
    const before = this.find(id);
    if (before?.state !== "proved" || isReachedBy(before, way)) return;
    this.#changeWanted(id, (known) => reachedBy(known, way));
  }

  /**
   * Takes note of the start that a meter told of; false where it cannot come after the one before: the meter's storage was
   * put back, lost or copied. Whoever is in no registry is believed, and held to it once he is.
   */
  takes({ id, key }: Peer, told: Epoch | undefined): boolean {
    const isProved = (one: Credential | undefined): boolean =>
      one !== undefined && key !== undefined && equal(one.key.publicKey, key.publicKey);
    const stepOf = ({ credential, next, epoch }: Enrolment): "same" | "later" | "never" =>
      isProved(credential) || isProved(next) ? epochAfter(epoch, told) : "same";
    const before = this.find(id);
    if (before === undefined && key !== undefined && told !== undefined)
      this.#toldBefore.set(toHex(key.publicKey), told);
    if (before === undefined || stepOf(before) === "same") return true;
    return this.#change((enrolments) => {
      const known = enrolments.get(id);
      const step = known === undefined ? "same" : stepOf(known);
      if (known !== undefined && step === "never") enrolments.set(id, { ...known, isForgetful: true });
      if (known !== undefined && step === "later" && told !== undefined)
        enrolments.set(id, { ...known, epoch: told });
      return step !== "never";
    });
  }

  /** Takes a meter that has forgotten as it is; false where no such meter is enrolled. */
  accept(id: string): boolean {
    return this.#change((enrolments) => {
      const known = enrolments.get(id);
      if (known === undefined) return false;
      const { epoch: _, isForgetful: __, ...rest } = known;
      enrolments.set(id, rest);
      return true;
    });
  }

  /** Notes what a meter's nameplate says of what groups are made by; false for who is not wanted. */
  describes(id: string, plate: GroupPlate): boolean {
    return this.#changeWanted(id, (known) =>
      known.plate !== undefined && isSamePlate(known.plate, plate) ? known : { ...known, plate },
    );
  }

  /** Enrols the key that a meter has made beside the one that it goes by; false for who is not wanted. */
  enrolNext(next: Credential): boolean {
    return this.#changeWanted(next.id, (known) =>
      known.next !== undefined && isSame(known.next, next) ? known : { ...known, next },
    );
  }

  /** The meter goes by its next key alone from now on; false for who is not wanted. */
  takeNext(id: string): boolean {
    return this.#changeWanted(id, (known) =>
      known.next === undefined ? known : withNext(known, known.next),
    );
  }

  /** False where no such meter is enrolled. */
  revoke(id: string): boolean {
    return this.#change((enrolments) => {
      const known = enrolments.get(id);
      if (known !== undefined) enrolments.set(id, { ...known, state: "revoked" });
      return known !== undefined;
    });
  }

  /** Trusts whom this issuer signs for. Another credential under a known id is refused, as of meters. */
  addIssuer(issuer: Credential): EnrolOutcome {
    return this.#changeContent(({ enrolments, issuers }) => {
      const known = issuers.find(({ id }) => id === issuer.id);
      if (known !== undefined) return { result: equal(known.bytes, issuer.bytes) ? "known" : "other-key" };
      return { result: "added", after: { enrolments, issuers: [...issuers, issuer] } };
    });
  }

  /** False where no such issuer is trusted. Meters that came by it are not served any more. */
  removeIssuer(id: string): boolean {
    return this.#changeContent(({ enrolments, issuers }) => {
      const rest = issuers.filter((issuer) => issuer.id !== id);
      if (rest.length === issuers.length) return { result: false };
      return { result: true, after: { enrolments, issuers: rest } };
    });
  }

  /** A meter that proves what an issuer has signed needs no enrolment of its own, as long as that issuer is trusted. */
  #newIssued(credential: Credential, issuers: readonly Credential[]): Enrolment | undefined {
    if (!isIssued(credential) || !issuers.some(({ id }) => id === credential.issuer)) return undefined;
    const name = toHex(credential.key.publicKey);
    const epoch = this.#toldBefore.get(name);
    this.#toldBefore.delete(name);
    return { id: credential.id, credential, state: "proved", ...(epoch && { epoch }) };
  }

  #changeWanted(id: string, change: (known: Enrolment) => Enrolment): boolean {
    return this.#change((enrolments) => {
      const known = enrolments.get(id);
      if (known === undefined || known.state === "revoked") return false;
      enrolments.set(id, change(known));
      return true;
    });
  }

  /** Reads, changes and writes as one step, whoever else changes the file. */
  #change<Result>(
    change: (enrolments: Map<string, Enrolment>, issuers: readonly Credential[]) => Result,
  ): Result {
    return this.#changeContent(({ enrolments: before, issuers }) => {
      const enrolments = new Map(before.map((enrolment) => [enrolment.id, enrolment]));
      const result = change(enrolments, issuers);
      const after = [...enrolments.values()];
      const isChanged = after.length !== before.length || after.some((one, i) => one !== before[i]);
      return { result, ...(isChanged && { after: { enrolments: after, issuers } }) };
    });
  }

  #changeContent<Result>(
    change: (before: RegistryContent) => { readonly result: Result; readonly after?: RegistryContent },
  ): Result {
    return withFileLock(this.path, () => {
      const { result, after } = change(this.content());
      if (after !== undefined) writeRegistry(this.path, after);
      return result;
    });
  }
}

function isReachedBy(known: Enrolment, way: Way): boolean {
  return "via" in way ? known.via === way.via : known.address === way.address && known.via === undefined;
}

/** The address of before stays known where a DAP was asked; a DAP of before does not where nobody needed it. */
function reachedBy(known: Enrolment, way: Way): Enrolment {
  const { via: _, ...rest } = known;
  return { ...rest, ...way };
}

/** True for another credential of an issuer than the one that is enrolled. */
function isNewer({ credential: known }: Enrolment, credential: Credential): boolean {
  return isIssued(known) && !equal(known.bytes, credential.bytes);
}

function takeIn(enrolments: Map<string, Enrolment>, { credential, address }: Meter): AddOutcome {
  const known = enrolments.get(credential.id);
  if (known === undefined) {
    const enrolment = { id: credential.id, credential, state: "pending" } as const;
    enrolments.set(credential.id, { ...enrolment, ...(address !== undefined && { address }) });
    return "added";
  }
  if (known.state === "revoked") return "revoked";
  // Whoever serves it says that it has taken its next key.
  if (known.next !== undefined && isSame(known.next, credential)) {
    const taken = withNext(known, known.next);
    enrolments.set(credential.id, { ...taken, ...(address !== undefined && { address }) });
    return "known";
  }
  if (!hasSameKeys(known.credential, credential)) return "other-key";
  if (address !== undefined && address !== known.address)
    enrolments.set(credential.id, { ...known, address });
  return "known";
}

/** The next key in the place of the one before. Whoever vouched for that is not forgotten: it goes when he goes. */
function withNext(known: Enrolment, credential: Credential): Enrolment {
  const { next: _, ...rest } = known;
  const issuer = issuerOf(known);
  return { ...rest, credential, ...(issuer !== undefined && { issuer }) };
}

function isSame(one: Credential, other: Credential): boolean {
  return equal(one.bytes, other.bytes);
}
