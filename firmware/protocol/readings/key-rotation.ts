// Bodies of the resource `x`: which keys a meter has, and what is to become of them.
import { EMPTY } from "../bytes.ts";
import { decodeCbor, encodeCbor } from "../cbor.ts";
import { type Credential, decodeCcs } from "../cose/credential.ts";
import { arrayItems } from "./answer-fields.ts";

export interface KeyState {
  /** SHA-256 over the credential that the meter proves itself with. */
  readonly currentHash: Uint8Array;
  /** What is to take its place; undefined where nothing is. */
  readonly next: Credential | undefined;
}

/** `begin` makes a next key, or tells of the one that there is; `confirm` puts it into the place of the current one. */
export const ROTATION_STEPS = ["begin", "confirm"] as const;
export type RotationStep = (typeof ROTATION_STEPS)[number];

const HASH_BYTES = 32;

/** `[hash of the current credential, next credential]`, the latter empty where there is none. */
export function encodeKeyState({ currentHash, next }: KeyState): Uint8Array {
  return encodeCbor([currentHash, next?.bytes ?? EMPTY]);
}

/** The state, or undefined where the body is none. */
export function decodeKeyState(body: Uint8Array): KeyState | undefined {
  const [currentHash, bytes, ...more] = arrayItems(decodeCbor(body)) ?? [];
  if (!(currentHash instanceof Uint8Array) || currentHash.length !== HASH_BYTES) return undefined;
  if (!(bytes instanceof Uint8Array) || more.length > 0) return undefined;
  const next = bytes.length === 0 ? undefined : (decodeCcs(bytes) ?? "none");
  return next === "none" ? undefined : { currentHash, next };
}

/** `[step]`. */
export function encodeRotationStep(step: RotationStep): Uint8Array {
  return encodeCbor([ROTATION_STEPS.indexOf(step)]);
}

/** The step, or undefined where the body is none. */
export function decodeRotationStep(body: Uint8Array): RotationStep | undefined {
  const [index, ...more] = arrayItems(decodeCbor(body)) ?? [];
  return more.length === 0 && typeof index === "number" ? ROTATION_STEPS[index] : undefined;
}
