// Bad lines: what comes over them is late, lost or wrong, and is never believed.
import { HeadEndError } from "../../head-end/errors.ts";
import {
  expect,
  type LineFaults,
  lasting,
  type RigHeadEnd,
  type RigMeter,
  registerValue,
  test,
} from "../index.ts";

const IMPORT = "1.8.0";
const SECOND_MS = 1000;
const READS = 8;

/** What came of reads on a bad line: values in their order, and how many questions had no answer. */
async function readBadly(
  headEnd: RigHeadEnd,
  meter: RigMeter,
): Promise<{ values: number[]; unanswered: number }> {
  const values: number[] = [];
  let unanswered = 0;
  for (let i = 0; i < READS; i++) {
    try {
      values.push(registerValue(await headEnd.readRegisters(meter, [IMPORT]), IMPORT));
    } catch (error) {
      // Nobody who is not there has proved anything: an answer is never taken from somebody else.
      if (!(error instanceof HeadEndError) || error.kind === "identity") throw error;
      unanswered++;
    }
  }
  return { values, unanswered };
}

const LINES: readonly [name: string, faults: LineFaults, answeredMin: number][] = [
  ["that loses every fifth frame", { drop: 0.2 }, READS / 2],
  ["that turns a bit in every fifth frame", { flip: 0.2 }, READS / 2],
  ["that is slow", { delayMs: 300 }, READS],
  ["that tears frames apart", { split: 0.5 }, READS],
  ["on which somebody babbles", { babbleEveryMs: 400 }, READS / 2],
  ["of all kinds of trouble", { drop: 0.1, flip: 0.1, split: 0.2, delayMs: 50, babbleEveryMs: 2000 }, 1],
];

for (const [name, faults, answeredMin] of LINES) {
  test(
    `a line ${name} delays answers and forges none`,
    lasting(240, "line-fault"),
    async ({ meter, headEnd, line }) => {
      const before = registerValue(await headEnd.readRegisters(meter, [IMPORT]), IMPORT);
      line.setFaults(faults);
      const { values } = await readBadly(headEnd, meter);
      line.setFaults(undefined);
      const after = registerValue(await headEnd.readRegisters(meter, [IMPORT]), IMPORT);
      const seen = [before, ...values, after];
      expect(seen).toEqual(seen.toSorted((a, b) => a - b));
      expect(values.length).toBeGreaterThanOrEqual(answeredMin);
    },
  );
}

test(
  "bad frames are counted on the nameplate",
  lasting(120, "line-fault"),
  async ({ meter, headEnd, line }) => {
    const before = await headEnd.readNameplate(meter);
    line.setFaults({ flip: 0.5 });
    await readBadly(headEnd, meter);
    line.setFaults(undefined);
    const after = await headEnd.readNameplate(meter);
    expect(after.counters.rejectedFrames).toBeGreaterThan(before.counters.rejectedFrames);
  },
);

test(
  "a line that was cut for a while is in use again when it is back",
  lasting(120, "line-fault"),
  async ({ meter, headEnd, line, clock }) => {
    await headEnd.readRegisters(meter);
    line.setFaults({ drop: 1 });
    await expect(headEnd.readRegisters(meter)).rejects.toMatchObject({ kind: "timeout" });
    await clock.pass(5 * SECOND_MS);
    line.setFaults(undefined);
    await meter.ready();
  },
);

test(
  "a recorded question that is sent again changes nothing and is refused",
  lasting(60),
  async ({ meter, headEnd, line, clock }) => {
    await headEnd.readRegisters(meter, [IMPORT]);
    const before = await headEnd.readNameplate(meter);
    const heard = line.frames.filter(({ direction }) => direction === "outbound").slice(-4);
    await clock.pass(3 * SECOND_MS);
    for (const { bytes } of heard) {
      line.inject(bytes);
      await clock.pass(SECOND_MS / 2);
    }
    const after = await headEnd.readNameplate(meter);
    // Whether by CoAP's own memory of messages or by OSCORE's window: the meter has not served any of them twice.
    expect(after.counters.receivedDatagrams - before.counters.receivedDatagrams).toBeGreaterThan(
      heard.length,
    );
    await headEnd.readRegisters(meter, [IMPORT]);
  },
);

test(
  "bytes of no protocol bring no meter to its knees",
  lasting(60),
  async ({ meter, headEnd, line, rig, clock }) => {
    for (let i = 0; i < 40; i++) {
      // The same for the same seed, and of all lengths.
      const bytes = Uint8Array.from(
        { length: 1 + ((rig.seed + 13 * i) % 60) },
        (_, j) => (rig.seed + 31 * i + 17 * j * j) & 0xff,
      );
      line.inject(bytes);
      await clock.pass(SECOND_MS / 10);
    }
    await headEnd.readRegisters(meter);
  },
);
