// A supervisor's socket as systemd has it, for programs that tell how they are. Node has no such sockets: python3 makes it.
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

/** It takes the words of a message apart, and lets go of the descriptors that a message may bring. */
const RECEIVER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
while True:
    for word in s.recv(4096).decode().split("\\n"):
        print(word, flush=True)
`;

/** Why this machine cannot run such tests; undefined where it can. */
export function notifyTrouble(): string | undefined {
  for (const program of ["systemd-notify", "python3"])
    if (spawnSync(program, ["--version"]).error !== undefined) return `${program} is not installed`;
  return undefined;
}

export interface NotifySocket {
  readonly path: string;
  /** All words so far, but those by which systemd-notify waits for its answer. */
  readonly words: readonly string[];
  count(word: string): number;
  /** Waits until this word was said. */
  heard(word: string | RegExp, withinMs?: number): Promise<void>;
  close(): void;
}

export async function notifySocket(folder: string): Promise<NotifySocket> {
  const path = join(folder, "notify.socket");
  const child = spawn("python3", ["-c", RECEIVER, path], { stdio: ["ignore", "pipe", "inherit"] });
  const words: string[] = [];
  let rest = "";
  child.stdout.on("data", (data: Buffer) => {
    const lines = `${rest}${data}`.split("\n");
    rest = lines.pop() ?? "";
    words.push(...lines.filter((word) => word !== "" && !word.startsWith("BARRIER=")));
  });
  while (!existsSync(path)) await pause(10);
  const isSaid = (wanted: string | RegExp): boolean =>
    words.some((word) => (typeof wanted === "string" ? word === wanted : wanted.test(word)));
  return {
    ...{ path, words },
    count: (word) => words.filter((one) => one === word).length,
    async heard(word, withinMs = 10_000) {
      for (const startMs = Date.now(); !isSaid(word); await pause(20))
        if (Date.now() > startMs + withinMs) throw new Error(`not ${word}, but ${words.join(", ")}`);
    },
    close: () => void child.kill("SIGKILL"),
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
