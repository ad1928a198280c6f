// A board's options, as far as they can be wrong before anything is opened.
import { expect, test } from "vitest";
import { run } from "../support/command.ts";

test.each([
  ["an empty serial number", ""],
  ["a serial number that does not go on a plate", "9".repeat(65)],
])("%s is refused with a sentence, and no head-end comes to see it", async (_, serialNumber) => {
  const options = ["--at", "udp:127.0.0.1:9", "--chip", "bl0942@pty:x", "--keys", "none", "--trust", "none"];
  const board = ["dist/firmware/main.js", ...options, "--serial-number", serialNumber];
  expect(await run(process.execPath, board)).toMatchObject({
    code: 2,
    stdout: "",
    stderr: "A --serial-number is a text of 1 to 64 bytes: give one that short.\n",
  });
});
