// The requests of groups on a head-end's line, beside those of its sessions.
import type { OtherAsker } from "../../../firmware/protocol/asking-requests.ts";
import type { ClientSideEvent } from "../../../firmware/protocol/coap/client.ts";
import { CODE, type CoapContent, type CoapMessage } from "../../../firmware/protocol/coap/message.ts";
import type { RequestId } from "../../../firmware/protocol/coap/requests.ts";
import { Doubts } from "../../../firmware/protocol/open-handshakes.ts";
import type { Clock } from "../../../hal/ports/clock.ts";
import type { Station } from "../../../hal/ports/link.ts";
import type { SharedLine } from "../asking.ts";
import type { HeadEnd } from "../client.ts";

/** A request that is sealed already. */
export interface GroupRequest {
  readonly to: Station;
  readonly content: CoapContent;
  readonly withinMs: number;
  readonly answerBytes?: number | undefined;
  /** `many` go on coming until the time is up, or the asker has all. */
  readonly answers: "one" | "many";
  /** Takes an answer, if it is genuine and not one that was taken before; `all` ends the request. */
  readonly take: (answer: CoapMessage) => "no" | "some" | "all";
}

/**
 * How a request ended. `refused`: nothing better came than this message, of somebody who has proved nothing, or an RST.
 */
export type GroupRequestEnd =
  | { readonly kind: "answered" }
  | { readonly kind: "timeout" }
  | { readonly kind: "busy" }
  | { readonly kind: "refused"; readonly message: CoapMessage | undefined };

interface Open {
  readonly request: GroupRequest;
  readonly end: (request: RequestId, end: GroupRequestEnd) => void;
  has: "nothing" | "some" | "all";
}

/** Sends sealed requests over the CoAP of a head-end. */
export class GroupLine implements OtherAsker {
  readonly #line: SharedLine;
  readonly #clock: Clock;
  readonly #open = new Map<RequestId, Open>();
  readonly #doubts = new Doubts();

  constructor(headEnd: Pick<HeadEnd, "share">, clock: Clock) {
    this.#line = headEnd.share(this);
    this.#clock = clock;
  }

  /** Sends a request, and is done when that has ended. */
  ask(request: GroupRequest): Promise<GroupRequestEnd> {
    return this.askForAll([request]);
  }

  /** Sends requests of which the answer to one is that to all: done when one was answered, or all have ended. */
  askForAll(requests: readonly GroupRequest[]): Promise<GroupRequestEnd> {
    return new Promise((resolve) => {
      const sent = new Set<RequestId>();
      const end = (request: RequestId, how: GroupRequestEnd): void => {
        sent.delete(request);
        if (how.kind !== "answered" && sent.size > 0) return;
        resolve(how);
        for (const other of sent) this.#forget(other);
        sent.clear();
      };
      for (const request of requests) {
        const id = this.#begin(request, end);
        if (id !== undefined) sent.add(id);
      }
      if (sent.size === 0) resolve({ kind: "busy" });
      this.#line.run();
    });
  }

  #begin(request: GroupRequest, end: Open["end"]): RequestId | undefined {
    const open: Open = { request, end, has: "nothing" };
    const nowMs = this.#clock.monotonicMs();
    const id = this.#line.coap.request(nowMs, request.to, request.content, {
      answers: request.answers,
      untilMs: nowMs + request.withinMs,
      answerBytes: request.answerBytes,
      isGenuine: (answer) => takes(open, answer),
    });
    if (id !== undefined) this.#open.set(id, open);
    return id;
  }

  take(nowMs: number, event: ClientSideEvent): void {
    const open = this.#open.get(event.request);
    if (open === undefined) return;
    if (event.kind === "doubt") {
      if (canBeBelieved(open, event.message))
        this.#doubts.add(nowMs, event.request, this.#line.traits, event.message);
    } else if (event.kind === "answer") {
      this.#doubts.delete(event.request);
      if (open.has === "all") this.#end(event.request, { kind: "answered" });
    } else this.#end(event.request, { kind: open.has === "nothing" ? "timeout" : "answered" });
  }

  wake(nowMs: number): void {
    for (const [request, message] of this.#doubts.due(nowMs))
      this.#end(request, { kind: "refused", message });
  }

  nextWakeMs(): number {
    return this.#doubts.nextWakeMs();
  }

  #end(request: RequestId, end: GroupRequestEnd): void {
    const open = this.#open.get(request);
    this.#forget(request);
    open?.end(request, end);
  }

  #forget(request: RequestId): void {
    this.#open.delete(request);
    this.#doubts.delete(request);
    this.#line.coap.cancel(request);
  }
}

/**
 * Whoever hears genuine answers goes on until the time is up, whatever strangers say; and that one member of many will not
 * have a request says nothing of the others.
 */
function canBeBelieved({ request, has }: Open, message: CoapMessage | undefined): boolean {
  if (has !== "nothing") return false;
  return request.answers === "one" || (message !== undefined && message.code !== CODE.unauthorized);
}

function takes(open: Open, answer: CoapMessage): boolean {
  const taken = open.request.take(answer);
  if (taken !== "no") open.has = taken;
  return taken !== "no";
}
