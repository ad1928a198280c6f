// `npm run bench -- load`: one meter under load. What it keeps, whether eight readers are as fast as one that has eight
// reads under way, and where its processor is.
import { churn } from "./churn.ts";
import { type Growth, isFlat } from "./memory.ts";
import { type MeterProcess, meterProcess } from "./meter-process.ts";
import { eightAgainstOne, eightByOne, isSlower, memoryOverReads, profileUnderReads } from "./reads.ts";

const TOP = 5;
/** For so many reads one handshake, one watch and one stranger's datagram, but of each as many as show a leak. */
const READS_PER_CHURN = 100;
const CHURN_MIN = 1000;

export interface LoadOptions {
  readonly reads: number;
  /** The meter keeps each datagram. */
  readonly isLeaking: boolean;
  /** Told what is measured next. */
  readonly tell: (line: string) => void;
}

export interface LoadFigures extends Readonly<Record<string, unknown>> {
  readonly faults: readonly string[];
}

/** Ends the meter that it starts, whatever happens. */
export async function loadFigures(options: LoadOptions): Promise<LoadFigures> {
  const meter = await meterProcess();
  try {
    return await figuresOf(meter, options);
  } finally {
    await meter.stop();
  }
}

async function figuresOf(meter: MeterProcess, { reads, isLeaking, tell }: LoadOptions): Promise<LoadFigures> {
  tell("eight readers against one");
  const turns = await eightAgainstOne(meter);
  tell("profile");
  const selfTimes = await profileUnderReads(meter);
  if (isLeaking) await meter.ask("leak");
  tell(`memory over ${reads} reads`);
  const { readsPerSecond, ...ofReads } = await memoryOverReads(meter, reads);
  const times = Math.max(CHURN_MIN, Math.round(reads / READS_PER_CHURN));
  tell(`memory over ${times} handshakes, watches and strangers' datagrams`);
  const memory = { ...ofReads, ...churn({ times }) };
  return {
    ...turns,
    eightByOne: eightByOne(turns),
    readsPerSecondOverAll: readsPerSecond,
    profile: Object.fromEntries(selfTimes.slice(0, TOP).map(({ name, share }) => [name, share])),
    memory,
    faults: [
      ...(isSlower(turns) ? ["eight readers are slower than one that has eight reads under way"] : []),
      ...Object.entries<Growth>(memory).flatMap(([of, growth]) =>
        isFlat(growth) ? [] : [`memory grows: ${of}`],
      ),
    ],
  };
}
