import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../../../hal/emulated/virtual-clock.ts";
import { Bl0942 } from "../../../../hal/metering-ics/bl0942/driver.ts";
import {
  BL0942_LINE,
  BL0942_REFERENCE_BOARD,
  type Bl0942Profile,
  checksum,
} from "../../../../hal/metering-ics/bl0942/registers.ts";
import { UartBus } from "../../../../hal/metering-ics/uart-bus.ts";
import type { MeteringFault, MeteringReading } from "../../../../hal/ports/metering-ic.ts";
import { bytesOf, hexOf, ScriptedUart } from "../../../support/scripted-uart.ts";
import { CAPTURED, COMPUTED } from "../../../vectors/bl0942/packets.ts";

const SET_UP_50_HERTZ = "A81D550000E5A8198F0000AFA81D0000003A5819";
const MODE_ANSWER_50_HERTZ = "8F0000FF";
const SECOND_MS = 1000;

/** A driver whose part is the test: `packet` is what it answers to a read of all. */
function scriptedPart(profile: Bl0942Profile = BL0942_REFERENCE_BOARD) {
  const clock = new VirtualClock();
  const uart = new ScriptedUart(clock);
  const driver = new Bl0942(new UartBus(uart, clock), profile);
  const events: (MeteringReading | MeteringFault)[] = [];
  driver.listen({ reading: (reading) => events.push(reading), fault: (fault) => events.push(fault) });
  const part = { mode: MODE_ANSWER_50_HERTZ as string | undefined, packet: "" as string | undefined };
  uart.answer = (request) => (request.endsWith("5819") ? part.mode : part.packet);
  /** Polls, lets a second pass, and gives what came of it. */
  const poll = () => {
    const before = events.length;
    expect(driver.poll()).toBe("started");
    clock.advanceBy(SECOND_MS);
    return events.slice(before);
  };
  return { clock, uart, driver, part, poll, events };
}

function reading(events: readonly (MeteringReading | MeteringFault)[]): MeteringReading {
  const found = events.find((event) => typeof event !== "string");
  if (found === undefined) throw new Error(`no reading among ${JSON.stringify(events)}`);
  return found;
}

/** A no-load packet of the reference board with another counter, flags and, if need be, other bytes. */
function packetWith(changes: { count?: number; status?: number; bytes?: Record<number, number> }): string {
  const bytes = bytesOf(CAPTURED[0]?.hex ?? "");
  const count = changes.count ?? 2636;
  bytes.set([count & 0xff, (count >> 8) & 0xff, count >> 16], 13);
  bytes[19] = changes.status ?? 0x22;
  for (const [offset, byte] of Object.entries(changes.bytes ?? {})) bytes[Number(offset)] = byte;
  bytes[22] = checksum([0x58, ...bytes.subarray(0, 22)]);
  return hexOf(bytes);
}

