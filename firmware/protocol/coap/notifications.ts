// Answers that a server sends after its first one to a request: CON messages of their own (RFC 7641 4.5).
import type { Station } from "../../../hal/ports/link.ts";
import { encodeMessage } from "./codec.ts";
import { DueQueue, type Timed } from "./due-queue.ts";
import { type CoapContent, messageOf } from "./message.ts";
import type { Outbox, Transmission } from "./outbox.ts";

/** Names a notification under way; never used twice. */
export type NotificationId = number;

/** How a notification ended; told once for each that was not cancelled. */
export interface NotificationEvent {
  readonly kind: "notified";
  readonly notification: NotificationId;
  readonly outcome: "acknowledged" | "reset" | "timeout";
}

interface Notification extends Timed {
  readonly id: NotificationId;
  readonly transmission: Transmission;
  /** Somebody sent an RST: nobody has proved that it was the client. */
  isRejected: boolean;
}

/** An empty ACK. */
const ACK_BYTES = 4;

/** Notifications under way. How many there are is their sender's to limit. */
export class Notifications {
  readonly #outbox: Outbox;
  readonly #tell: (event: NotificationEvent) => void;
  readonly #open = new Map<NotificationId, Notification>();
  readonly #byMessageId = new Map<number, Notification>();
  readonly #due = new DueQueue<Notification>();
  #nextId = 1;

  /** `tell` is called with each end, from inside the call that caused it. */
  constructor(outbox: Outbox, tell: (event: NotificationEvent) => void) {
    this.#outbox = outbox;
    this.#tell = tell;
  }

  /** See `CoapEndpoint.notify`. */
  send(nowMs: number, to: Station, token: Uint8Array, content: CoapContent): NotificationId {
    const messageId = this.#outbox.takeMessageId();
    const bytes = encodeMessage(messageOf({ type: "CON", messageId, token }, content));
    const transmission = this.#outbox.transmit(nowMs, messageId, { to, bytes }, ACK_BYTES);
    const id = this.#nextId++;
    const notification = { id, transmission, isRejected: false, dueMs: Number.POSITIVE_INFINITY, place: -1 };
    this.#open.set(id, notification);
    this.#byMessageId.set(messageId, notification);
    this.#due.set(notification, transmission.dueMs);
    return id;
  }

  /** See `CoapEndpoint.notifyOnce`. */
  sendOnce(to: Station, token: Uint8Array, content: CoapContent): void {
    const messageId = this.#outbox.takeMessageId();
    const bytes = encodeMessage(messageOf({ type: "NON", messageId, token }, content));
    this.#outbox.send({ to, bytes });
  }

  /** Repeats it no more; one that has ended is left alone. */
  cancel(id: NotificationId): void {
    const notification = this.#open.get(id);
    if (notification !== undefined) this.#forget(notification);
  }

  /**
   * An ACK or RST. An RST counts only when no ACK has come by the time of the next copy: whoever means it has no
   * other word, and a stranger's does not end what the client acknowledges.
   */
  takeSettlement(from: Station, type: "ACK" | "RST", messageId: number): "taken" | "unknown" {
    const notification = this.#byMessageId.get(messageId);
    if (notification?.transmission.datagram.to !== from) return "unknown";
    if (type === "ACK") this.#end(notification, "acknowledged");
    else notification.isRejected = true;
    return "taken";
  }

  /** Repeats and gives up what is due by `nowMs`. */
  wake(nowMs: number): void {
    for (let next = this.#due.due(nowMs); next !== undefined; next = this.#due.due(nowMs)) {
      const { transmission, isRejected } = next;
      if (isRejected) this.#end(next, "reset");
      else if (this.#outbox.retransmit(nowMs, transmission) === "failed") this.#end(next, "timeout");
      else this.#due.set(next, transmission.dueMs);
    }
  }

  /** Infinity when nothing is pending. */
  nextWakeMs(): number {
    return this.#due.nextMs;
  }

  #end(notification: Notification, outcome: NotificationEvent["outcome"]): void {
    this.#forget(notification);
    this.#tell({ kind: "notified", notification: notification.id, outcome });
  }

  #forget(notification: Notification): void {
    const { id, transmission } = notification;
    this.#open.delete(id);
    this.#due.remove(notification);
    if (this.#byMessageId.get(transmission.messageId) === notification)
      this.#byMessageId.delete(transmission.messageId);
  }
}
