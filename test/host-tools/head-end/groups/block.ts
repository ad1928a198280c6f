// A block of whole meters, its head-end with a registry of groups, and somebody between them who fans requests out.
import { join } from "node:path";
import { TrustList } from "../../../../firmware/identity/trust.ts";
import type { RegisterReading } from "../../../../firmware/protocol/readings/register-reading.ts";
import { Backhaul, FAR_END } from "../../../../hal/emulated/backhaul.ts";
import { FaultyLink } from "../../../../hal/emulated/faulty-link.ts";
import { SeededRandom } from "../../../../hal/emulated/seeded-random.ts";
import type { Link, LinkTraits } from "../../../../hal/ports/link.ts";
import { MemoryStorage } from "../../../../hal/storage/memory-storage.ts";
import { readDap } from "../../../../host-tools/cli/dap-session.ts";
import { Dap } from "../../../../host-tools/dap/dap.ts";
import { Routes } from "../../../../host-tools/dap/forward/routes.ts";
import type { DapSettings } from "../../../../host-tools/dap/forward/settings.ts";
import type { DapStatus } from "../../../../host-tools/dap/operator/status.ts";
import { HeadEnd } from "../../../../host-tools/head-end/client.ts";
import { followRegistry } from "../../../../host-tools/head-end/follow-registry.ts";
import { GroupAsks } from "../../../../host-tools/head-end/groups/group-asks.ts";
import { GroupManager } from "../../../../host-tools/head-end/groups/group-manager.ts";
import {
  type GroupReadPlan,
  type LinePlace,
  readGroup,
} from "../../../../host-tools/head-end/groups/group-reader.ts";
import type { MemberReport } from "../../../../host-tools/head-end/groups/group-reading.ts";
import { GroupRegistry } from "../../../../host-tools/head-end/groups/group-registry.ts";
import { type BodyQuestion, registersQuestion } from "../../../../host-tools/head-end/questions.ts";
import { Registry } from "../../../../host-tools/head-end/registry.ts";
import { settle } from "../../../../host-tools/world/single-line.ts";
import { emptyFolder } from "../../../support/command.ts";
import { HandFanOut, type HandFanOutOptions } from "../../../support/hand-fan-out.ts";
import { identity } from "../../../support/secured-line.ts";
import { type StreetOptions, street } from "../../../support/street.ts";

export interface BlockOptions {
  readonly meters: number;
  /** Of the meters' line. */
  readonly traits?: Partial<LinkTraits>;
  /** Of the link between the head-end and whoever is between. */
  readonly north?: Partial<LinkTraits>;
  /** Of datagrams, on either side of whoever stands between. */
  readonly loss?: number;
  /** A real DAP stands there, which is set so; without it, somebody who fans out by hand. */
  readonly dap?: Partial<DapSettings>;
  /** Whom that has in the group B7; all where it is left out. */
  readonly among?: readonly string[];
  readonly storage?: (meter: string) => MemoryStorage;
  /** What stands in the place of the registry of groups, until the head-end's program starts anew. */
  readonly firstGroups?: (groups: GroupRegistry) => GroupRegistry;
  readonly configurations?: StreetOptions["configurations"];
  readonly between?: HandFanOutOptions["between"];
  readonly reaches?: HandFanOutOptions["reaches"];
}

interface ReadOptions<Body> extends Partial<GroupReadPlan> {
  readonly question?: BodyQuestion<Body>;
  readonly name?: string;
}

const DAP_IDENTITY = identity("dap", "DAP");
const DAP = DAP_IDENTITY.credential;
const SETTINGS: DapSettings = {
  thirdParty: false,
  distribute: "fan-out",
  return: "forward",
  holdSeconds: 300,
};

