// The emulated meters of a bench, each at the end of a line of its own, or all behind an emulated DAP.
import { type Identity, newIdentity } from "../../../firmware/identity/identity.ts";
import { OWNER, TrustList } from "../../../firmware/identity/trust.ts";
import type { Switching } from "../../../firmware/relay/switching.ts";
import { SlipmuxLink } from "../../../hal/modems/slipmux/driver.ts";
import type { CryptoEngine } from "../../../hal/ports/crypto.ts";
import { LINE } from "../../../hal/ports/link.ts";
import type { LinePlace } from "../../head-end/groups/group-reader.ts";
import type { BenchMeter } from "../bench.ts";
import type { LineToMeter } from "../head-ends.ts";
import { FaultyUart } from "../line/faulty-uart.ts";
import { WatchedLine } from "../line/watched-line.ts";
import { MeterFlash } from "../meter-flash.ts";
import type { RigMeter } from "../rig.ts";
import type { Wiring } from "../wiring.ts";
import { EmulatedBoard, FACTORY_SEQUENCE } from "./board.ts";
import { DirectLine } from "./direct-line.ts";
import { EmulatedMeter, type EmulatedMeterParts, RELAY_MODE } from "./meter.ts";

/** Who asks, and who signs orders to relays. */
export interface Parties {
  readonly headEnd: Identity;
  readonly operator: Identity | undefined;
  /** A head-end that meters know and that may only read; real meters know none. */
  readonly reader?: Identity | undefined;
}

/** Those of an emulated bench, by its seed. */
export function emulatedParties({ crypto, chance }: Pick<Wiring, "crypto" | "chance">): Parties {
  const party = (role: "head-end" | "operator", id: string = role): Identity =>
    newIdentity(crypto, chance.fork(`${id} key`), { role, id, development: true });
  return {
    headEnd: party("head-end"),
    operator: party("operator"),
    reader: party("head-end", "reader"),
  };
}

export function emulatedKey(
  { crypto, chance }: { crypto: CryptoEngine; chance: Wiring["chance"] },
  role: "meter" | "dap",
  id: string,
): Identity {
  return newIdentity(crypto, chance.fork(`key of ${id}`), { role, id, development: true });
}

/** What meters are made with, beside a line. */
export interface EmulatedMeterMaking {
  readonly wiring: Wiring;
  readonly parties: Parties;
  readonly untilReady: (meter: RigMeter) => Promise<void>;
  /** Where a meter on a line of its own is asked. */
  readonly placeOf: (meter: string) => LinePlace;
}

/** What one meter has for itself. */
type EmulatedMeterOwn = { readonly id: string } & Pick<
  EmulatedMeterParts,
  "watts" | "line" | "openLink" | "board" | "flash"
>;

/** A meter at a line of its own, and where it is asked. */
export function directMeter(
  making: EmulatedMeterMaking,
  { id, watts, baud }: Extract<BenchMeter, { kind: "emulated" }>,
): { readonly meter: EmulatedMeter; readonly at: LineToMeter } {
  const { time, chance, crypto, recorder, timeoutMs, ends } = making.wiring;
  const { clock } = time;
  const direct = new DirectLine(clock, baud);
  const faulty = new FaultyUart(direct, clock, chance.fork(`faults of ${id}`));
  const line = new WatchedLine({
    ...{ name: id, station: LINE, clock, recorder, end: "head-end", faulty },
    link: new SlipmuxLink(faulty),
  });
  const board = new EmulatedBoard({ crypto, clock, random: chance.fork(`board of ${id}`) });
  const flash = new MeterFlash({
    wiring: making.wiring,
    place: () => making.placeOf(id),
    image: (kind = "sound") => board.image(kind, ++newest),
  });
  let newest = FACTORY_SEQUENCE;
  const meter = emulatedMeter(making, { id, watts, line, openLink: () => direct.openMeter(), board, flash });
  ends.push(() => line.close());
  return { meter, at: { line, target: { station: LINE, name: id, expect: id, timeoutMs } } };
}

export function emulatedMeter(
  { wiring, parties, untilReady }: EmulatedMeterMaking,
  { id, ...own }: EmulatedMeterOwn,
): EmulatedMeter {
  const { crypto, chance, time, recorder, ends } = wiring;
  const { credential } = parties.headEnd;
  const trusted = parties.reader === undefined ? [credential] : [credential, parties.reader.credential];
  const meter = new EmulatedMeter({
    ...{ crypto, time, recorder, untilReady, random: chance.fork(id) },
    ...own,
    identity: emulatedKey(wiring, "meter", id),
    trust: new TrustList(trusted, { [credential.id]: OWNER }),
    switching: switchingBy(parties),
  });
  ends.push(() => meter.close());
  return meter;
}

function switchingBy({ operator }: Parties): Switching | undefined {
  return operator && { mode: RELAY_MODE, operators: [operator.credential] };
}
