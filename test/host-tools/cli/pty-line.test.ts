// A meter on a PTY outlives its readers, their silence, and the helper that makes the PTY.
import { closeSync, constants, existsSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { readKeyFile } from "../../../firmware/identity/identity.ts";
import { TrustList } from "../../../firmware/identity/trust.ts";
import { encodeMessage } from "../../../firmware/protocol/coap/codec.ts";
import { CODE } from "../../../firmware/protocol/coap/message.ts";
import { encodeSlip } from "../../../hal/framing/slip.ts";
import { encodeCoapFrame } from "../../../hal/framing/slipmux.ts";
import { openLink, parseAddress } from "../../../hal/node/address.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { systemClock } from "../../../hal/node/system-clock.ts";
import { systemRandom } from "../../../hal/node/system-random.ts";
import { LINE } from "../../../hal/ports/link.ts";
import { HeadEnd } from "../../../host-tools/head-end/client.ts";
import { Registry } from "../../../host-tools/head-end/registry.ts";
import { emptyFolder, startMeterbench, stopAll } from "../../support/command.ts";

const ANSWER_WITHIN_MS = 2000;

let folder: ReturnType<typeof emptyFolder>;
let path: string;
let pid: number;

beforeAll(async () => {
  folder = emptyFolder();
  path = join(folder.path, "meter");
  const { child } = await startMeterbench(["serve", "--at", "pty:./meter"], { cwd: folder.path });
  pid = child.pid ?? 0;
}, 30_000);
afterAll(async () => {
  await stopAll();
  folder.remove();
}, 30_000);
afterEach(() => expect(existsSync(`/proc/${pid}`)).toBe(true));

/** Reads the meter as a new reader of the line; gives how long the answer took. */
async function readMs(): Promise<number> {
  const address = parseAddress(`pty:${path}`);
  const identity = readKeyFile(
    opensslEngine,
    readFileSync(join(folder.path, ".meterbench/head-end.key.json"), "utf8"),
  );
  if ("error" in address || "error" in identity) throw new Error("the meter's folder is not as it should be");
  const trust = new TrustList(new Registry(join(folder.path, ".meterbench/registry.json")).credentials());
  const startMs = systemClock.monotonicMs();
  const { link } = await openLink(address, "reach");
  const headEnd = new HeadEnd({
    link,
    clock: systemClock,
    crypto: opensslEngine,
    random: systemRandom,
    identity,
    trust,
  });
  try {
    await headEnd.readRegisters({ station: LINE, name: path, timeoutMs: 10_000 });
    return systemClock.monotonicMs() - startMs;
  } finally {
    headEnd.close();
    link.close();
  }
}

function openRaw(): number {
  return openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
}

/** A question that anybody may ask, whose answer is some 100 bytes. */
function question(messageId: number): Uint8Array {
  const options = [".well-known", "core"].map((text) => ({
    number: 11,
    value: new TextEncoder().encode(text),
  }));
  const request = {
    type: "CON" as const,
    code: CODE.get,
    messageId,
    token: Uint8Array.of(1),
    options,
    payload: new Uint8Array(0),
  };
  return encodeSlip(encodeCoapFrame(encodeMessage(request)));
}

/** Puts bytes on the line as far as it takes them, and reads nothing. */
async function writeUnread(fd: number, frames: number): Promise<void> {
  for (let i = 0; i < frames; i++) {
    try {
      writeSync(fd, question(i));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      await delay(5);
    }
    if (i % 50 === 0) await delay(1);
  }
}

test("readers that come and go twenty times, some in the middle of a frame, do it no harm", async () => {
  for (let i = 0; i < 20; i++) {
    const fd = openRaw();
    writeSync(fd, question(i).slice(0, 4 + i));
    closeSync(fd);
  }
  expect(await readMs()).toBeLessThan(ANSWER_WITHIN_MS);
});

test("with over 100 kB of answers left unread, the next reader is answered within 2 s", async () => {
  const fd = openRaw();
  await writeUnread(fd, 2000);
  closeSync(fd);
  expect(await readMs()).toBeLessThan(ANSWER_WITHIN_MS);
});

test("when the helper that makes the PTY is killed, the line returns and answers within 2 s of that", async () => {
  const [helper] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").map(Number);
  expect(helper).toBeGreaterThan(0);
  process.kill(helper as number, "SIGKILL");
  const killedMs = systemClock.monotonicMs();
  let answeredMs: number | undefined;
  while (answeredMs === undefined && systemClock.monotonicMs() - killedMs < 10_000) {
    answeredMs = await readMs().catch(() => undefined);
    if (answeredMs === undefined) await delay(50);
  }
  expect(answeredMs).toBeLessThan(ANSWER_WITHIN_MS);
}, 30_000);
