// What the clock tells, as events of the log.
import { type ClockEvent, TELLERS } from "../clock/clock-event.ts";
import { REFUSAL_REASONS } from "../clock/set-rules.ts";
import type { EventTime } from "../protocol/readings/logged-event.ts";
import type { EventLog } from "./event-log.ts";

/** Logs a clock's event. A slew within the sync limit is none. */
export function recordClockEvent(log: EventLog, event: ClockEvent): void {
  switch (event.kind) {
    case "adjusted":
      log.record("clock-set-old-time", [], stamp(event.oldUtcMs, event.oldStatus));
      log.record("clock-set-new-time", [], stamp(event.newUtcMs, event.newStatus));
      return;
    case "refused":
      log.record("clock-set-refused", [TELLERS.indexOf(event.role), REFUSAL_REASONS.indexOf(event.reason)]);
      return;
    case "invalid":
      log.record("clock-invalid");
      return;
    case "doubtful":
      log.record("clock-doubtful");
      return;
    case "board-stepped":
      log.record("board-clock-set", [event.byMs / 1000]);
      return;
    case "slewed":
      return;
  }
}

function stamp(utcMs: number | undefined, clockStatus: number): EventTime {
  return { utcSeconds: utcMs === undefined ? undefined : Math.floor(utcMs / 1000), clockStatus };
}
