// Four head-ends with rights of their own at one meter, all at once.
import { expect, test } from "vitest";
import { OWNER, READER, type Right, TrustList } from "../../firmware/identity/trust.ts";
import { MeterRuntime } from "../../firmware/runtime.ts";
import { Backhaul, FAR_END } from "../../hal/emulated/backhaul.ts";
import { SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { uartPair } from "../../hal/emulated/uart-pair.ts";
import { VirtualClock } from "../../hal/emulated/virtual-clock.ts";
import { Bl0942 } from "../../hal/metering-ics/bl0942/driver.ts";
import { BL0942_LINE, BL0942_REFERENCE_BOARD } from "../../hal/metering-ics/bl0942/registers.ts";
import { UartBus } from "../../hal/metering-ics/uart-bus.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import { HeadEnd } from "../../host-tools/head-end/client.ts";
import { HeadEndError } from "../../host-tools/head-end/errors.ts";
import { configuration } from "../support/configuration.ts";
import { pass } from "../support/pass.ts";
import { identity } from "../support/secured-line.ts";
import { HOUSEHOLD } from "../support/tariffs.ts";

const RIGHTS: Readonly<Record<string, ReadonlySet<Right>>> = {
  utility: OWNER,
  successor: new Set<Right>(["read", "clock"]),
  lab: new Set<Right>(["read", "tariff"]),
  portal: READER,
};
const NAMES = Object.keys(RIGHTS);
const OUTSTANDING = 4;
const SECOND_MS = 1000;
const STEP_MS = 20;

interface Seen {
  reads: number;
  handshakes: number;
  longestMs: number;
  readonly faults: string[];
}

/** Head-ends that keep reads of one meter under way, and what each has seen since it was last asked. */
function house() {
  const clock = new VirtualClock({ utcMs: Date.UTC(2026, 10, 24) });
  const random = new SeededRandom("house");
  const backhaul = new Backhaul(clock, { roundTripMs: 5 });
  const parties = NAMES.map((name) => identity("head-end", name));
  const meter = identity("meter", "M1");
  const [, driverEnd] = uartPair(clock, BL0942_LINE);
  const runtime = new MeterRuntime(
    {
      ...{ clock, meterClock: clock, crypto: opensslEngine, random: random.fork("meter") },
      link: backhaul.farEnd,
      meteringIc: new Bl0942(new UartBus(driverEnd, clock), BL0942_REFERENCE_BOARD),
    },
    {
      ...{ configuration, identity: meter, pollIntervalMs: SECOND_MS },
      trust: new TrustList(
        parties.map(({ credential }) => credential),
        RIGHTS,
      ),
    },
  );
  const target = { station: FAR_END, name: "M1", timeoutMs: 8000 };
  const headEnds = new Map(
    parties.map((party) => {
      const link = backhaul.station(party.credential.id);
      const parts = { link, clock, crypto: opensslEngine, random: random.fork(party.credential.id) };
      const headEnd = new HeadEnd({ ...parts, identity: party, trust: new TrustList([meter.credential]) });
      return [party.credential.id, headEnd];
    }),
  );
  const seen = new Map<string, Seen>();
  const clear = (): void => {
    for (const name of NAMES) seen.set(name, { reads: 0, handshakes: 0, longestMs: 0, faults: [] });
  };
  const readOn = async (name: string, headEnd: HeadEnd): Promise<void> => {
    try {
      for (;;) {
        const { size } = await headEnd.readRegisters(target);
        const its = seen.get(name) as Seen;
        its.reads++;
        its.longestMs = Math.max(its.longestMs, size.milliseconds);
        if (size.handshake !== undefined) its.handshakes++;
      }
    } catch (error) {
      seen.get(name)?.faults.push(error instanceof HeadEndError ? error.kind : String(error));
    }
  };
  clear();
  for (const [name, headEnd] of headEnds) for (let i = 0; i < OUTSTANDING; i++) void readOn(name, headEnd);
  return {
    ...{ runtime, headEnds, target },
    pass: (milliseconds: number) => pass(clock, milliseconds, STEP_MS),
    /** What was seen until now; from here on anew. */
    take: (): Record<string, Seen> => {
      const taken = Object.fromEntries(seen);
      clear();
      return taken;
    },
  };
}

/** "done", or why not. */
function outcome(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "done",
    (error: unknown) => (error instanceof HeadEndError ? error.kind : String(error)),
  );
}

test("four head-ends read at once, each does what it has the right to, and nobody notices that one is taken out", async () => {
  const { runtime, headEnds, target, pass: passTime, take } = house();
  await passTime(SECOND_MS);
  const first = take();
  expect(NAMES.map((name) => first[name]?.handshakes)).toEqual([1, 1, 1, 1]);
  const tables = { active: HOUSEHOLD };
  const sets = [...headEnds.values()].map((headEnd) => outcome(headEnd.setTariff(target, tables)));
  await passTime(SECOND_MS);
  expect(await Promise.all(sets)).toEqual(["done", "identity", "done", "identity"]);
  const before = take();
  expect(runtime.revoke("successor")).toBe(true);
  await passTime(2 * SECOND_MS);
  const after = take();
  expect(after["successor"]?.faults).toEqual(Array(OUTSTANDING).fill("identity"));
  for (const name of ["utility", "lab", "portal"]) {
    expect(after[name]).toMatchObject({ handshakes: 0, faults: [], longestMs: before[name]?.longestMs });
    expect(after[name]?.reads).toBe(2 * (before[name]?.reads ?? 0));
  }
  runtime.stop();
});
