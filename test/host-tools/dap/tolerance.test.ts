// A meter that is away for three minutes, read through a DAP by who tolerates five.
import { expect, test } from "vitest";
import { TrustList } from "../../../firmware/identity/trust.ts";
import { Backhaul, FAR_END } from "../../../hal/emulated/backhaul.ts";
import { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { MemoryStorage } from "../../../hal/storage/memory-storage.ts";
import { readDap } from "../../../host-tools/cli/dap-session.ts";
import { Dap } from "../../../host-tools/dap/dap.ts";
import { Routes } from "../../../host-tools/dap/forward/routes.ts";
import type { DapSettings } from "../../../host-tools/dap/forward/settings.ts";
import { HeadEnd } from "../../../host-tools/head-end/client.ts";
import { settle } from "../../../host-tools/world/single-line.ts";
import { street } from "../../support/street.ts";
import { DAP_PARTIES, reopenable } from "./place.ts";

const AWAY_MS = 180_000;
const DAP = { station: FAR_END, name: "udp:dap:5683", timeoutMs: 30_000 };
const M1 = { ...DAP, host: "M1", expect: "M1" };
const TOLERANT = { ...M1, toleranceSeconds: 300 };

/** A meter that keeps its sessions, a DAP that keeps requests, and a head-end that has a session with the meter. */
async function away(settings: Partial<DapSettings> = {}) {
  const storages = new Map<string, MemoryStorage>();
  const storage = (meter: string): MemoryStorage => {
    const kept = storages.get(meter) ?? new MemoryStorage();
    storages.set(meter, kept);
    return kept;
  };
  const sessions: string[] = [];
  const world = street({
    ...{ meters: 1, seed: 11, traits: { roundTripMs: 20 }, storage },
    onSession: (meter) => sessions.push(meter),
  });
  const { clock, headEndParts, powerOff, powerOn } = world;
  const north = new Backhaul(clock, { roundTripMs: 20 });
  let kept = new MemoryStorage();
  let starts = 0;
  const [northEnd, southEnd] = [reopenable(north.farEnd), reopenable(world.farEnd)];
  const newDap = () =>
    new Dap({
      ...{ clock, random: new SeededRandom(`dap ${starts++}`), north: northEnd },
      ...{ lines: [southEnd], names: ["south"], parties: DAP_PARTIES, storage: kept },
      settings: { thirdParty: false, distribute: "per-meter", return: "hold", holdSeconds: 0, ...settings },
      routes: new Routes([{ alias: "M1", line: 0, station: "M1" }]),
    });
  const dap = newDap();
  const credentials = [...headEndParts.trust.credentials, DAP_PARTIES.identity.credential];
  const headEnd = new HeadEnd({
    ...{ ...headEndParts, link: north.station("H"), trust: new TrustList(credentials) },
  });
  await settle(clock, headEnd.readRegisters(M1));
  powerOff();
  clock.after(AWAY_MS, powerOn);
  const read = async (isOperator: boolean) => {
    if (isOperator) await settle(clock, readDap(headEnd, DAP, [DAP_PARTIES.identity.credential]));
    const startMs = clock.monotonicMs();
    const answer = await settle(clock, headEnd.readRegisters({ ...TOLERANT, isOperator }));
    return { meter: answer.meter, seconds: (clock.monotonicMs() - startMs) / 1000 };
  };
  const cut = () => {
    dap.stop();
    kept = kept.afterCut({ bytes: "none", folder: "none" });
  };
  return { clock, dap, headEnd, read, sessions, cut, newDap };
}

test("is read as soon as it is back by a DAP that keeps the request, in the same session", async () => {
  const { read, dap, sessions } = await away();
  const { meter, seconds } = await read(true);
  expect(meter).toBe("M1");
  expect(seconds).toBeGreaterThan(AWAY_MS / 1000 - 1);
  expect(seconds).toBeLessThan(AWAY_MS / 1000 + 65);
  expect(dap.status().counters["kept"]).toBeGreaterThan(0);
  expect(sessions).toEqual(["M1"]);
});

test.each([{ return: "forward" }, { thirdParty: true, return: "forward" }, { return: "hold" }] as const)(
  "is asked again and again by who is nobody to the DAP: %j",
  async (settings) => {
    const { read, dap, sessions } = await away(settings);
    const { meter, seconds } = await read(false);
    expect(meter).toBe("M1");
    expect(seconds).toBeLessThan(300);
    expect(dap.status().counters["kept"]).toBe(0);
    expect(sessions).toEqual(["M1"]);
  },
);

test("is read though the DAP is killed and started again meanwhile", async () => {
  const { clock, read, cut, newDap, sessions } = await away();
  clock.after(60_000, cut);
  clock.after(90_000, newDap);
  const { meter, seconds } = await read(true);
  expect(meter).toBe("M1");
  expect(seconds).toBeLessThan(300);
  expect(sessions).toEqual(["M1"]);
});
