// Resource `u`: the images of the board that the meter runs on, and the way of a new one to it.
import type { EventLog } from "../events/event-log.ts";
import { CODE, type CoapContent } from "../protocol/coap/message.ts";
import {
  decodeUpdateOrder,
  decodeUpdatePart,
  encodeUpdateActivation,
  encodeUpdateProgress,
} from "../protocol/readings/update-part.ts";
import { encodeUpdateRefusal, encodeUpdateState } from "../protocol/readings/update-state.ts";
import type { BoardSlots } from "../update/board-slots.ts";
import { type Refused, UPDATE_REFUSALS, type UpdateRefusal } from "../update/refusals.ts";
import { UploadGate } from "../update/upload-gate.ts";
import { badRequest, cborAnswer, type Method, type Resource } from "./resource.ts";

export interface UpdateParts {
  readonly slots: Pick<BoardSlots, "report" | "take" | "install">;
  readonly monotonicMs: () => number;
  readonly log: Pick<EventLog, "record">;
  /** Called when an image is installed: what starts next is another one. */
  readonly onInstalled: () => void;
}

/** What an image is refused for that is not what its author made. */
const NOT_GENUINE: ReadonlySet<UpdateRefusal> = new Set(["malformed", "signature", "payload"]);

/** GET: slots and what is on its way. PUT: a part of an image file. POST: the word to install it. */
export function updateResource(parts: UpdateParts): Resource {
  const { slots } = parts;
  const gate = new UploadGate();
  const put: Method["answer"] = (body, { peer }) => {
    const part = decodeUpdatePart(body);
    if (part === undefined) return badRequest("no part of an image");
    const refusal = gate.refusalOf(parts.monotonicMs(), peer, part, slots.report().incoming);
    const taken = refusal ?? slots.take(part);
    return "refusal" in taken ? refusedBy(parts, taken) : changed(encodeUpdateProgress(taken.received));
  };
  const post: Method["answer"] = (body) => {
    const digest = decodeUpdateOrder(body);
    return digest === undefined ? badRequest("no digest of an image") : installedBy(parts, digest);
  };
  return new Map<number, Method>([
    [CODE.get, { right: "read", answer: () => cborAnswer(encodeUpdateState(slots.report())) }],
    [CODE.put, { right: "update", answer: put }],
    [CODE.post, { right: "update", answer: post }],
  ]);
}

function installedBy(parts: UpdateParts, digest: Uint8Array): CoapContent {
  const installed = parts.slots.install(digest);
  if ("refusal" in installed) return refusedBy(parts, installed);
  parts.log.record("firmware-ready", [installed.sequence]);
  parts.onInstalled();
  return changed(encodeUpdateActivation(installed));
}

/** A conflict with what the board is, has or does, told by its reason. */
function refusedBy({ log }: UpdateParts, refusal: Refused): CoapContent {
  if (NOT_GENUINE.has(refusal.refusal))
    log.record("firmware-verification-failed", [UPDATE_REFUSALS.indexOf(refusal.refusal)]);
  return { ...cborAnswer(encodeUpdateRefusal(refusal)), code: CODE.conflict };
}

function changed(body: Uint8Array): CoapContent {
  return { ...cborAnswer(body), code: CODE.changed };
}
