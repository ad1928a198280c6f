// `npm run bench -- group`: a block of fifty meters behind one DAP, in virtual time, read in each way.
import { type Blackout, blackout } from "../../load/blackout.ts";
import { disks } from "../../load/wake-up.ts";
import {
  type LinkFigures,
  linkFigures,
  type QuestionName,
  type ReadFigures,
  type WayName,
} from "./readings.ts";
import { type Babbling, type InTurn, readBesideBabbling, readInTurn } from "./shared-line.ts";

const METERS = 50;
const DOWNLINK_SHARE_MAX = 1 / 10;
/** RS-485 at 9600 baud. */
const RS485_SECONDS_MAX = { registers: 10, intervals: 20 } as const;
const RS485_SECONDS_MAX_WITH_LOSS = 30;
const LOSS = 0.1;
const LINE_TIMES_MAX = 1.1;

export interface GroupFigures extends Readonly<Record<string, unknown>> {
  readonly faults: readonly string[];
}

export async function groupFigures(): Promise<GroupFigures> {
  const links = {
    rs485: await linkFigures("rs485", 0),
    rs485WithLoss: await linkFigures("rs485", LOSS),
    xbee: await linkFigures("xbee", 0),
    ip: await linkFigures("ip", 0),
  };
  const inTurn = await readInTurn();
  const babbling = await readBesideBabbling();
  const blackouts = {
    sessionsLost: await blackout({ south: "rs485" }),
    sessionsKept: await blackout({ south: "rs485", storage: disks() }),
  };
  return {
    ...{ meters: METERS, loss: LOSS, links, inTurn, babbling, blackouts },
    faults: [
      ...Object.entries(links).flatMap(([name, figures]) => linkFaults(name, figures)),
      ...rs485Faults(links.rs485, links.rs485WithLoss),
      ...lineFaults(inTurn, babbling),
      ...Object.values(blackouts).flatMap(blackoutFaults),
    ],
  };
}

/** All are read in each way, and one request for all is a tenth of one for each. */
function linkFaults(link: string, { reads }: LinkFigures): string[] {
  const faults: string[] = [];
  for (const [question, ways] of Object.entries(reads)) {
    const entries = Object.entries(ways) as [WayName, ReadFigures][];
    for (const [way, { answered, late, downBytes }] of entries) {
      const where = `${link}, ${question}, ${way}`;
      if (answered + late < METERS) faults.push(`${where}: only ${answered + late} meters answered`);
      const share = downBytes / ways.unicast.downBytes;
      const isCounted = way.startsWith("fan-out") && question === "registers" && link !== "rs485WithLoss";
      if (isCounted && share > DOWNLINK_SHARE_MAX)
        faults.push(`${where}: ${share.toFixed(3)} of the bytes down of unicast`);
    }
  }
  return faults;
}

function rs485Faults(whole: LinkFigures, lossy: LinkFigures): string[] {
  const tooSlow = (name: string, ways: Readonly<Record<WayName, ReadFigures>>, secondsMax: number) =>
    Object.entries(ways)
      .filter(([, { virtualSeconds }]) => virtualSeconds > secondsMax)
      .map(([way, { virtualSeconds }]) => `rs485, ${name}, ${way}: ${virtualSeconds.toFixed(1)} s`);
  const names: readonly QuestionName[] = ["registers", "intervals"];
  return [
    ...names.flatMap((name) => tooSlow(name, whole.reads[name], RS485_SECONDS_MAX[name])),
    ...tooSlow("intervals with loss", lossy.reads.intervals, RS485_SECONDS_MAX_WITH_LOSS),
  ];
}

function lineFaults({ meters, read, virtualSeconds, lineSeconds }: InTurn, babbling: Babbling): string[] {
  const times = virtualSeconds / lineSeconds;
  return [
    ...(read < meters ? [`${read} of ${meters} meters were read in turn`] : []),
    ...(times > LINE_TIMES_MAX ? [`in turn: ${times.toFixed(2)} of the line's own time`] : []),
    ...(String(babbling.reported) === babbling.babbling
      ? []
      : [`${babbling.babbling} babbles, and the DAP tells of "${babbling.reported}"`]),
    ...(babbling.read < babbling.others ? [`${babbling.read} were read beside ${babbling.babbling}`] : []),
  ];
}

function blackoutFaults({ read, handshakesRefused }: Blackout): string[] {
  return read === METERS && handshakesRefused === 0 ? [] : [`after a blackout ${read} meters were read`];
}
