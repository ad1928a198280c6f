import { createHash } from "node:crypto";
import { createServer } from "node:net";

/**
 * Takes `name` for this process alone, among all processes of this machine: gives a function that
 * lets go of it, or undefined where another process has it. The kernel lets go of it when the process
 * ends, however it ends. It is a Unix socket of Linux's abstract kind; elsewhere nothing is taken.
 */
export function holdExclusively(name: string): Promise<(() => void) | undefined> {
  if (process.platform !== "linux") return Promise.resolve(() => {});
  const path = `\0meterbench-${createHash("sha256").update(name).digest("hex")}`;
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve) => {
    server.once("error", () => resolve(undefined));
    server.listen(path, () => {
      server.unref();
      resolve(() => server.close());
    });
  });
}
