// All meters behind a DAP as one group of the bench's head-end.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Identity } from "../../firmware/identity/identity.ts";
import type { Credential } from "../../firmware/protocol/cose/credential.ts";
import type { RegisterReading } from "../../firmware/protocol/readings/register-reading.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { Random } from "../../hal/ports/random.ts";
import type { DapStatus } from "../dap/operator/status.ts";
import { HeadEndError } from "../head-end/errors.ts";
import { GroupAsks } from "../head-end/groups/group-asks.ts";
import { GroupManager } from "../head-end/groups/group-manager.ts";
import { type GroupReaderParts, type LinePlace, readGroup } from "../head-end/groups/group-reader.ts";
import type { MemberReport } from "../head-end/groups/group-reading.ts";
import { GroupRegistry } from "../head-end/groups/group-registry.ts";
import { registersQuestion } from "../head-end/questions.ts";
import type { Enrolment } from "../head-end/registry-file.ts";
import { obisOf } from "./readings.ts";
import type { RigTime } from "./time.ts";

/** How long answers to one request for all may take. */
const COLLECT_MS = 30_000;

export interface RigGroupParts {
  /** By which the DAP knows all of them. */
  readonly name: string;
  readonly time: RigTime;
  readonly crypto: CryptoEngine;
  readonly random: Random;
  readonly identity: Identity;
  readonly members: readonly Credential[];
  readonly timeoutMultiplier: number;
  /** A member's place, or with the group's name the place of all. */
  readonly placeOf: (host: string) => LinePlace;
  readonly dapStatus: () => Promise<DapStatus>;
}

/** Members get the group's keys at the first read; keys and numbers are kept for as long as the rig is open. */
export class RigGroup {
  readonly #parts: RigGroupParts;
  readonly #folder = mkdtempSync(join(tmpdir(), "meterbench-hil-"));
  readonly #reader: GroupReaderParts;
  #state: "new" | "joined" = "new";

  constructor(parts: RigGroupParts) {
    const { time, crypto, random, identity, members, name, placeOf, dapStatus } = parts;
    const utcMs = (): number => Math.floor(time.clock.utcMs() ?? 0);
    const groups = new GroupRegistry(join(this.#folder, "groups.json"), random.fork("groups"), utcMs);
    const credentialOf = (id: string): Credential | undefined => members.find((member) => member.id === id);
    const asks = new GroupAsks({ crypto, identity, groups, credentialOf }, time.clock);
    const memberAt = (id: string): LinePlace => {
      const { headEnd, target } = placeOf(id);
      return { headEnd, target: { ...target, expect: id } };
    };
    const manager = new GroupManager({
      ...{ groups, crypto, identity, utcMs, placeOf: memberAt, registry: registryOf(members) },
      prove: (group, id) => asks.prove(memberAt(id), group, id),
    });
    this.#parts = parts;
    this.#reader = { groups, manager, asks, placeOf: memberAt, allOf: () => placeOf(name), dapStatus };
  }

  async read(registers: readonly string[]): Promise<readonly MemberReport<RegisterReading>[]> {
    const { time, name, members, timeoutMultiplier } = this.#parts;
    if (this.#state === "new") await time.wait(this.#join());
    this.#state = "joined";
    const reports: MemberReport<RegisterReading>[] = [];
    const plan = { collectMs: COLLECT_MS * timeoutMultiplier };
    const tell = (report: MemberReport<RegisterReading>): unknown => reports.push(report);
    await time.wait(readGroup(this.#reader, name, registersQuestion(registers.map(obisOf)), plan, tell));
    return members.flatMap(({ id }) => reports.filter(({ meter }) => meter === id));
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #join(): Promise<void> {
    const { name, members } = this.#parts;
    const wanted = { name, rule: "configuration" as const };
    const ids = members.map(({ id }) => id);
    const joinings = await this.#reader.manager.create(wanted, ids);
    const out = joinings.find(({ outcome }) => outcome !== "joined");
    if (out !== undefined) throw new HeadEndError("answer", `${out.id} does not join the group: ${out.why}`);
  }
}

/** An allow list of meters that have all been proved. */
function registryOf(credentials: readonly Credential[]): {
  content: () => { enrolments: Enrolment[]; issuers: [] };
  describes: () => boolean;
} {
  const enrolments = credentials.map((credential): Enrolment => {
    return { id: credential.id, credential, state: "proved" };
  });
  return { content: () => ({ enrolments, issuers: [] }), describes: () => true };
}
