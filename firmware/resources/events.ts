// Resource `e`: what has happened.
import type { EventLog } from "../events/event-log.ts";
import { CODE, type CoapContent } from "../protocol/coap/message.ts";
import { decodeEventRequest, encodeEventReading } from "../protocol/readings/event-reading.ts";
import {
  type AnswerParts,
  badRequest,
  cborAnswer,
  durably,
  type Resource,
  readable,
  statusOf,
} from "./resource.ts";

/** FETCH: events of one log. Who asks from number N on has all before it. */
export function eventResource(log: Pick<EventLog, "read" | "acknowledge">, parts: AnswerParts): Resource {
  const fetch = (body: Uint8Array): CoapContent => {
    const request = decodeEventRequest(body);
    if (request === undefined) return badRequest("no event request");
    // First, so that it is durable as what the answer shows is.
    log.acknowledge(request.log, request.from);
    return durably(parts, () => {
      const page = log.read(request.log, request.from, request.count);
      const reading = { timeSeconds: parts.utcSeconds(), status: statusOf(parts), ...page };
      return cborAnswer(encodeEventReading(reading, request));
    });
  };
  return readable([[CODE.fetch, fetch]]);
}
