// `serve --at ADDRESS`: runs a meter on a line.
import { type Command, InvalidArgumentError } from "commander";
import { Display } from "../../../firmware/display/display.ts";
import { meterSource } from "../../../firmware/display/meter-source.ts";
import type { Identity } from "../../../firmware/identity/identity.ts";
import { RIGHTS } from "../../../firmware/identity/trust.ts";
import type { MeterBoard, RuntimeOptions } from "../../../firmware/meter-board.ts";
import { MeterStateError } from "../../../firmware/meter-state-parts.ts";
import type { PresetContext } from "../../../firmware/protocol/sessions.ts";
import { MeterRuntime } from "../../../firmware/runtime.ts";
import { METERING_PARTS, PART_NAMES } from "../../../hal/metering-ics/parts.ts";
import { type Address, formatAddress, parseAddress } from "../../../hal/node/address.ts";
import { type FileStorage, StorageError } from "../../../hal/node/file-storage.ts";
import { systemClock } from "../../../hal/node/system-clock.ts";
import { systemRandom } from "../../../hal/node/system-random.ts";
import type { Link } from "../../../hal/ports/link.ts";
import type { MeteringIc } from "../../../hal/ports/metering-ic.ts";
import { parseDuration } from "../../duration.ts";
import { type Load, shareOf } from "../../loads/index.ts";
import { playPast } from "../../world/past.ts";
import { type BillingOptions, billingOf, tariffOf, withBilling } from "../billing.ts";
import { type CaptureOptions, LineWatch, withCapture } from "../capture.ts";
import {
  attachedSide,
  emulatedSide,
  type LoadOptions,
  loadOf,
  type MeteringSide,
  withLoad,
} from "../chip.ts";
import {
  type CommonOptions,
  engineOf,
  idOption,
  numberOption,
  pathOption,
  withCommonOptions,
} from "../common.ts";
import { type RunningFaceplate, runFaceplate } from "../faceplate.ts";
import { usageFault } from "../fault.ts";
import { say, sayJson, sayProgress } from "../output.ts";
import { homeText, shellWord } from "../paste.ts";
import { addressesFrom, COUNT_MAX, idsFrom } from "../places.ts";
import { emulatedConfiguration } from "../plate.ts";
import { holdPreset } from "../preset.ts";
import { refuseMixtures, SPEED_MAX } from "../serve-mixtures.ts";
import { ServedBoard, stateOnBoard } from "../served-board.ts";
import { servedKeys } from "../served-keys.ts";
import { openServedLinks } from "../served-links.ts";
import { type SwitchingOptions, switchingOf, withSwitching } from "../served-relay.ts";
import { ServedSignals } from "../served-signals.ts";
import { openStates, tellFault, tellRecovery } from "../state.ts";
import { untilStopped } from "../stop.ts";

type Options = CommonOptions &
  CaptureOptions &
  LoadOptions &
  BillingOptions &
  SwitchingOptions & {
    readonly at: string;
    readonly id?: string;
    readonly count: number;
    /** In milliseconds. */
    readonly history?: number;
    readonly speed: number;
    readonly trust?: string[];
    readonly observePeriod: number;
    readonly oscoreContext?: string;
    readonly state?: string;
    readonly board?: string;
  };

const POLL_INTERVAL_MS = 1000;
/** What a meter keeps of its profile. */
const HISTORY_DAYS_MAX = 190;
const DAY_MS = 86_400_000;
/** Whoever watches registers wants to hear of them within the hour. */
const OBSERVE_PERIOD_SECONDS_MAX = 3600;
/** Between two lines that tell how far the past is played. */
const PROGRESS_MS = 1000;

