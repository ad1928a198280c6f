// `serve --at ADDRESS`: runs a meter on a line.
import type { Command } from "commander";
import type { Identity } from "../../../firmware/identity/identity.ts";
import { HEAD_ENDS_MAX, refusalOf, TrustList } from "../../../firmware/identity/trust.ts";
import type { Credential } from "../../../firmware/protocol/cose/credential.ts";
import { MeterRuntime } from "../../../firmware/runtime.ts";
import { type Address, formatAddress, openLink, parseAddress } from "../../../hal/node/address.ts";
import { systemClock } from "../../../hal/node/system-clock.ts";
import { systemRandom } from "../../../hal/node/system-random.ts";
import { attachedSide, emulatedSide, loadOf, type MeteringSide } from "../chip.ts";
import {
  type CommonOptions,
  engineOf,
  homeOf,
  idOption,
  numberOption,
  withCommonOptions,
} from "../common.ts";
import { CliFault, EXIT, usageFault } from "../fault.ts";
import { readCredential, readIdentity } from "../home.ts";
import { say, sayJson } from "../output.ts";
import { emulatedConfiguration } from "../plate.ts";
import { untilStopped } from "../stop.ts";
import { refuseFarDevelopment } from "../target.ts";

type Options = CommonOptions & {
  readonly at: string;
  readonly id?: string;
  readonly chip: string;
  readonly load: string;
  readonly annual: number;
  readonly speed: number;
  readonly keys?: string;
  readonly trust?: string[];
};

const POLL_INTERVAL_MS = 1000;
/** A day in 24 s: faster, and a poll each second would keep the processor busy with nothing else. */
const SPEED_MAX = 3600;

export function addServeCommand(program: Command): void {
  withCommonOptions(program.command("serve"), "noble")
    .description("run a meter on a line, emulated or with a real metering part")
    .requiredOption("--at <address>", "udp:HOST:PORT, tcp:HOST:PORT, pty:PATH or serial:PATH?baud=9600")
    .option("--id <id>", "the meter's alias (default: M1, or the key file's)", idOption)
    .option("--chip <part>", "bl0942 (emulated), or a real one as bl0942@serial:PATH", "bl0942")
    .option("--load <load>", "h25 (a household by BDEW's profile) or watts:N, for an emulated part", "h25")
    .option("--annual <kwh>", "a year's use of the load h25", numberOption(1, 1_000_000), 3500)
    .option("--speed <n>", "play load and meter clock this much faster", numberOption(0.001, SPEED_MAX), 1)
    .option("--keys <file>", "the meter's key file (default: a development key in --home)")
    .option("--trust <file...>", "credential files of the head-ends that may read; with --keys")
    .addHelpText("after", "\nExample: meterbench serve --id M1 --at pty:./meter1 --load h25 --speed 60")
    .action((options: Options) => serve(options));
}

async function serve(options: Options): Promise<void> {
  const address = parseAddress(options.at);
  if ("error" in address) throw usageFault(address.error);
  const { identity, trusted } =
    options.keys === undefined ? development(options, address) : production(options);
  const side = await meteringSide(options);
  try {
    const { link } = await openLink(address, "serve");
    const runtime = new MeterRuntime(
      {
        clock: systemClock,
        meterClock: side.meterClock,
        meteringIc: side.meteringIc,
        link,
        crypto: engineOf(options),
        random: systemRandom,
      },
      {
        configuration: emulatedConfiguration(identity.credential.id, options.speed !== 1),
        identity,
        trust: new TrustList(trusted),
        pollIntervalMs: POLL_INTERVAL_MS,
      },
    );
    ready(options, identity.credential.id, formatAddress(address));
    await untilStopped();
    runtime.stop();
    link.close();
  } finally {
    side.close();
  }
}

/** This folder's own meter and head-end, enrolled with each other, for this machine only. */
function development(options: Options, address: Address): { identity: Identity; trusted: Credential[] } {
  if (options.trust !== undefined)
    throw usageFault("--trust goes with --keys: give the meter's key file too.");
  refuseFarDevelopment(address, "A development meter");
  const home = homeOf(options);
  const identity = home.meter(options.id ?? "M1");
  const outcome = home.registry.add(identity.credential, formatAddress(address));
  if (outcome === "other-key") {
    throw new CliFault(
      EXIT.refused,
      `The registry in ${home.folder} has another key for ${identity.credential.id}: revoke it there or name another --id.`,
    );
  }
  return { identity, trusted: [home.headEnd().credential] };
}

/** Real keys: development credentials and published test keys are refused. */
function production(options: Options): { identity: Identity; trusted: Credential[] } {
  const { keys = "", trust = [] } = options;
  const identity = readIdentity(engineOf(options), keys, "meter");
  refuseUnfit(identity.credential, keys);
  if (options.id !== undefined && options.id !== identity.credential.id) {
    throw usageFault(
      `The key file ${keys} is of ${identity.credential.id}, not of ${options.id}: leave --id out or name another file.`,
    );
  }
  if (trust.length === 0)
    throw usageFault(
      "A meter with real keys serves nobody without --trust: name the head-end's credential file.",
    );
  if (trust.length > HEAD_ENDS_MAX)
    throw usageFault(`A meter knows at most ${HEAD_ENDS_MAX} head-ends: name fewer --trust files.`);
  const trusted = trust.map((path) => {
    const credential = readCredential(path, "head-end");
    refuseUnfit(credential, path);
    return credential;
  });
  return { identity, trusted };
}

function refuseUnfit(credential: Credential, path: string): void {
  const refusal = refusalOf("production", credential);
  if (refusal !== undefined)
    throw new CliFault(
      EXIT.refused,
      `The credential in ${path} ${refusal}: make a real key with 'meterbench keys new'.`,
    );
}

async function meteringSide(options: Options): Promise<MeteringSide> {
  if (!options.chip.includes("@")) {
    if (options.chip !== "bl0942")
      throw usageFault(`The metering part ${options.chip} is not known here: name bl0942.`);
    return emulatedSide(loadOf(options.load, options.annual), options.speed);
  }
  if (options.speed !== 1) throw usageFault("A real metering part measures in real time: leave --speed out.");
  return attachedSide(options.chip);
}

function ready(options: Options, id: string, address: string): void {
  if (options.json) return sayJson({ ready: true, id, address });
  const home = options.home === ".meterbench" ? "" : ` --home ${options.home}`;
  const read =
    options.keys === undefined
      ? `npx meterbench read ${address} --meter ${id}${home}`
      : `npx meterbench read ${address} --meter ${id} --keys HEAD-END-KEY-FILE`;
  say(`Meter ${id} serves at ${address}. Read it from another terminal:`);
  say(`  ${read}`);
}
