import { describe, expect, test } from "vitest";
import { integerBelow, SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { MemoryStorage } from "../../hal/storage/memory-storage.ts";
import { event, interval, KIND, open, settled, values, withFile } from "../firmware/journal/helpers.ts";
import { FUZZ_INPUTS } from "../support/fuzz.ts";

/** Each input is a whole disk, which takes a hundred times as long as a frame. */
const DISKS = FUZZ_INPUTS / 50;
// Repeat one run with: SEED=<seed> npx vitest run test/fuzz/journal.test.ts
const SEED = process.env["SEED"] ?? "journal";

/** Two starts, a snapshot, and records of two kinds. */
function wellUsed(): MemoryStorage {
  const disk = new MemoryStorage();
  for (const first of [1, 40]) {
    const journal = open(disk);
    for (let n = first; n < first + 39; n++) journal.append([n % 7 === 0 ? event(`e${n}`) : interval(n)]);
  }
  return settled(disk);
}

type Damage = (bytes: Uint8Array, random: SeededRandom) => Uint8Array;

const DAMAGES: Readonly<Record<string, Damage>> = {
  "some bytes": (bytes, random) => {
    for (let i = 0; i < 4; i++) bytes.set(random.bytes(1), integerBelow(random, bytes.length));
    return bytes;
  },
  "cut off": (bytes, random) => bytes.subarray(0, integerBelow(random, bytes.length)),
  "a piece taken out": (bytes, random) => {
    const from = integerBelow(random, bytes.length);
    const to = from + integerBelow(random, bytes.length - from);
    return Uint8Array.from([...bytes.subarray(0, from), ...bytes.subarray(to)]);
  },
  "a piece twice": (bytes, random) => {
    const from = integerBelow(random, bytes.length);
    return Uint8Array.from([...bytes, ...bytes.subarray(from)]);
  },
  noise: (bytes, random) => random.bytes(bytes.length),
};

describe("damaged files of a journal", () => {
  test.each(Object.entries(DAMAGES))("%s: it opens, invents nothing and can be written", (name, damage) => {
    const disk = wellUsed();
    const names = [...disk.list()].sort();
    const recorded = new Set(everRecorded());
    for (let i = 0; i < DISKS / 5; i++) {
      const random = new SeededRandom(`${SEED}/${name}/${i}`);
      const file = names[integerBelow(random, names.length)] as string;
      const damaged = withFile(disk, file, damage(disk.read(file) as Uint8Array, random));
      const journal = open(damaged);
      const invented = values(journal, KIND.interval, KIND.event).filter(
        (value) => !recorded.has(value as never),
      );
      const done = journal.append([event("after")]);
      const last = values(open(settled(damaged)), KIND.event).at(-1);
      const repeat = `SEED=${SEED} npx vitest run test/fuzz/journal.test.ts, disk ${i}`;
      expect({ invented, done, last, repeat }).toEqual({ invented: [], done: "done", last: "after", repeat });
    }
  });

  function everRecorded(): (string | number)[] {
    return Array.from({ length: 78 }, (_, i) => ((i + 1) % 7 === 0 ? `e${i + 1}` : i + 1));
  }
});
