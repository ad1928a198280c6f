// Resource `i`: what the meter says of itself.
import { CODE } from "../protocol/coap/message.ts";
import { encodeNameplate, type Nameplate } from "../protocol/readings/nameplate.ts";
import { type AnswerParts, cborAnswer, type Resource, readable, statusOf } from "./resource.ts";

/** All of a nameplate but what the answer says anyway. */
export type Plate = Omit<Nameplate, "clockStatus">;

export function nameplateResource(plate: () => Plate, parts: AnswerParts): Resource {
  return readable([
    [CODE.get, () => cborAnswer(encodeNameplate({ ...plate(), clockStatus: statusOf(parts) }))],
  ]);
}
