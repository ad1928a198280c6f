// A data aggregation point at work: its forwarding half on its links, by a clock.
import type { Cancel, Clock } from "../../hal/ports/clock.ts";
import type { Link, Station } from "../../hal/ports/link.ts";
import type { Random } from "../../hal/ports/random.ts";
import { Forwarder, type ForwarderCounters } from "./forward/forwarder.ts";
import type { Routes } from "./forward/routes.ts";

/** What a DAP stands on. */
export interface DapParts {
  readonly clock: Clock;
  readonly random: Random;
  /** Towards head-ends. */
  readonly north: Link;
  /** Towards meters, in the order in which the routes count them. */
  readonly lines: readonly Link[];
  readonly routes: Routes;
}

/** Runs from its construction until {@link Dap.stop}; the links are their owner's to close. */
export class Dap {
  readonly #clock: Clock;
  readonly #links: readonly Link[];
  readonly #forwarder: Forwarder;
  #state: "idle" | "running" | "stopped" = "idle";
  #cancelWake: Cancel = () => {};
  /** When the armed wake-up is due. */
  #armedMs = Number.POSITIVE_INFINITY;

  constructor({ clock, random, north, lines, routes }: DapParts) {
    this.#clock = clock;
    this.#links = [north, ...lines];
    this.#forwarder = new Forwarder({
      random: random.fork("forwarder"),
      north: north.traits,
      lines: lines.map(({ traits }) => traits),
      routes,
      isOperator: () => false,
    });
    for (const [i, link] of this.#links.entries())
      link.listen({ datagram: (from, datagram) => this.#receive(i, from, datagram) });
  }

  get counters(): ForwarderCounters {
    return this.#forwarder.counters;
  }

  /** Ends it at once. */
  stop(): void {
    this.#state = "stopped";
    this.#cancelWake();
  }

  #receive(link: number, from: Station, datagram: Uint8Array): void {
    if (this.#state === "stopped") return;
    this.#forwarder.receive(this.#clock.monotonicMs(), link, from, datagram);
    this.#run();
  }

  #run(): void {
    const nowMs = this.#clock.monotonicMs();
    for (let out = this.#forwarder.nextDatagram(); out !== undefined; out = this.#forwarder.nextDatagram()) {
      const result = (this.#links[out.link] as Link).send(out.to, out.bytes);
      this.#forwarder.sent(nowMs, out, result);
    }
    this.#arm();
  }

  /** A wake-up that comes too early does no harm, so that not each datagram arms another one. */
  #arm(): void {
    const wakeMs = this.#forwarder.nextWakeMs() ?? Number.POSITIVE_INFINITY;
    if (wakeMs >= this.#armedMs || this.#state === "stopped") return;
    this.#cancelWake();
    this.#armedMs = wakeMs;
    this.#cancelWake = this.#clock.after(Math.max(0, wakeMs - this.#clock.monotonicMs()), () => {
      this.#armedMs = Number.POSITIVE_INFINITY;
      this.#forwarder.wake(this.#clock.monotonicMs());
      this.#run();
    });
  }
}
