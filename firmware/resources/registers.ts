// Resource `r`: what registers stand at.
import type { Meter } from "../meter.ts";
import { answerWith, CODE, type CoapContent, FORMAT } from "../protocol/coap/message.ts";
import type { Observed } from "../protocol/observe/observers.ts";
import type { Obis } from "../protocol/readings/obis.ts";
import {
  decodeRegisterRequest,
  encodeRegisterReading,
  type RegisterReading,
} from "../protocol/readings/register-reading.ts";
import { DEFAULT_REGISTERS } from "../protocol/readings/register-table.ts";
import { encodeSenmlReading } from "../protocol/readings/senml-reading.ts";
import { observedPeriodically } from "./observed.ts";
import {
  type AnswerParts,
  badRequest,
  cborAnswer,
  durably,
  type Method,
  type Resource,
  statusOf,
} from "./resource.ts";

/** All that r needs beside the meter. */
interface RegisterParts extends AnswerParts {
  /** How often an observer is told. */
  readonly observePeriodMs: number;
}

/** How a reading is written. */
type Writer = (reading: RegisterReading) => CoapContent;

/** GET: the default set; FETCH: those that the body names. */
export function registerResource(meter: Pick<Meter, "register">, parts: RegisterParts): Resource {
  return resourceWrittenBy(meter, parts, (reading) => cborAnswer(encodeRegisterReading(reading)));
}

/** The same as a SenML pack under the meter's serial number. */
export function senmlRegisterResource(
  meter: Pick<Meter, "register" | "configuration">,
  parts: RegisterParts,
): Resource {
  const baseName = `${meter.configuration.serialNumber}/`;
  return resourceWrittenBy(meter, parts, (reading) =>
    answerWith(CODE.content, FORMAT.senmlCbor, encodeSenmlReading(reading, baseName)),
  );
}

function resourceWrittenBy(meter: Pick<Meter, "register">, parts: RegisterParts, write: Writer): Resource {
  const answer = (registers: readonly Obis[]): CoapContent =>
    durably(parts, () => {
      const entries = registers.map((register) => meter.register(register));
      return write({ timeSeconds: parts.utcSeconds(), status: statusOf(parts), entries });
    });
  const fetch = (body: Uint8Array): CoapContent => {
    const registers = decodeRegisterRequest(body);
    return registers === undefined ? badRequest("no list of registers") : answer(registers);
  };
  const observable = (answerTo: (body: Uint8Array) => CoapContent): Method => ({
    right: "read",
    answer: answerTo,
    observe: (body): Observed => observedPeriodically(parts.observePeriodMs, () => answerTo(body)),
  });
  return new Map([
    [CODE.get, observable(() => answer(DEFAULT_REGISTERS))],
    [CODE.fetch, observable(fetch)],
  ]);
}
