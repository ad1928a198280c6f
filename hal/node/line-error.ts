/** Why a line or link cannot be opened: one sentence for a person, saying what, where and what to do. */
export class LineError extends Error {
  override readonly name = "LineError";
}

/** What the operating system's error codes for sockets mean to a person, and what to do about them. */
const SOCKET_ADVICE: ReadonlyMap<string, string> = new Map([
  ["EADDRINUSE", "another program has that port; stop it or choose another port"],
  ["EADDRNOTAVAIL", "this machine has no such address; use one of its own, 127.0.0.1 or 0.0.0.0"],
  ["EACCES", "ports below 1024 need rights that you lack; choose a higher port"],
  ["ENOTFOUND", "nobody knows that host; check its name or give its IP address"],
  ["EAI_AGAIN", "the name service does not answer; check the network or give the IP address"],
]);

/** A {@link LineError} for a failed system call on a socket; `what` is such as `Cannot listen at tcp:HOST:PORT`. */
export function socketError(what: string, error: unknown): LineError {
  const { code, message } = error as NodeJS.ErrnoException;
  return new LineError(`${what}: ${SOCKET_ADVICE.get(code ?? "") ?? `${message}; check host and port`}.`);
}
