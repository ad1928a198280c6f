// The command `meterbench`: one file per sub-command, one place for failures.
import { Command, CommanderError } from "commander";
import { programVersion } from "../../hal/node/installed-program.ts";
import { LineError } from "../../hal/node/line-error.ts";
import { HeadEndError } from "../head-end/client.ts";
import { RegistryError } from "../head-end/registry.ts";
import { addDecodeCommand } from "./commands/decode.ts";
import { addDemoCommand } from "./commands/demo.ts";
import { addEnrolCommand } from "./commands/enrol.ts";
import { addIcCommand } from "./commands/ic.ts";
import { addInfoCommand } from "./commands/info.ts";
import { addKeysCommand } from "./commands/keys.ts";
import { addProfileCommand } from "./commands/profile.ts";
import { addReadCommand } from "./commands/read.ts";
import { addServeCommand } from "./commands/serve.ts";
import { CliFault, EXIT, type ExitCode } from "./fault.ts";
import { printable } from "./output.ts";

const program = new Command("meterbench")
  .description(
    "A smart meter that runs on real or emulated boards, and the tools of the other end of the line.",
  )
  .version(programVersion())
  .exitOverride()
  .configureOutput({ outputError: () => {} });
addDemoCommand(program);
addServeCommand(program);
addReadCommand(program);
addProfileCommand(program);
addInfoCommand(program);
addKeysCommand(program);
addEnrolCommand(program);
addDecodeCommand(program);
addIcCommand(program);

// A reader like `head` that leaves early ends the command quietly.
process.stdout.on("error", () => process.exit(EXIT.done));

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/** Prints one sentence for a failure, never a stack trace, and gives its exit code. */
function report(error: unknown): ExitCode {
  if (error instanceof CommanderError) return reportUsage(error);
  const [code, sentence] = explain(error);
  process.stderr.write(`${printable(sentence)}\n`);
  return code;
}

function reportUsage(error: CommanderError): ExitCode {
  // Help and version are no failures.
  if (error.exitCode === 0) return EXIT.done;
  const sentence = error.message.replace(/^error: /, "");
  if (error.code !== "commander.help")
    process.stderr.write(`${printable(sentence)} (see 'meterbench --help')\n`);
  return EXIT.usage;
}

function explain(error: unknown): [ExitCode, string] {
  if (error instanceof CliFault) return [error.exitCode, error.message];
  if (error instanceof HeadEndError) return [headEndExit(error), error.message];
  if (error instanceof LineError || error instanceof RegistryError) return [EXIT.usage, error.message];
  const what = error instanceof Error ? error.message : String(error);
  return [EXIT.unexpected, `Something unexpected went wrong (${what}): please report it.`];
}

function headEndExit({ kind }: HeadEndError): ExitCode {
  switch (kind) {
    case "timeout":
      return EXIT.noAnswer;
    case "identity":
      return EXIT.refused;
    case "answer":
      return EXIT.unexpected;
  }
}