describe("the BL0942 driver and captured bytes", () => {
  test.each([...CAPTURED, ...COMPUTED])("decodes $name", ({ hex, profile, shown }) => {
    const { part, poll } = scriptedPart(profile);
    part.packet = hex;
    const { phases, frequencyMillihertz } = reading(poll());
    expect(frequencyMillihertz).toEqual({ value: shown.frequencyMillihertz, quality: "measured" });
    expect(phases).toEqual([
      {
        voltageMillivolts: { value: shown.voltageMillivolts, quality: "measured" },
        currentMilliamperes: { value: shown.currentMilliamperes, quality: "measured" },
        activePowerMilliwatts: { value: shown.activePowerMilliwatts, quality: "measured" },
        apparentPowerMillivoltamperes: {
          value: Math.round((shown.voltageMillivolts * shown.currentMilliamperes) / 1000),
          quality: "derived",
        },
      },
    ]);
  });

  test("a counter that fell from 2636 to 0 between two captured polls is a reset, not a wrap of 3137 kWh", () => {
    const { part, poll } = scriptedPart();
    part.packet = CAPTURED[0]?.hex;
    poll();
    part.packet = "55 00 00 00 6E 89 37 3F 39 00 00 00 00 00 00 00 3E 4E 00 22 01 00 FD";
    const events = poll();
    expect(events[0]).toBe("counter-reset");
    expect(reading(events)).toMatchObject({ importMilliwattHours: 0, exportMilliwattHours: 0 });
  });

  test("the reverse flag books what was counted as export, and marks it as derived", () => {
    const { part, poll } = scriptedPart();
    part.packet = packetWith({ count: 100, status: 0x01 });
    poll();
    part.packet = packetWith({ count: 110, status: 0x01 });
    expect(reading(poll())).toMatchObject({
      importMilliwattHours: 0,
      exportMilliwattHours: 1870,
      energyQuality: "derived",
    });
  });

  test("the first reading sets the baseline, and each count after it is 187.003824 mWh", () => {
    const { part, poll } = scriptedPart();
    part.packet = packetWith({ count: 1000 });
    expect(reading(poll())).toMatchObject({ importMilliwattHours: 0, exportMilliwattHours: 0 });
    part.packet = packetWith({ count: 1001 });
    expect(reading(poll())).toMatchObject({ importMilliwattHours: 187, energyQuality: "measured" });
    const sums = Array.from({ length: 9 }, (_, index) => {
      part.packet = packetWith({ count: 1001 + 30 * (index + 1) });
      return reading(poll()).importMilliwattHours;
    });
    expect(sums.reduce((sum, energy) => sum + energy, 187)).toBe(Math.floor(271 * 187.003824));
  });

  test("there is no frequency where the part found none", () => {
    const { part, poll } = scriptedPart();
    part.packet = packetWith({ bytes: { 16: 0, 17: 0 } });
    expect(reading(poll())).not.toHaveProperty("frequencyMillihertz");
  });

  test.each([
    ["top", [0xff, 0xff, 0x7f]],
    ["bottom", [0x00, 0x00, 0x80]],
  ])("registers at their end are left out, power at its %s, and the others are given", (_, watt) => {
    const { part, poll } = scriptedPart();
    const [low = 0, middle = 0, high = 0] = watt;
    const bytes = { 1: 0xff, 2: 0xff, 3: 0xff, 10: low, 11: middle, 12: high };
    part.packet = packetWith({ status: 0, bytes });
    expect(Object.keys(reading(poll()).phases[0] ?? {})).toEqual(["voltageMillivolts"]);
  });

  test("current and power are 0 while the part reports creep, whatever noise its registers hold", () => {
    const { part, poll } = scriptedPart();
    part.packet = packetWith({ status: 0x02, bytes: { 2: 0x60, 11: 0x01 } });
    expect(reading(poll()).phases[0]).toMatchObject({
      currentMilliamperes: { value: 0 },
      activePowerMilliwatts: { value: 0 },
      apparentPowerMillivoltamperes: { value: 0 },
    });
    part.packet = packetWith({ status: 0x00, bytes: { 2: 0x60, 11: 0x01 } });
    expect(reading(poll()).phases[0]).toMatchObject({
      currentMilliamperes: { value: 98 },
      activePowerMilliwatts: { value: 411 },
    });
  });
});

describe("the BL0942 driver's set-up", () => {
  test("unlocks, sets MODE, locks and reads back before its first read, and not again after", () => {
    const { uart, part, poll } = scriptedPart();
    part.packet = packetWith({});
    poll();
    poll();
    expect(uart.written).toEqual([SET_UP_50_HERTZ, "58AA", "58AA"]);
  });

  test("selects 60 Hz and the part's address where the board has them", () => {
    const { uart, part, poll } = scriptedPart({ ...BL0942_REFERENCE_BOARD, address: 2, mainsHertz: 60 });
    part.mode = undefined;
    expect(poll()).toEqual(["silent"]);
    expect(uart.written).toEqual(["AA1D550000E3AA19AF00008DAA1D000000385A19"]);
  });

  test("a MODE that did not stay is a fault, and is set again at the next poll", () => {
    const { uart, part, poll } = scriptedPart();
    part.mode = "87000007";
    expect(poll()).toEqual(["bad-frame"]);
    part.mode = MODE_ANSWER_50_HERTZ;
    part.packet = packetWith({});
    reading(poll());
    expect(uart.written).toEqual([SET_UP_50_HERTZ, SET_UP_50_HERTZ, "58AA"]);
  });

  test("bytes that are no answer to it are a fault, and it is done again at the next poll", () => {
    const { uart, part, poll } = scriptedPart();
    part.mode = "8F0000";
    expect(poll()).toEqual(["bad-frame"]);
    part.mode = MODE_ANSWER_50_HERTZ;
    part.packet = packetWith({});
    reading(poll());
    expect(uart.written).toEqual([SET_UP_50_HERTZ, SET_UP_50_HERTZ, "58AA"]);
  });

  test.each([
    ["silence", undefined],
    ["a packet of zeros", `55${"00".repeat(21)}52`],
    ["a reset of the counter", packetWith({ count: 3 })],
  ])("is done again after %s", (_, packet) => {
    const { uart, part, poll } = scriptedPart();
    part.packet = packetWith({ count: 5000 });
    poll();
    part.packet = packet;
    poll();
    part.packet = packetWith({ count: 3 });
    poll();
    expect(uart.written).toEqual([SET_UP_50_HERTZ, "58AA", "58AA", SET_UP_50_HERTZ, "58AA"]);
  });

  test("is not done again after one damaged packet", () => {
    const { uart, part, poll } = scriptedPart();
    part.packet = packetWith({});
    poll();
    part.packet = packetWith({}).replace(/..$/, "00");
    expect(poll()).toEqual(["bad-frame"]);
    part.packet = packetWith({});
    reading(poll());
    expect(uart.written).toEqual([SET_UP_50_HERTZ, "58AA", "58AA", "58AA"]);
  });

  test("a line with other settings than the part's is refused at once", () => {
    const clock = new VirtualClock();
    const uart = new ScriptedUart(clock, { ...BL0942_LINE, parity: "even" });
    expect(() => new Bl0942(new UartBus(uart, clock), BL0942_REFERENCE_BOARD)).toThrow("4800 8N1");
  });
});

