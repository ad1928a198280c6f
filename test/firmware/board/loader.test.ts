// A board's loader in processes: trials that crash, hang and are cut, spoiled slots, and ports that nobody may open.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { placesBelow } from "../../../firmware/startup/board-places.ts";
import { imageFor, type Loader, nativeFiles, type TestBoard, testBoard } from "../../support/board.ts";
import { meterbench, run } from "../../support/command.ts";

const RUNS = (name: string) =>
  `console.log("${name} runs", process.argv.slice(2).join(" ")); setInterval(() => {}, 1000);`;
const CRASHES = 'console.log("crashes"); throw new Error("no such thing");';
const LOOPS = 'console.log("hangs"); setTimeout(() => { for (;;); }, 10);';
const BOOT = join(import.meta.dirname, "../../../dist/board/boot.mjs");

let board: TestBoard;
beforeEach(() => {
  board = testBoard();
});
afterEach(() => board.remove());

async function kill({ child, ended }: Loader): Promise<void> {
  child.kill("SIGKILL");
  await ended;
}

const boot = (...args: string[]) => run(process.execPath, [BOOT, ...args, "--root", board.root]);

describe("a loader", () => {
  test("starts the confirmed image in its own process, and tells it where its board is", async () => {
    board.install(1, RUNS("one"));
    const loader = board.start();
    await loader.said(`one runs --board ${board.root}\n`);
    loader.child.kill("SIGTERM");
    expect(await loader.ended).toBe("SIGTERM");
  });

  test("gives a trial that crashes three starts, and goes back to the image before", async () => {
    board.install(1, RUNS("one"));
    board.install(2, CRASHES);
    for (let start = 1; start <= 3; start++) {
      const loader = board.start();
      expect(await loader.ended).toBe(1);
      expect(loader.output.stdout).toBe("crashes\n");
      expect(loader.output.stderr).toContain("The image in slots/b does not start: Error: no such thing");
    }
    await board.start().said("one runs");
    expect(board.current()).toBe("slots/a");
    expect(board.slots().report()).toMatchObject({ outcome: { kind: "rolled-back", sequence: 2 }, floor: 1 });
  });

  test("tells an image that it is on trial, and ends it by itself where nobody confirms it in time", async () => {
    board.install(1, RUNS("one"));
    board.install(2, RUNS("two"));
    const loader = board.start({ trialLimitMs: 300 });
    await loader.said(`two runs --board ${board.root} --trial b\n`);
    expect(await loader.ended).toBe(75);
    expect(loader.output.stderr).toBe("The trial of slots/b was not confirmed in time, and ends.\n");
  });

  test("ends a trial whose program is caught in a loop", async () => {
    board.install(1, RUNS("one"));
    board.install(2, LOOPS);
    const loader = board.start({ trialLimitMs: 300 });
    await loader.said("hangs");
    expect(await loader.ended).toBe("SIGKILL");
  }, 15_000);

  test("lets a trial go on that was confirmed, and does not touch it again", async () => {
    board.install(1, RUNS("one"));
    board.install(2, RUNS("two"));
    const loader = board.start({ trialLimitMs: 700 });
    await loader.said("two runs");
    expect(board.slots().confirm("b")).toBe("done");
    await pause(1200);
    expect(loader.child.exitCode).toBeNull();
    expect(board.current()).toBe("slots/b");
  });

  test("starts no trial that was spoiled, but the image before", async () => {
    board.install(1, RUNS("one"));
    board.install(2, RUNS("two"));
    writeFileSync(join(placesBelow(board.root).data, "slots/b/app/main.mjs"), RUNS("evil"));
    await board.start().said("one runs");
    expect(board.slots().report()).toMatchObject({
      outcome: { kind: "rolled-back" },
      slots: { b: { state: "broken" } },
    });
  });

  test("never starts a confirmed slot that was spoiled: it stays, says why, and starts what is installed then", async () => {
    board.install(1, RUNS("one"));
    const main = join(placesBelow(board.root).data, "slots/a/app/main.mjs");
    const good = readFileSync(main);
    writeFileSync(main, RUNS("evil"));
    const loader = board.start();
    await loader.said("Recovery, as ");
    expect(loader.output.stderr).toContain("no line in meter.conf for a console");
    await pause(500);
    expect(loader.child.exitCode).toBeNull();
    expect(loader.output.stdout).toBe("");
    writeFileSync(main, good);
    expect(await loader.ended).toBe(75);
    await board.start().said("one runs");
  }, 25_000);

  test("is given an image at its recovery console, over the line that its settings name, and starts it", async () => {
    const line = `pty:${join(board.root, "console")}`;
    writeFileSync(placesBelow(board.root).conf, `recovery ${line}\n`);
    board.install(1, RUNS("one"));
    writeFileSync(join(placesBelow(board.root).data, "slots/a/app/main.mjs"), RUNS("evil"));
    const image = join(board.root, "two.image");
    writeFileSync(image, imageFor(2, RUNS("two"), nativeFiles()));
    const loader = board.start();
    await loader.said(`console at ${line}`);
    const flashed = await meterbench(["flash", image, "--to", line, "--no-wait", "--json"], {
      cwd: board.root,
    });
    expect(flashed).toMatchObject({ code: 0, stderr: "" });
    expect(await loader.ended).toBe(75);
    const trial = board.start();
    await trial.said("two runs");
    expect(trial.output.stdout).toContain("--trial b");
  });

  test("is run by one process: whoever starts it once more spends no start of a trial", async () => {
    board.install(1, RUNS("one"));
    board.install(2, RUNS("two"));
    await board.start().said("two runs");
    const second = board.start();
    expect(await second.ended).toBe(2);
    expect(second.output.stderr).toContain("Another process runs the board");
    expect(await boot("recovery")).toMatchObject({ code: 2, stderr: second.output.stderr });
    expect(board.slots().report().trial).toMatchObject({ left: 2 });
  });

  test("stays in recovery where there is nothing at all, and where nobody is trusted to have made it", async () => {
    const empty = board.start();
    await empty.said("Recovery, as no image is confirmed");
    await kill(empty);
    board.install(1, RUNS("one"));
    writeFileSync(join(placesBelow(board.root).authors, "acme.json"), "{}");
    const loader = board.start();
    await loader.said("Recovery, as ");
    expect(loader.output.stderr).toContain("acme.json is not a meterbench credential file");
  });

  test("survives its end at any time: it starts one or the other image whole, and spends no start of a confirmed one", async () => {
    board.install(1, RUNS("one"));
    for (let cut = 0; cut < 8; cut++) {
      board.install(2, RUNS("two"));
      const loader = board.start();
      await pause(20 + 25 * cut);
      await kill(loader);
    }
    const loader = board.start();
    await loader.said("runs");
    await kill(loader);
    expect(board.slots().report().slots.a?.state).toBe("confirmed");
    for (let start = 0; start < 5; start++) {
      const again = board.start();
      await again.said("runs");
      await kill(again);
    }
    await board.start().said("one runs");
  }, 30_000);
});

