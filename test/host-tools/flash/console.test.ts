// A board's recovery console in a process of its own, killed in the middle; and flashers that are.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { concat } from "../../../firmware/protocol/bytes.ts";
import { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { openLink } from "../../../hal/node/address.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { systemClock } from "../../../hal/node/system-clock.ts";
import { systemRandom } from "../../../hal/node/system-random.ts";
import { AskedBoard } from "../../../host-tools/flash/asked-board.ts";
import { recoveryAsker } from "../../../host-tools/flash/board-askers.ts";
import { readFlashImage } from "../../../host-tools/flash/image-file.ts";
import { PlainAsker } from "../../../host-tools/flash/plain-asker.ts";
import { imageFor, type Loader, meterFiles, type TestBoard, testBoard } from "../../support/board.ts";
import { meterbench } from "../../support/command.ts";

const MAIN = fileURLToPath(new URL("../../../dist/host-tools/cli/main.js", import.meta.url));
const RUNS = 'console.log("one runs"); setInterval(() => {}, 1000);';
const random = new SeededRandom("console");
/** That a PTY carries it takes some seconds. */
const LARGE = concat(...Array.from({ length: 12 }, () => random.bytes(50_000)));
const IMAGE = imageFor(1, RUNS, { ...meterFiles().files, "app/data.bin": LARGE });

let board: TestBoard;
let path: string;
let loader: Loader;

beforeEach(async () => {
  board = testBoard();
  path = join(board.root, "console");
  writeFileSync(join(board.root, "etc/meterbench/meter.conf"), `recovery pty:${path}\n`);
  writeFileSync(join(board.root, "image.mbi"), IMAGE);
  await startLoader();
});
afterEach(() => board.remove());

async function startLoader(): Promise<void> {
  loader = board.start();
  await loader.said("console at pty:");
}

/** As the power goes, and comes back a moment later. */
async function cutPower(): Promise<void> {
  loader.child.kill("SIGKILL");
  await loader.ended;
  await startLoader();
}

/** It has begun anew with the image, which is the first one of its board. */
async function expectFlashed(): Promise<void> {
  expect(await loader.ended).toBe(75);
  await board.start().said("one runs");
  expect(board.slots().report()).toMatchObject({ current: "a", slots: { a: { state: "confirmed" } } });
}

test("a loader that is killed twice in the middle goes on where it was, for the flasher that waits", async () => {
  const { link } = await openLink({ kind: "pty", path }, "reach");
  const asker = new PlainAsker({ link, clock: systemClock, random: systemRandom });
  const target = new AskedBoard(recoveryAsker({ asker, name: `pty:${path}`, clock: systemClock }));
  const image = readFlashImage(opensslEngine, IMAGE);
  if ("refusal" in image) throw new Error(image.why);
  const cuts = [150_000, 400_000];
  const under: Promise<void>[] = [];
  const uploaded = await target.upload(image, (doneBytes) => {
    if (doneBytes < (cuts[0] ?? Number.POSITIVE_INFINITY)) return;
    cuts.shift();
    under.push(cutPower());
  });
  await Promise.all(under);
  expect(under).toHaveLength(2);
  expect(uploaded.bytes).toBeLessThan(1.1 * IMAGE.length);
  expect(await target.activate(image.digest)).toMatchObject({ slot: "a", armed: false, starts: false });
  link.close();
  await expectFlashed();
}, 60_000);

test("a flasher that is killed in the middle is followed by one that goes on where it was", async () => {
  const args = ["flash", join(board.root, "image.mbi"), "--to", `pty:${path}`, "--json"];
  const first = spawn(process.execPath, [MAIN, ...args], { stdio: "ignore" });
  const end = once(first, "close");
  for (let received = 0; received < 100_000; await pause(20))
    received = board.slots().report().incoming?.received ?? 0;
  first.kill("SIGKILL");
  await end;
  const { code, stdout, stderr } = await meterbench(args);
  expect([stderr, code]).toEqual(["", 0]);
  const told = JSON.parse(stdout) as { resumedAt: number; sentBytes: number };
  expect(told.resumedAt).toBeGreaterThanOrEqual(100_000);
  expect(told.resumedAt + told.sentBytes).toBe(IMAGE.length);
  await expectFlashed();
}, 60_000);
