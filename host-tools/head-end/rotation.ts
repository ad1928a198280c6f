// A meter's key rotated: made at the meter, enrolled, proved, confirmed. Whatever is lost on the way, once more completes it.
import { equal } from "../../firmware/protocol/bytes.ts";
import { type Credential, credentialHash } from "../../firmware/protocol/cose/credential.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { HeadEnd, Target } from "./client.ts";
import { HeadEndError } from "./errors.ts";
import type { Registry } from "./registry.ts";

export interface RotationParts {
  /** Its trust follows the registry. */
  readonly headEnd: Pick<HeadEnd, "readKeys" | "rotateKey">;
  readonly registry: Pick<Registry, "find" | "enrolNext" | "takeNext">;
  readonly crypto: CryptoEngine;
}

/** `rotated`: from beginning to end; `completed`: the meter had taken its next key already, and the registry has it now. */
export interface Rotation {
  readonly meter: string;
  readonly outcome: "rotated" | "completed";
  readonly credential: Credential;
}

/**
 * Has a meter take a new key, or completes what was begun before: the meter goes by its old key until it has been asked to
 * confirm by the new one. Rejects with {@link HeadEndError}, or throws a RegistryError.
 */
export async function rotateKey(parts: RotationParts, target: Target): Promise<Rotation> {
  const { headEnd, registry, crypto } = parts;
  const { meter, body } = await headEnd.readKeys(target);
  const before = registry.find(meter);
  const waiting = before?.next;
  if (waiting !== undefined && equal(credentialHash(crypto, waiting), body.currentHash)) {
    registry.takeNext(meter);
    return { meter, outcome: "completed", credential: waiting };
  }
  const begun = await headEnd.rotateKey(target, "begin");
  const next = nextKeyOf(begun.body.next, before?.credential, target);
  if (!registry.enrolNext(next))
    throw new HeadEndError("identity", `The meter ${meter} is not enrolled any more: enrol it first.`);
  await headEnd.readKeys(target, next);
  await headEnd.rotateKey(target, "confirm", next);
  registry.takeNext(meter);
  return { meter, outcome: "rotated", credential: next };
}

/** A meter may change its key, and nothing else that it is known by. */
function nextKeyOf(
  next: Credential | undefined,
  before: Credential | undefined,
  { name }: Target,
): Credential {
  if (next !== undefined && next.id === before?.id && next.development === before.development) return next;
  throw new HeadEndError(
    "answer",
    `The meter at ${name} gave a next key that is not in its own name: look at it before it is trusted further.`,
  );
}
