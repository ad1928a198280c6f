// Composition root on a board: picks the ports, starts the meter, and ends with the process.
//
//   node main.js --at serial:/dev/ttyS1?baud=9600 --chip bl0942@serial:/dev/ttyS2
//                --keys M1.key.json --trust head-end.credential.json --serial-number 4711 --state /var/lib/meterbench
//                --cwt M1.cwt.json --allow utility=clock,tariff --zone CET-1CEST,M3.5.0,M10.5.0/3 --utc free-running --padding 4.1
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { nobleEngine } from "../hal/crypto/noble.ts";
import { type Address, formatAddress, openLink, parseAddress } from "../hal/node/address.ts";
import { openAttachedPart } from "../hal/node/attached-part.ts";
import { systemBoardSignals } from "../hal/node/board-signals.ts";
import { openFileStorage, StorageError } from "../hal/node/file-storage.ts";
import { programDigest, programReleasedUtcMs, programVersion } from "../hal/node/installed-program.ts";
import { keyFiles } from "../hal/node/key-files.ts";
import { LineError } from "../hal/node/line-error.ts";
import { readPrivateFile } from "../hal/node/private-file.ts";
import { systemClock } from "../hal/node/system-clock.ts";
import { systemRandom } from "../hal/node/system-random.ts";
import { TimeZone } from "./calendar/time-zone.ts";
import { HOUSEHOLD_BILLING } from "./configuration.ts";
import { identityIssued, readCwtFile } from "./identity/cwt-file.ts";
import { type Identity, readCredentialFile, readKeyFile } from "./identity/identity.ts";
import { grantedTrust, HEAD_ENDS_MAX, refusalOf, type TrustList } from "./identity/trust.ts";
import type { RuntimeOptions } from "./meter-board.ts";
import { MeterStateError } from "./meter-state-parts.ts";
import type { Credential } from "./protocol/cose/credential.ts";
import { PADDING_TENTHS, type PaddingTenths } from "./protocol/readings/interval-block.ts";
import { isPlateText } from "./protocol/readings/nameplate.ts";
import { MeterRuntime } from "./runtime.ts";

const EXIT_USAGE = 2;
const EXIT_IDENTITY = 4;
const USAGE_ERRORS = [LineError, StorageError, MeterStateError];
const POLL_INTERVAL_MS = 1000;

/** Ends the program with an exit code and one sentence. */
class BoardFault extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, sentence: string) {
    super(sentence);
    this.exitCode = exitCode;
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode =
    error instanceof BoardFault
      ? error.exitCode
      : USAGE_ERRORS.some((kind) => error instanceof kind)
        ? EXIT_USAGE
        : 1;
}

async function main(): Promise<void> {
  const options = readOptions();
  const identity = readMeterKey(options);
  const trust = trustOf(options);
  const address = parseAddress(options.at);
  if ("error" in address) throw new LineError(address.error);
  const ends: (() => void)[] = [];
  const end = (): void => {
    for (const one of ends.splice(0).reverse()) one();
  };
  try {
    await start(options, address, { identity, trust }, ends);
  } catch (error) {
    // An open line would keep the process up with nobody in it.
    end();
    throw error;
  }
  const ready = { ready: true, id: identity.credential.id, address: formatAddress(address) };
  process.stdout.write(`${JSON.stringify(ready)}\n`);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, end);
}

/** Opens what the meter stands on and starts it; `ends` gets what undoes each step. */
async function start(
  options: Options,
  address: Address,
  parties: Pick<RuntimeOptions, "identity" | "trust">,
  ends: (() => void)[],
): Promise<void> {
  const storage = options.state === undefined ? undefined : await openFileStorage(options.state);
  ends.push(() => storage?.close());
  const { meteringIc, uart } = await openAttachedPart(options.chip, systemClock);
  ends.push(() => uart.close());
  const { link } = await openLink(address, "serve");
  ends.push(() => link.close());
  const signals = systemBoardSignals();
  ends.push(() => signals.close());
  const board = {
    ...{ clock: systemClock, meterClock: systemClock, utc: options.utc },
    ...{ crypto: nobleEngine, random: systemRandom, signals, keyStore: keyFiles(options.keys) },
  };
  const runtime = new MeterRuntime(
    { ...board, link, meteringIc, storage },
    {
      ...parties,
      pollIntervalMs: POLL_INTERVAL_MS,
      onStateFault: (fault) =>
        process.stderr.write(`The state cannot be kept (${fault}): no readings are given.\n`),
      configuration: {
        ...HOUSEHOLD_BILLING,
        zone: options.zone,
        profilePaddingTenths: options.padding,
        serialNumber: options.serialNumber,
        type: "meterbench 1-phase",
        block: "",
        chargingPolicyId: "",
        firmwareVersion: programVersion(),
        firmwareDigest: programDigest(),
        firmwareBuiltUtcMs: programReleasedUtcMs(),
        accuracyClass: "B",
        impulsesPerKilowattHour: 1000,
        simulated: false,
      },
    },
  );
  ends.push(() => runtime.stop());
}

function trustOf({ trust, allow }: Options): TrustList {
  const list = grantedTrust(trust.map(readHeadEnd), allow);
  if ("error" in list) throw new BoardFault(EXIT_USAGE, list.error);
  return list;
}

