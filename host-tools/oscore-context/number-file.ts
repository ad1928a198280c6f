// The next sender number of a preset context, beside its file: reserved and synced before it is used.
import { closeSync, fsyncSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { ReservedSequence } from "../../firmware/protocol/oscore/sender-sequence.ts";
import { writeDurably } from "../durable-file.ts";

/** Why a context cannot be used now: one sentence. */
export class NumberFileError extends Error {}

/** A preset context's numbers, held by this process alone until released. */
export interface HeldNumbers {
  readonly sequence: ReservedSequence;
  release(): void;
}

/**
 * Takes the numbers of the context in `contextPath`, which are kept in `contextPath.seq` as a decimal.
 * Two processes with one context would use the same numbers, and give the key away: the second is
 * refused. Throws {@link NumberFileError}.
 */
export function holdNumbers(contextPath: string): HeldNumbers {
  const path = `${contextPath}.seq`;
  const lock = `${path}.lock`;
  lockFor(lock);
  try {
    const sequence = new ReservedSequence(readNext(path), (mark) => reserve(path, mark));
    return { sequence, release: () => rmSync(lock, { force: true }) };
  } catch (error) {
    rmSync(lock, { force: true });
    throw error;
  }
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

function lockFor(lock: string): void {
  for (;;) {
    try {
      const file = openSync(lock, "wx", 0o600);
      writeSync(file, `${process.pid}\n`);
      fsyncSync(file);
      closeSync(file);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "EEXIST")
        throw new NumberFileError(
          `The file ${lock} cannot be made (${code}): put the context into a folder of your own.`,
        );
      const owner = ownerOf(lock);
      if (owner !== undefined && isAlive(owner)) {
        throw new NumberFileError(
          `The context is in use by process ${owner}, and two users would repeat numbers: end it or make another context.`,
        );
      }
      rmSync(lock, { force: true });
    }
  }
}

function ownerOf(lock: string): number | undefined {
  try {
    const pid = Number(readFileSync(lock, "utf8"));
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
