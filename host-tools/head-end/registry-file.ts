// The file of a head-end's allow list.
import { readFileSync } from "node:fs";
import * as v from "valibot";
import { fromHex, toHex } from "../../firmware/protocol/bytes.ts";
import type { Credential } from "../../firmware/protocol/cose/credential.ts";
import { decodeCredential, isIssued } from "../../firmware/protocol/cose/cwt.ts";
import type { Epoch } from "../../firmware/protocol/epochs.ts";
import { writeDurably } from "../../hal/node/durable-file.ts";
import { RegistryError } from "./errors.ts";
import type { GroupPlate } from "./groups/group.ts";

/** `pending` until an EDHOC run has proved the meter's key; `revoked` until an operator enrols it anew. */
export type EnrolmentState = "pending" | "proved" | "revoked";

export interface Enrolment {
  readonly id: string;
  readonly credential: Credential;
  readonly state: EnrolmentState;
  /** Where the meter was last reached, as the command line writes addresses. */
  readonly address?: string;
  /** The address of the DAP through which it was last reached; undefined where it was asked itself. */
  readonly via?: string;
  /** The last start of its storage that the meter told of. */
  readonly epoch?: Epoch;
  /** Since it told of one that cannot come after that: an operator must look at it. */
  readonly isForgetful?: true;
  /** The key that is to take the place of the meter's, from its making on until the meter has taken it. */
  readonly next?: Credential;
  /** Whose signature it came in by, where its credential says so no more: its key was rotated since. */
  readonly issuer?: string;
  /** What its nameplate last said of what groups are made by. */
  readonly plate?: GroupPlate;
}

/** All that the file says; in the order that it was entered. */
export interface RegistryContent {
  readonly enrolments: readonly Enrolment[];
  /** Whose signature makes a meter's credential good. */
  readonly issuers: readonly Credential[];
}

/** By whose signature a meter came in; undefined for one that was enrolled itself. */
export function issuerOf({ credential, issuer }: Enrolment): string | undefined {
  return isIssued(credential) ? credential.issuer : issuer;
}

/** False for who is revoked, and for what came by an issuer that is trusted no more. */
export function isServed(enrolment: Enrolment, issuers: readonly Credential[]): boolean {
  const issuer = issuerOf(enrolment);
  return enrolment.state !== "revoked" && (issuer === undefined || issuers.some(({ id }) => id === issuer));
}

/** The credentials that may be proved now. */
export function servedCredentials({ enrolments, issuers }: RegistryContent): readonly Credential[] {
  return enrolments
    .filter((enrolment) => isServed(enrolment, issuers))
    .flatMap(({ credential, next }) => (next === undefined ? [credential] : [credential, next]));
}

/** Which meters a utility has, and where, is nobody else's business. */
const FILE_MODE = 0o600;

const HexText = v.pipe(v.string(), v.hexadecimal());
const FileSchema = v.strictObject({
  meterbench: v.literal("registry"),
  meters: v.array(
    v.strictObject({
      id: v.string(),
      credential: HexText,
      state: v.picklist(["pending", "proved", "revoked"]),
      address: v.optional(v.string()),
      via: v.optional(v.string()),
      epoch: v.optional(
        v.strictObject({
          count: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
          mark: HexText,
        }),
      ),
      isForgetful: v.optional(v.literal(true)),
      next: v.optional(HexText),
      issuer: v.optional(v.string()),
      plate: v.optional(
        v.strictObject({ block: v.string(), configurationDigest: HexText, chargingPolicyId: v.string() }),
      ),
    }),
  ),
  issuers: v.optional(v.array(v.strictObject({ id: v.string(), credential: HexText }))),
});

/** Credentials by their hex as a file has them: a large one is read often, and most of it is as it was. */
export type DecodedCredentials = Map<string, Credential>;

/** A missing file is empty. Throws {@link RegistryError}. */
export function readRegistry(path: string, decoded: DecodedCredentials = new Map()): RegistryContent {
  const text = readText(path);
  if (text === undefined) return { enrolments: [], issuers: [] };
  const credentialOf = (id: string, hex: string): Credential => {
    const credential = decoded.get(hex) ?? decodeCredential(fromHex(hex) ?? new Uint8Array());
    if (credential?.id !== id)
      throw new RegistryError(`The registry ${path} is damaged at ${id}: restore it from a backup.`);
    decoded.set(hex, credential);
    return credential;
  };
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), FileSchema), text);
  // What it holds is not said: a path that was mistaken may lead to secrets.
  if (!parsed.success)
    throw new RegistryError(`The registry ${path} is damaged or none at all: restore it from a backup.`);
  const { meters, issuers = [] } = parsed.output;
  return {
    enrolments: meters.map(
      ({ id, credential, address, via, epoch, isForgetful, next, issuer, plate, ...rest }) => ({
        ...{ id, credential: credentialOf(id, credential), ...rest },
        ...(address !== undefined && { address }),
        ...(via !== undefined && { via }),
        ...(epoch && { epoch: { count: epoch.count, mark: fromHex(epoch.mark) ?? new Uint8Array() } }),
        ...(isForgetful && { isForgetful }),
        ...(next !== undefined && { next: credentialOf(id, next) }),
        ...(issuer !== undefined && { issuer }),
        ...(plate && { plate }),
      }),
    ),
    issuers: issuers.map(({ id, credential }) => credentialOf(id, credential)),
  };
}

export function writeRegistry(path: string, { enrolments, issuers }: RegistryContent): void {
  const meters = enrolments.map(({ credential, epoch, next, ...rest }) => ({
    ...rest,
    credential: toHex(credential.bytes),
    ...(epoch && { epoch: { count: epoch.count, mark: toHex(epoch.mark) } }),
    ...(next && { next: toHex(next.bytes) }),
  }));
  const anchors = issuers.map(({ id, bytes }) => ({ id, credential: toHex(bytes) }));
  const file = { meterbench: "registry", meters, ...(anchors.length > 0 && { issuers: anchors }) };
  writeDurably(path, `${JSON.stringify(file, null, 2)}\n`, FILE_MODE);
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new RegistryError(
      `The registry ${path} cannot be read (${(error as Error).message}): check its owner and rights.`,
    );
  }
}
