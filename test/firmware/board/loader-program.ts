// A board's loader as a test composes it: an image on trial has less time than on a board.

import { runProgram } from "../../../firmware/startup/board-fault.ts";
import { runBoard } from "../../../firmware/startup/loader.ts";
import { closeDebugPorts } from "../../../hal/node/debug-ports.ts";

const [root = "", trialLimitMs] = process.argv.slice(2);
await runProgram(() => {
  closeDebugPorts();
  return runBoard({ root, trialLimitMs: Number(trialLimitMs) });
}, []);
