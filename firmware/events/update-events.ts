// What a start finds of the images that a board has tried.
import { UPDATE_REFUSALS } from "../update/refusals.ts";
import { SLOTS, type SlotsReport } from "../update/slots-report.ts";
import type { EventLog } from "./event-log.ts";

type Log = Pick<EventLog, "record" | "last">;

/**
 * Logs that an image waits for its trial, by whatever way it came, and that one was rolled back: each once, however often
 * the board starts.
 */
export function recordUpdates(
  log: Log,
  { trial, slots, outcome }: Pick<SlotsReport, "trial" | "slots" | "outcome">,
): void {
  const tried = trial && slots[trial.slot];
  if (tried !== undefined && newestOf(log, tried.sequence) !== "firmware-ready")
    log.record("firmware-ready", [tried.sequence]);
  if (outcome?.kind !== "rolled-back") return;
  if (newestOf(log, outcome.sequence) === "firmware-rolled-back") return;
  log.record("firmware-rolled-back", [outcome.sequence]);
  if (SLOTS.some((slot) => slots[slot]?.state === "broken"))
    log.record("firmware-verification-failed", [UPDATE_REFUSALS.indexOf("payload")]);
}

/** What was logged last of the image of this sequence. */
function newestOf(log: Log, sequence: number): "firmware-ready" | "firmware-rolled-back" | undefined {
  const ready = log.last("firmware-ready");
  const back = log.last("firmware-rolled-back");
  const isReady = ready?.details[0] === sequence;
  const isBack = back?.details[0] === sequence;
  if (isReady && isBack) return ready.sequence > back.sequence ? "firmware-ready" : "firmware-rolled-back";
  return isReady ? "firmware-ready" : isBack ? "firmware-rolled-back" : undefined;
}
