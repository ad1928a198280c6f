// Composition root on a board: picks the ports, starts the meter, and ends with the process.
//
//   node main.js --at serial:/dev/ttyS1?baud=9600 --chip bl0942@serial:/dev/ttyS2
//                --keys M1.key.json --trust head-end.credential.json --serial-number 4711 --state /var/lib/meterbench
//                --cwt M1.cwt.json --allow utility=clock,tariff --zone CET-1CEST,M3.5.0,M10.5.0/3 --utc free-running --padding 4.1
//
//   node main.js --board /       with the settings of /etc/meterbench, as the loader starts it (boot.ts)

import { type Address, formatAddress, openLink, parseAddress } from "../hal/node/address.ts";
import { openAttachedPart } from "../hal/node/attached-part.ts";
import { systemBoardSignals } from "../hal/node/board-signals.ts";
import { openFileStorage, StorageError } from "../hal/node/file-storage.ts";
import { programDigest, programReleasedUtcMs, programVersion } from "../hal/node/installed-program.ts";
import { keyFiles } from "../hal/node/key-files.ts";
import { LineError } from "../hal/node/line-error.ts";
import { opensslEngine } from "../hal/node/openssl.ts";
import { systemClock } from "../hal/node/system-clock.ts";
import { systemRandom } from "../hal/node/system-random.ts";
import { HOUSEHOLD_BILLING, type MeterConfiguration } from "./configuration.ts";
import { SelfLink } from "./health/self-link.ts";
import type { RuntimeOptions } from "./meter-board.ts";
import { MeterStateError } from "./meter-state-parts.ts";
import { MeterRuntime } from "./runtime.ts";
import { EXIT, runProgram } from "./startup/board-fault.ts";
import { BoardLife } from "./startup/board-life.ts";
import { type BoardOptions, readOptions } from "./startup/board-options.ts";
import { readMeterKey, trustOf } from "./startup/board-parties.ts";

const POLL_INTERVAL_MS = 1000;
/** An adapter at USB may come later than the program; a trial that ends for that would be no fault of its image. */
const LINE_PATIENCE_MS = 100_000;
const LINE_PAUSE_MS = 2000;

await runProgram(main, [LineError, StorageError, MeterStateError]);

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  const identity = readMeterKey(options);
  const trust = trustOf(options);
  const address = parseAddress(options.at);
  if ("error" in address) throw new LineError(address.error);
  const ends: (() => void)[] = [];
  const end = (): void => {
    for (const one of ends.splice(0).reverse()) one();
  };
  const restart = (): void => {
    end();
    process.exit(EXIT.again);
  };
  const life = options.board === undefined ? undefined : new BoardLife(options.board, options, restart);
  const patienceMs = options.trial === undefined ? 0 : LINE_PATIENCE_MS;
  await patiently(patienceMs, life, async () => {
    try {
      await start(options, address, { identity, trust }, life, ends);
    } catch (error) {
      // An open line would keep the process up with nobody in it.
      end();
      throw error;
    }
  });
  const ready = { ready: true, id: identity.credential.id, address: formatAddress(address) };
  process.stdout.write(`${JSON.stringify(ready)}\n`);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, end);
}

/** Starts again for so long where a line is not there. */
async function patiently(
  forMs: number,
  life: BoardLife | undefined,
  startOnce: () => Promise<void>,
): Promise<void> {
  const untilMs = systemClock.monotonicMs() + forMs;
  for (;;) {
    try {
      return await startOnce();
    } catch (error) {
      if (!(error instanceof LineError) || systemClock.monotonicMs() >= untilMs) throw error;
      life?.supervisor.status(error.message);
      await new Promise<void>((resolve) => systemClock.after(LINE_PAUSE_MS, resolve));
    }
  }
}

/** Opens what the meter stands on and starts it; `ends` gets what undoes each step. */
async function start(
  options: BoardOptions,
  address: Address,
  parties: Pick<RuntimeOptions, "identity" | "trust">,
  life: BoardLife | undefined,
  ends: (() => void)[],
): Promise<void> {
  const storage = options.state === undefined ? undefined : await openFileStorage(options.state);
  ends.push(() => storage?.close());
  const { meteringIc, uart } = await openAttachedPart(options.chip, systemClock);
  ends.push(() => uart.close());
  const opened = await openLink(address, "serve");
  const link = new SelfLink(opened.link, systemClock);
  ends.push(() => link.close());
  const signals = systemBoardSignals();
  ends.push(() => signals.close());
  const board = {
    ...{ clock: systemClock, meterClock: systemClock, utc: options.utc },
    ...{ crypto: opensslEngine, random: systemRandom, signals, keyStore: keyFiles(options.keys) },
  };
  const runtime = new MeterRuntime(
    { ...board, link, meteringIc, storage, supervisor: life?.supervisor, updates: life?.updates },
    {
      ...parties,
      pollIntervalMs: POLL_INTERVAL_MS,
      onStateFault(fault) {
        process.stderr.write(`The state cannot be kept (${fault}): no readings are given.\n`);
        life?.stateFailed();
      },
      configuration: configurationOf(options),
    },
  );
  ends.push(() => runtime.stop());
  if (life !== undefined) ends.push(life.begin(runtime, link));
}

function configurationOf({ zone, padding, serialNumber }: BoardOptions): MeterConfiguration {
  return {
    ...HOUSEHOLD_BILLING,
    zone,
    profilePaddingTenths: padding,
    serialNumber,
    type: "meterbench 1-phase",
    block: "",
    chargingPolicyId: "",
    firmwareVersion: programVersion(),
    firmwareDigest: programDigest(),
    firmwareBuiltUtcMs: programReleasedUtcMs(),
    accuracyClass: "B",
    impulsesPerKilowattHour: 1000,
    simulated: false,
  };
}
