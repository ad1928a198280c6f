// A meter in a process of its own is flashed over its own line, and killed in the middle.
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { writeCredentialFile } from "../../../firmware/identity/identity.ts";
import { concat } from "../../../firmware/protocol/bytes.ts";
import { placesBelow } from "../../../firmware/startup/board-places.ts";
import { openSlots } from "../../../firmware/startup/open-slots.ts";
import { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { AUTHOR } from "../../firmware/update/images.ts";
import { imageFor, meterFiles } from "../../support/board.ts";
import { emptyFolder, meterbench, type Running, startMeterbench, stopAll } from "../../support/command.ts";

const random = new SeededRandom("flash a meter");
const { files } = meterFiles();
const IMAGES = {
  1: imageFor(1, "", files),
  2: imageFor(2, "", files),
  /** That a PTY carries it takes more than a moment. */
  3: imageFor(3, "", {
    ...files,
    "app/data.bin": concat(...[1, 2, 3, 4, 5].map(() => random.bytes(50_000))),
  }),
};

let folder: ReturnType<typeof emptyFolder>;
beforeEach(() => {
  folder = emptyFolder();
  const { authors } = placesBelow(join(folder.path, "board"));
  mkdirSync(authors, { recursive: true });
  writeFileSync(join(authors, "acme.json"), writeCredentialFile("author", AUTHOR.credential));
  for (const [sequence, image] of Object.entries(IMAGES))
    writeFileSync(join(folder.path, `${sequence}.image`), image);
});
afterEach(async () => {
  await stopAll();
  folder.remove();
});

const serve = (): Promise<Running> =>
  startMeterbench(["serve", "--at", "pty:./meter", "--board", "board"], { cwd: folder.path });
const ask = async (...args: string[]) => {
  const { code, stdout, stderr } = await meterbench([...args, "--json"], { cwd: folder.path });
  return { code, stderr, told: stdout === "" ? undefined : JSON.parse(stdout) };
};
const flash = (sequence: number) => ask("flash", `${sequence}.image`, "--to", "coap:meter:M1");

test("a meter takes its first image, then another one on trial, and none of before", async () => {
  await serve();
  expect(await flash(1)).toMatchObject({ code: 0, told: { end: "installed", slot: "a" } });
  expect(await flash(2)).toMatchObject({ code: 0, told: { end: "confirmed", slot: "b" } });
  expect((await ask("info", "meter:M1")).told).toMatchObject({ firmwareVersion: "1.2.0" });
  expect(await flash(1)).toMatchObject({ code: 2, stderr: expect.stringContaining("rollback") });
  expect(await flash(2)).toMatchObject({ code: 0, told: { end: "unchanged" } });
}, 60_000);

test("a meter that is killed in the middle has what it has acknowledged, and the flasher waits for it", async () => {
  const meter = await serve();
  const flashing = flash(3);
  const { data } = placesBelow(join(folder.path, "board"));
  for (let kept = 0; kept < 60_000; await pause(10))
    kept = statSync(join(data, "incoming/parts"), { throwIfNoEntry: false })?.size ?? 0;
  await meter.kill();
  await serve();
  const { code, told } = await flashing;
  expect({ code, told }).toMatchObject({ code: 0, told: { end: "installed", slot: "a" } });
  expect(told.sentBytes).toBeLessThan(1.1 * told.image.bytes);
}, 60_000);

test("a second process at a board that runs is turned away before it spends a start of a trial", async () => {
  await serve();
  const slots = openSlots(join(folder.path, "board"), "development");
  slots.installImage(IMAGES[1]);
  slots.installImage(IMAGES[2]);
  const second = await ask("serve", "--at", "pty:./other", "--board", "board");
  expect(second).toMatchObject({ code: 2, stderr: expect.stringContaining("in use by another process") });
  expect(openSlots(join(folder.path, "board"), "development").report().trial).toEqual({ slot: "b", left: 3 });
}, 60_000);
