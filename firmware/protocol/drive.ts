import type { Cancel, Clock } from "../../hal/ports/clock.ts";
import type { Link } from "../../hal/ports/link.ts";
import type { Endpoint } from "./endpoint.ts";

/**
 * Joins one protocol half to a link and a clock. Whoever asks the endpoint to do something from
 * outside calls {@link Drive.run} afterwards.
 */
export class Drive<Event> {
  readonly #endpoint: Endpoint<Event>;
  readonly #link: Link;
  readonly #clock: Clock;
  readonly #onEvent: (event: Event) => void;
  #state: "idle" | "running" | "stopped" = "idle";
  #cancelWake: Cancel = () => {};

  constructor(endpoint: Endpoint<Event>, link: Link, clock: Clock, onEvent: (event: Event) => void) {
    this.#endpoint = endpoint;
    this.#link = link;
    this.#clock = clock;
    this.#onEvent = onEvent;
    link.listen({
      datagram: (from, datagram) => {
        if (this.#state === "stopped") return;
        endpoint.receive(clock.monotonicMs(), from, datagram);
        this.run();
      },
    });
  }

  /** Sends what is to be sent, hands events out, and arms the next wake-up. */
  run(): void {
    // An event's listener may ask for more and call run again: the loop under way sees to it.
    if (this.#state !== "idle") return;
    this.#state = "running";
    while (this.#sendAll() || this.#tellAll());
    if (this.#state === "running") this.#state = "idle";
    this.#arm();
  }

  /** Ends the drive; the link is its owner's to close. */
  stop(): void {
    this.#state = "stopped";
    this.#cancelWake();
  }

  /** What the link refuses is lost like any datagram: the endpoint's retransmissions cover it. */
  #sendAll(): boolean {
    let sent = false;
    for (let out = this.#endpoint.nextDatagram(); out !== undefined; out = this.#endpoint.nextDatagram()) {
      this.#link.send(out.to, out.bytes);
      sent = true;
    }
    return sent;
  }

  #tellAll(): boolean {
    let told = false;
    for (let event = this.#endpoint.nextEvent(); event !== undefined; event = this.#endpoint.nextEvent()) {
      this.#onEvent(event);
      told = true;
    }
    return told;
  }

  #arm(): void {
    this.#cancelWake();
    const wakeMs = this.#endpoint.nextWakeMs();
    if (wakeMs === undefined || this.#state === "stopped") return;
    this.#cancelWake = this.#clock.after(Math.max(0, wakeMs - this.#clock.monotonicMs()), () => {
      this.#endpoint.wake(this.#clock.monotonicMs());
      this.run();
    });
  }
}
