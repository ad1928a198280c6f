// Resource `t`: which rate holds when.
import type { Meter } from "../meter.ts";
import { CODE } from "../protocol/coap/message.ts";
import { encodeTariffPlan } from "../protocol/readings/tariff-table.ts";
import { type AnswerParts, cborAnswer, durably, type Resource } from "./resource.ts";

/** GET: the active table, and the passive one with its time. */
export function tariffResource(meter: Pick<Meter, "tariff">, parts: AnswerParts): Resource {
  return new Map([[CODE.get, () => durably(parts, () => cborAnswer(encodeTariffPlan(meter.tariff)))]]);
}
