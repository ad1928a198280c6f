// One run at a time has a bench.
import { createHash } from "node:crypto";
import { existsSync, linkSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InfrastructureFault } from "../infrastructure.ts";

const HASH_CHARS = 16;
/** Whoever loses the race for a lock that was left behind looks again. */
const TRIES_MAX = 3;

/**
 * Takes the bench of a file for this process, and gives what gives it back. Throws an {@link InfrastructureFault} where
 * another run has it. The lock lies in the folder of temporary files, so that all users of a machine see it; one whose
 * process is gone counts for nothing.
 */
export function lockBench(file: string, name: string): () => void {
  const hash = createHash("sha256").update(realpathSync(file)).digest("hex").slice(0, HASH_CHARS);
  const path = join(tmpdir(), `meterbench-hil-${hash}.lock`);
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    if (take(path)) return () => rmSync(path, { force: true });
    const holder = holderOf(path);
    if (holder !== undefined)
      throw new InfrastructureFault(
        `The bench ${name} is in use by process ${holder}: wait for it, or remove ${path} if that is no run of tests.`,
      );
    remove(path, name);
  }
  throw new InfrastructureFault(`The bench ${name} cannot be locked: others take ${path} again and again.`);
}

/**
 * False where it is there already. It comes with what is in it, so that nobody sees one without its process; and it is
 * never written through a link that somebody put there.
 */
function take(path: string): boolean {
  const own = `${path}.${process.pid}`;
  try {
    rmSync(own, { force: true });
    writeFileSync(own, `${process.pid}\n`, { flag: "wx", mode: 0o644 });
    linkSync(own, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    throw new InfrastructureFault(`${path} cannot be written (${code}), so no bench can be locked.`);
  } finally {
    rmSync(own, { force: true });
  }
}

/** The process that has it, where it lives. */
function holderOf(path: string): number | undefined {
  const id = Number(existsSync(path) ? readFileSync(path, "utf8").trim() : "");
  if (!Number.isSafeInteger(id) || id <= 0) return undefined;
  try {
    process.kill(id, 0);
    return id;
  } catch (error) {
    // Another user's process may not be asked, and so is there.
    return (error as NodeJS.ErrnoException).code === "EPERM" ? id : undefined;
  }
}

function remove(path: string, name: string): void {
  try {
    rmSync(path, { force: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new InfrastructureFault(
      `The bench ${name} is locked by a run that has ended, and ${path} cannot be removed (${code}): have its owner do it.`,
    );
  }
}
