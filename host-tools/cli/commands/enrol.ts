// `enrol`, `enrol list`, `enrol revoke`, `enrol accept`: the head-end's allow list.
import type { Command } from "commander";
import type { Role } from "../../../firmware/identity/identity.ts";
import { refusalOf } from "../../../firmware/identity/trust.ts";
import { toHex } from "../../../firmware/protocol/bytes.ts";
import { type Credential, credentialHash } from "../../../firmware/protocol/cose/credential.ts";
import { isIssued } from "../../../firmware/protocol/cose/cwt.ts";
import type { CryptoEngine } from "../../../hal/ports/crypto.ts";
import { type Enrolment, issuerOf } from "../../head-end/registry-file.ts";
import { endSessions } from "../../head-end/session-folder.ts";
import {
  type CommonOptions,
  engineOf,
  homeOf,
  pathOption,
  registryOf,
  withCommonOptions,
  withRegistry,
} from "../common.ts";
import { CliFault, EXIT, usageFault } from "../fault.ts";
import { readCredential } from "../home.ts";
import { printable, say, sayJson, table, utcText } from "../output.ts";

type Options = CommonOptions & { readonly registry?: string };

export function addEnrolCommand(program: Command): void {
  const enrol = withRegistry(withCommonOptions(program.command("enrol [meter-credential]")))
    .description("take a meter into the head-end's allow list; it is pending until it has proved its key")
    .option("--issuer <credential>", "take in each meter whose credential this issuer has signed", pathOption)
    .addHelpText(
      "after",
      "\nExamples: meterbench enrol M1.credential.json\n          meterbench enrol --issuer utility-ca.credential.json",
    )
    .action((file: string | undefined, options: Options & { issuer?: string }) => {
      if (options.issuer !== undefined && file === undefined) return addIssuer(options.issuer, options);
      if (file === undefined || options.issuer !== undefined)
        throw usageFault(
          "One credential file is needed: run 'meterbench enrol FILE', 'enrol --issuer FILE' or 'enrol list'.",
        );
      add(file, options);
    });
  withRegistry(withCommonOptions(enrol.command("list")))
    .description("list enrolled meters, and the issuers whose meters are taken in by themselves")
    .addHelpText("after", "\nExample: meterbench enrol list")
    .action((_: Options, command: Command) => list(command.optsWithGlobals()));
  withRegistry(withCommonOptions(enrol.command("revoke <id>")))
    .description("take a meter off the allow list: no new session is begun with it")
    .addHelpText("after", "\nExample: meterbench enrol revoke M1")
    .action((id: string, _: Options, command: Command) => revoke(id, command.optsWithGlobals()));
  withRegistry(withCommonOptions(enrol.command("revoke-issuer <id>")))
    .description("take an issuer off: the meters that came by it are asked no more")
    .addHelpText("after", "\nExample: meterbench enrol revoke-issuer utility-ca")
    .action((id: string, _: Options, command: Command) => revokeIssuer(id, command.optsWithGlobals()));
  withRegistry(withCommonOptions(enrol.command("accept <id>")))
    .description("take a meter whose storage was put back, emptied or replaced as it is now")
    .addHelpText("after", "\nExample: meterbench enrol accept M1")
    .action((id: string, _: Options, command: Command) => accept(id, command.optsWithGlobals()));
}

/** A development meter comes in by the first `serve` of a folder, never by hand: by hand is production. */
function readReal(file: string, role: Role): Credential {
  const credential = readCredential(file, role);
  const refusal = refusalOf("production", credential);
  if (refusal === undefined) return credential;
  throw new CliFault(
    EXIT.refused,
    `The credential of ${credential.id} ${refusal}: make a real key with 'meterbench keys new'.`,
  );
}

