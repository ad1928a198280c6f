// A meter as a user runs it, in a process of its own, with the benchmark's probe in it.
import { fork } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  HEAD_ENDS_MAX,
  type Identity,
  newIdentity,
  writeCredentialFile,
  writeKeyFile,
} from "meterbench/firmware";
import { opensslEngine, systemRandom } from "meterbench/hal/node";
import { emptyFolder } from "../../support/command.ts";
import { freePort } from "../../support/free-port.ts";
import type { Question } from "./probe.ts";

const MAIN = fileURLToPath(new URL("../../../dist/host-tools/cli/main.js", import.meta.url));
const PROBE = fileURLToPath(new URL("./probe.ts", import.meta.url));

export interface MeterProcess {
  readonly port: number;
  readonly meter: Identity;
  /** As many as a meter knows. */
  readonly headEnds: readonly Identity[];
  ask<Answer>(question: Question): Promise<Answer>;
  stop(): Promise<void>;
}

/** Starts a meter with real keys and a household's load, and waits until it serves. */
export async function meterProcess(): Promise<MeterProcess> {
  const folder = emptyFolder();
  const key = (role: "meter" | "head-end", id: string): Identity =>
    newIdentity(opensslEngine, systemRandom, { role, id, development: false });
  const meter = key("meter", "M1");
  const headEnds = Array.from({ length: HEAD_ENDS_MAX }, (_, i) => key("head-end", `H${i + 1}`));
  const keys = join(folder.path, "M1.key.json");
  writeFileSync(keys, writeKeyFile(meter), { mode: 0o600 });
  const trusted = headEnds.map(({ credential }) => {
    const path = join(folder.path, `${credential.id}.credential.json`);
    writeFileSync(path, writeCredentialFile("head-end", credential));
    return path;
  });
  const port = await freePort();
  const serve = ["serve", "--at", `udp:127.0.0.1:${port}`, "--keys", keys, "--trust", ...trusted, "--json"];
  const child = fork(MAIN, serve, {
    execArgv: ["--import", "tsx", "--import", PROBE],
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  const ended = once(child, "exit");
  const failed = ended.then(([code]) => Promise.reject(new Error(`the meter ended with ${code}`)));
  failed.catch(() => {});
  await Promise.race([once(child.stdout ?? child, "data"), failed]);
  return {
    ...{ port, meter, headEnds },
    async ask<Answer>(question: Question): Promise<Answer> {
      const answered = once(child, "message");
      child.send(question);
      const [message] = await Promise.race([answered, failed]);
      return (message as { answer: Answer }).answer;
    },
    async stop() {
      // The probe's channel holds the process up, and its end is the probe's sign.
      child.disconnect();
      await ended;
      folder.remove();
    },
  };
}
