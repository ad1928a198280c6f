// Resource `e`: what has happened.
import type { EventLog } from "../events/event-log.ts";
import type { EventPage } from "../events/event-ring.ts";
import { CODE, type CoapContent } from "../protocol/coap/message.ts";
import type { Observed } from "../protocol/observe/observers.ts";
import {
  decodeEventRequest,
  type EventRequest,
  encodeEventReading,
} from "../protocol/readings/event-reading.ts";
import { observedLog } from "./observed.ts";
import { type AnswerParts, badRequest, cborAnswer, durably, type Resource, statusOf } from "./resource.ts";

/**
 * FETCH: events of one log. Who asks from number N on has all before it; who observes says no such thing, as an ACK of
 * what he is told proves nothing.
 */
export function eventResource(log: Pick<EventLog, "read" | "acknowledge">, parts: AnswerParts): Resource {
  const answer = (request: EventRequest, read: () => EventPage): CoapContent =>
    durably(parts, () => {
      const reading = { timeSeconds: parts.utcSeconds(), status: statusOf(parts), ...read() };
      return cborAnswer(encodeEventReading(reading, request));
    });
  const fetch = (body: Uint8Array): CoapContent => {
    const request = decodeEventRequest(body);
    if (request === undefined) return badRequest("no event request");
    // First, so that it is durable as what the answer shows is.
    log.acknowledge(request.log, request.from);
    return answer(request, () => log.read(request.log, request.from, request.count));
  };
  const observe = (body: Uint8Array): Observed | undefined => {
    const request = decodeEventRequest(body);
    return request && observedLog(log, request, (read) => answer(request, read));
  };
  return new Map([[CODE.fetch, { right: "read", answer: fetch, observe }]]);
}