function addIssuer(file: string, options: Options): void {
  const issuer = readReal(file, "issuer");
  const { id, signingKey } = issuer;
  if (signingKey === undefined)
    throw usageFault(`The credential of ${id} has no key that signs: name an issuer's.`);
  const outcome = registryOf(options).addIssuer(issuer);
  if (outcome === "other-key")
    throw new CliFault(
      EXIT.refused,
      `${id} is trusted with another key: run 'meterbench enrol revoke-issuer ${id}' first if the change is meant.`,
    );
  if (options.json) return sayJson({ issuer: id, outcome });
  say(
    outcome === "added"
      ? `Each meter is taken in that ${id} has signed, once it has proved its key.`
      : `${id} was trusted already.`,
  );
}

function revokeIssuer(id: string, options: Options): void {
  if (!registryOf(options).removeIssuer(id))
    throw usageFault(`No issuer ${id} is trusted: see 'meterbench enrol list'.`);
  if (options.json) sayJson({ issuer: id, outcome: "revoked" });
  else say(`Trusts ${id} no more: the meters that came by it are asked no more.`);
}

function add(file: string, options: Options): void {
  const credential = readReal(file, "meter");
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

function rowOf(crypto: CryptoEngine, enrolment: Enrolment) {
  const { id, credential, state, address, via, epoch, next, isForgetful } = enrolment;
  const issuer = issuerOf(enrolment);
  return {
    id,
    state,
    forgetful: isForgetful ?? false,
    ...(epoch !== undefined && { starts: epoch.count }),
    development: credential.development,
    ...(issuer !== undefined && { issuer }),
    ...(isIssued(credential) && { expires: utcText(credential.expiresAtSeconds) }),
    credentialHash: toHex(credentialHash(crypto, credential)),
    // Of a rotation that was begun and not completed.
    ...(next !== undefined && { nextCredentialHash: toHex(credentialHash(crypto, next)) }),
    ...(address !== undefined && { address }),
    ...(via !== undefined && { via }),
  };
}

async function list(options: Options): Promise<void> {
  const crypto = await engineOf(options);
  const { enrolments, issuers: trusted } = registryOf(options).content();
  const issuers = trusted.map((issuer) => ({
    id: issuer.id,
    credentialHash: toHex(credentialHash(crypto, issuer)),
  }));
  const rows = enrolments.map((enrolment) => rowOf(crypto, enrolment));
  if (options.json) return sayJson({ meters: rows, issuers });
  for (const { id, credentialHash: hash } of issuers)
    say(`Issuer ${id}, credential hash ${hash.slice(0, 16)}`);
  if (rows.length === 0) return say("No meters are enrolled.");
  const cells = rows.map(
    ({
      id,
      state,
      forgetful,
      development,
      issuer,
      credentialHash: hash,
      nextCredentialHash,
      address,
      via,
    }) => [
      id,
      [state, ...(forgetful ? ["forgetful"] : []), ...(nextCredentialHash ? ["key rotating"] : [])].join(
        ", ",
      ),
      development ? "development" : issuer === undefined ? "" : byText(issuer, issuers),
      hash.slice(0, 16),
      via === undefined ? (address ?? "") : `through ${via}`,
    ],
  );
  for (const line of table([["id", "state", "", "credential hash", "last reached at"], ...cells])) say(line);
}

function byText(issuer: string, trusted: readonly { readonly id: string }[]): string {
  const isTrusted = trusted.some(({ id }) => id === issuer);
  return `by ${printable(issuer)}${isTrusted ? "" : ", trusted no more"}`;
}

async function revoke(id: string, options: Options): Promise<void> {
  const registry = registryOf(options);
  const known = registry.find(id);
  if (known === undefined || !registry.revoke(id))
    throw usageFault(
      `No meter ${id} is enrolled: see 'meterbench enrol list'; one that has yet to come by its issuer is enrolled by its credential first.`,
    );
  const crypto = await engineOf(options);
  for (const credential of [known.credential, ...(known.next ? [known.next] : [])])
    endSessions(homeOf(options).sessions, credentialHash(crypto, credential));
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
