// `npm run bench -- load`: one meter under load. What it keeps, whether eight readers are as fast as one that has eight
// reads under way, and where its processor is.
import { churn } from "./churn.ts";
import { type Growth, isFlat } from "./memory.ts";
import { type MeterProcess, meterProcess } from "./meter-process.ts";
import { eightAgainstOne, memoryOverReads, profileUnderReads, type Turn } from "./reads.ts";

const TOP = 5;
/** Eight readers' sum by that of one: as fast, within what two measurements on a shared machine differ by. */
const EIGHT_BY_ONE_MIN = 0.95;
const CPU_OF_EIGHT_MAX = 1.1;
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

type Turns = Readonly<Record<"oneWithEight" | "eightWithOne", Turn>>;

function eightByOne({ oneWithEight, eightWithOne }: Turns): number {
  return eightWithOne.readsPerSecond / oneWithEight.readsPerSecond;
}

/** Where eight cost the meter hardly more for each read, it is the machine's other work that kept their sum down. */
function isSlower(turns: Turns): boolean {
  const { oneWithEight, eightWithOne } = turns;
  const cpuRatio = eightWithOne.meterCpuMicrosecondsPerRead / oneWithEight.meterCpuMicrosecondsPerRead;
  return eightByOne(turns) < EIGHT_BY_ONE_MIN && cpuRatio > CPU_OF_EIGHT_MAX;
}