export function addServeCommand(program: Command): void {
  withSwitching(
    withBilling(
      withLoad(
        withCapture(withCommonOptions(program.command("serve"), "noble"))
          .description("run a meter on a line, emulated or with a real metering part, or many emulated ones")
          .requiredOption(
            "--at <address>",
            "udp:HOST:PORT, tcp:HOST:PORT, pty:PATH, serial:PATH?baud=9600, or rs485: or xbee: before a line",
          )
          .option("--id <id>", "the meter's alias (default: M1, or the key file's)", idOption)
          .option(
            "--chip <part>",
            `emulated (${PART_NAMES.join(", ")}), or a real one as PART@serial:PATH`,
            "bl0942",
          ),
      ),
    ),
  )
    .option("--count <n>", "serve so many emulated meters (see below)", numberOption(1, COUNT_MAX, true), 1)
    .option("--history <duration>", "play so much past time first, such as 30d or 12h", historyOption)
    .option("--speed <n>", "play load and meter clock this much faster", numberOption(0.001, SPEED_MAX), 1)
    .option(
      "--observe-period <seconds>",
      "tell registers this often to who watches them",
      numberOption(1, OBSERVE_PERIOD_SECONDS_MAX),
      60,
    )
    .option("--keys <file>", "the meter's key file (default: a development key in --home)")
    .option("--cwt <file>", "show what an issuer has signed of the key (keys sign); with --keys", pathOption)
    .option("--trust <file...>", "credential files of the head-ends that may read; with --keys")
    .option(
      "--allow <id=rights...>",
      `what they may do beside reading (${RIGHTS.slice(1).join(", ")}), as utility=clock,relay`,
    )
    .option(
      "--state <dir>",
      "keep registers, profile and sessions in a folder for each meter, over restarts",
      pathOption,
    )
    .option("--board <dir>", "run on a board that takes images from afar, in this folder", pathOption)
    .option("--oscore-context <file>", "serve a client without EDHOC by this context; development only")
    .addHelpText(
      "after",
      `
--count N serves meters M1 to MN (ID-1 to ID-N with --id) at the ports from --at on, or at pty:PATH-1 to
pty:PATH-N, all on one clock. The first draws the whole load, each other between half and all of it, a share
that follows from its id. With --json there is a line {"ready":true,"id","address"} for each meter, in
order, once all of them serve.
At rs485:pty:PATH (or tcp:) all meters are on one emulated RS-485 line, at its true rate (?baud=9600), and the PTY is the
master's end: read rs485:pty:PATH --meter M1, or let a DAP have it. At rs485:serial:PATH the line is a real one.
At xbee:pty:PATH meters have emulated XBee modules on one emulated air, and the PTY is the UART of a module of whoever
comes: read 'xbee:pty:PATH?station=...', or serve a DAP there. At xbee:serial:PATH the module is a real one.
--history fills registers and profile through the emulated parts before the meters answer.

With --relay an order takes a head-end with the right relay and an operator's signature. After an order to connect, the
button at the meter (r on its faceplate) closes the contacts in mode 3 and 6; in 4 they close at once. What a limit has
opened closes at the button, and in 6 also by itself, after a minute.

With --board the meter takes images that its board can start (flash --to coap:meter:ID), by all the rules of a real one: slots,
trial, confirmation by reading itself, going back. What runs stays this program, under the version of the image. A folder that is
no board yet becomes one that believes the author of --home; without --state it keeps the meter's state too.

A place by name goes by the rules that this system has for it. A tariff file is JSON: see 'meterbench tariff --help'.
With --state the last tariff given holds over restarts.

Examples: meterbench serve --id M1 --at pty:./meter1 --load h25 --speed 60
          meterbench serve --at pty:./meter1 --zone Europe/Berlin --tariff tariff.json --state ./state
          meterbench serve --at pty:./meter1 --board ./board1
          meterbench serve --at udp:127.0.0.1:5683 --count 100 --load uk --history 30d`,
    )
    .action((options: Options) => serve(options));
}

/** A board that has taken an image ends its meter, and starts the image anew. */
async function serve(options: Options): Promise<void> {
  refuseMixtures(options);
  const first = parseAddress(options.at);
  if ("error" in first) throw usageFault(first.error);
  while ((await serveOnce(options, first)) === "restart");
}

