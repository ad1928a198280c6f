// From a group on the command line to the lines that its members are on, and what asks there.
import { dirname, join } from "node:path";
import type { Command } from "commander";
import type { Identity } from "../../firmware/identity/identity.ts";
import type { Credential } from "../../firmware/protocol/cose/credential.ts";
import { systemClock } from "../../hal/node/system-clock.ts";
import { systemRandom } from "../../hal/node/system-random.ts";
import type { DapStatus } from "../dap/operator/status.ts";
import type { Target } from "../head-end/client.ts";
import { HeadEndError } from "../head-end/errors.ts";
import { GroupAsks } from "../head-end/groups/group-asks.ts";
import { GroupManager } from "../head-end/groups/group-manager.ts";
import type { GroupReaderParts, LinePlace } from "../head-end/groups/group-reader.ts";
import { GroupRegistry } from "../head-end/groups/group-registry.ts";
import type { Registry } from "../head-end/registry.ts";
import { isServed } from "../head-end/registry-file.ts";
import { type CaptureOptions, withCapture } from "./capture.ts";
import {
  type CommonOptions,
  engineOf,
  homeOf,
  numberOption,
  registryOf,
  withCommonOptions,
  withRegistry,
} from "./common.ts";
import { knownDaps, readDap } from "./dap-session.ts";
import { CliFault, EXIT, usageFault } from "./fault.ts";
import { readIdentity } from "./home.ts";
import { withHeadEnd } from "./target.ts";

export type GroupFileOptions = CommonOptions & { readonly registry?: string };

export type GroupOptions = GroupFileOptions &
  CaptureOptions & {
    readonly keys?: string;
    readonly via?: string;
    readonly dap?: string;
    readonly timeout?: number;
  };

/** For a member that is asked by itself through a DAP: with the time that all have together, a read ends within a minute. */
const TIMEOUT_THROUGH_SECONDS = 15;

/** What a command on a group works with. */
export type GroupSession = GroupReaderParts;

/** The options of commands that only look into files. */
export function withGroupFileOptions(command: Command): Command {
  return withRegistry(withCommonOptions(command));
}

/** The options of commands that ask members of a group. */
export function withGroupOptions(command: Command): Command {
  return withCapture(withGroupFileOptions(command))
    .option(
      "--via <dap>",
      "the address of the data aggregation point that knows the members (default: their last)",
    )
    .option("--dap <file>", "the DAP's credential file (default: those of this folder's DAPs)")
    .option("--keys <file>", "the head-end's key file (default: a development key in --home)")
    .option("--timeout <seconds>", "how long to wait for each member's own answer", numberOption(0.1, 3600));
}

/** The groups that are kept beside the allow list. */
export function groupsOf(options: GroupFileOptions): GroupRegistry {
  const path = join(dirname(registryOf(options).path), "groups.json");
  return new GroupRegistry(path, systemRandom, () => Date.now());
}

/** Opens the ways to these meters, lets `work` ask there, and closes them whatever happens. */
export async function withGroup<Result>(
  options: GroupOptions,
  ids: readonly string[],
  work: (session: GroupSession) => Promise<Result>,
): Promise<Result> {
  const registry = registryOf(options);
  const groups = groupsOf(options);
  const identity = identityOf(options);
  const crypto = await engineOf(options);
  const credentialOf = (id: string): Credential | undefined => servedCredential(registry, id);
  const asks = new GroupAsks({ crypto, identity, groups, credentialOf }, systemClock);
  return withWays(options, registry, ids, async (ways) => {
    const { placeOf } = ways;
    const prove: ConstructorParameters<typeof GroupManager>[0]["prove"] = (group, id) =>
      asks.prove(placeOf(id), group, id);
    const utcMs = (): number => Date.now();
    const manager = new GroupManager({ groups, registry, crypto, identity, utcMs, placeOf, prove });
    return work({ groups, manager, asks, ...ways });
  });
}

type Ways = Pick<GroupSession, "placeOf" | "allOf" | "dapStatus">;

