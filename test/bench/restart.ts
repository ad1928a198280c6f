import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readKeyFile, TrustList } from "meterbench/firmware";
import type { MemoryStorage } from "meterbench/hal";
import { openLink, opensslEngine, parseAddress, systemClock, systemRandom } from "meterbench/hal/node";
import { HeadEnd, Registry } from "meterbench/head-end";
import { emptyFolder, startMeterbench } from "../support/command.ts";
import { freePort } from "../support/free-port.ts";

const RUNS = 3;

/**
 * How soon after its start, from built JavaScript, a meter that was killed with such a state answers a
 * read that begins with a handshake: the best of three.
 */
export async function restartMilliseconds(storage: MemoryStorage): Promise<number> {
  const folder = emptyFolder();
  const state = join(folder.path, "M1");
  mkdirSync(state, { mode: 0o700 });
  for (const name of storage.list())
    writeFileSync(join(state, name), storage.read(name) ?? new Uint8Array(0), { mode: 0o600 });
  let best = Number.POSITIVE_INFINITY;
  // The first start makes the keys.
  for (let run = 0; run <= RUNS; run++) {
    const at = `udp:127.0.0.1:${await freePort()}`;
    const startMs = performance.now();
    const { child } = await startMeterbench([
      "serve",
      "--at",
      at,
      "--home",
      folder.path,
      "--state",
      folder.path,
    ]);
    await readOnce(at, folder.path);
    if (run > 0) best = Math.min(best, performance.now() - startMs);
    child.kill("SIGKILL");
    await once(child, "close");
  }
  folder.remove();
  return best;
}

async function readOnce(at: string, home: string): Promise<void> {
  const address = parseAddress(at);
  const identity = readKeyFile(opensslEngine, readFileSync(join(home, "head-end.key.json"), "utf8"));
  if ("error" in address || "error" in identity) throw new Error("no address or no key");
  const { link, peer = "" } = await openLink(address, "reach");
  const headEnd = new HeadEnd({
    ...{ link, identity, clock: systemClock, crypto: opensslEngine, random: systemRandom },
    trust: new TrustList(new Registry(join(home, "registry.json")).credentials()),
  });
  await headEnd.readRegisters({ station: peer, name: at, timeoutMs: 8000 });
  headEnd.close();
  link.close();
}