async function serveOnce(options: Options, first: Address): Promise<"restart" | undefined> {
  const common = { tariff: tariffOf(options), switching: switchingOf(options) };
  const addresses = addressesFrom(first, options.count);
  const loads = options.chip.includes("@") ? [] : loadsOf(options);
  const { identities, keyStores, trust, enrol } = servedKeys(options, addresses);
  const ends: (() => void)[] = [];
  try {
    const presets = await presetsOf(options, ends);
    const states = await statesOf(options, identities, ends);
    // Behind what keeps a second process out: each start of a board spends one of a trial.
    const board = ServedBoard.start(options);
    const watch = new LineWatch(options);
    ends.push(() => watch.close());
    const links = await openServedLinks(addresses, watch, ends);
    enrol();
    const crypto = await engineOf(options);
    const side = await meteringSide(options, loads, watch);
    ends.push(() => side.close());
    const signals = new ServedSignals(options.chip.includes("@") ? 0 : identities.length);
    ends.push(() => signals.close());
    let plate: RunningFaceplate | undefined;
    // At once: the parts' time runs, and the profile begins with the first reading.
    const runtimes = identities.map((identity, i) => {
      const parts = {
        ...{ clock: systemClock, meterClock: side.meterClock, crypto, random: systemRandom },
        ...{ meteringIc: side.meteringIcs[i] as MeteringIc, link: links[i] as Link, storage: states[i] },
        ...{ signals: signals.of(i), relay: side.relays[i], keyStore: keyStores[i] },
      };
      const started = { ...common, trust, presets, identity, board, plate: () => plate };
      return startMeter(options, parts, started, ends);
    });
    playHistory(side, runtimes);
    ready(options, identities, addresses);
    plate = options.json ? undefined : faceplateOf(runtimes, signals);
    ends.push(() => plate?.stop());
    return await untilStopped(plate?.ended, board?.restarted);
  } catch (error) {
    const isOfState = error instanceof StorageError || error instanceof MeterStateError;
    throw isOfState ? usageFault(error.message) : error;
  } finally {
    for (const end of ends.toReversed()) end();
  }
}

async function presetsOf({ oscoreContext }: Options, ends: (() => void)[]): Promise<PresetContext[]> {
  if (oscoreContext === undefined) return [];
  const held = await holdPreset(oscoreContext, "preset");
  ends.push(() => held.release());
  return [held.preset];
}

/** A board keeps what its meter measures, where no other place is named. */
async function statesOf(
  { state, board }: Options,
  identities: readonly Identity[],
  ends: (() => void)[],
): Promise<FileStorage[]> {
  const folder = state ?? (board === undefined ? undefined : stateOnBoard(board));
  const states = await openStates(
    folder,
    identities.map(({ credential: { id } }) => id),
  );
  ends.push(() => {
    for (const storage of states) storage.close();
  });
  return states;
}

/** One meter's plate, on a terminal; several have room on none. */
function faceplateOf(
  runtimes: readonly MeterRuntime[],
  signals: ServedSignals,
): RunningFaceplate | undefined {
  const [runtime, ...others] = runtimes;
  if (runtime === undefined || others.length > 0) return undefined;
  return runFaceplate({
    display: new Display(meterSource(runtime.meter, runtime.log, runtime.relay), systemClock.monotonicMs()),
    title: runtime.meter.configuration.serialNumber,
    impulsesPerKilowattHour: runtime.meter.configuration.impulsesPerKilowattHour,
    pulses: () => runtime.meter.pulses,
    ...signals.keys(() => void runtime.relay?.press()),
    ...{ input: process.stdin, output: process.stdout, clock: systemClock },
  });
}

interface StartedMeter
  extends Pick<RuntimeOptions, "identity" | "trust" | "presets" | "tariff" | "switching"> {
  readonly board: ServedBoard | undefined;
  readonly plate: () => RunningFaceplate | undefined;
}

