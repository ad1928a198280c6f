// From a TARGET on the command line to a head-end that talks to it.
import type { Command } from "commander";
import type { Identity } from "../../firmware/identity/identity.ts";
import { refusalOf, type TrustProfile } from "../../firmware/identity/trust.ts";
import type { Credential } from "../../firmware/protocol/cose/credential.ts";
import { type Address, formatAddress, isModem, openLink } from "../../hal/node/address.ts";
import { LineError } from "../../hal/node/line-error.ts";
import { systemClock } from "../../hal/node/system-clock.ts";
import { systemRandom } from "../../hal/node/system-random.ts";
import { TOLERANCE_SECONDS_MAX } from "../head-end/asking.ts";
import { HeadEnd, type Target } from "../head-end/client.ts";
import { HeadEndError, RegistryError } from "../head-end/errors.ts";
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
import { knownDaps, readDap } from "./dap-session.ts";
import { refuseFarDevelopment } from "./development.ts";
import { CliFault, EXIT, usageFault } from "./fault.ts";
import { readIdentity } from "./home.ts";
import { airStation } from "./places.ts";
import { holdPreset } from "./preset.ts";
import { addressesIn, openRoutes, routesIn } from "./routes.ts";
import {
  formatPlace,
  nameOfRoute,
  type Place,
  type Route,
  type RouteOptions,
  routeTo,
  wayBy,
} from "./ways.ts";

export type TargetOptions = CommonOptions &
  CaptureOptions &
  RouteOptions & {
    readonly keys?: string;
    readonly registry?: string;
    readonly timeout?: number;
    readonly delayTolerance?: number;
    readonly oscoreContext?: string;
    readonly dap?: string;
    /** What is to be done through a DAP needs its operator: a group, or a request that is kept. */
    readonly asOperator?: boolean;
  };

/** A meter on a line of its own, and one that a DAP has to ask in its turn. */
const TIMEOUT_SECONDS = 8;
const TIMEOUT_THROUGH_SECONDS = 30;

/** The options of every command that asks a meter. */
export function withTargetOptions(command: Command): Command {
  return withCapture(withRegistry(withCommonOptions(command)))
    .option("--meter <id>", "take an answer from this meter only", idOption)
    .option(
      "--via <dap>",
      "ask meter:ID through the DAP at this address, or by one of this program's own (routes:FILE)",
    )
    .option(
      "--dap <file>",
      "the DAP's credential file, where it is to know its operator (see 'meterbench dap --help')",
    )
    .option("--keys <file>", "the head-end's key file (default: a development key in --home)")
    .option("--oscore-context <file>", "ask by this context, without EDHOC; development only")
    .option(
      "--timeout <seconds>",
      `how long to wait for each answer (default: ${TIMEOUT_SECONDS}, and ${TIMEOUT_THROUGH_SECONDS} through a DAP)`,
      numberOption(0.1, 3600),
    );
}

/** The option of commands that only read: an answer may be of use though it comes late. */
export function withTolerance(command: Command): Command {
  return command.option(
    "--delay-tolerance <seconds>",
    "how late an answer may be: until then the meter is asked again and again",
    numberOption(1, TOLERANCE_SECONDS_MAX, true),
  );
}

