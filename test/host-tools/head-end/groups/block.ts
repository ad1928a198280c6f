// A block of whole meters, its head-end with a registry of groups, and somebody between them who fans requests out.
import { join } from "node:path";
import { Backhaul, FAR_END } from "../../../../hal/emulated/backhaul.ts";
import { SeededRandom } from "../../../../hal/emulated/seeded-random.ts";
import type { MemoryStorage } from "../../../../hal/storage/memory-storage.ts";
import { HeadEnd } from "../../../../host-tools/head-end/client.ts";
import { followRegistry } from "../../../../host-tools/head-end/follow-registry.ts";
import { GroupAsks } from "../../../../host-tools/head-end/groups/group-asks.ts";
import { GroupManager } from "../../../../host-tools/head-end/groups/group-manager.ts";
import {
  type Distribution,
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
import { type StreetOptions, street } from "../../../support/street.ts";

export interface BlockOptions {
  readonly meters: number;
  readonly storage?: (meter: string) => MemoryStorage;
  readonly configurations?: StreetOptions["configurations"];
  readonly between?: HandFanOutOptions["between"];
  readonly reaches?: HandFanOutOptions["reaches"];
}

/** Meters M1 to MN; `restartHeadEnd` leaves of the head-end what is in its files. */
export function block({ meters, storage, configurations, between, reaches }: BlockOptions) {
  const folder = emptyFolder();
  const refused: [meter: string, reason: string][] = [];
  const sessions: string[] = [];
  const world = street({
    ...{ meters, seed: 6, traits: { roundTripMs: 20 }, ...(storage && { storage }) },
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
  const north = new Backhaul(clock, { roundTripMs: 20 });
  const dap = new HandFanOut({
    ...{ north: north.farEnd, south: world.farEnd, groups: { B7: stations } },
    ...(between && { between }),
    ...(reaches && { reaches }),
  });
  let starts = 0;
  const start = () => {
    const link = north.station(`H${++starts}`);
    const own = { ...headEndParts, ...followRegistry(registry), epochs: registry };
    const headEnd = new HeadEnd({ ...own, link, random: random.fork(`head-end ${starts}`) });
    const at = (host: string) => ({ station: FAR_END, host, name: "udp:dap:5700", timeoutMs: 8000 });
    const placeOf = (id: string): LinePlace => ({ headEnd, target: { ...at(id), expect: id } });
    const allOf = (name: string): LinePlace => ({ headEnd, target: at(name) });
    const { crypto, identity } = headEndParts;
    const credentialOf = (id: string) => registry.find(id)?.credential;
    const asks = new GroupAsks({ crypto, identity, groups, credentialOf }, clock);
    const manager = new GroupManager({
      ...{ groups, registry, crypto, identity, utcMs, placeOf },
      prove: (group, id) => asks.prove(placeOf(id), group, id),
    });
    return { headEnd, asks, manager, placeOf, allOf, station: `H${starts}` };
  };
  let program = start();
  return {
    ...{ clock, stations, registry, groups, dap, refused, sessions, street: world },
    get program() {
      return program;
    },
    restartHeadEnd() {
      program.headEnd.close();
      program = start();
    },
    create: (...ids: string[]) =>
      settle(clock, program.manager.create({ name: "B7", rule: "configuration" }, ids)),
    manage: <Result>(work: (manager: GroupManager) => Promise<Result>) =>
      settle(clock, work(program.manager)),
    async read<Body>(
      distribute: Distribution = "fan-out",
      question: BodyQuestion<Body> = registersQuestion([]) as unknown as BodyQuestion<Body>,
      name = "B7",
      answers: GroupReadPlan["answers"] = "forward",
    ) {
      const reports: MemberReport<Body>[] = [];
      const plan = { distribute, answers, collectMs: 30_000 } as const;
      const parts = { ...program, groups };
      const traffic = await settle(
        clock,
        readGroup(parts, name, question, plan, (report) => reports.push(report)),
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
