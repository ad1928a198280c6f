import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { emptyFolder } from "../support/command.ts";
import { freePort } from "../support/free-port.ts";

const RUNS = 3;

/** How soon a meter from built JavaScript serves, and the memory that it then takes: the best of three starts. */
export async function startUp(): Promise<{ readyMilliseconds: number; rssMegabytes: number }> {
  const main = fileURLToPath(new URL("../../dist/host-tools/cli/main.js", import.meta.url));
  const folder = emptyFolder();
  let readyMilliseconds = Number.POSITIVE_INFINITY;
  let rssMegabytes = Number.POSITIVE_INFINITY;
  for (let run = 0; run < RUNS; run++) {
    const at = `udp:127.0.0.1:${await freePort()}`;
    const start = performance.now();
    const child = spawn(process.execPath, [main, "serve", "--at", at, "--json", "--home", folder.path]);
    await new Promise<void>((resolve, reject) => {
      child.stdout.once("data", () => resolve());
      child.once("exit", (code) => reject(new Error(`serve ended with ${code}`)));
    });
    readyMilliseconds = Math.min(readyMilliseconds, performance.now() - start);
    rssMegabytes = Math.min(rssMegabytes, residentMegabytes(child.pid ?? 0));
    child.removeAllListeners("exit");
    child.kill();
  }
  folder.remove();
  return { readyMilliseconds, rssMegabytes };
}

function residentMegabytes(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) / 1024;
}
