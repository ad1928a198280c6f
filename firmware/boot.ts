// The loader of a board, its second composition root: what the supervisor starts, and what a shell asks.
//
//   node boot.mjs run [--root /]                      starts the image on trial, or the confirmed one
//   node boot.mjs install FILE [--root /] [--json]    checks an image, and has the next start try it
//   node boot.mjs slots [--root /] [--json]           tells what there is to start
//   node boot.mjs recovery [--line serial:PATH] [--root /]    opens the recovery console, at the line of meter.conf
import { closeDebugPorts } from "../hal/node/debug-ports.ts";
import { StorageError } from "../hal/node/file-storage.ts";
import { LineError } from "../hal/node/line-error.ts";
import { parseArgs, resolve } from "../hal/node/program.ts";
import { BoardFault, EXIT, runProgram } from "./startup/board-fault.ts";
import { runAlone, runBoard } from "./startup/loader.ts";
import { installFile, tellSlots } from "./startup/loader-commands.ts";
import { loaderSettings } from "./startup/loader-settings.ts";
import { openRecovery } from "./startup/recovery.ts";

const USAGE =
  "Write boot.mjs run, install FILE, slots or recovery, with --root FOLDER for a board that is not at /.";

await runProgram(main, [LineError, StorageError]);

async function main(): Promise<void> {
  closeDebugPorts();
  const { command, file, root, line, json } = readCommand();
  if (command === "run") return runBoard({ root });
  if (command === "recovery") {
    await runAlone(root);
    const { profile, recovery } = loaderSettings(root);
    const console = { line: line ?? recovery, why: "it was asked for", isAsked: () => true };
    return openRecovery({ root, profile, ...console });
  }
  if (command === "slots") return tellSlots({ root, json });
  installFile(file, { root, json });
}

interface Command {
  readonly command: "run" | "install" | "slots" | "recovery";
  readonly file: string;
  readonly root: string;
  readonly line: string | undefined;
  readonly json: boolean;
}

function readCommand(): Command {
  const { positionals, values } = parseCommand();
  const [command, file = "", ...more] = positionals;
  const known = (["run", "install", "slots", "recovery"] as const).find((name) => name === command);
  if (known === undefined || more.length > 0 || (known === "install") !== (file !== ""))
    throw new BoardFault(EXIT.usage, USAGE);
  return { command: known, file, root: resolve(values.root), line: values.line, json: values.json };
}

function parseCommand() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        root: { type: "string", default: "/" },
        line: { type: "string" },
        json: { type: "boolean", default: false },
      },
    });
  } catch {
    throw new BoardFault(EXIT.usage, USAGE);
  }
}
