// Resource `u`: the images of the board that the meter runs on, and the way of a new one to it.
import type { EventLog } from "../events/event-log.ts";
import { CODE, type CoapContent } from "../protocol/coap/message.ts";
import {
  decodeImagePart,
  decodeInstallOrder,
  encodeInstalled,
  encodeReceived,
} from "../protocol/readings/update-part.ts";
import { encodeUpdateRefusal, encodeUpdateState } from "../protocol/readings/update-state.ts";
import { type Refused, UPDATE_REFUSALS, type UpdateRefusal } from "../update/refusals.ts";
import type { ImagePart, Installed, SlotsReport } from "../update/slots-report.ts";
import { UploadGate } from "../update/upload-gate.ts";
import { badRequest, cborAnswer, type Method, type Resource } from "./resource.ts";

/** What a board's slots do for whoever asks from afar. */
export interface AskedSlots {
  report(): SlotsReport;
  /** Why an upload with this first part is not to begin, if it is not. */
  judge(first: ImagePart): Refused | undefined;
  take(part: ImagePart): { readonly received: number } | Refused;
  install(digest: Uint8Array): Installed | Refused;
}

export interface UpdateParts {
  readonly slots: AskedSlots;
  readonly monotonicMs: () => number;
  /** Undefined where no meter runs. */
  readonly log?: Pick<EventLog, "record">;
  /** Called when an image is installed: what starts next is another one. */
  readonly onInstalled: () => void;
}

/** Who had an image installed hears of it before the program ends, and once more where the answer was lost. */
export const RESTART_AFTER_MS = 2000;
/** What an image is refused for that is not what its author made. */
const NOT_GENUINE: ReadonlySet<UpdateRefusal> = new Set(["malformed", "signature", "payload"]);

/** GET: slots and what is on its way. PUT: a part of an image file. POST: the word to install it. */
export function updateResource(parts: UpdateParts): Resource {
  const { slots } = parts;
  const gate = new UploadGate({ read: () => slots.report().incoming, judge: (first) => slots.judge(first) });
  const put: Method["answer"] = (body, { peer }) => {
    const part = decodeImagePart(body);
    return part === undefined ? badRequest("no part of an image") : taken(parts, gate, part, peer);
  };
  const post: Method["answer"] = (body) => {
    const digest = decodeInstallOrder(body);
    if (digest === undefined) return badRequest("no digest of an image");
    gate.ended();
    return installed(parts, digest);
  };
  return new Map<number, Method>([
    [CODE.get, { right: "read", answer: () => cborAnswer(encodeUpdateState(slots.report())) }],
    [CODE.put, { right: "update", answer: put }],
    [CODE.post, { right: "update", answer: post }],
  ]);
}

function taken(parts: UpdateParts, gate: UploadGate, part: ImagePart, by: object): CoapContent {
  const outcome = gate.refusalOf(parts.monotonicMs(), by, part) ?? parts.slots.take(part);
  if ("refusal" in outcome && outcome.refusal === "storage") gate.ended();
  return "refusal" in outcome ? refusal(parts, outcome) : changed(encodeReceived(outcome.received));
}

function installed(parts: UpdateParts, digest: Uint8Array): CoapContent {
  const outcome = parts.slots.install(digest);
  if ("refusal" in outcome) return refusal(parts, outcome);
  parts.log?.record("firmware-ready", [outcome.sequence]);
  parts.onInstalled();
  return changed(encodeInstalled(outcome));
}

/** A conflict with what the board is, has or does, told by its reason. */
function refusal({ log }: UpdateParts, refused: Refused): CoapContent {
  if (NOT_GENUINE.has(refused.refusal))
    log?.record("firmware-verification-failed", [UPDATE_REFUSALS.indexOf(refused.refusal)]);
  return { ...cborAnswer(encodeUpdateRefusal(refused)), code: CODE.conflict };
}

function changed(body: Uint8Array): CoapContent {
  return { ...cborAnswer(body), code: CODE.changed };
}
