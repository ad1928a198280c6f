// A board in a folder: its settings, its keys, its slots, and the loader that is started on it in a process of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { newIdentity, writeCredentialFile, writeKeyFile } from "../../firmware/identity/identity.ts";
import { fromText } from "../../firmware/protocol/bytes.ts";
import { placesBelow } from "../../firmware/startup/board-places.ts";
import { BoardSlots } from "../../firmware/update/board-slots.ts";
import type { BoardArch } from "../../firmware/update/manifest.ts";
import { SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { unpack } from "../../hal/node/brotli.ts";
import { openFileTree } from "../../hal/node/file-tree.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import { thisMachine } from "../../hal/node/this-machine.ts";
import { nativePlace } from "../../host-tools/image/targets.ts";
import { AUTHOR, type Files, imageOf } from "../firmware/update/images.ts";
import { emptyFolder } from "./command.ts";
import { testProgram } from "./programs.ts";

const NATIVE = nativePlace("x64");
const ROOT = join(import.meta.dirname, "../..");
const crypto = opensslEngine;

/** Parties of a board; the seeds make the same in each test. */
export const METER = newIdentity(crypto, new SeededRandom("board meter"), {
  ...{ role: "meter", id: "M1", development: false },
});
export const HEAD_END = newIdentity(crypto, new SeededRandom("board head-end"), {
  ...{ role: "head-end", id: "utility", development: false },
});

export interface TestBoard {
  readonly root: string;
  /** Where `current` points. */
  current(): string;
  slots(): BoardSlots;
  /** Puts an image with this program into the next slot; the first one is confirmed at once. */
  install(sequence: number, program: string, files?: Files): void;
  /** Starts its loader, which gives an image on trial so long. */
  start(options?: { trialLimitMs?: number; environment?: Record<string, string> }): Loader;
  remove(): Promise<void>;
}

export interface Loader {
  readonly child: ChildProcess;
  readonly output: { stdout: string; stderr: string };
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string | null>;
  /** Waits until it has printed this. */
  said(text: string, withinMs?: number): Promise<void>;
}

/** A board with nothing in its slots. */
export function testBoard(conf = ""): TestBoard {
  const folder = emptyFolder();
  const root = folder.path;
  const places = placesBelow(root);
  for (const path of [places.authors, places.headEnds, join(places.data, "keys")])
    mkdirSync(path, { recursive: true });
  writeFileSync(places.conf, conf);
  writeFileSync(join(places.authors, "acme.json"), writeCredentialFile("author", AUTHOR.credential));
  writeFileSync(join(places.headEnds, "utility.json"), writeCredentialFile("head-end", HEAD_END.credential));
  writeFileSync(places.key, writeKeyFile(METER), { mode: 0o600 });
  const started = new Set<Loader>();
  const slots = (): BoardSlots =>
    new BoardSlots({
      ...{ tree: openFileTree(places.data), crypto, authors: [AUTHOR.credential], unpack },
      facts: { board: "node-gateway", ...thisMachine() },
    });
  return {
    ...{ root, slots },
    current: () => openFileTree(places.data).readLink("current") ?? "",
    install(sequence, program, files = {}) {
      const installed = slots().installImage(imageFor(sequence, program, files));
      if ("refusal" in installed) throw new Error(`${installed.refusal}: ${installed.why}`);
    },
    start({ trialLimitMs = 60_000, environment = {} } = {}) {
      const args = [testProgram("firmware/board/loader-program"), root, String(trialLimitMs)];
      const loader = follow(spawn(process.execPath, args, { env: { ...process.env, ...environment } }));
      started.add(loader);
      return loader;
    },
    async remove() {
      for (const { child, ended } of started) {
        child.kill("SIGKILL");
        await ended;
      }
      folder.remove();
    },
  };
}

/** An image for this machine. */
export function imageFor(sequence: number, program: string, more: Files = {}): Uint8Array {
  const { arch, libc } = thisMachine();
  const files = { "app/main.mjs": fromText(program), [NATIVE]: Uint8Array.of(sequence), ...more };
  const ordered = Object.fromEntries(Object.entries(files).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  const machine = { arch: arch as BoardArch, libc: libc.kind, native: NATIVE };
  return imageOf(sequence, { files: ordered, manifest: machine });
}

/** A native module that this machine can load. */
export function nativeFiles(): Files {
  const path =
    "node_modules/@serialport/bindings-cpp/prebuilds/linux-x64/@serialport+bindings-cpp.glibc.node";
  return { [NATIVE]: Uint8Array.from(readFileSync(join(ROOT, path))) };
}

/** The meter as it is built for boards, with what it needs beside. */
export function meterFiles(): { program: string; files: Files } {
  const read = (path: string): Uint8Array => Uint8Array.from(readFileSync(join(ROOT, path)));
  const about = fromText('{"version":"1.0.0","released":"2026-01-01"}');
  return {
    program: new TextDecoder().decode(read("dist/board/main.mjs")),
    files: { ...nativeFiles(), "app/package.json": about },
  };
}

function follow(child: ChildProcess): Loader {
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name]?.on("data", (data: Buffer) => {
      output[name] += data.toString();
    });
  const ended = once(child, "close").then(([code, signal]) => (code ?? signal) as number | string | null);
  return {
    ...{ child, output, ended },
    async said(text, withinMs = 15_000) {
      for (const startMs = Date.now(); !`${output.stdout}${output.stderr}`.includes(text); ) {
        if (Date.now() > startMs + withinMs || child.exitCode !== null)
          throw new Error(`not "${text}", but: ${output.stdout}${output.stderr}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
  };
}
