import { describe, expect, test } from "vitest";
import { constantMains, type Mains } from "../../../../hal/emulated/mains.ts";
import { VirtualClock } from "../../../../hal/emulated/virtual-clock.ts";
import { EmulatedBl0942 } from "../../../../hal/metering-ics/bl0942/emulated.ts";
import {
  BL0942_REFERENCE_BOARD,
  type Bl0942Profile,
  checksum,
} from "../../../../hal/metering-ics/bl0942/registers.ts";
import { bytesOf, hexOf, ScriptedUart } from "../../../support/scripted-uart.ts";
import { CAPTURED, COMPUTED, IDEAL_BOARD, type PacketVector } from "../../../vectors/bl0942/packets.ts";

const UNLOCK = "A8 1D 55 00 00 E5";
const LOCK = "A8 1D 00 00 00 3A";
const SOFT_RESET = "A8 1C 5A 5A 5A 2D";
const MODE_50_HERTZ = "A8 19 8F 00 00 AF";
const WA_CREEP_64 = "A8 14 40 00 00 03";
const READ_ALL = "58 AA";
const HOUR_MS = 3_600_000;

/** A resistor that draws (or, below 0, something that feeds) so many watts. */
function watts(power: number): Mains {
  return constantMains({
    voltageVolts: 230,
    currentAmperes: Math.abs(power) / 230,
    phaseAngleRadians: power < 0 ? Math.PI : 0,
    frequencyHertz: 50,
  });
}

/** A part whose host is the test. */
function scriptedHost(mains: Mains, profile: Bl0942Profile = BL0942_REFERENCE_BOARD) {
  const clock = new VirtualClock();
  const uart = new ScriptedUart(clock);
  const chip = new EmulatedBl0942(uart, clock, mains, profile);
  /** Sends and gives all that the part wrote in answer, in hex. */
  const send = (...requests: string[]) => {
    uart.written.length = 0;
    for (const request of requests) uart.deliver(bytesOf(request));
    return uart.written.join("");
  };
  /** A register's value, asked for in the same way. */
  const register = (address: number) => {
    const answer = bytesOf(send(`58 ${address.toString(16).padStart(2, "0")}`));
    expect(answer[3]).toBe(checksum([0x58, address, ...answer.subarray(0, 3)]));
    return (answer[0] ?? 0) + (answer[1] ?? 0) * 256 + (answer[2] ?? 0) * 65_536;
  };
  return { clock, uart, chip, send, register, count: () => register(0x07) };
}

/** The mains under which a part shows a vector's registers. */
function mainsOf({ raw, profile }: PacketVector): Mains {
  const voltageVolts = raw.V_RMS / profile.voltageCountsPerVolt;
  const currentAmperes = raw.I_RMS / profile.currentCountsPerAmpere;
  const power = raw.WATT / profile.powerCountsPerWatt;
  const phaseAngleRadians = raw.I_RMS === 0 ? 0 : Math.acos(power / (voltageVolts * currentAmperes));
  return constantMains({
    voltageVolts,
    currentAmperes,
    phaseAngleRadians,
    frequencyHertz: 1e6 / raw.FREQ,
  });
}

/** Lets the part count a little reverse energy, then sets its counter. */
function bringTo(vector: PacketVector, host: ReturnType<typeof scriptedHost>): void {
  if ((vector.raw.STATUS & 0x01) !== 0) host.clock.advanceBy(HOUR_MS / 10);
  host.chip.presetCounter(vector.raw.CF_CNT);
}

describe("the emulated BL0942 and captured bytes", () => {
  test.each(CAPTURED)("shows the modelled bytes of $name", (vector) => {
    const host = scriptedHost(mainsOf(vector), vector.profile);
    bringTo(vector, host);
    const [shown, captured] = [bytesOf(host.send(READ_ALL)), bytesOf(vector.hex)];
    const modelled = (bytes: Uint8Array) => {
      const masked = bytes.slice(0, 22);
      masked.fill(0, 7, 10); // I_FAST_RMS
      masked[19] = (masked[19] as number) & 0x03;
      return hexOf(masked);
    };
    expect(modelled(shown)).toBe(modelled(captured));
    expect(shown[22]).toBe(checksum([0x58, ...shown.subarray(0, 22)]));
  });

  test("shows 230 V, 10 A with the counter at its top byte for byte", () => {
    const [top] = COMPUTED as readonly [PacketVector];
    const host = scriptedHost(watts(2300), IDEAL_BOARD);
    host.chip.presetCounter(0xffffff);
    expect(host.send(READ_ALL)).toBe(top.hex.replaceAll(" ", ""));
  });

  test("shows 500 W of export just after a wrap byte for byte", () => {
    const [, wrapped] = COMPUTED as readonly [PacketVector, PacketVector];
    const mains = constantMains({
      voltageVolts: 230,
      currentAmperes: 2.174,
      phaseAngleRadians: Math.acos(-500 / (230 * 2.174)),
      frequencyHertz: 50,
    });
    const host = scriptedHost(mains, IDEAL_BOARD);
    host.chip.presetCounter(0xffffff);
    host.clock.advanceBy(1.5 * (HOUR_MS / (0.5 * IDEAL_BOARD.energyCountsPerKilowattHour)));
    expect(host.send(READ_ALL)).toBe(wrapped.hex.replaceAll(" ", ""));
  });
});

