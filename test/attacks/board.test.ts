// A debugger against a board: by a signal, and by what the environment tells Node.
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type TestBoard, testBoard } from "../support/board.ts";

let board: TestBoard;
beforeEach(() => {
  board = testBoard();
});
afterEach(() => board.remove());

describe("a debugger", () => {
  test("gets into a board by no signal, and by none of Node's settings in the environment", async () => {
    board.install(
      1,
      `console.log("runs"); setInterval(() => {}, 1000); console.log(JSON.stringify([process.env.NODE_OPTIONS, process.execArgv]));`,
    );
    const loader = board.start({ environment: { NODE_OPTIONS: "--inspect=127.0.0.1:0" } });
    await loader.said("[null,[]]");
    const url = /ws:\/\/127\.0\.0\.1:(\d+)/.exec(loader.output.stderr);
    const isOpen = await fetch(`http://127.0.0.1:${url?.[1]}/json`).then(
      () => true,
      () => false,
    );
    expect(isOpen).toBe(false);
    loader.child.kill("SIGUSR1");
    await pause(300);
    expect(loader.output.stderr.match(/Debugger listening/g) ?? []).toHaveLength(1);
    expect(loader.child.exitCode).toBeNull();
  });
});
