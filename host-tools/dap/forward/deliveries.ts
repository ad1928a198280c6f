// Answers that come when nobody waits for them at the line any more: each is sent until its client has it.
import { DueQueue, type Timed } from "../../../firmware/protocol/coap/due-queue.ts";
import type { CoapContent } from "../../../firmware/protocol/coap/message.ts";
import type { NotificationEvent, NotificationId } from "../../../firmware/protocol/coap/notifications.ts";
import type { WholeMessages } from "../../../firmware/protocol/coap/outer/whole-messages.ts";
import type { Station } from "../../../hal/ports/link.ts";

/** How a delivery ended; `unwanted`: the client knows nothing of it any more. */
export type DeliveryEnd = "delivered" | "unwanted" | "too-late";

/** An answer, whom it is for, and until when he wants it. */
export interface Delivery {
  readonly client: Station;
  readonly token: Uint8Array;
  /** As it came: later blocks of a long answer are asked for by it. */
  readonly request: CoapContent;
  readonly answer: CoapContent;
  readonly untilMs: number;
  readonly onEnd: (nowMs: number, end: DeliveryEnd) => void;
}

interface Sending extends Timed {
  readonly delivery: Delivery;
  notification: NotificationId | undefined;
}

/** A client that did not acknowledge for as long as a message is repeated is tried again so much later. */
const PAUSE_MS = 15_000;

/** Late answers under way; how many there are is bounded by the requests that are held for them. */
export class Deliveries {
  readonly #north: WholeMessages;
  readonly #byNotification = new Map<NotificationId, Sending>();
  readonly #due = new DueQueue<Sending>();

  constructor(north: WholeMessages) {
    this.#north = north;
  }

  /** Sends an answer until it is acknowledged, not wanted, or too late; gives what gives it up without a word. */
  send(nowMs: number, delivery: Delivery): () => void {
    const own = { delivery, notification: undefined, dueMs: Number.POSITIVE_INFINITY, place: -1 };
    const sending: Sending = own;
    this.#send(nowMs, sending);
    return () => this.#forget(sending);
  }

  /** How a notification ended; those of others are left alone. */
  settled(nowMs: number, { notification, outcome }: NotificationEvent): void {
    const sending = this.#byNotification.get(notification);
    if (sending === undefined) return;
    this.#byNotification.delete(notification);
    sending.notification = undefined;
    if (outcome === "timeout") this.#due.set(sending, Math.min(nowMs + PAUSE_MS, sending.delivery.untilMs));
    else this.#end(nowMs, sending, outcome === "acknowledged" ? "delivered" : "unwanted");
  }

  wake(nowMs: number): void {
    for (let sending = this.#due.due(nowMs); sending !== undefined; sending = this.#due.due(nowMs)) {
      if (nowMs >= sending.delivery.untilMs) this.#end(nowMs, sending, "too-late");
      else this.#send(nowMs, sending);
    }
  }

  /** Infinity when nothing is pending. */
  nextWakeMs(): number {
    return this.#due.nextMs;
  }

  #send(nowMs: number, sending: Sending): void {
    const { client, token, request, answer, untilMs } = sending.delivery;
    const notification = this.#north.deliver(nowMs, client, token, request, answer);
    sending.notification = notification;
    this.#byNotification.set(notification, sending);
    this.#due.set(sending, untilMs);
  }

  #end(nowMs: number, sending: Sending, end: DeliveryEnd): void {
    this.#forget(sending);
    sending.delivery.onEnd(nowMs, end);
  }

  #forget(sending: Sending): void {
    this.#due.remove(sending);
    const { notification } = sending;
    if (notification === undefined) return;
    this.#byNotification.delete(notification);
    this.#north.withdraw(notification);
  }
}
