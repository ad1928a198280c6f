// Answers that a server sends after its first one to a request: CON messages of their own (RFC 7641 4.5).
import type { Station } from "../../../hal/ports/link.ts";
import { encodeMessage } from "./codec.ts";
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

interface Notification {
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
    this.#open.set(id, { id, transmission, isRejected: false });
    return id;
  }

  /** Repeats it no more; one that has ended is left alone. */
  cancel(id: NotificationId): void {
    this.#open.delete(id);
  }

  /**
   * An ACK or RST. An RST counts only when no ACK has come by the time of the next copy: whoever means it has no
   * other word, and a stranger's does not end what the client acknowledges.
   */
  takeSettlement(from: Station, type: "ACK" | "RST", messageId: number): "taken" | "unknown" {
    for (const notification of this.#open.values()) {
      const { transmission } = notification;
      if (transmission.messageId !== messageId || transmission.datagram.to !== from) continue;
      if (type === "ACK") this.#end(notification, "acknowledged");
      else notification.isRejected = true;
      return "taken";
    }
    return "unknown";
  }

  /** Repeats and gives up what is due by `nowMs`. */
  wake(nowMs: number): void {
    for (const notification of this.#open.values()) {
      const { transmission, isRejected } = notification;
      if (isRejected && nowMs >= transmission.dueMs) this.#end(notification, "reset");
      else if (this.#outbox.retransmit(nowMs, transmission) === "failed") this.#end(notification, "timeout");
    }
  }

  /** Infinity when nothing is pending. */
  nextWakeMs(): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { transmission } of this.#open.values()) nextMs = Math.min(nextMs, transmission.dueMs);
    return nextMs;
  }

  #end({ id }: Notification, outcome: NotificationEvent["outcome"]): void {
    this.#open.delete(id);
    this.#tell({ kind: "notified", notification: id, outcome });
  }
}
