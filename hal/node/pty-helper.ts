import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";

/** Programs that can make a PTY, which Node itself cannot. */
export type PtyHelper = "socat" | "python3";

/** A helper at work: what it reads is sent on the line, what the line received it writes. */
export interface RunningHelper {
  readonly child: ChildProcessWithoutNullStreams;
  /** The PTY's device, such as /dev/pts/3. */
  readonly device: string;
}

/** Ample for a Python that starts on a slow board. */
const START_WITHIN_MS = 10_000;

/** Enough of what a helper says to find the device or the trouble in it. */
const HEARD_CHARACTERS = 2000;

/** Socat's notices, which the Python bridge words alike: by the second one the PTY is raw. */
const READY = /PTY is (\/dev\/\S+)[\s\S]*starting data transfer loop/;

/**
 * The same as socat does here, with the standard library alone. The device stays open, since a PTY
 * whose last reader leaves fails. While the line takes no bytes, no more are read from standard
 * input; its end is seen all the same.
 */
const PYTHON_BRIDGE = `
import os, pty, select, sys, tty
line, device = pty.openpty()
tty.setraw(device)
os.set_blocking(line, False)
print("PTY is", os.ttyname(device), "starting data transfer loop", file=sys.stderr, flush=True)
unsent = b""
poll = select.poll()
while True:
    poll.register(0, 0 if unsent else select.POLLIN)
    poll.register(line, select.POLLIN | (select.POLLOUT if unsent else 0))
    ready = dict(poll.poll())
    if ready.get(line, 0) & select.POLLIN:
        received = os.read(line, 8192)
        while received:
            received = received[os.write(1, received):]
    if ready.get(line, 0) & select.POLLOUT:
        unsent = unsent[os.write(line, unsent):]
    elif ready.get(0, 0) & select.POLLIN:
        unsent = os.read(0, 8192)
        if not unsent:
            break
    elif ready.get(0, 0):
        break
`;

const ARGUMENTS: Readonly<Record<PtyHelper, readonly string[]>> = {
  // Notices on, and no waiting once standard input ends.
  socat: ["-d", "-d", "-t0", "PTY,raw,echo=0", "STDIO"],
  python3: ["-I", "-S", "-c", PYTHON_BRIDGE],
};

/** Starts `helper` and waits until its PTY can be used; rejects with the reason why it cannot. */
export function startPtyHelper(helper: PtyHelper): Promise<RunningHelper> {
  const child = spawn(helper, ARGUMENTS[helper]);
  return new Promise((resolve, reject) => {
    let heard = "";
    const fail = (reason: string) => {
      clearTimeout(timer);
      child.kill("SIGKILL");
      reject(new Error(`${helper} ${reason}`));
    };
    const timer = setTimeout(() => fail("did not start in time"), START_WITHIN_MS);
    child.on("error", () => fail("is not installed"));
    child.on("exit", () => fail(`failed (${heard.trim().split("\n").at(-1)})`));
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      heard = (heard + text).slice(-HEARD_CHARACTERS);
      const device = READY.exec(heard)?.[1];
      if (device === undefined) return;
      clearTimeout(timer);
      resolve({ child, device });
    });
  });
}
