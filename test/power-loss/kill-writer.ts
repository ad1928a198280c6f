// The process that `kill` kills: checks what it recovers, then adds records as fast as the disk takes them.
import { writeSync } from "node:fs";
import { Journal, type JournalRecord } from "../../firmware/journal/journal.ts";
import { integerBelow, SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { openFileStorage } from "../../hal/node/file-storage.ts";

const KEEP_RECORDS = 300;
const KINDS = [1, 2, 3];

const storage = await openFileStorage(process.argv[2] ?? "");
const journal = Journal.open(storage, {
  rules: KINDS.map((kind) => ({ kind, keepRecords: KEEP_RECORDS, recordBytesMax: 64 })),
  segmentBytes: 2048,
  segmentsPerSnapshot: 3,
});
const { lastSequence, damage } = journal.recovery;
if (journal.state !== "ready" || damage.length > 0) fail(`${journal.state}, ${JSON.stringify(damage)}`);
checkRecords();
say(lastSequence);
write();

/** The record with sequence n is the same in every life, so that any other content is invented. */
function recordOf(sequence: number): JournalRecord {
  return {
    kind: KINDS[(sequence * 7 + (sequence >> 3)) % 3] as number,
    value: [sequence, "x".repeat(sequence % 29)],
  };
}

function checkRecords(): void {
  const expected: string[] = [];
  const counts = new Map(KINDS.map((kind) => [kind, 0]));
  for (let sequence = lastSequence; sequence > 0; sequence--) {
    const { kind, value } = recordOf(sequence);
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    if (count <= KEEP_RECORDS) expected.unshift(`${sequence} ${kind} ${value}`);
  }
  const found = journal.records(...KINDS).map(({ sequence, kind, value }) => `${sequence} ${kind} ${value}`);
  if (found.join() !== expected.join()) fail("invented or lost records");
}

function write(): void {
  const random = new SeededRandom(lastSequence);
  for (let next = lastSequence + 1; ; ) {
    const count = 1 + integerBelow(random, 4);
    const records = Array.from({ length: count }, (_, i) => recordOf(next + i));
    next += count;
    if (integerBelow(random, 5) === 0) for (const record of records) must(journal.note(record));
    else {
      must(journal.append(records));
      say(next - 1);
    }
    if (integerBelow(random, 40) === 0) must(journal.snapshot());
  }
}

function must(result: string): void {
  if (result !== "done") fail(result);
}

function say(sequence: number): void {
  writeSync(1, `${sequence}\n`);
}

function fail(trouble: string): never {
  process.stderr.write(`${trouble}\n`);
  process.exit(1);
}
