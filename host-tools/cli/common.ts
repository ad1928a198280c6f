// What commands share: the options that many take, and how they are read.
import { join } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { isValidId } from "../../firmware/identity/identity.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import { Registry } from "../head-end/registry.ts";
import { Home } from "./home.ts";

/** Noble is some megabytes and a tenth of a command's start: only who asks for it has it. */
const ENGINES = {
  noble: async () => (await import("../../hal/crypto/noble.ts")).nobleEngine,
  openssl: async () => opensslEngine,
} as const;

type EngineName = keyof typeof ENGINES;

export interface CommonOptions {
  readonly home: string;
  readonly json?: boolean;
  readonly crypto: EngineName;
}

/** `--json`, `--home` and `--crypto`, which most commands take. */
export function withCommonOptions(command: Command, engine: EngineName = "openssl"): Command {
  return withEngine(withJson(command), engine).option(
    "--home <dir>",
    "folder of keys, enrolment and state",
    pathOption,
    ".meterbench",
  );
}

export function withEngine(command: Command, engine: EngineName = "openssl"): Command {
  return command.addOption(
    new Option("--crypto <engine>", "crypto engine").choices(Object.keys(ENGINES)).default(engine),
  );
}

export function withJson(command: Command): Command {
  return command.option("--json", "print one JSON document, for machines");
}

export function engineOf(options: Pick<CommonOptions, "crypto">): Promise<CryptoEngine> {
  return ENGINES[options.crypto]();
}

export function homeOf(options: Pick<CommonOptions, "home">): Home {
  return new Home(options.home);
}

/** Parses a number option: within [least, most], whole where `whole` is set. */
export function numberOption(least: number, most: number, whole = false): (text: string) => number {
  return (text) => {
    const value = Number(text);
    const isRight =
      text.trim() !== "" && value >= least && value <= most && (!whole || Number.isInteger(value));
    if (!isRight)
      throw new InvalidArgumentError(
        `It is ${whole ? "a whole number" : "a number"} from ${least} to ${most}.`,
      );
    return value;
  };
}

/** A path; the empty one would be the present folder by accident. */
export function pathOption(text: string): string {
  if (text === "") throw new InvalidArgumentError("It is a path, and not an empty one.");
  return text;
}

export function idOption(text: string): string {
  if (!isValidId(text)) {
    throw new InvalidArgumentError(
      "It is 1 to 32 letters, digits, dots, dashes or underscores, the first a letter or digit.",
    );
  }
  return text;
}

/** `--registry`, for the commands of the head-end. */
export function withRegistry(command: Command): Command {
  return command.option("--registry <dir>", "folder of the allow list (default: the one of --home)");
}

export function registryOf(options: CommonOptions & { readonly registry?: string }): Registry {
  return options.registry === undefined
    ? homeOf(options).registry
    : new Registry(join(options.registry, "registry.json"));
}
