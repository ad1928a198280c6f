import type { TestOutcome } from "../../../../host-tools/hil/run/outcome.ts";

/** A test that passed, but for what is given. */
export function outcome(changed: Partial<TestOutcome> = {}): TestOutcome {
  return {
    ...{ bench: "lab", name: "group > reads a register", file: "/lab/read.hil.ts", outcome: "passed" },
    ...{ reasons: [], durationMs: 12, attempts: 1, story: undefined, repeat: undefined },
    ...changed,
  };
}