function startMeter(
  options: Options,
  parts: MeterBoard,
  { board, plate, ...parties }: StartedMeter,
  ends: (() => void)[],
): MeterRuntime {
  const { speed, history } = options;
  const { id } = parties.identity.credential;
  const simulated = speed !== 1 || history !== undefined;
  const configuration = emulatedConfiguration(id, simulated, billingOf(options));
  const self = board?.link(parts.link);
  const runtime = new MeterRuntime(
    { ...parts, link: self ?? parts.link, updates: board?.updates },
    {
      ...parties,
      configuration: board?.plate(configuration) ?? configuration,
      pollIntervalMs: POLL_INTERVAL_MS,
      observePeriodMs: options.observePeriod * 1000,
      onStateFault: (fault) => tellFault(id, fault, plate()),
    },
  );
  ends.push(() => runtime.stop());
  if (runtime.state !== undefined) tellRecovery(id, runtime.state);
  if (board !== undefined && self !== undefined) ends.push(board.begin(runtime, self));
  return runtime;
}

/** In one go: whoever asks meanwhile is answered when it is over. */
function playHistory({ past, meteringIcs }: MeteringSide, runtimes: readonly MeterRuntime[]): void {
  const [meteringIc] = meteringIcs;
  if (past === undefined || meteringIc === undefined) return;
  let saidAtMs = systemClock.monotonicMs();
  playPast({
    ...past,
    runtimes,
    meteringIc,
    pollIntervalMs: POLL_INTERVAL_MS,
    onPlayed(playedMs) {
      if (systemClock.monotonicMs() - saidAtMs < PROGRESS_MS) return;
      saidAtMs = systemClock.monotonicMs();
      sayProgress(`played ${Math.floor(playedMs / DAY_MS)} of ${Math.floor(past.lengthMs / DAY_MS)} days`);
    },
  });
}

function historyOption(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0 && ms <= HISTORY_DAYS_MAX * DAY_MS) return ms;
  throw new InvalidArgumentError(`It is a duration such as 12h or 30d, up to ${HISTORY_DAYS_MAX}d.`);
}

/** What the emulated parts measure: the first the whole load, each other its meter's share. */
function loadsOf(options: Options): Load[] {
  const load = loadOf(options);
  return idsFrom(options.id, options.count).map((id, i) => (i === 0 ? load : shareOf(load, id)));
}

async function meteringSide(
  { chip, speed, history }: Options,
  loads: readonly Load[],
  watch: LineWatch,
): Promise<MeteringSide> {
  if (chip.includes("@")) return attachedSide(chip, (uart) => watch.uart(uart, chip));
  const part = METERING_PARTS.get(chip);
  if (part === undefined) {
    throw usageFault(`The metering part ${chip} is not known here: name one of ${PART_NAMES.join(", ")}.`);
  }
  return emulatedSide(part, loads, speed, history);
}

function ready(options: Options, identities: readonly Identity[], addresses: readonly Address[]): void {
  const meters = identities.map(({ credential: { id } }, i) => ({
    id,
    address: formatAddress(addresses[i] as Address),
  }));
  if (options.json) {
    for (const meter of meters) sayJson({ ready: true, ...meter });
    return;
  }
  const [first, last] = [meters[0], meters.at(-1)];
  if (first === undefined || last === undefined) return;
  const keys = options.keys === undefined ? homeText(options.home) : " --keys HEAD-END-KEY-FILE";
  if (first === last) say(`Meter ${first.id} serves at ${first.address}. Read it from another terminal:`);
  else
    say(
      `Meters ${first.id} to ${last.id} serve at ${first.address === last.address ? first.address : `${first.address} to ${last.address}`}. Read them from another terminal:`,
    );
  say(`  npx meterbench read ${shellWord(first.address)} --meter ${first.id}${keys}`);
}
