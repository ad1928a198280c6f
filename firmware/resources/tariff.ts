// Resource `t`: which rate holds when.
import type { Meter } from "../meter.ts";
import { bareAnswer, CODE, type CoapContent } from "../protocol/coap/message.ts";
import { decodeTariffPlan, encodeTariffPlan } from "../protocol/readings/tariff-table.ts";
import {
  type AnswerParts,
  badRequest,
  cborAnswer,
  durably,
  durablyChanged,
  type Resource,
} from "./resource.ts";

/** GET: the active table, and the passive one with its time. PUT: a plan in its place. */
export function tariffResource(meter: Pick<Meter, "tariff" | "setTariff">, parts: AnswerParts): Resource {
  const get = () => durably(parts, () => cborAnswer(encodeTariffPlan(meter.tariff)));
  const put = (body: Uint8Array): CoapContent => {
    const plan = decodeTariffPlan(body);
    if (plan === undefined) return badRequest("no tariff plan, or one that is not sound");
    return durablyChanged(parts, () => {
      meter.setTariff(plan);
      return bareAnswer(CODE.changed);
    });
  };
  return new Map([
    [CODE.get, { right: "read", answer: get }],
    [CODE.put, { right: "tariff", answer: put }],
  ]);
}
