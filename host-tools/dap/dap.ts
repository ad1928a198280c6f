// A data aggregation point at work: its forwarding half and its operator's resource on its links, by a clock.
import type { Identity } from "../../firmware/identity/identity.ts";
import type { TrustList } from "../../firmware/identity/trust.ts";
import { equal, fromText } from "../../firmware/protocol/bytes.ts";
import { decodeMessage } from "../../firmware/protocol/coap/codec.ts";
import { CODE, findOption, isRequestCode, OPTION } from "../../firmware/protocol/coap/message.ts";
import type { Cancel, Clock } from "../../hal/ports/clock.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { Link, Station } from "../../hal/ports/link.ts";
import type { Random } from "../../hal/ports/random.ts";
import type { Storage } from "../../hal/ports/storage.ts";
import { Forwarder, type ForwarderCounters } from "./forward/forwarder.ts";
import type { Routes } from "./forward/routes.ts";
import type { DapSettings } from "./forward/settings.ts";
import { Operator } from "./operator/operator.ts";
import { type DapStatus, NAMES_MAX } from "./operator/status.ts";

/** Whom a DAP proves to be, and which head-ends run it. */
export interface DapParties {
  readonly crypto: CryptoEngine;
  readonly identity: Identity;
  readonly trust: TrustList;
}

/** What a DAP stands on. */
export interface DapParts {
  readonly clock: Clock;
  readonly random: Random;
  /** Towards head-ends. */
  readonly north: Link;
  /** Towards meters, in the order in which the routes count them. */
  readonly lines: readonly Link[];
  /** What the routes file calls those. */
  readonly names: readonly string[];
  readonly routes: Routes;
  readonly settings: DapSettings;
  /** Without it nobody asks the DAP itself, and all that come from the north are its operators: they are this program. */
  readonly parties?: DapParties;
  /** Where what it has acknowledged survives a restart. */
  readonly storage: Storage;
}

/** The half of a DAP that a datagram from the north is for. */
type Half = "forwarder" | "operator" | "both";

/** Runs from its construction until {@link Dap.stop}; links and storage are their owner's to close. */
export class Dap {
  readonly #parts: DapParts;
  readonly #links: readonly Link[];
  readonly #forwarder: Forwarder;
  readonly #operator: Operator | undefined;
  readonly #ownHost: Uint8Array | undefined;
  #state: "idle" | "stopped" = "idle";
  #cancelWake: Cancel = () => {};
  /** When the armed wake-up is due. */
  #armedMs = Number.POSITIVE_INFINITY;

