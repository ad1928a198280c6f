// Watches of a head-end: what meters tell by themselves, as they were asked to.
import type { Ask, ClientEvent } from "../../firmware/protocol/asks.ts";
import type { CoapContent } from "../../firmware/protocol/coap/message.ts";
import type { Drive } from "../../firmware/protocol/drive.ts";
import type { SecureClient } from "../../firmware/protocol/secure-client.ts";
import type { Peer } from "../../firmware/protocol/sessions.ts";
import type { Clock } from "../../hal/ports/clock.ts";
import type { Target } from "./asking.ts";
import { HeadEndError, RegistryError } from "./errors.ts";
import { endOfWatch, failure, unknownForm } from "./failures.ts";
import type { GuardedEpochs } from "./guarded-epochs.ts";

/** What a meter told by itself. */
export interface Notification<Body> {
  readonly meter: string;
  readonly body: Body;
  /** Of CoAP. */
  readonly bytes: number;
}

/** Who hears of a watch: each notification in its order, and its end where nobody stopped it. */
export interface Watcher<Body> {
  readonly onReading: (notification: Notification<Body>) => void;
  readonly onEnd: (why: HeadEndError) => void;
}

/** Ends a watch, and tells the meter so; a second call does nothing. */
export type StopWatch = () => void;

/** What a watch asks, and what it makes of its notifications. */
export interface WatchPlan<Body> extends Pick<Ask, "content" | "answerBytes"> {
  readonly decode: (body: Uint8Array) => Body | undefined;
  /** What to register with after this one, where that is something else. */
  readonly next?: (body: Body) => CoapContent | undefined;
}

export interface WatchingParts {
  readonly client: SecureClient;
  readonly drive: Drive<ClientEvent>;
  readonly clock: Clock;
  readonly trustIs: "credentials" | "preset";
  readonly epochs: GuardedEpochs | undefined;
  /** Whether a meter is wanted still; throws where that cannot be told. */
  readonly isWanted: (peer: Peer) => boolean;
}

interface Open {
  readonly notified: (event: Extract<ClientEvent, { kind: "notification" }>) => void;
  readonly ended: (event: Exclude<ClientEvent, { kind: "notification" }>) => void;
}

/** The open watches of one head-end, by their asks. */
export class Watching {
  readonly #parts: WatchingParts;
  readonly #open = new Map<number, Open>();

  constructor(parts: WatchingParts) {
    this.#parts = parts;
  }

  /** Watches until it is stopped, or there is an end to tell. */
  watch<Body>(target: Target, plan: WatchPlan<Body>, watcher: Watcher<Body>): StopWatch {
    const { client, drive, clock, trustIs } = this.#parts;
    const { station, host, expect, timeoutMs } = target;
    const { content, answerBytes } = plan;
    const nowMs = clock.monotonicMs();
    const id = client.watch(nowMs, {
      ...{ to: station, host, expect, content, answerBytes },
      untilMs: nowMs + timeoutMs,
    });
    if (id === undefined) {
      watcher.onEnd(failure("busy", target, trustIs));
      return () => {};
    }
    this.#open.set(id, {
      notified: ({ peer, content: { payload }, bytes }) => {
        const body = plan.decode(payload);
        const trouble = this.#troubleWith(peer, target) ?? (body === undefined && unknownForm(target));
        if (body !== undefined && !trouble)
          return this.#tell(id, plan, watcher, { meter: peer.id, body, bytes });
        this.#stop(id);
        if (trouble) watcher.onEnd(trouble);
      },
      ended: (event) => watcher.onEnd(this.#endOf(event, target)),
    });
    drive.run();
    return () => this.#stop(id);
  }

  /** False for an event of another ask. */
  take(event: ClientEvent): boolean {
    const watch = this.#open.get(event.ask);
    if (event.kind === "notification") watch?.notified(event);
    else if (this.#open.delete(event.ask)) watch?.ended(event);
    return watch !== undefined || event.kind === "notification";
  }

  #tell<Body>(
    id: number,
    { next }: WatchPlan<Body>,
    { onReading }: Watcher<Body>,
    notification: Notification<Body>,
  ): void {
    const content = next?.(notification.body);
    if (content !== undefined) this.#parts.client.renewWith(id, content);
    onReading(notification);
  }

  /** A watch lasts: who was wanted as it began may be revoked since. */
  #troubleWith(peer: Peer, target: Target): HeadEndError | undefined {
    try {
      return this.#parts.isWanted(peer) ? undefined : failure("not-proved", target, this.#parts.trustIs);
    } catch (error) {
      return undecided(error);
    }
  }

  #endOf(event: Exclude<ClientEvent, { kind: "notification" }>, target: Target): HeadEndError {
    const { epochs, trustIs } = this.#parts;
    const trouble = event.kind === "failed" ? epochs?.troubleBehind(event.reason) : undefined;
    return trouble === undefined ? endOfWatch(event, target, trustIs) : undecided(trouble);
  }

  #stop(id: number): void {
    const { client, drive, clock } = this.#parts;
    if (!this.#open.delete(id)) return;
    client.unwatch(clock.monotonicMs(), id);
    drive.run();
  }
}

/** Who cannot be looked up is not believed. */
function undecided(trouble: unknown): HeadEndError {
  if (trouble instanceof RegistryError) return new HeadEndError("identity", trouble.message);
  throw trouble;
}
