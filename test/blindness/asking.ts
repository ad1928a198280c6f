// What a head-end asks of houses, so that all that a meter tells goes by whoever listens.
import { EVENT_LOGS } from "../../firmware/events/event-table.ts";
import type { VirtualClock } from "../../hal/emulated/virtual-clock.ts";
import type { HeadEnd, Target } from "../../host-tools/head-end/client.ts";
import { settle } from "../../host-tools/world/single-line.ts";

export const IMPORT = "1-0:1.8.0*255";
export const EXPORT = "1-0:2.8.0*255";
/** Energies both ways, power, voltage, a maximum with its time, and one that no such meter has. */
const REGISTERS = [IMPORT, EXPORT, "1-0:16.7.0*255", "1-0:32.7.0*255", "1-0:1.6.0*255", "1-0:3.8.0*255"];
const PERIOD_SECONDS = 900;
const DAY_SECONDS = 86_400;

/** The day of 96 intervals from `startSeconds` on, and its last 24. */
export function dayRequests(startSeconds: number, register = IMPORT) {
  const request = { profile: 0, register, step: 1 };
  const quarter = startSeconds + DAY_SECONDS - 24 * PERIOD_SECONDS;
  return [
    { ...request, startSeconds, count: 96 },
    { ...request, startSeconds: quarter, count: 24 },
  ] as const;
}

/** A handshake where there is no session, then registers, profiles of a day, events, the nameplate, a statement. */
export async function askAll(
  clock: VirtualClock,
  headEnd: HeadEnd,
  target: Target,
  startSeconds: number,
): Promise<void> {
  await settle(clock, headEnd.readRegisters(target));
  await settle(clock, headEnd.readRegisters(target, [IMPORT, EXPORT]));
  await settle(clock, headEnd.readRegisters(target, REGISTERS));
  await settle(clock, headEnd.readSenml(target, REGISTERS));
  for (const register of [IMPORT, EXPORT])
    for (const request of dayRequests(startSeconds, register))
      await settle(clock, headEnd.readProfile(target, request));
  for (const log of EVENT_LOGS) await settle(clock, headEnd.readEvents(target, { log, from: 0, count: 32 }));
  await settle(clock, headEnd.readNameplate(target));
  await settle(clock, headEnd.readClock(target));
  const challenge = Uint8Array.from({ length: 16 }, (_, i) => 31 * i);
  await settle(clock, headEnd.readStatement(target, { challenge, registers: [IMPORT, EXPORT] }));
}
