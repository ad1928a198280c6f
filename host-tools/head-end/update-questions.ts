// What is asked of a board's images, protected or on its recovery line: the same requests and the same answers.
import { CODE, type CoapContent, resourceRequest } from "../../firmware/protocol/coap/message.ts";
import {
  decodeInstalled,
  decodeReceived,
  encodeImagePart,
  encodeInstallOrder,
} from "../../firmware/protocol/readings/update-part.ts";
import { decodeUpdateRefusal, decodeUpdateState } from "../../firmware/protocol/readings/update-state.ts";
import type { Refused } from "../../firmware/update/refusals.ts";
import type { ImagePart, Installed, SlotsReport } from "../../firmware/update/slots-report.ts";

/** A request, how long its answer will be at the most, with which codes it answers, and what it says then. */
export interface UpdateQuestion<Body> {
  readonly content: CoapContent;
  readonly answerBytes: number;
  readonly codes: readonly number[];
  readonly decode: (body: Uint8Array, code: number) => Body | undefined;
}

/** So many bytes of a part are there, and durable. */
export interface PartTaken {
  readonly received: number;
}

/** With the longest texts. */
const STATE_BYTES = 1400;
const REFUSAL_BYTES = 300;

/** What is in the slots and on its way there. */
export const SLOTS_QUESTION: UpdateQuestion<SlotsReport> = {
  content: resourceRequest(CODE.get, "u"),
  answerBytes: STATE_BYTES,
  codes: [CODE.content],
  decode: decodeUpdateState,
};

/** "Take this part of an image." */
export function partQuestion(part: ImagePart): UpdateQuestion<PartTaken | Refused> {
  return changing(CODE.put, encodeImagePart(part), (body) => {
    const received = decodeReceived(body);
    return received === undefined ? undefined : { received };
  });
}

/** "Install the image of this digest, and start it." */
export function installQuestion(digest: Uint8Array): UpdateQuestion<Installed | Refused> {
  return changing(CODE.post, encodeInstallOrder(digest), decodeInstalled);
}

function changing<Body>(
  code: number,
  body: Uint8Array,
  decode: (body: Uint8Array) => Body | undefined,
): UpdateQuestion<Body | Refused> {
  return {
    content: resourceRequest(code, "u", body),
    answerBytes: REFUSAL_BYTES,
    codes: [CODE.changed, CODE.conflict],
    decode: (answer, answered) => (answered === CODE.conflict ? decodeUpdateRefusal(answer) : decode(answer)),
  };
}
