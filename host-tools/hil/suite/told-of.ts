import { COUNTING_MS } from "../../../firmware/events/failure-counter.ts";
import { allEvents, namesOf, type RigClock, type RigHeadEnd, type RigMeter } from "../index.ts";

/** What happens between a request and its event, and a clock that is a little off. */
const SLACK_MS = 60_000;

/**
 * True where the security log has told of this by now. What a stranger can cause at will a meter tells at once, and then
 * only counts for a day: on a bench that was tested earlier today the event is of then.
 */
export async function isToldOf(
  name: string,
  { headEnd, meter, clock }: { headEnd: RigHeadEnd; meter: RigMeter; clock: RigClock },
): Promise<boolean> {
  const sinceSeconds = (clock.utcMs() - COUNTING_MS - SLACK_MS) / 1000;
  const events = await allEvents(headEnd, meter, "security");
  return namesOf(events.filter(({ utcSeconds }) => (utcSeconds ?? 0) >= sinceSeconds)).includes(name);
}