describe("the emulated BL0942's counter", () => {
  test("is the integral of power, fractions kept, however often it is read", () => {
    const { clock, count } = scriptedHost(watts(2000));
    for (let i = 0; i < 100; i++) {
      clock.advanceBy(HOUR_MS / 100);
      count();
    }
    expect(count()).toBe(Math.floor(2 * 5347.48424));
  });

  test("wraps at 24 bits", () => {
    const { clock, chip, count } = scriptedHost(watts(1000));
    chip.presetCounter(0xffffff - 1000);
    clock.advanceBy(HOUR_MS);
    expect(count()).toBe(Math.floor(5347.48424) - 1001);
  });

  test("follows a mains that varies continuously", () => {
    const mains: Mains = {
      at: (ms) => watts(2000 * Math.sin(ms / 10_000) ** 2).at(0),
      steadyUntilMs: (ms) => ms,
    };
    const { clock, count } = scriptedHost(mains);
    clock.advanceBy(Math.PI * 10_000 * 100);
    expect(count()).toBeCloseTo((Math.PI * 1000 * 5347.48424) / 3600, -0.5);
  });

  test("counts nothing below the creep threshold, and says so", () => {
    const { clock, count, register } = scriptedHost(watts(0.2));
    clock.advanceBy(1000 * HOUR_MS);
    expect(count()).toBe(0);
    expect(register(0x09)).toBe(0x02);
  });

  test("counts just above the creep threshold", () => {
    const { clock, count, register } = scriptedHost(watts(0.22));
    clock.advanceBy(1000 * HOUR_MS);
    expect(count()).toBe(Math.floor(0.22 * 5347.48424));
    expect(register(0x09)).toBe(0x00);
  });

  test("counts export up on a board that adds absolutely, and down on one that adds algebraically", () => {
    const absolute = scriptedHost(watts(-1000));
    const algebraic = scriptedHost(watts(-1000), { ...BL0942_REFERENCE_BOARD, counterAdds: "algebraic" });
    for (const { clock } of [absolute, algebraic]) clock.advanceBy(HOUR_MS);
    expect(absolute.count()).toBe(5347);
    expect(algebraic.count()).toBe(2 ** 24 - 5348);
    for (const { register } of [absolute, algebraic]) expect(register(0x09)).toBe(0x01);
  });

  test("clears on reading, adds the other way, or stands still where MODE says so", () => {
    const { clock, send, count } = scriptedHost(watts(-1000));
    const setMode = (mode: number) => {
      const write = [0xa8, 0x19, mode, 0, 0];
      send(UNLOCK, hexOf(Uint8Array.of(...write, checksum(write))));
    };
    setMode(0xc7);
    clock.advanceBy(HOUR_MS);
    expect([count(), count()]).toEqual([5347, 0]);
    setMode(0x83);
    clock.advanceBy(HOUR_MS);
    expect(count()).toBe(0);
    setMode(0x07);
    clock.advanceBy(HOUR_MS);
    expect(count()).toBe(2 ** 24 - 5348);
  });

  test("has no period of the mains where there is none", () => {
    const dead = { voltageVolts: 0, currentAmperes: 0, phaseAngleRadians: 0, frequencyHertz: 0 };
    expect(scriptedHost(constantMains(dead)).register(0x08)).toBe(0);
    expect(scriptedHost(constantMains({ ...dead, frequencyHertz: 1 })).register(0x08)).toBe(0xffff);
  });

  test("keeps measured registers at their last value where the mains is beyond it", () => {
    const { register } = scriptedHost(watts(20_000));
    expect([register(0x03), register(0x06)]).toEqual([0xffffff, 0x7fffff]);
  });
});

