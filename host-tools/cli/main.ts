// The command `meterbench`: one file per sub-command, one place for failures.
import { Command, CommanderError } from "commander";
import { programVersion } from "../../hal/node/installed-program.ts";
import { LineError } from "../../hal/node/line-error.ts";
import { FlashError, type FlashErrorKind } from "../flash/target.ts";
import { HeadEndError, RegistryError } from "../head-end/errors.ts";
import { NumberFileError } from "../oscore-context/number-file.ts";
import { CliFault, EXIT, type ExitCode } from "./fault.ts";
import { printable } from "./output.ts";

const FLASH_EXITS: Readonly<Record<FlashErrorKind, ExitCode>> = {
  refused: EXIT.usage,
  unreachable: EXIT.noAnswer,
  identity: EXIT.refused,
  unusable: EXIT.usage,
  failed: EXIT.unexpected,
};

const program = new Command("meterbench")
  .description(
    "A smart meter that runs on real or emulated boards, and the tools of the other end of the line.",
  )
  .version(programVersion())
  .exitOverride()
  .configureOutput({ outputError: () => {} });
await addCommands(program, process.argv[2]);

// A reader like `head` that leaves early ends a command quietly; a meter goes on. Any other trouble is lost output.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE" && process.argv[2] === "serve") return;
  if (error.code === "EPIPE") process.exit(EXIT.done);
  process.stderr.write(`The output cannot be written (${error.code}): check where it goes.\n`);
  process.exit(EXIT.unexpected);
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/**
 * Adds the command that was asked for, or all where it is not one: each brings a part of the program
 * with it, and a meter on a small board should not carry the others in its memory.
 */
async function addCommands(to: Command, name: string | undefined): Promise<void> {
  const loaders: Readonly<Record<string, () => Promise<(program: Command) => void>>> = {
    demo: async () => (await import("./commands/demo.ts")).addDemoCommand,
    serve: async () => (await import("./commands/serve.ts")).addServeCommand,
    read: async () => (await import("./commands/read.ts")).addReadCommand,
    watch: async () => (await import("./commands/watch.ts")).addWatchCommand,
    profile: async () => (await import("./commands/profile.ts")).addProfileCommand,
    events: async () => (await import("./commands/events.ts")).addEventsCommand,
    clock: async () => (await import("./commands/clock.ts")).addClockCommand,
    tariff: async () => (await import("./commands/tariff.ts")).addTariffCommand,
    statement: async () => (await import("./commands/statement.ts")).addStatementCommand,
    verify: async () => (await import("./commands/verify.ts")).addVerifyCommand,
    relay: async () => (await import("./commands/relay.ts")).addRelayCommand,
    dap: async () => (await import("./commands/dap.ts")).addDapCommand,
    "dap-status": async () => (await import("./commands/dap-status.ts")).addDapStatusCommand,
    info: async () => (await import("./commands/info.ts")).addInfoCommand,
    keys: async () => (await import("./commands/keys.ts")).addKeysCommand,
    group: async () => (await import("./commands/group.ts")).addGroupCommand,
    enrol: async () => (await import("./commands/enrol.ts")).addEnrolCommand,
    decode: async () => (await import("./commands/decode.ts")).addDecodeCommand,
    ic: async () => (await import("./commands/ic.ts")).addIcCommand,
    hil: async () => (await import("./commands/hil.ts")).addHilCommand,
    image: async () => (await import("./commands/image.ts")).addImageCommand,
    flash: async () => (await import("./commands/flash.ts")).addFlashCommand,
    slots: async () => (await import("./commands/slots.ts")).addSlotsCommand,
    ports: async () => (await import("./commands/ports.ts")).addPortsCommand,
    doctor: async () => (await import("./commands/doctor.ts")).addDoctorCommand,
  };
  const asked = name !== undefined && Object.hasOwn(loaders, name) ? loaders[name] : undefined;
  for (const load of asked === undefined ? Object.values(loaders) : [asked]) (await load())(to);
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
  // A suggestion comes on a line of its own.
  const sentence = error.message.replace(/^error: /, "").replaceAll("\n", " ");
  if (error.code !== "commander.help")
    process.stderr.write(`${printable(sentence)} (see 'meterbench --help')\n`);
  return EXIT.usage;
}

function explain(error: unknown): [ExitCode, string] {
  if (error instanceof CliFault) return [error.exitCode, error.message];
  if (error instanceof HeadEndError) return [headEndExit(error), error.message];
  if (error instanceof FlashError) return [FLASH_EXITS[error.kind], error.message];
  if (error instanceof LineError || error instanceof RegistryError || error instanceof NumberFileError)
    return [EXIT.usage, error.message];
  const fileTrouble = explainFile(error);
  if (fileTrouble !== undefined) return [EXIT.usage, fileTrouble];
  const what = error instanceof Error ? error.message : String(error);
  return [EXIT.unexpected, `Something unexpected went wrong (${what}): please report it.`];
}

/** A file or folder that could not be written, wherever it happened. */
function explainFile(error: unknown): string | undefined {
  const { code, path } = error as NodeJS.ErrnoException;
  if (code === undefined) return undefined;
  // Of a file that is open already Node does not say its path.
  if (path === undefined)
    return ["ENOSPC", "EDQUOT", "EFBIG"].includes(code)
      ? `A file cannot be written (${code}): make room on its disk.`
      : undefined;
  return `${path} cannot be written (${code}): check that its folder exists, is yours and has room.`;
}

function headEndExit({ kind }: HeadEndError): ExitCode {
  switch (kind) {
    case "timeout":
      return EXIT.noAnswer;
    case "identity":
      return EXIT.refused;
    case "answer":
      return EXIT.unexpected;
    case "not-there":
      return EXIT.usage;
  }
}
