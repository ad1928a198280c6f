// `dap --at ADDRESS --routes FILE`: runs a data aggregation point.
import { join } from "node:path";
import { type Command, Option } from "commander";
import { type Address, formatAddress, openLink, parseAddress } from "../../../hal/node/address.ts";
import { openFileStorage, StorageError } from "../../../hal/node/file-storage.ts";
import { systemClock } from "../../../hal/node/system-clock.ts";
import { systemRandom } from "../../../hal/node/system-random.ts";
import { Dap } from "../../dap/dap.ts";
import {
  type DapSettings,
  DISTRIBUTIONS,
  HOLD_SECONDS_MAX,
  RETURNS,
  settingsFault,
} from "../../dap/forward/settings.ts";
import { metricsText } from "../../dap/metrics.ts";
import { openLines } from "../../dap/open-lines.ts";
import type { RoutesFile } from "../../dap/routes-file.ts";
import {
  type CommonOptions,
  engineOf,
  idOption,
  numberOption,
  pathOption,
  withCommonOptions,
} from "../common.ts";
import { dapParties } from "../dap-parties.ts";
import { usageFault } from "../fault.ts";
import { serveMetrics } from "../metrics-server.ts";
import { say, sayJson } from "../output.ts";
import { homeText, shellWord } from "../paste.ts";
import { routesIn } from "../routes.ts";
import { untilStopped } from "../stop.ts";

/** How long requests are kept that do not say so themselves, where nobody says so. */
const HOLD_SECONDS = 300;

interface Options extends CommonOptions {
  readonly at: string;
  readonly routes: string;
  readonly id?: string;
  readonly keys?: string;
  readonly trust?: string[];
  readonly state?: string;
  readonly distribute: DapSettings["distribute"];
  readonly return: DapSettings["return"];
  readonly hold?: number;
  readonly thirdParty?: boolean;
  readonly metrics?: string;
}

export function addDapCommand(program: Command): void {
  withCommonOptions(program.command("dap"))
    .description("run a data aggregation point, which passes messages between head-ends and meters unread")
    .requiredOption("--at <address>", "where head-ends reach it, as udp:HOST:PORT")
    .requiredOption("--routes <file>", "which meters it knows the way to (see below)", pathOption)
    .option("--id <id>", "its own alias (default: DAP, or the key file's)", idOption)
    .addOption(
      new Option("--distribute <how>", "whether a request may name a group")
        .choices(DISTRIBUTIONS)
        .default("per-meter"),
    )
    .addOption(new Option("--return <how>", "what it does with answers").choices(RETURNS).default("forward"))
    .option(
      "--hold <seconds>",
      `with --return hold: how long it asks for a meter that is away (default: ${HOLD_SECONDS})`,
      numberOption(1, HOLD_SECONDS_MAX),
    )
    .option(
      "--third-party",
      "it is a stranger's: each answer is passed on at once, and nothing else is done with it",
    )
    .option("--keys <file>", "the DAP's key file (default: a development key in --home)", pathOption)
    .option("--trust <file...>", "credential files of the head-ends that run it; with --keys")
    .option("--state <dir>", "where held requests survive a restart (default: in --home)", pathOption)
    .option("--metrics <[host:]port>", "serve its numbers for Prometheus at http://HOST:PORT/metrics")
    .addHelpText(
      "after",
      `
A routes file is YAML: links that meters share, each meter's place, and groups of meters.

  links: { bus: "rs485:serial:/dev/ttyUSB0?baud=9600" }
  meters:
    M1: { link: bus }
    M2: { link: bus }
    M3: udp:192.0.2.7:5683
  groups: { B7: [M1, M2, M3] }

What is more than passing one request on (groups, holding, bundles) is done for head-ends that have proved themselves.

Example: meterbench dap --at udp:127.0.0.1:5683 --routes routes.yaml --distribute fan-out --return bundle`,
    )
    .action((options: Options) => runDap(options));
}

async function runDap(options: Options): Promise<void> {
  const settings = settingsOf(options);
  const address = northOf(options.at);
  const routes = routesIn(options.routes);
  const { identity, trust } = dapParties(options, address);
  const { id } = identity.credential;
  refuseItself(id, address, routes);
  const ends: (() => void)[] = [];
  try {
    const storage = await openFileStorage(options.state ?? join(options.home, "daps", `${id}.held`));
    ends.push(() => storage.close());
    const { link: north } = await openLink(address, "serve");
    ends.push(() => north.close());
    const opened = await openLines(routes);
    ends.push(() => {
      for (const line of opened.lines) line.close();
    });
    const parties = { crypto: await engineOf(options), identity, trust };
    const world = { clock: systemClock, random: systemRandom, north, storage };
    const dap = new Dap({ ...world, ...opened, parties, settings });
    ends.push(() => dap.stop());
    if (options.metrics !== undefined) {
      const metrics = await serveMetrics(options.metrics, () => metricsText(dap.status()));
      ends.push(() => metrics.close());
    }
    ready(options, id, formatAddress(address), routes);
    await untilStopped();
  } catch (error) {
    throw error instanceof StorageError ? usageFault(error.message) : error;
  } finally {
    for (const end of ends.toReversed()) end();
  }
}

function settingsOf(options: Options): DapSettings {
  const { distribute, hold, thirdParty } = options;
  const settings: DapSettings = {
    ...{ thirdParty: thirdParty === true, distribute, return: options.return },
    holdSeconds: hold ?? HOLD_SECONDS,
  };
  const fault = settingsFault(settings);
  if (fault !== undefined) throw usageFault(fault);
  if (hold !== undefined && options.return !== "hold")
    throw usageFault("--hold says how long requests are kept: give --return hold too, or leave it out.");
  return settings;
}

/** What names the DAP, or goes to it, is not passed on. */
function refuseItself(id: string, north: Address, { meters, groups }: RoutesFile): void {
  if (meters.some(({ alias }) => alias === id) || Object.hasOwn(groups, id))
    throw usageFault(
      `The routes file calls a meter or group ${id}, which is the DAP itself: give it another --id.`,
    );
  const own = formatAddress(north);
  const self = meters.find(({ at }) => "kind" in at && formatAddress(at) === own);
  if (self !== undefined)
    throw usageFault(
      `The routes file has the meter ${self.alias} at ${own}, where the DAP is to serve: give one of them another port.`,
    );
}

/** Head-ends come by a network, from many stations. */
function northOf(text: string): Address {
  const address = parseAddress(text);
  if ("error" in address) throw usageFault(address.error);
  if (address.kind !== "udp")
    throw usageFault(`Head-ends reach a DAP over UDP and ${text} is none: give --at udp:HOST:PORT.`);
  return address;
}

function ready(options: Options, id: string, address: string, { meters }: RoutesFile): void {
  if (options.json) return sayJson({ ready: true, id, address });
  const [first] = meters;
  say(`DAP ${id} serves at ${address}, before ${meters.length} ${meters.length === 1 ? "meter" : "meters"}.`);
  if (first === undefined) return;
  const keys = options.keys === undefined ? homeText(options.home) : " --keys HEAD-END-KEY-FILE";
  say("Read one of them from another terminal:");
  say(`  npx meterbench read meter:${first.alias} --via ${shellWord(address)}${keys}`);
}
