// The head-end's allow list: which meters it serves, and how far each has come.
import { readFileSync } from "node:fs";
import * as v from "valibot";
import { fromHex, toHex } from "../../firmware/protocol/bytes.ts";
import { type Credential, decodeCcs } from "../../firmware/protocol/cose/credential.ts";
import { writeDurably } from "../durable-file.ts";

/** `pending` until an EDHOC run has proved the meter's key; `revoked` for good, until enrolled anew. */
export type EnrolmentState = "pending" | "proved" | "revoked";

export interface Enrolment {
  readonly id: string;
  readonly credential: Credential;
  readonly state: EnrolmentState;
  /** Where the meter was last reached, as the command line writes addresses. */
  readonly address?: string;
}

const FileSchema = v.strictObject({
  meterbench: v.literal("registry"),
  meters: v.array(
    v.strictObject({
      id: v.string(),
      credential: v.pipe(v.string(), v.hexadecimal()),
      state: v.picklist(["pending", "proved", "revoked"]),
      address: v.optional(v.string()),
    }),
  ),
});

/** A registry that cannot be read or written: one sentence, fit for people. */
export class RegistryError extends Error {}

/** The registry in one JSON file. Every change is durable when the call returns; a missing file is empty. */
export class Registry {
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

  /** The credentials that a meter may prove now. */
  credentials(): readonly Credential[] {
    return this.list()
      .filter(({ state }) => state !== "revoked")
      .map(({ credential }) => credential);
  }

  /**
   * Takes a meter in as `pending`; the same credential again changes nothing. Another credential under
   * a known id is refused: a changed key is a thing for an operator, who revokes the old one first.
   */
  add(credential: Credential, address?: string): "added" | "known" | "other-key" {
    const known = this.find(credential.id);
    const isSame = known !== undefined && toHex(known.credential.bytes) === toHex(credential.bytes);
    if (known !== undefined && !isSame && known.state !== "revoked") return "other-key";
    if (isSame && known.state !== "revoked") {
      if (address !== undefined) this.#change(credential.id, { ...known, address });
      return "known";
    }
    const enrolment: Enrolment = {
      id: credential.id,
      credential,
      state: "pending",
      ...(address !== undefined && { address }),
    };
    this.#change(credential.id, enrolment);
    return "added";
  }

  /** Notes that the meter proved its key, and where it was reached. */
  proved(credential: Credential, address: string): void {
    const known = this.find(credential.id);
    if (known === undefined || known.state === "revoked") return;
    if (known.state === "proved" && known.address === address) return;
    this.#change(credential.id, { ...known, state: "proved", address });
  }

  /** False where no such meter is enrolled. */
  revoke(id: string): boolean {
    const known = this.find(id);
    if (known === undefined) return false;
    this.#change(id, { ...known, state: "revoked" });
    return true;
  }

  #change(id: string, enrolment: Enrolment): void {
    const others = this.list();
    const at = others.findIndex((other) => other.id === id);
    writeEnrolments(this.path, at < 0 ? [...others, enrolment] : others.with(at, enrolment));
  }
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
  if (!parsed.success) {
    throw new RegistryError(
      `The registry ${path} is damaged (${parsed.issues[0].message}): restore it from a backup.`,
    );
  }
  return parsed.output.meters.map(({ id, credential, state, address }) => {
    const decoded = decodeCcs(fromHex(credential) ?? new Uint8Array());
    if (decoded?.id !== id)
      throw new RegistryError(`The registry ${path} is damaged at ${id}: restore it from a backup.`);
    return { id, credential: decoded, state, ...(address !== undefined && { address }) };
  });
}

function writeEnrolments(path: string, enrolments: readonly Enrolment[]): void {
  const meters = enrolments.map(({ credential, ...rest }) => ({
    ...rest,
    credential: toHex(credential.bytes),
  }));
  writeDurably(path, `${JSON.stringify({ meterbench: "registry", meters }, null, 2)}\n`);
}