describe("the BL0942 driver and bytes that are no answer", () => {
  test("an answer that comes after the time-out is dropped, and does not answer the next request", () => {
    const { clock, uart, driver, part, events, poll } = scriptedPart();
    part.packet = packetWith({ count: 10 });
    poll();
    uart.answer = () => undefined;
    expect(driver.poll()).toBe("started");
    clock.advanceBy(500);
    expect(events.at(-1)).toBe("silent");
    expect(driver.poll()).toBe("busy");
    uart.deliver(bytesOf(packetWith({ count: 20 })));
    clock.advanceBy(500);
    expect(driver.counters.readings).toBe(1);
    uart.answer = (request) => (request.endsWith("5819") ? MODE_ANSWER_50_HERTZ : packetWith({ count: 21 }));
    expect(reading(poll()).importMilliwattHours).toBe(Math.floor(11 * 187.003824));
  });

  test("a packet behind noise that holds the header byte is found in the same poll", () => {
    const { part, poll } = scriptedPart();
    part.packet = `5500AA55${packetWith({})}`;
    reading(poll());
  });

  test("two packets that arrive together are one reading: the second was not asked for", () => {
    const { part, poll, driver } = scriptedPart();
    part.packet = packetWith({ count: 1 }) + packetWith({ count: 2 });
    expect(poll()).toHaveLength(1);
    expect(driver.counters.readings).toBe(1);
  });

  test.each([0x00, 0xff])("a packet of nothing but %i is refused though its checksum holds", (byte) => {
    const { part, poll } = scriptedPart();
    part.packet = packetWith({ count: 9 });
    poll();
    const bytes = new Uint8Array(23).fill(byte);
    bytes[0] = 0x55;
    bytes[22] = checksum([0x58, ...bytes.subarray(0, 22)]);
    part.packet = hexOf(bytes);
    expect(poll()).toEqual(["bad-frame"]);
    part.packet = packetWith({ count: 10 });
    expect(reading(poll()).importMilliwattHours).toBe(187);
  });

  test.each([
    ["voltage", { 6: 0x90 }],
    ["current", { 3: 0x31 }],
    ["power", { 12: 0x1d }],
    ["export", { 12: 0xe3 }],
  ])(
    "a packet with a %s that a 10 A installation has not is refused, and its energy comes with the next",
    (_, bytes) => {
      const { part, poll, driver } = scriptedPart({
        ...BL0942_REFERENCE_BOARD,
        largestCurrentMilliamperes: 10_000,
      });
      part.packet = packetWith({ count: 100 });
      poll();
      part.packet = packetWith({ count: 102, bytes });
      expect(poll()).toEqual(["implausible"]);
      part.packet = packetWith({ count: 104 });
      expect(reading(poll()).importMilliwattHours).toBe(748);
      expect(driver.counters.faults).toEqual({
        silent: 0,
        "bad-frame": 0,
        "counter-reset": 0,
        implausible: 1,
        "part-fault": 0,
        "energy-gap": 0,
      });
    },
  );

  test("a step that no installation draws is refused; one that stays becomes the new start, without its energy", () => {
    const { part, poll, driver } = scriptedPart();
    part.packet = packetWith({ count: 100 });
    poll();
    part.packet = packetWith({ count: 1_000_000 });
    expect(poll()).toEqual(["implausible"]);
    part.packet = packetWith({ count: 1_000_001 });
    expect(poll()).toEqual(["implausible"]);
    part.packet = packetWith({ count: 1_000_003 });
    const events = poll();
    expect(events[0]).toBe("implausible");
    expect(reading(events).importMilliwattHours).toBe(561);
    part.packet = packetWith({ count: 1_000_004 });
    expect(reading(poll()).importMilliwattHours).toBe(187);
    expect(driver.counters.faults.implausible).toBe(3);
  });

  test("must be polled at least twice in the time in which the counter can wrap", () => {
    const { driver } = scriptedPart();
    const largestWatts = 65 * 230 * 1.25;
    const wrapHours = (2 ** 24 / 5347.48424) * (1000 / largestWatts);
    expect(driver.maxPollIntervalMs / 3_600_000).toBeCloseTo(wrapHours / 2, 3);
  });
});