describe("the emulated BL0942's line", () => {
  test("takes requests that arrive byte by byte or all at once", () => {
    const { send } = scriptedHost(watts(100));
    const together = send(`${UNLOCK}${MODE_50_HERTZ}${LOCK}58 19`);
    expect(together).toBe("8F0000FF");
    const split = [...`${UNLOCK}${MODE_50_HERTZ}${LOCK}5819`.replaceAll(" ", "").matchAll(/../g)].map(String);
    expect(send(...split)).toBe("8F0000FF");
  });

  test("refuses and counts a write while locked, with a bad checksum, or of a register it has not", () => {
    const { chip, send, register } = scriptedHost(watts(100));
    send(MODE_50_HERTZ);
    send(UNLOCK, MODE_50_HERTZ.replace(/AF$/, "AE"));
    send("A8 03 01 00 00 53");
    expect(chip.refusals).toMatchObject({ locked: 1, checksum: 1, register: 1 });
    expect(register(0x19)).toBe(0x87);
  });

  test("refuses and counts a read of no register", () => {
    const { chip, send } = scriptedHost(watts(100));
    expect(send("58 42")).toBe("");
    expect(chip.refusals.register).toBe(1);
  });

  test.each([
    ["a MODE that changes the line's rate", "A8 19 8F 02 00 AD"],
    ["a MODE of more bits than it has", "A8 19 8F 04 00 AB"],
    ["a creep threshold of more bits than it has", "A8 14 00 01 00 42"],
    ["a soft reset without its key", "A8 1C 5A 5A 00 87"],
  ])("refuses and counts %s", (_, write) => {
    const { clock, chip, send, register, count } = scriptedHost(watts(1000));
    clock.advanceBy(HOUR_MS);
    send(UNLOCK, write);
    expect(chip.refusals).toMatchObject({ value: 1, checksum: 0 });
    expect([count(), register(0x19), register(0x14)]).toEqual([5347, 0x87, 0x0b]);
  });

  test("a soft reset clears counter and settings, and locks", () => {
    const { clock, chip, send, register, count } = scriptedHost(watts(1000));
    clock.advanceBy(HOUR_MS);
    send(UNLOCK, MODE_50_HERTZ, WA_CREEP_64);
    expect([register(0x1d), register(0x14)]).toEqual([1, 64]);
    send(SOFT_RESET);
    expect([count(), register(0x19), register(0x14), register(0x1d)]).toEqual([0, 0x87, 0x0b, 0]);
    send(MODE_50_HERTZ);
    expect(chip.refusals.locked).toBe(1);
  });

  test("is silent to requests for another address, and counts them as no refusal", () => {
    const { chip, send } = scriptedHost(watts(100));
    expect(send("59 AA", "A9 1D 55 00 00 E4", "5B 19")).toBe("");
    expect(Object.values(chip.refusals)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(send(READ_ALL)).toHaveLength(46);
  });

  test("answers at once after noise, and after half a request that was followed by a pause", () => {
    const { clock, chip, send } = scriptedHost(watts(100));
    expect(send("00 FF 13", READ_ALL)).toHaveLength(46);
    expect(chip.refusals.noise).toBe(3);
    expect(send("A8 1D")).toBe("");
    clock.advanceBy(100);
    expect(send(READ_ALL)).toHaveLength(46);
    expect(chip.refusals.partial).toBe(1);
  });

  test("takes a request that goes on in a chunk so long that it was on the line for the whole time", () => {
    const { clock, chip, send } = scriptedHost(watts(100));
    send("58");
    clock.advanceBy(31 * (10 / 4.8));
    expect(send(`AA ${READ_ALL.repeat(15)}`)).toHaveLength(16 * 46);
    expect(chip.refusals.partial).toBe(0);
  });

  test("forgets half a request when it loses its supply", () => {
    const { chip, send } = scriptedHost(watts(100));
    send("A8 1D 55");
    chip.restart();
    expect(send(READ_ALL)).toHaveLength(46);
  });

  test("hears nothing while mute, but counts", () => {
    const { clock, chip, send, count } = scriptedHost(watts(1000));
    chip.isMute = true;
    clock.advanceBy(HOUR_MS);
    expect(send(READ_ALL)).toBe("");
    chip.isMute = false;
    expect(count()).toBe(5347);
  });
});
