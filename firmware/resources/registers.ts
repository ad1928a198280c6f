// Resource `r`: what registers stand at.
import type { Meter } from "../meter.ts";
import { CODE, type CoapContent } from "../protocol/coap/message.ts";
import type { Obis } from "../protocol/readings/obis.ts";
import { decodeRegisterRequest, encodeRegisterReading } from "../protocol/readings/register-reading.ts";
import { DEFAULT_REGISTERS } from "../protocol/readings/register-table.ts";
import {
  type AnswerParts,
  badRequest,
  cborAnswer,
  durably,
  type Resource,
  readable,
  statusOf,
} from "./resource.ts";

/** GET: the default set; FETCH: those that the body names. */
export function registerResource(meter: Pick<Meter, "register">, parts: AnswerParts): Resource {
  const answer = (registers: readonly Obis[]): CoapContent =>
    durably(parts, () => {
      const entries = registers.map((register) => meter.register(register));
      return cborAnswer(
        encodeRegisterReading({ timeSeconds: parts.utcSeconds(), status: statusOf(parts), entries }),
      );
    });
  return readable([
    [CODE.get, () => answer(DEFAULT_REGISTERS)],
    [
      CODE.fetch,
      (body: Uint8Array) => {
        const registers = decodeRegisterRequest(body);
        return registers === undefined ? badRequest("no list of registers") : answer(registers);
      },
    ],
  ]);
}