/** A line that cannot be opened has nobody on it; the others are asked all the same. */
async function withWays<Result>(
  options: GroupOptions,
  registry: Registry,
  ids: readonly string[],
  work: (ways: Ways) => Promise<Result>,
): Promise<Result> {
  const via = options.via ?? commonDap(registry, ids);
  if (via !== undefined) {
    const patient = { ...options, timeout: options.timeout ?? TIMEOUT_THROUGH_SECONDS };
    const daps = knownDaps(options);
    return withHeadEnd(via, patient, (headEnd, target) => {
      const dapStatus = async (): Promise<DapStatus> => (await readDap(headEnd, target, daps)).body;
      return work({
        ...waysThrough({ headEnd, target }),
        ...(daps.length > 0 && !via.startsWith("routes:") && { dapStatus }),
      });
    });
  }
  const lineOf = new Map(ids.map((id) => [id, knownLine(registry, id)]));
  const firsts = ids.filter((id, i) => ids.findIndex((other) => lineOf.get(other) === lineOf.get(id)) === i);
  const known = firsts.filter((id) => lineOf.get(id) !== undefined);
  return withLines(options, known, new Map(), (lines) => {
    const placeOf = (id: string): LinePlace => {
      const first = known.find((other) => lineOf.get(other) === lineOf.get(id));
      const line = first === undefined ? undefined : lines.get(first);
      if (line === undefined) throw noWay(id);
      if (line instanceof CliFault) throw new HeadEndError("timeout", line.message);
      return memberOn(line, id);
    };
    return work({ placeOf, allOf: () => undefined });
  });
}

/** The DAP that all were reached through last, if that is one. */
function commonDap(registry: Registry, ids: readonly string[]): string | undefined {
  const served = ids.filter((id) => servedCredential(registry, id) !== undefined);
  const [via, ...others] = new Set(served.map((id) => registry.find(id)?.via));
  return others.length === 0 ? via : undefined;
}

/** By what line a meter was reached last; undefined for who is not served. */
function knownLine(registry: Registry, id: string): string | undefined {
  if (servedCredential(registry, id) === undefined) return undefined;
  const enrolment = registry.find(id);
  return enrolment?.via ?? enrolment?.address;
}

/** Where the first member of a line is known by its id, all are. */
function memberOn({ headEnd, target }: LinePlace, id: string): LinePlace {
  return { headEnd, target: { ...target, expect: id, ...(target.host !== undefined && { host: id }) } };
}

function waysThrough({ headEnd, target }: LinePlace): Ways {
  const at = (host: string): Target => ({ ...target, host });
  return {
    placeOf: (id) => ({ headEnd, target: { ...at(id), expect: id } }),
    allOf: (name) => ({ headEnd, target: at(name) }),
  };
}

/**
 * Opens the lines that these meters are the first ones of, one inside the other: each is closed as what it was opened for
 * has ended.
 */
async function withLines<Result>(
  options: GroupOptions,
  [first, ...rest]: readonly string[],
  lines: Map<string, LinePlace | CliFault>,
  work: (lines: ReadonlyMap<string, LinePlace | CliFault>) => Promise<Result>,
): Promise<Result> {
  if (first === undefined) return work(lines);
  try {
    return await withHeadEnd(`meter:${first}`, options, (headEnd, target) => {
      lines.set(first, { headEnd, target });
      return withLines(options, rest, lines, work);
    });
  } catch (error) {
    if (lines.has(first) || !(error instanceof CliFault) || error.exitCode !== EXIT.noAnswer) throw error;
    lines.set(first, error);
    return withLines(options, rest, lines, work);
  }
}

function noWay(id: string): HeadEndError {
  return new HeadEndError(
    "not-there",
    `The registry knows no way to meter ${id}: read it once by its address, or give the DAP that it is behind with --via.`,
  );
}

/** Whether such a key may be used is for whoever opens the line to say. */
function identityOf(options: GroupOptions): Identity {
  return options.keys === undefined ? homeOf(options).headEnd() : readIdentity(options.keys, "head-end");
}

function servedCredential(registry: Registry, id: string): Credential | undefined {
  const { enrolments, issuers } = registry.content();
  const enrolment = enrolments.find((one) => one.id === id);
  return enrolment !== undefined && isServed(enrolment, issuers) ? enrolment.credential : undefined;
}

/** The members of a group; one that is not there is a usage fault. */
export function membersOf(groups: GroupRegistry, name: string): readonly string[] {
  const group = groups.find(name);
  if (group === undefined) throw usageFault(`There is no group ${name}: see 'meterbench group list'.`);
  return group.members.map(({ id }) => id);
}
