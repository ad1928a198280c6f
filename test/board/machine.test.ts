import { expect, test } from "vitest";
import { INSTALLED_HELPERS } from "../support/pty-pair.ts";
import { MACHINES, missingFor } from "./machine.ts";

test("what a machine lacks to emulate a board is told in a sentence each, with what to do about it", () => {
  const board = {
    ...MACHINES.arm64,
    emulators: ["qemu-nowhere-static", "qemu-nowhere"],
    libraries: "/nowhere",
    node: { name: "node-nowhere", version: "20.19.6", sha512: "" },
  };
  const sentences = missingFor(board);
  expect(sentences.filter((sentence) => !sentence.includes("PTY"))).toEqual([
    "Nothing here runs programs of arm64 (qemu-nowhere-static): apt install qemu-user-static.",
    "The libraries of arm64 are not in /nowhere: apt install libc6-arm64-cross libstdc++6-arm64-cross libgcc-s1-arm64-cross libatomic1-arm64-cross.",
    "The board's Node, node-nowhere-20.19.6.tgz, is not here: run with --fetch, which asks npm for it.",
  ]);
  expect(sentences.some((sentence) => sentence.includes("PTY"))).toBe(INSTALLED_HELPERS.length === 0);
});
