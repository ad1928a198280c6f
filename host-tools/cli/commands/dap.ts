// `dap --at ADDRESS --routes FILE`: runs a data aggregation point.
import { type Command, Option } from "commander";
import { formatAddress, openLink, parseAddress } from "../../../hal/node/address.ts";
import { systemClock } from "../../../hal/node/system-clock.ts";
import { systemRandom } from "../../../hal/node/system-random.ts";
import { Dap } from "../../dap/dap.ts";
import { type OpenedLines, openLines } from "../../dap/open-lines.ts";
import { type RoutesFile, readRoutesFile } from "../../dap/routes-file.ts";
import { type CommonOptions, homeOf, idOption, pathOption, withCommonOptions } from "../common.ts";
import { refuseFarDevelopment } from "../development.ts";
import { usageFault } from "../fault.ts";
import { readTextFile } from "../home.ts";
import { printable, say, sayJson } from "../output.ts";
import { untilStopped } from "../stop.ts";

const RETURNS = ["forward", "hold", "bundle"] as const;
type Return = (typeof RETURNS)[number];

interface Options extends CommonOptions {
  readonly at: string;
  readonly routes: string;
  readonly id?: string;
  readonly return: Return;
  readonly thirdParty?: boolean;
}

export function addDapCommand(program: Command): void {
  withCommonOptions(program.command("dap"))
    .description("run a data aggregation point, which passes messages between head-ends and meters unread")
    .requiredOption("--at <address>", "where head-ends reach it, as udp:HOST:PORT")
    .requiredOption("--routes <file>", "which meters it knows the way to (see below)", pathOption)
    .option("--id <id>", "its own alias (default: DAP, or the key file's)", idOption)
    .addOption(new Option("--return <how>", "what it does with answers").choices(RETURNS).default("forward"))
    .option(
      "--third-party",
      "it is a stranger's: it passes each answer on at once, and does nothing else with it",
    )
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

Example: meterbench dap --at udp:127.0.0.1:5683 --routes routes.yaml`,
    )
    .action((options: Options) => runDap(options));
}

async function runDap(options: Options): Promise<void> {
  refuseMixtures(options);
  const address = parseAddress(options.at);
  if ("error" in address) throw usageFault(address.error);
  const routes = routesIn(options.routes);
  refuseFarDevelopment(address, "A development DAP");
  const { credential } = homeOf(options).dap(options.id ?? "DAP");
  const ends: (() => void)[] = [];
  try {
    const { link: north } = await openLink(address, "serve");
    ends.push(() => north.close());
    const opened: OpenedLines = await openLines(routes);
    ends.push(() => {
      for (const line of opened.lines) line.close();
    });
    const dap = new Dap({ clock: systemClock, random: systemRandom, north, ...opened });
    ends.push(() => dap.stop());
    ready(options, credential.id, formatAddress(address), routes);
    await untilStopped();
  } finally {
    for (const end of ends.toReversed()) end();
  }
}

/** Options that are right alone and wrong together. */
function refuseMixtures({ thirdParty, return: how }: Options): void {
  if (thirdParty && how !== "forward")
    throw usageFault(
      `A third-party DAP passes each answer on at once and keeps none: leave --return ${how} out, or --third-party.`,
    );
}

function routesIn(path: string): RoutesFile {
  const routes = readRoutesFile(readTextFile(path, "routes file"));
  if ("error" in routes)
    throw usageFault(`The routes file ${path} cannot be used. ${printable(routes.error)}`);
  return routes;
}

function ready(options: Options, id: string, address: string, { meters }: RoutesFile): void {
  if (options.json) return sayJson({ ready: true, id, address });
  const [first] = meters;
  say(`DAP ${id} serves at ${address}, before ${meters.length} ${meters.length === 1 ? "meter" : "meters"}.`);
  if (first === undefined) return;
  say("Read one of them from another terminal:");
  say(`  npx meterbench read meter:${first.alias} --via ${address}`);
}
