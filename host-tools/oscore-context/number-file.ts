// A preset context's numbers: held by one process at a time, reserved and synced before they are used.
import { readFileSync, realpathSync } from "node:fs";
import { toHex } from "../../firmware/protocol/bytes.ts";
import { ReservedSequence } from "../../firmware/protocol/oscore/sender-sequence.ts";
import { writeDurably } from "../../hal/node/durable-file.ts";
import { holdExclusively } from "../../hal/node/exclusive.ts";
import type { NamedContext } from "./context-file.ts";

/** Why a context cannot be used now: one sentence. */
export class NumberFileError extends Error {}

/** A preset context's numbers, held by this process alone until released. */
export interface HeldNumbers {
  readonly sequence: ReservedSequence;
  release(): void;
}

/** What decides which numbers are whose: two contexts with these alike seal under one key. */
export type Sender = Pick<NamedContext, "masterSecret" | "masterSalt" | "idContext" | "senderId">;

/**
 * Takes the numbers of the context in `contextPath`, which are kept beside the file itself, whatever
 * links lead to it, in `FILE.seq` as a decimal. Two processes with one context would use the same
 * numbers, and give the key away (RFC 8613 7.2.1): the second is refused, also where it has a copy of
 * the file. Whoever restores or copies a file must see to its numbers. Rejects with {@link NumberFileError}, or with a
 * LineError where it cannot be told whether somebody else holds them.
 */
export async function holdNumbers(contextPath: string, sender: Sender): Promise<HeldNumbers> {
  const release = await holdAlone(sender);
  try {
    const path = `${realpathSync(contextPath)}.seq`;
    const sequence = new ReservedSequence(readNext(path), (mark) => reserve(path, mark));
    return { sequence, release };
  } catch (error) {
    release();
    throw error;
  }
}

/** Gives what lets go of it again. */
async function holdAlone(sender: Sender): Promise<() => void> {
  if (process.platform !== "linux")
    throw new NumberFileError(
      "A preset context can be held by one process only on Linux: use EDHOC here, without --oscore-context.",
    );
  const letGo = await holdExclusively(`oscore ${nameOf(sender)}`);
  if (letGo === undefined)
    throw new NumberFileError(
      "The context is in use by another process, and two users would repeat numbers: end it or make another context.",
    );
  return letGo;
}

function nameOf({ masterSecret, masterSalt, idContext, senderId }: Sender): string {
  // RFC 8613 3.2: no salt is an empty one, and no ID Context is not an empty one.
  const parts = [masterSecret, masterSalt ?? new Uint8Array(0), senderId, ...(idContext ? [idContext] : [])];
  return parts.map(toHex).join(",");
}

function readNext(path: string): number {
  let text: string;
  try {
    text = readFileSync(path, "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw new NumberFileError(
      `The file ${path} cannot be read (${(error as NodeJS.ErrnoException).code}): without it a number could be used twice.`,
    );
  }
  const next = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(next)) {
    throw new NumberFileError(
      `The file ${path} holds no number: write one there that is above all that were used, or make a new context.`,
    );
  }
  return next;
}

function reserve(path: string, mark: number): boolean {
  try {
    writeDurably(path, `${mark}\n`, 0o600);
    return true;
  } catch {
    return false;
  }
}
