// What the command does with files that hold secrets, and with an allow list that says no.
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  emptyFolder,
  type Finished,
  meterbench,
  run,
  startMeterbench,
  stopAll,
} from "../../support/command.ts";
import { freePort } from "../../support/free-port.ts";

const AT = "udp:127.0.0.1:9";

let folder: ReturnType<typeof emptyFolder>;
let cwd: string;

beforeAll(() => {
  folder = emptyFolder();
  cwd = folder.path;
});
afterEach(stopAll);
afterAll(() => folder.remove());

function expectRefusal(finished: Finished, code: number, sentence: string): void {
  expect(finished).toMatchObject({ code, stdout: "", stderr: expect.stringContaining(sentence) });
  expect(finished.stderr.trimEnd().split("\n")).toHaveLength(1);
}

describe("a file with a secret that others may read", () => {
  test("is refused wherever one is read, as a home that others may change is", async () => {
    await meterbench(["keys", "new", "meter", "--id", "M1", "--out", "open.key.json"], { cwd });
    await meterbench(["keys", "context", "--out", "open.context.json"], { cwd });
    for (const name of ["open.key.json", "open.context.json"]) chmodSync(join(cwd, name), 0o640);
    mkdirSync(join(cwd, "open"));
    chmodSync(join(cwd, "open"), 0o770);
    const keyMend =
      "The key file open.key.json can be read or changed by others: run 'chmod 600 open.key.json'.";
    const contextMend =
      "The OSCORE context file open.context.json can be read or changed by others: run 'chmod 600 open.context.json'.";
    const homeMend = "The folder open of keys and enrolment can be changed by others: run 'chmod 700 open'.";
    const refused: [string[], string][] = [
      [["keys", "show", "open.key.json"], keyMend],
      [["serve", "--at", AT, "--keys", "open.key.json", "--trust", "none"], keyMend],
      [["keys", "export", "open.context.json", "--for", "libcoap"], contextMend],
      [["read", AT, "--oscore-context", "open.context.json"], contextMend],
      [["serve", "--at", AT, "--oscore-context", "open.context.json"], contextMend],
      [["decode", "40010001", "--keys", "open.context.json"], contextMend],
      [["read", AT, "--home", "open"], homeMend],
      [["enrol", "list", "--home", "open"], homeMend],
    ];
    const finished = await Promise.all(refused.map(([args]) => meterbench(args, { cwd })));
    finished.forEach((one, i) => {
      expectRefusal(one, 2, refused[i]?.[1] as string);
    });
  });

  test("is refused by the firmware on a board too", async () => {
    await meterbench(["keys", "new", "meter", "--id", "M1", "--out", "board.key.json"], { cwd });
    const key = join(cwd, "board.key.json");
    chmodSync(key, 0o620);
    const options = ["--at", AT, "--chip", "bl0942@pty:x", "--trust", "none", "--serial-number", "1"];
    const board = await run(process.execPath, ["dist/firmware/main.js", ...options, "--keys", key]);
    const sentence = `The key file ${key} can be read or changed by others: run 'chmod 600 ${key}'.`;
    expectRefusal(board, 2, sentence);
  });

  test("is not quoted when it is mistaken for frames", async () => {
    const input = '{"masterSecret":"c0ffee00112233445566778899aabbcc"}';
    const decoded = await meterbench(["decode", "-"], { cwd, input });
    expectRefusal(decoded, 2, "Frame 1 is no hex");
    expect(decoded.stderr).not.toContain("c0ffee");
  });
});

describe("an OSCORE context in use", () => {
  test("serves its reader, and no second process with it or with a copy of it", async () => {
    await meterbench(["keys", "context", "--out", "a.context.json"], { cwd });
    copyFileSync(join(cwd, "a.context.json"), join(cwd, "copy.context.json"));
    const { stdout } = await meterbench(["keys", "export", "a.context.json", "--for", "meterbench"], { cwd });
    writeFileSync(join(cwd, "b.context.json"), stdout, { mode: 0o600 });
    const at = `udp:127.0.0.1:${await freePort()}`;
    const { child } = await startMeterbench(["serve", "--at", at, "--oscore-context", "a.context.json"], {
      cwd,
    });
    const second = ["serve", "--at", `udp:127.0.0.1:${await freePort()}`, "--oscore-context"];
    for (const name of ["a.context.json", "copy.context.json"])
      expectRefusal(
        await meterbench([...second, name], { cwd }),
        2,
        "The context is in use by another process",
      );
    const read = ["read", at, "1.7.0", "--json", "--oscore-context", "b.context.json"];
    expect(await meterbench(read, { cwd })).toMatchObject({ code: 0, stderr: "" });
    child.kill("SIGKILL");
    await startMeterbench(["serve", "--at", at, "--oscore-context", "a.context.json"], { cwd });
    expect(await meterbench(read, { cwd })).toMatchObject({ code: 0, stderr: "" });
  });
});

describe("a revoked development meter", () => {
  test("is not taken in again by serving it: it is refused with exit 4, and stays revoked", async () => {
    const home = ["--home", "revoking"];
    const at = `udp:127.0.0.1:${await freePort()}`;
    await startMeterbench(["serve", "--at", at, ...home], { cwd });
    expect(await meterbench(["enrol", "revoke", "M1", ...home], { cwd })).toMatchObject({ code: 0 });
    await stopAll();
    expectRefusal(
      await meterbench(["serve", "--at", at, ...home], { cwd }),
      4,
      "The registry in revoking has revoked M1: serve another meter by --id",
    );
    const { stdout } = await meterbench(["enrol", "list", "--json", ...home], { cwd });
    expect(JSON.parse(stdout).meters).toMatchObject([{ id: "M1", state: "revoked" }]);
  });
});

describe("names that every object has", () => {
  test.each([
    ["a metering part", ["serve", "--at", AT, "--chip", "constructor"], "The metering part constructor"],
    ["a real metering part", ["serve", "--at", AT, "--chip", "toString@pty:x"], "The metering part toString"],
    ["an emulated part", ["ic", "emulate", "constructor", "--at", "pty:x"], "constructor"],
    ["an option of a load", ["serve", "--at", AT, "--load", "csv:x?constructor=1"], "which is no option"],
    ["a command", ["constructor"], "constructor"],
  ])("are not taken for %s", async (_, args, sentence) => {
    expectRefusal(await meterbench(args, { cwd }), 2, sentence);
  });
});
