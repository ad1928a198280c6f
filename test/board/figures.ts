// What is shown of each board, and how long it took here.
import { statSync } from "node:fs";
import { join } from "node:path";
import { type Bench, readPower, refusalUnprotected, wire } from "./bench.ts";
import { buildImage, loaderOf, makeKeys, setUpRoot, shippedNode } from "./board-root.ts";
import { emulatedNode } from "./emulated-node.ts";
import type { Machine } from "./machine.ts";
import { nativeModuleOf, probeNativeModule } from "./native-module.ts";
import { nodeFor } from "./node-package.ts";
import { SupervisedBoard } from "./supervised-board.ts";
import { spoilBeforeNextStart, update } from "./updates.ts";

export type Figures = Readonly<Record<string, unknown>>;

/** The built image runs as it does on a board, and answers a protected read over its UART. */
export async function runningBoard(machine: Machine, folder: string): Promise<Figures> {
  const bench = await wire(folder);
  await makeKeys(folder);
  const image = await buildImage(folder, machine, 1);
  await setUpRoot(folder, image, { settings: bench.settings, node: nodeFor(machine, folder) });
  const node = emulatedNode(machine, shippedNode(folder), folder);
  const board = await SupervisedBoard.start(node, loaderOf(folder));
  try {
    return {
      node: machine.node.version,
      imageBytes: statSync(join(folder, image)).size,
      read: await readPower(bench),
      unprotected: await refusalUnprotected(bench),
      updates: await updatesOf(board, bench, machine),
      readAfterwards: await readPower(bench),
      secondsToReady: board.secondsToReady,
      residentMegabytesWithEmulator: board.residentMegabytes,
    };
  } finally {
    await board.giveUp();
    await bench.close();
  }
}

/** Node below the supported range gets no image; that the image's native module serves a board's UART is shown. */
export async function loadedModule(machine: Machine, folder: string): Promise<Figures> {
  const unpacked = nodeFor(machine, folder);
  await makeKeys(folder);
  const image = await buildImage(folder, machine, 1);
  const settings = ["at serial:/dev/ttyAMA1", "chip bl0942@serial:/dev/ttyAMA0", "serial-number 4711"];
  const refused = await setUpRoot(folder, image, { settings, node: unpacked }).catch((error: Error) => error);
  const refusal = /\(node: (.*)\)/.exec(refused?.message ?? "")?.[1];
  if (refusal === undefined) throw new Error(`Node ${machine.node.version} was not refused: ${refused}`);
  const node = emulatedNode(machine, unpacked, folder);
  return {
    ...(await probeNativeModule(node, nativeModuleOf(folder, image), folder)),
    ...{ isSupported: false, refusal },
    imageBytes: statSync(join(folder, image)).size,
  };
}

/** An image that is good is confirmed by the board itself; of one that is spoiled on the board nothing is run. */
async function updatesOf(
  board: SupervisedBoard,
  bench: Bench,
  machine: Machine,
): Promise<readonly Figures[]> {
  const good = await update(bench, await buildImage(bench.folder, machine, 2), "confirmed");
  const next = await buildImage(bench.folder, machine, 3);
  spoilBeforeNextStart(board, bench);
  const spoiled = await update(bench, next, "rolled-back");
  board.check();
  return [good, spoiled];
}
