// Several meters on one emulated RS-485 line behind one PTY, and each command that comes is its master.
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { emptyFolder, meterbench, startMeterbench, stopAll } from "../../support/command.ts";
import { INSTALLED_HELPERS } from "../../support/pty-pair.ts";

const ADDRESS = "rs485:pty:./bus?baud=19200";

let folder: ReturnType<typeof emptyFolder>;

beforeAll(() => {
  folder = emptyFolder();
});
afterEach(stopAll);
afterAll(() => folder.remove());

test.skipIf(INSTALLED_HELPERS.length === 0)("meters of one line are read by their ids", async () => {
  const cwd = folder.path;
  const { ready } = await startMeterbench(["serve", "--at", ADDRESS, "--count", "3", "--load", "watts:500"], {
    cwd,
  });
  expect(ready).toMatchObject({ id: "M1", address: ADDRESS });
  const read = async (...args: string[]) => JSON.parse((await meterbench(args, { cwd })).stdout);
  expect(await read("read", ADDRESS, "--meter", "M3", "--json")).toMatchObject({ meter: "M3" });
  const again = await read("read", "meter:M3", "--json");
  expect(again).toMatchObject({ meter: "M3" });
  expect(again).not.toHaveProperty("handshake");
  expect(await meterbench(["read", ADDRESS], { cwd })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("name the one that is meant with --meter"),
  });
});
