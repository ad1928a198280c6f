// What members have answered to several questions in a row, as one report of each.
import type { MemberReport } from "./group-reading.ts";

/** A member that has answered all questions, in their order; or why it has not. */
export type GatheredReport<Body> =
  | { readonly meter: string; readonly outcome: "answered" | "late"; readonly parts: readonly Body[] }
  | Extract<MemberReport<Body>, { why: string }>;

/** How many members each outcome has. */
export type Tally = Readonly<Record<MemberReport<unknown>["outcome"], number>>;

const CAME_OR_WENT = "It came to the group, or left it, while that was read: ask again.";

/** Takes a report of each member to each question, and tells of a member when it has all of them. */
export class Gathered<Body> {
  readonly #questions: number;
  readonly #tell: (report: GatheredReport<Body>) => void;
  readonly #reports = new Map<string, MemberReport<Body>[]>();
  readonly #tally = { answered: 0, late: 0, missing: 0, refused: 0 };

  constructor(questions: number, tell: (report: GatheredReport<Body>) => void) {
    this.#questions = questions;
    this.#tell = tell;
  }

  /** The last question has been asked: tells of whoever was a member for some of them alone. */
  end(): void {
    for (const [meter, reports] of this.#reports)
      if (reports.length < this.#questions)
        this.#tellOf(
          reports.find((report) => "why" in report) ?? { meter, outcome: "missing", why: CAME_OR_WENT },
        );
  }

  /** Of the members that were told of. */
  get tally(): Tally {
    return this.#tally;
  }

  take(report: MemberReport<Body>): void {
    const reports = [...(this.#reports.get(report.meter) ?? []), report];
    this.#reports.set(report.meter, reports);
    if (reports.length < this.#questions) return;
    this.#tellOf(together(report.meter, reports));
  }

  #tellOf(report: GatheredReport<Body>): void {
    this.#tally[report.outcome]++;
    this.#tell(report);
  }
}

/** What is missing of one answer is missing of all: a part that is shown as the whole would be wrong. */
function together<Body>(meter: string, reports: readonly MemberReport<Body>[]): GatheredReport<Body> {
  const parts: Body[] = [];
  let outcome: "answered" | "late" = "answered";
  for (const report of reports) {
    if ("why" in report) return report;
    if (report.outcome === "late") outcome = "late";
    parts.push(report.body);
  }
  return { meter, outcome, parts };
}
