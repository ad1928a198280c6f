// All meters of a block as one group of its head-end, which reaches them through the DAP.
import type { Credential } from "../../firmware/protocol/cose/credential.ts";
import type { DapStatus } from "../dap/operator/status.ts";
import { HeadEndError } from "../head-end/errors.ts";
import type { GroupRule } from "../head-end/groups/group.ts";
import { GroupAsks } from "../head-end/groups/group-asks.ts";
import { GroupManager } from "../head-end/groups/group-manager.ts";
import { type GroupReaderParts, type GroupReadPlan, readGroup } from "../head-end/groups/group-reader.ts";
import type { MemberReport } from "../head-end/groups/group-reading.ts";
import { GroupRegistry } from "../head-end/groups/group-registry.ts";
import type { BodyQuestion } from "../head-end/questions.ts";
import type { Enrolment } from "../head-end/registry-file.ts";
import { BLOCK_GROUP, type Block } from "./block.ts";
import { settle } from "./single-line.ts";

/** How long each member is waited for, where one at a time is asked. */
const MEMBER_TIMEOUT_MS = 30_000;

export interface BlockRead<Body> {
  readonly reports: readonly MemberReport<Body>[];
  /** From the first request to the last report. */
  readonly seconds: number;
}

/** CoAP bytes of the Echo round in which each new member proves the head-end to be there, and itself. */
export interface EchoRound {
  readonly requestBytes: number;
  readonly responseBytes: number;
}

export class BlockGroup {
  readonly #block: Block;
  readonly #parts: GroupReaderParts;

  /** `path` is where the group's keys and numbers are kept; `status` is what {@link Block.operate} told of the DAP. */
  constructor(block: Block, path: string, status: DapStatus) {
    this.#block = block;
    const { clock, crypto, identity, trust } = block.headEndParts;
    const utcMs = (): number => Math.floor(block.clock.utcMs() ?? 0);
    const groups = new GroupRegistry(path, block.headEndParts.random.fork("groups"), utcMs);
    const byId = new Map(trust.credentials.map((credential) => [credential.id, credential] as const));
    const credentialOf = (id: string): Credential | undefined => byId.get(id);
    const asks = new GroupAsks({ crypto, identity, groups, credentialOf }, clock);
    const placeOf = (id: string) => ({
      headEnd: block.headEnd,
      target: { ...block.target(id, MEMBER_TIMEOUT_MS), expect: id },
    });
    const manager = new GroupManager({
      ...{ groups, crypto, identity, utcMs, placeOf, registry: registryOf([...byId.values()]) },
      prove: (group, id) => asks.prove(placeOf(id), group, id),
    });
    const allOf = (name: string) => ({
      headEnd: block.headEnd,
      target: block.target(name, MEMBER_TIMEOUT_MS),
    });
    this.#parts = { groups, manager, asks, placeOf, allOf, dapStatus: () => Promise.resolve(status) };
  }

  /** Gives all meters the keys of the group, each over a session of its own; `rule` is what they have in common. */
  async join(rule: GroupRule = "configuration"): Promise<EchoRound> {
    const wanted = { name: BLOCK_GROUP, rule };
    const joinings = await settle(this.#block.clock, this.#parts.manager.create(wanted, this.#block.ids));
    const out = joinings.find(({ outcome }) => outcome !== "joined");
    if (out !== undefined) throw new HeadEndError("answer", `${out.id} does not join: ${out.why}`);
    // By the group's keys nothing else has been asked so far.
    return { ...this.#parts.asks.traffic };
  }

  async read<Body>(question: BodyQuestion<Body>, plan: GroupReadPlan): Promise<BlockRead<Body>> {
    const { clock } = this.#block;
    const startMs = clock.monotonicMs();
    const reports: MemberReport<Body>[] = [];
    let lastMs = startMs;
    const take = (report: MemberReport<Body>): void => {
      reports.push(report);
      lastMs = clock.monotonicMs();
    };
    await settle(clock, readGroup(this.#parts, BLOCK_GROUP, question, plan, take));
    return { reports, seconds: (lastMs - startMs) / 1000 };
  }
}

/** An allow list of meters that have all been proved. */
function registryOf(credentials: readonly Credential[]) {
  const enrolments: Enrolment[] = credentials.map((credential) => ({
    ...{ id: credential.id, credential },
    state: "proved",
  }));
  return { content: () => ({ enrolments, issuers: [] }), describes: () => true };
}
