// The head-end's allow list: which meters it serves, and how far each has come.
import { readFileSync, statSync } from "node:fs";
import * as v from "valibot";
import { equal, fromHex, toHex } from "../../firmware/protocol/bytes.ts";
import { type Credential, decodeCcs } from "../../firmware/protocol/cose/credential.ts";
import { type Epoch, type EpochMemory, epochAfter } from "../../firmware/protocol/epochs.ts";
import type { Peer } from "../../firmware/protocol/sessions.ts";
import { writeDurably } from "../durable-file.ts";
import { RegistryError } from "./errors.ts";
import { withFileLock } from "./file-lock.ts";

/** `pending` until an EDHOC run has proved the meter's key; `revoked` until an operator enrols it anew. */
export type EnrolmentState = "pending" | "proved" | "revoked";

export interface Enrolment {
  readonly id: string;
  readonly credential: Credential;
  readonly state: EnrolmentState;
  /** Where the meter was last reached, as the command line writes addresses. */
  readonly address?: string;
  /** The last start of its storage that the meter told of. */
  readonly epoch?: Epoch;
  /** Since it told of one that cannot come after that: an operator must look at it. */
  readonly isForgetful?: true;
}

type Meter = Pick<Enrolment, "credential" | "address">;
type EnrolOutcome = "added" | "known" | "other-key";
type AddOutcome = EnrolOutcome | "revoked";

/** Which meters a utility has, and where, is nobody else's business. */
const FILE_MODE = 0o600;

const FileSchema = v.strictObject({
  meterbench: v.literal("registry"),
  meters: v.array(
    v.strictObject({
      id: v.string(),
      credential: v.pipe(v.string(), v.hexadecimal()),
      state: v.picklist(["pending", "proved", "revoked"]),
      address: v.optional(v.string()),
      epoch: v.optional(
        v.strictObject({
          count: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
          mark: v.pipe(v.string(), v.hexadecimal()),
        }),
      ),
      isForgetful: v.optional(v.literal(true)),
    }),
  ),
});

/**
 * The registry in one JSON file, which several processes may change. Every change is durable when the
 * call returns; a missing file is empty. All methods throw {@link RegistryError}.
 */
export class Registry implements EpochMemory {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** All enrolments, in the order that they were made. */
  list(): readonly Enrolment[] {
    return readEnrolments(this.path);
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
    return this.list()
      .filter(({ state }) => state !== "revoked")
      .map(({ credential }) => credential);
  }

  /**
   * An operator takes a meter in as `pending`, which lifts a revocation; the same credential again changes
   * nothing. Another credential under a known id is refused: whoever means it revokes the old one first.
   */
  enrol(credential: Credential): EnrolOutcome {
    return this.#change((enrolments) => {
      if (enrolments.get(credential.id)?.state === "revoked") enrolments.delete(credential.id);
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

  /** Notes that the meter proved its key, if it is still wanted, and where it was reached. */
  proved(credential: Credential, address: string): void {
    // Most proofs are of a meter that is where it was: no need to wait for others then.
    const before = this.find(credential.id);
    if (before?.state === "proved" && before.address === address) return;
    this.#change((enrolments) => {
      const known = enrolments.get(credential.id);
      if (known === undefined || known.state === "revoked" || !isSame(known.credential, credential)) return;
      enrolments.set(credential.id, { ...known, state: "proved", address });
    });
  }

  /**
   * Takes note of the start that a meter told of; false where it cannot come after the one before: the meter's storage was
   * put back, lost or copied. Whoever is in no registry is believed.
   */
  takes({ id, bytes }: Peer, told: Epoch | undefined): boolean {
    const stepOf = ({ credential, epoch }: Enrolment): "same" | "later" | "never" =>
      bytes !== undefined && equal(credential.bytes, bytes) ? epochAfter(epoch, told) : "same";
    const before = this.find(id);
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

  /** False where no such meter is enrolled. */
  revoke(id: string): boolean {
    return this.#change((enrolments) => {
      const known = enrolments.get(id);
      if (known !== undefined) enrolments.set(id, { ...known, state: "revoked" });
      return known !== undefined;
    });
  }

  /** Reads, changes and writes as one step, whoever else changes the file. */
  #change<Result>(change: (enrolments: Map<string, Enrolment>) => Result): Result {
    return withFileLock(this.path, () => {
      const before = this.list();
      const enrolments = new Map(before.map((enrolment) => [enrolment.id, enrolment]));
      const result = change(enrolments);
      const after = [...enrolments.values()];
      const isChanged = after.length !== before.length || after.some((one, i) => one !== before[i]);
      if (isChanged) writeEnrolments(this.path, after);
      return result;
    });
  }
}

function takeIn(enrolments: Map<string, Enrolment>, { credential, address }: Meter): AddOutcome {
  const known = enrolments.get(credential.id);
  if (known === undefined) {
    const enrolment = { id: credential.id, credential, state: "pending" } as const;
    enrolments.set(credential.id, { ...enrolment, ...(address !== undefined && { address }) });
    return "added";
  }
  if (known.state === "revoked") return "revoked";
  if (!isSame(known.credential, credential)) return "other-key";
  if (address !== undefined && address !== known.address)
    enrolments.set(credential.id, { ...known, address });
  return "known";
}

function isSame(one: Credential, other: Credential): boolean {
  return equal(one.bytes, other.bytes);
}

function readEnrolments(path: string): Enrolment[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new RegistryError(
      `The registry ${path} cannot be read (${(error as Error).message}): check its owner and rights.`,
    );
  }
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), FileSchema), text);
  // What it holds is not said: a path that was mistaken may lead to secrets.
  if (!parsed.success)
    throw new RegistryError(`The registry ${path} is damaged or none at all: restore it from a backup.`);
  return parsed.output.meters.map(({ id, credential, address, epoch, isForgetful, ...rest }) => {
    const decoded = decodeCcs(fromHex(credential) ?? new Uint8Array());
    if (decoded?.id !== id)
      throw new RegistryError(`The registry ${path} is damaged at ${id}: restore it from a backup.`);
    return {
      ...{ id, credential: decoded, ...rest },
      ...(address !== undefined && { address }),
      ...(epoch && { epoch: { count: epoch.count, mark: fromHex(epoch.mark) ?? new Uint8Array() } }),
      ...(isForgetful && { isForgetful }),
    };
  });
}

function writeEnrolments(path: string, enrolments: readonly Enrolment[]): void {
  const meters = enrolments.map(({ credential, epoch, ...rest }) => ({
    ...rest,
    credential: toHex(credential.bytes),
    ...(epoch && { epoch: { count: epoch.count, mark: toHex(epoch.mark) } }),
  }));
  writeDurably(path, `${JSON.stringify({ meterbench: "registry", meters }, null, 2)}\n`, FILE_MODE);
}
