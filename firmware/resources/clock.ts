// Resource `c`: what the meter knows of its time.
import type { WallClock } from "../clock/wall-clock.ts";
import { EMPTY } from "../protocol/bytes.ts";
import { CODE } from "../protocol/coap/message.ts";
import { encodeClockReading } from "../protocol/readings/clock-reading.ts";
import { type AnswerParts, cborAnswer, type Resource, statusOf } from "./resource.ts";

/** GET: time, state, zone. There is no challenge in it, as nobody may set the clock over the line. */
export function clockResource(
  clock: Pick<WallClock, "state" | "status" | "driftPpm">,
  zone: string,
  parts: AnswerParts,
): Resource {
  const get = () => {
    const { state, status, driftPpm } = clock;
    const ageMs = state.kind === "invalid" ? undefined : state.ageMs;
    return cborAnswer(
      encodeClockReading({
        timeSeconds: parts.utcSeconds(),
        status: statusOf(parts),
        clockStatus: status,
        source: state.kind === "invalid" ? "none" : state.source,
        ageSeconds: ageMs === undefined ? undefined : ageMs / 1000,
        driftPartsPerBillion: driftPpm === undefined ? undefined : driftPpm * 1000,
        zone,
        challenge: EMPTY,
      }),
    );
  };
  return new Map([[CODE.get, get]]);
}
