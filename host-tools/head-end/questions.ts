// What is asked of one meter and of many alike: registers and intervals.
import { CODE, type CoapContent, resourceRequest } from "../../firmware/protocol/coap/message.ts";
import { INTERVALS_PER_BLOCK_MAX, type Interval } from "../../firmware/protocol/readings/interval.ts";
import type { Obis } from "../../firmware/protocol/readings/obis.ts";
import {
  decodeProfileReading,
  encodeProfileRequest,
  type ProfileRequest,
  periodSecondsOf,
} from "../../firmware/protocol/readings/profile-reading.ts";
import {
  decodeRegisterReading,
  encodeRegisterRequest,
  type RegisterReading,
} from "../../firmware/protocol/readings/register-reading.ts";
import { DEFAULT_REGISTERS } from "../../firmware/protocol/readings/register-table.ts";

/** A request, how long its answer will be at the most, and what an answer says; undefined where it is none. */
export interface BodyQuestion<Body> {
  readonly content: CoapContent;
  readonly answerBytes: number;
  readonly decode: (body: Uint8Array) => Body | undefined;
}

/** An interval with its start, UTC in seconds. */
export interface TimedInterval extends Interval {
  readonly startSeconds: number;
}

/** An answer's CoAP, OSCORE and CBOR around its values. */
export const ANSWER_BYTES = 40;
/** A register's room, and an interval's at the usual padding. */
const REGISTER_BYTES = 7;
const INTERVAL_BYTES = 1.5;

/** Registers in the order asked for; without any, a meter's default set. */
export function registersQuestion(registers: readonly Obis[]): BodyQuestion<RegisterReading> {
  const wanted = registers.length === 0 ? DEFAULT_REGISTERS : registers;
  return {
    content: registerRequest(registers),
    answerBytes: ANSWER_BYTES + REGISTER_BYTES * wanted.length,
    decode: (body) => decodeRegisterReading(body, wanted),
  };
}

export function registerRequest(registers: readonly Obis[]): CoapContent {
  if (registers.length === 0) return resourceRequest(CODE.get, "r");
  return resourceRequest(CODE.fetch, "r", encodeRegisterRequest(registers));
}

/** The intervals of one request, `count` from 1 to 96. */
export function profileQuestion(request: ProfileRequest): BodyQuestion<TimedInterval[]> {
  return {
    content: resourceRequest(CODE.fetch, "p", encodeProfileRequest(request)),
    answerBytes: ANSWER_BYTES + INTERVAL_BYTES * request.count,
    decode: (body) => {
      const reading = decodeProfileReading(body, request);
      return reading?.intervals.map((interval, i) => ({
        ...interval,
        startSeconds: reading.startSeconds + i * periodSecondsOf(request),
      }));
    },
  };
}

/** Spans longer than one request holds, cut into requests of at most 96 intervals each. */
export function profileRequests(request: ProfileRequest): ProfileRequest[] {
  const requests: ProfileRequest[] = [];
  const periodSeconds = periodSecondsOf(request);
  for (let done = 0; done < request.count; done += INTERVALS_PER_BLOCK_MAX) {
    const count = Math.min(INTERVALS_PER_BLOCK_MAX, request.count - done);
    requests.push({ ...request, startSeconds: request.startSeconds + done * periodSeconds, count });
  }
  return requests;
}
