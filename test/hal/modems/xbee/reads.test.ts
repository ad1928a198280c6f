// A whole meter and a head-end at two modules, in virtual time.
import { describe, expect, test } from "vitest";
import { EmulatedAir } from "../../../../hal/emulated/air.ts";
import { FaultyLink } from "../../../../hal/emulated/faulty-link.ts";
import { SeededRandom } from "../../../../hal/emulated/seeded-random.ts";
import type { VirtualClock } from "../../../../hal/emulated/virtual-clock.ts";
import { XBEE_LINE } from "../../../../hal/modems/xbee/registers.ts";
import type { Link } from "../../../../hal/ports/link.ts";
import { settle } from "../../../../host-tools/world/single-line.ts";
import { IMPORT, meter, START_MS } from "../../../support/whole-meter.ts";
import { FAR, module, NEAR, started } from "../../../support/xbee.ts";

const DAY_MS = 86_400_000;

interface Conditions {
  readonly maxPayloadBytes?: number;
  /** Of frames on the air, and of whole datagrams. */
  readonly frameLoss?: number;
  readonly datagramLoss?: number;
  readonly hops?: number;
}

function meterByRadio({ maxPayloadBytes = 73, frameLoss = 0, datagramLoss = 0, hops = 1 }: Conditions) {
  let air: EmulatedAir | undefined;
  let longestBytes = 0;
  const byRadio = (clock: VirtualClock, station: string): Link => {
    const random = new SeededRandom("air");
    air ??= new EmulatedAir(clock, random, { bitsPerSecond: 50_000, loss: frameLoss, hops: () => hops });
    const { host } = module(clock, air, { station, maxPayloadBytes, settings: XBEE_LINE });
    const link = started(clock, host);
    const lossy = new FaultyLink(link, clock, random.fork(station), { lose: datagramLoss });
    const send = lossy.send.bind(lossy);
    lossy.send = (to, datagram) => {
      longestBytes = Math.max(longestBytes, datagram.length);
      return send(to, datagram);
    };
    return lossy;
  };
  const world = meter({
    ...{ loadText: "h25", pollIntervalMs: 60_000 },
    wrapLink: (_, sender, clock) => byRadio(clock, sender === "meter" ? FAR : NEAR),
  });
  const target = { station: FAR, name: "air", timeoutMs: 30_000 };
  return { ...world, target, longestBytes: () => longestBytes };
}

/** How long each of so many reads takes, the first with a handshake. */
async function readsMs(conditions: Conditions, count: number): Promise<number[]> {
  const { clock, headEnd, target, stop } = meterByRadio(conditions);
  const took: number[] = [];
  for (let i = 0; i < count; i++) {
    const beganMs = clock.monotonicMs();
    await settle(clock, headEnd.readRegisters(target));
    took.push(clock.monotonicMs() - beganMs);
    clock.advanceBy(1000);
  }
  stop();
  return took;
}

describe("a meter at the end of a radio mesh", () => {
  test.each([
    [73, 0],
    [73, 0.1],
    [256, 0.1],
  ])(
    "with %d bytes a packet and %d of them lost is proved and read, in blocks where they must be",
    async (maxPayloadBytes, datagramLoss) => {
      const world = meterByRadio({ maxPayloadBytes, datagramLoss });
      const { clock, headEnd, target, longestBytes } = world;
      clock.advanceBy(DAY_MS);
      const registers = await settle(clock, headEnd.readRegisters(target));
      const request = { profile: 0, register: IMPORT, startSeconds: START_MS / 1000, count: 96, step: 1 };
      const profile = await settle(clock, headEnd.readProfile(target, request));
      const nameplate = await settle(clock, headEnd.readNameplate(target));
      expect([registers, profile, nameplate].map(({ meter: id }) => id)).toEqual(["M1", "M1", "M1"]);
      expect(profile.body).toHaveLength(96);
      expect(profile.body.every((interval) => "value" in interval)).toBe(true);
      expect(longestBytes()).toBeLessThanOrEqual(maxPayloadBytes);
      expect(profile.size.responseBytes).toBeGreaterThan(73);
      world.stop();
    },
  );

  test.each<[string, Conditions]>([
    ["a tenth of all frames lost over three hops", { frameLoss: 0.1, hops: 3 }],
    ["a tenth of all datagrams lost each way", { datagramLoss: 0.1 }],
  ])("with %s 99 of 100 reads take less than 15 s, and none 30", async (_, conditions) => {
    const took = (await readsMs(conditions, 200)).sort((a, b) => a - b);
    expect(took[197]).toBeLessThan(15_000);
    expect(took[199]).toBeLessThan(30_000);
  });
});
