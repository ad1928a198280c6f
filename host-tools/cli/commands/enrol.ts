// `enrol`, `enrol list`, `enrol revoke`, `enrol accept`: the head-end's allow list.
import type { Command } from "commander";
import { refusalOf } from "../../../firmware/identity/trust.ts";
import { toHex } from "../../../firmware/protocol/bytes.ts";
import { credentialHash } from "../../../firmware/protocol/cose/credential.ts";
import { endSessions } from "../../head-end/session-folder.ts";
import {
  type CommonOptions,
  engineOf,
  homeOf,
  registryOf,
  withCommonOptions,
  withRegistry,
} from "../common.ts";
import { CliFault, EXIT, usageFault } from "../fault.ts";
import { readCredential } from "../home.ts";
import { say, sayJson, table } from "../output.ts";

type Options = CommonOptions & { readonly registry?: string };

export function addEnrolCommand(program: Command): void {
  const enrol = withRegistry(withCommonOptions(program.command("enrol [meter-credential]")))
    .description("take a meter into the head-end's allow list; it is pending until it has proved its key")
    .addHelpText("after", "\nExample: meterbench enrol M1.credential.json")
    .action((file: string | undefined, options: Options) => {
      if (file === undefined)
        throw usageFault(
          "A credential file is missing: run 'meterbench enrol FILE' or 'meterbench enrol list'.",
        );
      add(file, options);
    });
  withRegistry(withCommonOptions(enrol.command("list")))
    .description("list enrolled meters")
    .addHelpText("after", "\nExample: meterbench enrol list")
    .action((_: Options, command: Command) => list(command.optsWithGlobals()));
  withRegistry(withCommonOptions(enrol.command("revoke <id>")))
    .description("take a meter off the allow list: no new session is begun with it")
    .addHelpText("after", "\nExample: meterbench enrol revoke M1")
    .action((id: string, _: Options, command: Command) => revoke(id, command.optsWithGlobals()));
  withRegistry(withCommonOptions(enrol.command("accept <id>")))
    .description("take a meter whose storage was put back, emptied or replaced as it is now")
    .addHelpText("after", "\nExample: meterbench enrol accept M1")
    .action((id: string, _: Options, command: Command) => accept(id, command.optsWithGlobals()));
}

function add(file: string, options: Options): void {
  const credential = readCredential(file, "meter");
  // A development meter comes in by the first `serve` of a folder, never by hand: by hand is production.
  const refusal = refusalOf("production", credential);
  if (refusal !== undefined)
    throw new CliFault(
      EXIT.refused,
      `The credential of ${credential.id} ${refusal}: make a real key with 'meterbench keys new'.`,
    );
  const outcome = registryOf(options).enrol(credential);
  if (outcome === "other-key") {
    throw new CliFault(
      EXIT.refused,
      `${credential.id} is enrolled with another key: run 'meterbench enrol revoke ${credential.id}' first if the change is meant.`,
    );
  }
  if (options.json) sayJson({ id: credential.id, outcome });
  else
    say(
      outcome === "added"
        ? `Enrolled ${credential.id}; pending until it has proved its key.`
        : `${credential.id} was enrolled already.`,
    );
}

async function list(options: Options): Promise<void> {
  const crypto = await engineOf(options);
  const rows = registryOf(options)
    .list()
    .map(({ id, credential, state, address, epoch, isForgetful = false }) => ({
      id,
      state,
      forgetful: isForgetful,
      ...(epoch !== undefined && { starts: epoch.count }),
      development: credential.development,
      credentialHash: toHex(credentialHash(crypto, credential)),
      ...(address !== undefined && { address }),
    }));
  if (options.json) return sayJson({ meters: rows });
  if (rows.length === 0) return say("No meters are enrolled.");
  const cells = rows.map(({ id, state, forgetful, development, credentialHash, address }) => [
    id,
    forgetful ? `${state}, forgetful` : state,
    development ? "development" : "",
    credentialHash.slice(0, 16),
    address ?? "",
  ]);
  for (const line of table([["id", "state", "", "credential hash", "last reached at"], ...cells])) say(line);
}

async function revoke(id: string, options: Options): Promise<void> {
  const registry = registryOf(options);
  const credential = registry.find(id)?.credential;
  if (credential === undefined || !registry.revoke(id)) throw notEnrolled(id);
  endSessions(homeOf(options).sessions, credentialHash(await engineOf(options), credential));
  if (options.json) sayJson({ id, outcome: "revoked" });
  else say(`Revoked ${id}.`);
}

function accept(id: string, options: Options): void {
  if (!registryOf(options).accept(id)) throw notEnrolled(id);
  if (options.json) sayJson({ id, outcome: "accepted" });
  else say(`Accepted ${id} as it is now.`);
}

function notEnrolled(id: string): CliFault {
  return usageFault(`No meter ${id} is enrolled: see 'meterbench enrol list'.`);
}
