import { Journal, type JournalOptions, type JournalRecord } from "../../firmware/journal/journal.ts";
import type { Storage } from "../../hal/ports/storage.ts";

/** Small rings and segments, so that a short history rotates, evicts and takes snapshots. */
export const OPTIONS: JournalOptions = {
  rules: [
    { kind: 1, keepRecords: 1, recordBytesMax: 32 },
    { kind: 2, keepRecords: 7, recordBytesMax: 32 },
    { kind: 3, keepRecords: 3, recordBytesMax: 32 },
  ],
  segmentBytes: 180,
  segmentsPerSnapshot: 3,
};

const KEEP = new Map(OPTIONS.rules.map(({ kind, keepRecords }) => [kind, keepRecords]));

/** What a recovered journal shows of the rule: acknowledged <= recovered <= attempted. */
export type Verdict = "kept" | "lost" | "invented" | "unreadable" | "false-alarm";

interface Attempt extends JournalRecord {
  readonly endsBatch: boolean;
}

/** What was asked of a journal, record by record, and how much of it was acknowledged. */
export class History {
  readonly #attempts: Attempt[];
  #acknowledged: number;
  #serial: number;

  constructor(from?: History) {
    this.#attempts = from ? [...from.#attempts] : [];
    this.#acknowledged = from ? from.#acknowledged : 0;
    this.#serial = from ? from.#serial : 0;
  }

  /** Tells histories apart that one workload may have. */
  get key(): string {
    return [this.#acknowledged, this.#serial, ...this.#attempts.map(({ value }) => value)].join();
  }

  /** Records that no other attempt has, also none of those that were lost. */
  batch(kinds: readonly number[]): JournalRecord[] {
    const records = kinds.map((kind) => ({ kind, value: [++this.#serial, "x".repeat(this.#serial % 5)] }));
    for (const [i, record] of records.entries()) {
      this.#attempts.push({ ...record, endsBatch: i === records.length - 1 });
    }
    return records;
  }

  /** All that was attempted so far was said to be durable. */
  acknowledge(): void {
    this.#acknowledged = this.#attempts.length;
  }

  /** Judges what an opened journal has; where that is well, what is not there counts as never attempted. */
  judge(journal: Journal): Verdict {
    const { lastSequence, damage } = journal.recovery;
    if (lastSequence < this.#acknowledged) return "lost";
    const isBatchEnd = lastSequence === 0 || this.#attempts[lastSequence - 1]?.endsBatch === true;
    const expected = this.#expectedOf(lastSequence);
    const found = journal.records(1, 2, 3).map(({ kind, value }) => `${kind}:${value}`);
    if (!isBatchEnd || found.some((record) => !expected.includes(record))) return "invented";
    if (found.join() !== expected.join()) return "lost";
    if (damage.length > 0) return "false-alarm";
    this.#attempts.length = lastSequence;
    this.#acknowledged = lastSequence;
    return "kept";
  }

  /** What the rules keep of the first `length` records. */
  #expectedOf(length: number): string[] {
    const counts = new Map<number, number>();
    const isKept = ({ kind }: Attempt): boolean => {
      const count = (counts.get(kind) ?? 0) + 1;
      counts.set(kind, count);
      return count <= (KEEP.get(kind) ?? 0);
    };
    const kept = this.#attempts.slice(0, length).toReversed().filter(isKept).toReversed();
    return kept.map(({ kind, value }) => `${kind}:${value}`);
  }
}

/** Opens what a cut left and judges it. A recovery that throws has not read it. */
export function openAndJudge(storage: Storage, history: History): Verdict {
  const journal = Journal.open(storage, OPTIONS);
  return journal.state === "ready" ? history.judge(journal) : "unreadable";
}
