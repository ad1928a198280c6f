// From a TARGET on the command line to a head-end that talks to it.
import type { Command } from "commander";
import { type Identity, isValidId } from "../../firmware/identity/identity.ts";
import { refusalOf, type TrustProfile } from "../../firmware/identity/trust.ts";
import type { Credential } from "../../firmware/protocol/cose/credential.ts";
import { type Address, formatAddress, isModem, openLink, parseAddress } from "../../hal/node/address.ts";
import { LineError } from "../../hal/node/line-error.ts";
import { systemClock } from "../../hal/node/system-clock.ts";
import { systemRandom } from "../../hal/node/system-random.ts";
import { HeadEnd, type Target } from "../head-end/client.ts";
import { HeadEndError } from "../head-end/errors.ts";
import { followRegistry } from "../head-end/follow-registry.ts";
import type { Registry } from "../head-end/registry.ts";
import { isServed, issuerOf } from "../head-end/registry-file.ts";
import { type HeldSessions, holdSessions } from "../head-end/session-folder.ts";
import { type CaptureOptions, LineWatch, withCapture } from "./capture.ts";
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
import { absoluteAddress, refuseFarDevelopment } from "./development.ts";
import { CliFault, EXIT, usageFault } from "./fault.ts";
import { readIdentity } from "./home.ts";
import { airStation } from "./places.ts";
import { holdPreset } from "./preset.ts";

export type TargetOptions = CommonOptions &
  CaptureOptions & {
    readonly meter?: string;
    readonly keys?: string;
    readonly registry?: string;
    readonly timeout: number;
    readonly oscoreContext?: string;
  };

/** The options of every command that asks a meter. */
export function withTargetOptions(command: Command): Command {
  return withCapture(withRegistry(withCommonOptions(command)))
    .option("--meter <id>", "take an answer from this meter only", idOption)
    .option("--keys <file>", "the head-end's key file (default: a development key in --home)")
    .option("--oscore-context <file>", "ask by this context, without EDHOC; development only")
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
  const crypto = await engineOf(options);
  const isWanted = (credential: Credential): boolean => refusalOf(profile, credential) === undefined;
  const { refusal, ...following } = followRegistry(registry, isWanted, {
    crypto,
    utcMs: () => systemClock.utcMs(),
  });
  checkExpected(expect, registry, profile);
  const held =
    options.oscoreContext === undefined ? undefined : await holdPreset(options.oscoreContext, "preset");
  const sessions = held === undefined ? sessionsOf(options, identity, address) : undefined;
  const watch = new LineWatch(options);
  refuseNobody(address);
  const { link: line, peer } = await reach(address);
  if (peer === undefined) throw new Error("a reached link has a peer");
  const link = watch.link(line, formatAddress(address), "head-end");
  const headEnd = new HeadEnd({
    link,
    clock: systemClock,
    crypto,
    random: systemRandom,
    identity,
    ...following,
    ...(held !== undefined && { preset: held.preset }),
    keeping: sessions,
    epochs: registry,
    onProved: (meter) => registry.proved(meter, formatAddress(absoluteAddress(address))),
  });
  try {
    return await work(headEnd, {
      station: peer,
      name: formatAddress(address),
      timeoutMs: options.timeout * 1000,
      ...(expect !== undefined && { expect }),
    });
  } catch (error) {
    throw explained(error, formatAddress(address), refusal());
  } finally {
    headEnd.close();
    link.close();
    watch.close();
    held?.release();
    sessions?.release();
  }
}

/** Where a signed credential was shown and not taken, that is why nobody was proved. */
function explained(error: unknown, name: string, refusal: string | undefined): unknown {
  if (!(error instanceof HeadEndError) || error.kind !== "identity" || refusal === undefined) return error;
  return new HeadEndError(
    "identity",
    `The credential that was shown at ${name} ${refusal}: look at 'meterbench enrol list', or at that meter.`,
  );
}

/** A second command at once makes a session of its own. */
function sessionsOf(options: TargetOptions, identity: Identity, address: Address): HeldSessions | undefined {
  const line = formatAddress(absoluteAddress(address));
  return holdSessions({ folder: homeOf(options).sessions, identity, line });
}

/** By a radio there are many to reach. */
function refuseNobody(address: Address): void {
  if (address.kind !== "xbee" || address.station !== undefined) return;
  const at = formatAddress(address);
  throw usageFault(
    `The address ${at} does not say whom to reach: add the meter's station, as in ${at}${at.includes("?") ? "&" : "?"}station=${airStation(1)}.`,
  );
}

/** A PTY that is not there is a meter that is not there, like silence on any other line. */
async function reach(address: Address): ReturnType<typeof openLink> {
  try {
    return await openLink(address, "reach");
  } catch (error) {
    const { kind } = isModem(address) ? address.line : address;
    if (kind === "pty" && error instanceof LineError) throw new CliFault(EXIT.noAnswer, error.message);
    throw error;
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
  if (options.meter !== undefined && options.meter !== known) {
    throw usageFault(
      `The target is meter ${known} and --meter says ${options.meter}: leave one of them out.`,
    );
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
  if (options.oscoreContext !== undefined) {
    throw new CliFault(
      EXIT.refused,
      "--oscore-context proves nobody and is for development only: leave it out, or leave --keys out.",
    );
  }
  const identity = readIdentity(options.keys, "head-end");
  const refusal = refusalOf("production", identity.credential);
  if (refusal !== undefined)
    throw new CliFault(
      EXIT.refused,
      `The key in ${options.keys} ${refusal}: make a real key with 'meterbench keys new'.`,
    );
  return { identity, profile: "production" };
}

/** A pinned meter that can never prove itself is said at once, not after a handshake. */
function checkExpected(expect: string | undefined, registry: Registry, profile: TrustProfile): void {
  if (expect === undefined) return;
  const { enrolments, issuers } = registry.content();
  const enrolment = enrolments.find(({ id }) => id === expect);
  if (enrolment === undefined && issuers.length > 0) return;
  if (enrolment === undefined)
    throw new CliFault(
      EXIT.refused,
      `The meter ${expect} is not enrolled: run 'meterbench enrol CREDENTIAL-FILE' first.`,
    );
  if (enrolment.state === "revoked")
    throw new CliFault(EXIT.refused, `The meter ${expect} is revoked: enrol it anew if that is meant.`);
  if (!isServed(enrolment, issuers))
    throw new CliFault(
      EXIT.refused,
      `The meter ${expect} came by ${issuerOf(enrolment)}, which is no issuer of this registry any more: enrol the meter itself, or its issuer.`,
    );
  const refusal = refusalOf(profile, enrolment.credential);
  if (refusal !== undefined)
    throw new CliFault(EXIT.refused, `The credential of ${expect} ${refusal}: enrol its real one.`);
}