/** Meters M1 to MN; `restartHeadEnd` leaves of the head-end what is in its files. */
export function block(options: BlockOptions) {
  const { meters, traits, storage, configurations, loss = 0 } = options;
  const folder = emptyFolder();
  const refused: [meter: string, reason: string][] = [];
  const sessions: string[] = [];
  const world = street({
    ...{ meters, seed: 6, traits: { roundTripMs: 20, ...traits }, ...(storage && { storage }) },
    ...(configurations && { configurations }),
    onRefused: (meter, reason) => refused.push([meter, reason]),
    onSession: (meter) => sessions.push(meter),
  });
  const { clock, headEndParts, stations } = world;
  const utcMs = (): number => clock.utcMs() ?? 0;
  const registry = new Registry(join(folder.path, "registry.json"));
  registry.addAll(headEndParts.trust.credentials.map((credential) => ({ credential })));
  const random = new SeededRandom("block");
  const groups = new GroupRegistry(join(folder.path, "groups.json"), random.fork("groups"), utcMs);
  const north = new Backhaul(clock, { roundTripMs: 20, ...options.north });
  const lossy = (link: Link, name: string): Link =>
    loss === 0 ? link : new FaultyLink(link, clock, random.fork(name), { lose: loss });
  const south = lossy(world.farEnd, "south");
  const hand = options.dap === undefined ? handBetween(north.farEnd, south, stations, options) : undefined;
  const dap =
    options.dap === undefined ? undefined : dapBetween(world, lossy(north.farEnd, "north"), south, options);
  let starts = 0;
  const start = (groups: GroupRegistry) => {
    const link = lossy(north.station(`H${++starts}`), `H${starts}`);
    const own = {
      ...headEndParts,
      ...followRegistry(registry, () => true, undefined, [DAP]),
      epochs: registry,
    };
    const headEnd = new HeadEnd({ ...own, link, random: random.fork(`head-end ${starts}`) });
    const place = { station: FAR_END, name: "udp:dap:5700", timeoutMs: 8000 };
    const at = (host: string) => ({ ...place, host });
    const placeOf = (id: string): LinePlace => ({ headEnd, target: { ...at(id), expect: id } });
    const allOf = (name: string): LinePlace => ({ headEnd, target: at(name) });
    const { crypto, identity } = headEndParts;
    const credentialOf = (id: string) => registry.find(id)?.credential;
    const asks = new GroupAsks({ crypto, identity, groups, credentialOf }, clock);
    const manager = new GroupManager({
      ...{ groups, registry, crypto, identity, utcMs, placeOf },
      prove: (group, id) => asks.prove(placeOf(id), group, id),
    });
    const dapStatus = async (): Promise<DapStatus> => (await readDap(headEnd, place, [DAP])).body;
    return { groups, headEnd, asks, manager, placeOf, allOf, ...(dap && { dapStatus }) };
  };
  let program = start(options.firstGroups?.(groups) ?? groups);
  return {
    ...{ clock, stations, registry, groups, refused, sessions, street: world, through: dap },
    /** Where somebody fans out by hand. */
    get dap(): HandFanOut {
      if (hand === undefined) throw new Error("a real DAP stands there");
      return hand;
    },
    get program() {
      return program;
    },
    restartHeadEnd() {
      program.headEnd.close();
      program = start(groups);
    },
    create: (...ids: string[]) =>
      settle(clock, program.manager.create({ name: "B7", rule: "configuration" }, ids)),
    manage: <Result>(work: (manager: GroupManager) => Promise<Result>) =>
      settle(clock, work(program.manager)),
    async read<Body = RegisterReading>({ question, name = "B7", ...plan }: ReadOptions<Body> = {}) {
      const reports: MemberReport<Body>[] = [];
      const asked = question ?? (registersQuestion([]) as unknown as BodyQuestion<Body>);
      const usual = dap === undefined ? ({ distribute: "fan-out" } as const) : {};
      const traffic = await settle(
        clock,
        readGroup(program, name, asked, { collectMs: 30_000, ...usual, ...plan }, (report) =>
          reports.push(report),
        ),
      );
      const outcomes = Object.fromEntries(reports.map(({ meter, outcome }) => [meter, outcome]));
      return { reports, outcomes, traffic };
    },
    close() {
      program.headEnd.close();
      folder.remove();
    },
  };
}

function handBetween(
  north: Link,
  south: Link,
  stations: readonly string[],
  { between, reaches }: BlockOptions,
): HandFanOut {
  const handling = { ...(between && { between }), ...(reaches && { reaches }) };
  return new HandFanOut({ north, south, groups: { B7: stations }, ...handling });
}

function dapBetween(
  { clock, headEndParts, stations }: ReturnType<typeof street>,
  north: Link,
  south: Link,
  { dap: settings, among = stations }: BlockOptions,
): Dap {
  const { crypto } = headEndParts;
  const trust = new TrustList([headEndParts.identity.credential]);
  return new Dap({
    ...{ clock, random: new SeededRandom("dap"), north, lines: [south], names: ["south"] },
    routes: new Routes(
      stations.map((alias) => ({ alias, line: 0, station: alias })),
      { B7: among },
    ),
    settings: { ...SETTINGS, ...settings },
    parties: { crypto, identity: DAP_IDENTITY, trust },
    storage: new MemoryStorage(),
  });
}

/** What each meter keeps over a power cut. */
export function storages(): (meter: string) => MemoryStorage {
  const kept = new Map<string, MemoryStorage>();
  return (meter) => {
    const storage = kept.get(meter)?.afterCut({ bytes: "none", folder: "none" }) ?? new MemoryStorage();
    kept.set(meter, storage);
    return storage;
  };
}