/** Opens the way to TARGET, lets `work` ask there, and closes it whatever happens. */
export async function withHeadEnd<Result>(
  targetText: string,
  options: TargetOptions,
  work: (headEnd: HeadEnd, target: Target) => Promise<Result>,
): Promise<Result> {
  const registry = registryOf(options);
  const route = routeTo(targetText, options, registry);
  const { address, expect } = route;
  if (address.kind !== "routes") refuseNobody(address);
  const host = route.host ?? hostOnLine(route);
  const { identity, profile } = headEndIdentity(options, address);
  const crypto = await engineOf(options);
  const isWanted = (credential: Credential): boolean => refusalOf(profile, credential) === undefined;
  const daps = knownDaps(options);
  const checks = { crypto, utcMs: () => systemClock.utcMs() };
  const { refusal, ...following } = followRegistry(registry, isWanted, checks, daps);
  checkExpected(expect, registry, profile);
  const held =
    options.oscoreContext === undefined ? undefined : await holdPreset(options.oscoreContext, "preset");
  const sessions = held === undefined ? sessionsOf(options, identity, address) : undefined;
  const watch = new LineWatch(options);
  const { link: line, peer } = await reach(address);
  if (peer === undefined) throw new Error("a reached link has a peer");
  const isOnLine = line.traits.addressing === "uri-host";
  const link = watch.link(line, formatPlace(address), "head-end");
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
    onProved: (peer, name) => {
      if (!daps.includes(peer)) registry.proved(peer, wayBy(route, isOnLine ? undefined : name));
    },
  });
  try {
    const target = {
      station: peer,
      name: nameOfRoute(route),
      timeoutMs: 1000 * timeoutSeconds(options, route),
      ...(host !== undefined && { host }),
      ...(options.delayTolerance !== undefined && { toleranceSeconds: options.delayTolerance }),
      ...(expect !== undefined && { expect }),
    };
    const isOperator = address.kind === "routes" || (await provesToDap(headEnd, target, daps, options));
    const result = await work(headEnd, { ...target, isOperator });
    noteWay(registry, route);
    return result;
  } catch (error) {
    throw askedTheDap(error, route, daps) ?? explained(error, nameOfRoute(route), refusal());
  } finally {
    headEnd.close();
    link.close();
    watch.close();
    held?.release();
    sessions?.release();
  }
}

/** A DAP keeps requests for its operator alone; any other is asked again and again, and need not know why. */
async function provesToDap(
  headEnd: HeadEnd,
  target: Target,
  daps: readonly Credential[],
  { asOperator, dap }: TargetOptions,
): Promise<boolean> {
  const wantsKept = target.toleranceSeconds !== undefined && target.host !== undefined && daps.length > 0;
  if (!asOperator && !wantsKept) return false;
  try {
    await readDap(headEnd, target, daps);
    return true;
  } catch (error) {
    if (asOperator || dap !== undefined || !(error instanceof HeadEndError)) throw error;
    return false;
  }
}

/** What was read is told though it cannot be noted how: the next command then asks by the way of before. */
function noteWay(registry: Registry, route: Route): void {
  try {
    if (route.expect !== undefined) registry.reached(route.expect, wayBy(route, route.host));
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
  }
}

/** A DAP has registers as little as a meter has routes. */
function askedTheDap(error: unknown, { address }: Route, daps: readonly Credential[]): Error | undefined {
  const id = error instanceof HeadEndError && error.kind === "not-there" ? error.peer?.id : undefined;
  if (!daps.some((dap) => dap.id === id)) return undefined;
  const at = formatPlace(address);
  return usageFault(`${id} at ${at} is a DAP and no meter: name a meter, as in meter:ID --via ${at}.`);
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
function sessionsOf(options: TargetOptions, identity: Identity, address: Place): HeldSessions | undefined {
  const line = formatPlace(address, "absolute");
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
async function reach(address: Place): ReturnType<typeof openLink> {
  if (address.kind === "routes") return openRoutes(address.path);
  try {
    return await openLink(address, "reach");
  } catch (error) {
    const { kind } = isModem(address) ? address.line : address;
    if (kind === "pty" && error instanceof LineError) throw new CliFault(EXIT.noAnswer, error.message);
    throw error;
  }
}

function timeoutSeconds({ timeout }: TargetOptions, { host }: Route): number {
  return timeout ?? (host === undefined ? TIMEOUT_SECONDS : TIMEOUT_THROUGH_SECONDS);
}

/** Where all meters of a line hear what is asked, the one that is meant answers to its id. */
function hostOnLine({ address, expect }: Route): string | undefined {
  if (address.kind !== "rs485") return undefined;
  if (expect === undefined)
    throw usageFault(
      `All meters at ${formatAddress(address)} hear what is asked there: name the one that is meant with --meter.`,
    );
  return expect;
}

/** With a key file the production profile holds; without one, this folder's development head-end asks. */
function headEndIdentity(
  options: TargetOptions,
  address: Place,
): { identity: Identity; profile: TrustProfile } {
  if (options.keys === undefined) {
    const addresses = address.kind === "routes" ? addressesIn(routesIn(address.path)) : [address];
    for (const each of addresses) refuseFarDevelopment(each, "A development key");
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
