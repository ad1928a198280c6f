import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { freePort } from "../support/free-port.ts";

/** A serving process and where it serves. */
export interface Served {
  readonly port: number;
  /** Processor time that it has had, in microseconds. */
  cpuMicroseconds(): Promise<number>;
  stop(): void;
}

/** Starts a process of `child.ts` and waits until it serves. */
export async function serveIn(kind: "echo" | "coap" | "noble" | "openssl"): Promise<Served> {
  const port = await freePort();
  const child = fork(fileURLToPath(new URL("./child.ts", import.meta.url)), [kind, String(port)], {
    execArgv: ["--import", "tsx"],
  });
  await message(child);
  return {
    port,
    cpuMicroseconds: async () => {
      child.send({});
      return Number((await message(child))["cpuMicroseconds"]);
    },
    stop: () => child.kill(),
  };
}

/** The next message of a process; rejects where it ends first. */
export function message(child: ChildProcess): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`a serving process ended with ${code}`));
    child.once("exit", ended);
    child.once("message", (value) => {
      child.off("exit", ended);
      resolve(value as Record<string, unknown>);
    });
  });
}
