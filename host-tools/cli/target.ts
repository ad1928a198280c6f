// From a TARGET on the command line to a head-end that talks to it.
import type { Command } from "commander";
import { type Identity, isValidId } from "../../firmware/identity/identity.ts";
import { refusalOf, TrustList, type TrustProfile } from "../../firmware/identity/trust.ts";
import { type Address, formatAddress, isLoopback, openLink, parseAddress } from "../../hal/node/address.ts";
import { systemClock } from "../../hal/node/system-clock.ts";
import { systemRandom } from "../../hal/node/system-random.ts";
import { HeadEnd, type Target } from "../head-end/client.ts";
import type { Registry } from "../head-end/registry.ts";
import {
  type CommonOptions,
  engineOf,
  homeOf,
  idOption,
  numberOption,
  registryOf,
  withCommonOptions,
  withRegistry,
} from "./common.ts";
import { CliFault, EXIT, usageFault } from "./fault.ts";
import { readIdentity } from "./home.ts";

export type TargetOptions = CommonOptions & {
  readonly meter?: string;
  readonly keys?: string;
  readonly registry?: string;
  readonly timeout: number;
};

/** The options of every command that asks a meter. */
export function withTargetOptions(command: Command): Command {
  return withRegistry(withCommonOptions(command))
    .option("--meter <id>", "take an answer from this meter only", idOption)
    .option("--keys <file>", "the head-end's key file (default: a development key in --home)")
    .option("--timeout <seconds>", "how long to wait for each answer", numberOption(0.1, 3600), 8);
}

/** Opens the way to TARGET, lets `work` ask there, and closes it whatever happens. */
export async function withHeadEnd<Result>(
  targetText: string,
  options: TargetOptions,
  work: (headEnd: HeadEnd, target: Target) => Promise<Result>,
): Promise<Result> {
  const registry = registryOf(options);
  const { address, expect } = resolveTarget(targetText, options, registry);
  const { identity, profile } = headEndIdentity(options, address);
  const meters = registry.credentials().filter((credential) => refusalOf(profile, credential) === undefined);
  checkExpected(expect, registry, profile);
  const { link, peer } = await openLink(address, "reach");
  if (peer === undefined) throw new Error("a reached link has a peer");
  const headEnd = new HeadEnd({
    link,
    clock: systemClock,
    crypto: engineOf(options),
    random: systemRandom,
    identity,
    trust: new TrustList(meters),
    onProved: (meter) => registry.proved(meter, formatAddress(address)),
  });
  try {
    return await work(headEnd, {
      station: peer,
      name: formatAddress(address),
      timeoutMs: options.timeout * 1000,
      ...(expect !== undefined && { expect }),
    });
  } finally {
    headEnd.close();
    link.close();
  }
}

function resolveTarget(
  text: string,
  options: TargetOptions,
  registry: Registry,
): { address: Address; expect?: string } {
  const known = /^meter:(.*)$/.exec(text)?.[1];
  if (known === undefined) {
    const address = parseAddress(text);
    if ("error" in address) throw usageFault(address.error);
    return { address, ...(options.meter !== undefined && { expect: options.meter }) };
  }
  const enrolment = isValidId(known) ? registry.find(known) : undefined;
  if (enrolment?.address === undefined) {
    throw usageFault(
      `The registry knows no way to meter ${known}: read it once by its address, as in 'meterbench read udp:HOST:PORT --meter ${known}'.`,
    );
  }
  const address = parseAddress(enrolment.address);
  if ("error" in address) throw usageFault(address.error);
  return { address, expect: known };
}

/** With a key file the production profile holds; without one, this folder's development head-end asks. */
function headEndIdentity(
  options: TargetOptions,
  address: Address,
): { identity: Identity; profile: TrustProfile } {
  if (options.keys === undefined) {
    refuseFarDevelopment(address, "A development key");
    return { identity: homeOf(options).headEnd(), profile: "development" };
  }
  const identity = readIdentity(engineOf(options), options.keys, "head-end");
  const refusal = refusalOf("production", identity.credential);
  if (refusal !== undefined)
    throw new CliFault(
      EXIT.refused,
      `The key in ${options.keys} ${refusal}: make a real key with 'meterbench keys new'.`,
    );
  return { identity, profile: "production" };
}

/** Development identities bind only what stays on this machine. */
export function refuseFarDevelopment(address: Address, subject: string): void {
  if (isLoopback(address)) return;
  throw new CliFault(
    EXIT.refused,
    `${subject} is for this machine only and ${formatAddress(address)} is not: give real keys with --keys (see 'meterbench keys --help').`,
  );
}

/** A pinned meter that can never prove itself is said at once, not after a handshake. */
function checkExpected(expect: string | undefined, registry: Registry, profile: TrustProfile): void {
  if (expect === undefined) return;
  const enrolment = registry.find(expect);
  if (enrolment === undefined)
    throw new CliFault(
      EXIT.refused,
      `The meter ${expect} is not enrolled: run 'meterbench enrol CREDENTIAL-FILE' first.`,
    );
  if (enrolment.state === "revoked")
    throw new CliFault(EXIT.refused, `The meter ${expect} is revoked: enrol it anew if that is meant.`);
  const refusal = refusalOf(profile, enrolment.credential);
  if (refusal !== undefined)
    throw new CliFault(EXIT.refused, `The credential of ${expect} ${refusal}: enrol its real one.`);
}
