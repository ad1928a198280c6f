import { createHash } from "node:crypto";
import { createServer, type Server } from "node:net";
import { LineError } from "./line-error.ts";

/**
 * Takes `name` for this process alone, among all processes of this machine: gives a function that
 * lets go of it, or undefined where somebody has it. It is a Unix socket of Linux's abstract kind
 * (unix(7)), which the kernel frees with the process, however that ends: no file can be left behind or
 * taken away. Elsewhere nothing is taken. The name is seen by others as a hash. Rejects with a LineError.
 */
export function holdExclusively(name: string): Promise<(() => void) | undefined> {
  if (process.platform !== "linux") return Promise.resolve(() => {});
  const server = takeName(name);
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? resolve(undefined) : reject(cannotTell(error)),
    );
    server.once("listening", () => resolve(() => server.close()));
  });
}

/** The same at once, and on Linux alone; undefined too where it cannot be told whether somebody has it. */
export function holdAtOnce(name: string): (() => void) | undefined {
  if (process.platform !== "linux") return undefined;
  const server = takeName(name);
  // A socket of this kind is bound within the call, and only the event comes later.
  server.on("error", () => {});
  return server.listening ? () => server.close() : undefined;
}

function takeName(name: string): Server {
  const path = `\0meterbench-${createHash("sha256").update(name).digest("hex")}`;
  const server = createServer((socket) => socket.destroy());
  // Exclusive: not by way of a cluster's first process.
  server.listen({ path, exclusive: true });
  server.unref();
  return server;
}

function cannotTell({ code }: NodeJS.ErrnoException): LineError {
  return new LineError(`It cannot be told whether another process is at work here (${code}): try again.`);
}