interface Options {
  readonly at: string;
  readonly chip: string;
  readonly keys: string;
  readonly cwt: string | undefined;
  readonly trust: readonly string[];
  readonly allow: readonly string[];
  readonly serialNumber: string;
  readonly state: string | undefined;
  readonly zone: string;
  readonly utc: "disciplined" | "free-running";
  readonly padding: PaddingTenths;
}

function readOptions(): Options {
  const { values } = parseOptions();
  const { at, chip, keys, cwt, trust = [], allow = [], state, zone = "", utc = "disciplined" } = values;
  const serialNumber = values["serial-number"];
  if (at === undefined || chip === undefined || keys === undefined || serialNumber === undefined) {
    throw new BoardFault(
      EXIT_USAGE,
      "A meter needs --at ADDRESS, --chip PART@ADDRESS, --keys FILE and --serial-number TEXT: give all four.",
    );
  }
  if (serialNumber === "" || !isPlateText(serialNumber)) {
    throw new BoardFault(EXIT_USAGE, "A --serial-number is a text of 1 to 64 bytes: give one that short.");
  }
  if (trust.length === 0 || trust.length > HEAD_ENDS_MAX) {
    throw new BoardFault(
      EXIT_USAGE,
      `A meter serves 1 to ${HEAD_ENDS_MAX} head-ends: name their credential files with --trust.`,
    );
  }
  const zoneFault = zone === "" ? undefined : TimeZone.parse(zone);
  if (zoneFault !== undefined && "error" in zoneFault) throw new BoardFault(EXIT_USAGE, zoneFault.error);
  if (utc !== "disciplined" && utc !== "free-running") {
    throw new BoardFault(EXIT_USAGE, `--utc is disciplined or free-running, and this is ${utc}.`);
  }
  const factor = values.padding ?? String(HOUSEHOLD_BILLING.profilePaddingTenths / 10);
  const padding = PADDING_TENTHS.find((tenths) => String(tenths / 10) === factor);
  if (padding === undefined) {
    const factors = PADDING_TENTHS.map((tenths) => tenths / 10).join(", ");
    throw new BoardFault(EXIT_USAGE, `--padding is one of ${factors}, and this is ${factor}.`);
  }
  return { at, chip, keys, cwt, trust, allow, serialNumber, state, zone, utc, padding };
}

function parseOptions() {
  try {
    return parseArgs({
      options: {
        at: { type: "string" },
        chip: { type: "string" },
        keys: { type: "string" },
        cwt: { type: "string" },
        trust: { type: "string", multiple: true },
        allow: { type: "string", multiple: true },
        "serial-number": { type: "string" },
        state: { type: "string" },
        zone: { type: "string" },
        utc: { type: "string" },
        padding: { type: "string" },
      },
    });
  } catch (error) {
    throw new BoardFault(EXIT_USAGE, `${(error as Error).message.split(". ")[0]}.`);
  }
}

function readMeterKey({ keys: path, cwt }: Options): Identity {
  const file = readAs(path, readPrivateFile);
  if ("exposure" in file) throw new BoardFault(EXIT_USAGE, `The key file ${path} ${file.exposure}`);
  const identity = readKeyFile(nobleEngine, file.text);
  if ("error" in identity) throw new BoardFault(EXIT_USAGE, `The key file ${path} ${identity.error}.`);
  if (identity.role !== "meter")
    throw new BoardFault(EXIT_USAGE, `The key file ${path} is a ${identity.role}'s: name a meter's.`);
  refuseUnfit(identity.credential, path);
  return cwt === undefined ? identity : issuedIdentity(identity, cwt);
}

/** The meter as it shows itself by what an issuer has signed of its key. */
function issuedIdentity(identity: Identity, path: string): Identity {
  const issued = readCwtFile(readAs(path, readText));
  const known = "error" in issued ? issued : identityIssued(identity, issued);
  if ("error" in known) throw new BoardFault(EXIT_USAGE, `The file ${path} ${known.error}.`);
  if (known === identity)
    process.stderr.write(`The key was rotated since ${path} was signed, and is shown without it.\n`);
  return known;
}

function readHeadEnd(path: string): Credential {
  const file = readCredentialFile(readAs(path, readText));
  if ("error" in file) throw new BoardFault(EXIT_USAGE, `The credential file ${path} ${file.error}.`);
  if (file.role !== "head-end")
    throw new BoardFault(EXIT_USAGE, `The credential file ${path} is a ${file.role}'s: name a head-end's.`);
  refuseUnfit(file.credential, path);
  return file.credential;
}

/** A board runs the production profile and no other. */
function refuseUnfit(credential: Credential, path: string): void {
  const refusal = refusalOf("production", credential);
  if (refusal !== undefined)
    throw new BoardFault(
      EXIT_IDENTITY,
      `The credential in ${path} ${refusal}: make a real key with 'meterbench keys new'.`,
    );
}

function readText(path: string): string {
  return readFileSync(path, "utf8");
}

function readAs<Result>(path: string, read: (path: string) => Result): Result {
  try {
    return read(path);
  } catch (error) {
    throw new BoardFault(
      EXIT_USAGE,
      `The file ${path} cannot be read (${(error as NodeJS.ErrnoException).code}): check the path and its owner.`,
    );
  }
}
