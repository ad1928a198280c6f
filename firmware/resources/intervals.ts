// Resource `p`: the load profile, padded so that an answer's length tells nothing.
import type { EventLog } from "../events/event-log.ts";
import type { Meter } from "../meter.ts";
import { type IntervalProfile, intervalsInSteps } from "../metrology/interval-profile.ts";
import { bareAnswer, CODE, type CoapContent } from "../protocol/coap/message.ts";
import { PADDING_TENTHS, type PaddingTenths } from "../protocol/readings/interval-block.ts";
import {
  decodeProfileRequest,
  encodeProfileReading,
  type ProfileRequest,
} from "../protocol/readings/profile-reading.ts";
import { type AnswerParts, badRequest, cborAnswer, durably, type Resource, readable } from "./resource.ts";

/** A block that did not fit raises the padding for this long: a single long day would tell of itself. */
const RAISED_PADDING_SECONDS = 30 * 86_400;

/** FETCH: the intervals that the body names. */
export function intervalResource(
  meter: Pick<Meter, "profile" | "configuration">,
  log: Pick<EventLog, "record" | "last">,
  parts: AnswerParts,
): Resource {
  const padding = new Padding(meter.configuration.profilePaddingTenths, log, () => parts.utcSeconds() ?? 0);
  const fetch = (body: Uint8Array): CoapContent => {
    const request = decodeProfileRequest(body);
    if (request === undefined) return badRequest("no profile request");
    const profile = meter.profile(request.profile);
    const channel = profile?.channels.indexOf(request.register) ?? -1;
    if (profile === undefined || channel < 0) return bareAnswer(CODE.notFound, "no profile of that register");
    return durably(parts, () => intervalsOf(profile, channel, request, padding, parts.utcSeconds()));
  };
  return readable([[CODE.fetch, fetch]]);
}

function intervalsOf(
  profile: IntervalProfile,
  channel: number,
  request: ProfileRequest,
  padding: Padding,
  timeSeconds: number | undefined,
): CoapContent {
  const rows = profile.read(request.startSeconds, request.count, channel);
  const startSeconds = rows[0]?.startSeconds ?? request.startSeconds;
  const intervals = intervalsInSteps(rows, request.step);
  for (const tenths of padding.candidates()) {
    const body = encodeProfileReading({ timeSeconds, startSeconds, intervals }, request, tenths);
    if (body === undefined) continue;
    padding.use(tenths);
    return cborAnswer(body);
  }
  return bareAnswer(CODE.internalServerError, "the intervals fit no answer: ask for a larger step");
}

/** The padding factor in use. The log remembers when it was raised last: a restart does not end that. */
class Padding {
  readonly #usual: PaddingTenths;
  readonly #log: Pick<EventLog, "record" | "last">;
  readonly #nowSeconds: () => number;

  constructor(usual: PaddingTenths, log: Pick<EventLog, "record" | "last">, nowSeconds: () => number) {
    this.#usual = usual;
    this.#log = log;
    this.#nowSeconds = nowSeconds;
  }

  /** The present one, and those that a longer block may need. */
  candidates(): readonly PaddingTenths[] {
    return PADDING_TENTHS.slice(PADDING_TENTHS.indexOf(this.#now()));
  }

  use(tenths: PaddingTenths): void {
    if (tenths !== this.#now()) this.#log.record("profile-padding-raised", [tenths]);
  }

  #now(): PaddingTenths {
    const raised = this.#log.last("profile-padding-raised");
    const untilSeconds = (raised?.utcSeconds ?? 0) + RAISED_PADDING_SECONDS;
    if (raised === undefined || this.#nowSeconds() >= untilSeconds) return this.#usual;
    return (
      PADDING_TENTHS.find((tenths) => tenths > this.#usual && tenths === raised.details[0]) ?? this.#usual
    );
  }
}
