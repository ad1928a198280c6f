// A DAP as tests have it, emulated or real: its meters, asked through it one by one or all together.
import type { Identity } from "../../firmware/identity/identity.ts";
import { CODE, resourceRequest } from "../../firmware/protocol/coap/message.ts";
import type { Credential } from "../../firmware/protocol/cose/credential.ts";
import type { RegisterReading } from "../../firmware/protocol/readings/register-reading.ts";
import type { Station } from "../../hal/ports/link.ts";
import { type DapStatus, decodeStatus } from "../dap/operator/status.ts";
import type { Target } from "../head-end/client.ts";
import type { LinePlace } from "../head-end/groups/group-reader.ts";
import type { MemberReport } from "../head-end/groups/group-reading.ts";
import { RigGroup } from "./group.ts";
import { HeadEnds } from "./head-ends.ts";
import type { WatchedLine } from "./line/watched-line.ts";
import type { RigDap, RigHeadEnd, RigMeter } from "./rig.ts";
import type { Wiring } from "./wiring.ts";

export interface BenchDapParts {
  readonly wiring: Wiring;
  /** By which the DAP proves itself. */
  readonly id: string;
  /** Between the head-end and the DAP, and where the DAP is there. */
  readonly north: WatchedLine;
  readonly station: Station;
  /** By which the DAP knows all its meters together. */
  readonly groupName: string;
  readonly headEnd: Identity;
  readonly operator: Identity | undefined;
  /** Of the DAP and of its meters. */
  readonly trusted: readonly Credential[];
}

/** Its meters' status and names; more of them than a bench has. */
const STATUS_BYTES = 1024;

export class BenchDap implements RigDap {
  readonly name: string;
  readonly headEnd: RigHeadEnd;
  meters: readonly RigMeter[] = [];
  readonly #parts: BenchDapParts;
  readonly #headEnds: HeadEnds;
  #group: RigGroup | undefined;

  constructor(parts: BenchDapParts) {
    const { wiring, north, id, headEnd, operator, trusted } = parts;
    this.name = id;
    this.#parts = parts;
    this.#headEnds = new HeadEnds({
      ...{ ...wiring, identity: headEnd, trusted, operator },
      lineTo: (meter) => ({ line: north, target: this.#target(meter) }),
    });
    this.headEnd = this.#headEnds.known;
    wiring.ends.push(() => this.#close());
  }

  readGroup(registers: readonly string[]): Promise<readonly MemberReport<RegisterReading>[]> {
    this.#group ??= this.#newGroup();
    return this.#group.read(registers);
  }

  #newGroup(): RigGroup {
    const { wiring, groupName, headEnd, trusted } = this.#parts;
    return new RigGroup({
      ...{ name: groupName, time: wiring.time, crypto: wiring.crypto, random: wiring.random },
      ...{ identity: headEnd, timeoutMultiplier: wiring.bench.timeoutMultiplier },
      members: trusted.filter(({ id }) => this.meters.some((meter) => meter.id === id)),
      placeOf: (host) => this.#placeOf(host),
      dapStatus: () => this.#status(),
    });
  }

  #placeOf(host: string): LinePlace {
    const { headEnd, target } = this.#headEnds.placeOf(host);
    const { expect: _, ...anybody } = target;
    return { headEnd, target: anybody };
  }

  #target(meter: string): Target {
    const { station, id, wiring } = this.#parts;
    const timeoutMs = wiring.timeoutThroughMs;
    return { station, host: meter, expect: meter, name: `${id} for ${meter}`, timeoutMs };
  }

  /** Who asks is its operator from then on. */
  async #status(): Promise<DapStatus> {
    const { id, station, wiring } = this.#parts;
    const { headEnd } = this.#headEnds.placeOf(id);
    const target = { station, name: id, expect: id, isDap: true, timeoutMs: wiring.timeoutThroughMs };
    const content = resourceRequest(CODE.get, "d");
    const { body } = await headEnd.read(target, { content, answerBytes: STATUS_BYTES, decode: decodeStatus });
    return body;
  }

  #close(): void {
    this.#group?.close();
    this.#headEnds.close();
  }
}