  constructor(parts: DapParts) {
    const { clock, random, north, lines, routes, settings, parties, storage } = parts;
    this.#parts = parts;
    this.#links = [north, ...lines];
    this.#ownHost = parties && fromText(parties.identity.credential.id);
    const utcMs = (): number => clock.utcMs() ?? clock.monotonicMs();
    this.#operator =
      parties &&
      new Operator({
        ...{ ...parties, storage, utcMs },
        ...{ random: random.fork("operator"), traits: north.traits, status: () => this.status() },
      });
    this.#forwarder = new Forwarder({
      ...{ random: random.fork("forwarder"), north: north.traits, routes, settings, storage },
      lines: lines.map(({ traits }) => traits),
      startMs: clock.monotonicMs(),
      utcMs,
      isOperator: (station) => this.#operator?.isOperator(station) ?? true,
    });
    for (const [i, link] of this.#links.entries())
      link.listen({ datagram: (from, datagram) => this.#receive(i, from, datagram) });
    this.#run();
  }

  get counters(): ForwarderCounters {
    return this.#forwarder.counters;
  }

  /** What it tells its operators of itself. */
  status(): DapStatus {
    const { settings, routes, names, parties } = this.#parts;
    const { failures, holding, ...counts } = this.#forwarder.counters;
    const groups = groupsWithin(routes.groups);
    const room = NAMES_MAX - namesIn(groups);
    const aliases = names.map((): string[] => []);
    let meters = 0;
    for (const { alias, line } of routes.all) if (meters++ < room) aliases[line]?.push(alias);
    const queues = this.#forwarder.queues;
    return {
      ...{ id: parties?.identity.credential.id ?? "DAP", ...settings, meters },
      lines: names.map((name, i) => ({
        ...{ name, waiting: 0, underWay: 0, unasked: {}, ...queues[i] },
        aliases: aliases[i] ?? [],
      })),
      groups: Object.fromEntries(groups),
      held: this.#forwarder.held,
      counters: { ...counts, ...failures, ...holding },
    };
  }

  /** Ends it at once; what is held goes on at the next start. */
  stop(): void {
    this.#state = "stopped";
    this.#cancelWake();
  }

  #receive(link: number, from: Station, datagram: Uint8Array): void {
    if (this.#state === "stopped") return;
    const nowMs = this.#parts.clock.monotonicMs();
    const half = link > 0 ? "forwarder" : this.#halfFor(datagram);
    if (half !== "operator") this.#forwarder.receive(nowMs, link, from, datagram);
    if (half !== "forwarder") this.#operator?.receive(nowMs, from, datagram);
    this.#run();
  }

  /** A request is for the DAP itself where it names no other host; an ACK or RST is for whoever sent what it names. */
  #halfFor(datagram: Uint8Array): Half {
    const ownHost = this.#ownHost;
    const message = decodeMessage(datagram);
    if (ownHost === undefined || "error" in message) return "forwarder";
    if (message.code === CODE.empty) return message.type === "CON" ? "forwarder" : "both";
    if (!isRequestCode(message.code)) return "forwarder";
    const host = findOption(message, OPTION.uriHost);
    return host === undefined || equal(host, ownHost) ? "operator" : "forwarder";
  }

  #run(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    for (let out = this.#forwarder.nextDatagram(); out !== undefined; out = this.#forwarder.nextDatagram()) {
      const result = (this.#links[out.link] as Link).send(out.to, out.bytes);
      this.#forwarder.sent(nowMs, out, result);
    }
    if (this.#operator !== undefined) this.#runOperator(this.#operator);
    this.#arm(nowMs);
  }

  /** What it tells is for nobody: `d` has the counts. */
  #runOperator(operator: Operator): void {
    for (let out = operator.nextDatagram(); out !== undefined; out = operator.nextDatagram())
      this.#parts.north.send(out.to, out.bytes);
    while (operator.nextEvent() !== undefined);
  }

  /** A wake-up that comes too early does no harm, so that not each datagram arms another one. */
  #arm(nowMs: number): void {
    const forwarderMs = this.#forwarder.nextWakeMs() ?? Number.POSITIVE_INFINITY;
    const wakeMs = Math.min(forwarderMs, this.#operator?.nextWakeMs() ?? forwarderMs);
    if (wakeMs >= this.#armedMs || this.#state === "stopped") return;
    this.#cancelWake();
    this.#armedMs = wakeMs;
    this.#cancelWake = this.#parts.clock.after(Math.max(0, wakeMs - nowMs), () => this.#wake());
  }

  #wake(): void {
    this.#armedMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#parts.clock.monotonicMs();
    this.#forwarder.wake(nowMs);
    this.#operator?.wake(nowMs);
    this.#run();
  }
}

/** Groups, whole ones, as far as there is room to name their members. */
function groupsWithin(groups: Routes["groups"]): Routes["groups"] {
  const named = new Map<string, readonly string[]>();
  for (const [name, members] of groups)
    if (namesIn(named) + 1 + members.length <= NAMES_MAX) named.set(name, members);
  return named;
}

function namesIn(groups: Routes["groups"]): number {
  let count = groups.size;
  for (const members of groups.values()) count += members.length;
  return count;
}