describe("the loader's commands", () => {
  test("tell the slots, install an image, and refuse one with a sentence and a code", async () => {
    board.install(1, RUNS("one"));
    const image = join(board.root, "two.image");
    writeFileSync(image, imageFor(2, RUNS("two")));
    const refused = await boot("install", image, "--json");
    expect(refused).toMatchObject({ code: 2, stderr: "" });
    // What stands for the native module is none, and no Node could load it.
    expect(JSON.parse(refused.stdout)).toMatchObject({ refusal: "preflight" });
    writeFileSync(image, imageFor(1, RUNS("other")));
    expect(await boot("install", image)).toMatchObject({
      code: 2,
      stdout: expect.stringContaining("rollback"),
    });
    const { stdout } = await boot("slots", "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      current: "a",
      floor: 1,
      slots: { a: { sequence: 1, state: "confirmed" } },
    });
    expect((await boot("slots")).stdout).toContain("a  1.1.0  sequence 1  confirmed, current");
  });

  test.each([[[]], [["start"]], [["install"]], [["slots", "more"]], [["run", "--help"]]])(
    "say what can be written where %j was",
    async (args) => {
      expect(await boot(...args)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("Write boot.mjs run"),
      });
    },
  );

  test("forget that the recovery console was asked for where no line is for it", async () => {
    board.install(1, RUNS("one"));
    const flag = placesBelow(board.root).recoveryFlag;
    writeFileSync(flag, "");
    const loader = board.start();
    await loader.said("one runs");
    expect(loader.output.stderr).toContain("meter.conf names no line for it");
    expect(existsSync(flag)).toBe(false);
  });
});
