// Who answers, whom it answers, and whether what it answers is true.
import { allEvents, expect, lasting, namesOf, needs, registerValue, test } from "../index.ts";
import { dailyRates } from "./daily-rates.ts";
import { isToldOf } from "./told-of.ts";

const IMPORT = "1.8.0";
const EXPORT = "2.8.0";
const IMPORT_POWER = "1.7.0";
const SECOND_MS = 1000;
const HOUR_SECONDS = 3600;

test("at each line is the meter that the bench names, and no two are one", async ({ meters, headEnd }) => {
  const plates = [];
  for (const meter of meters) plates.push(await headEnd.readNameplate(meter));
  expect(new Set(plates.map(({ serialNumber }) => serialNumber)).size).toBe(meters.length);
});

test("a meter that is asked in another's name proves nothing and tells nothing", async ({
  meter,
  headEnd,
}) => {
  await expect(headEnd.readNameplateAs(meter, "somebody-else")).rejects.toMatchObject({ kind: "identity" });
});

test("a head-end that no meter knows reads nothing, and is told of", async ({ meter, headEnd, clock }) => {
  const stranger = await headEnd.stranger();
  await expect(stranger.readRegisters(meter)).rejects.toMatchObject({ kind: "identity" });
  expect(await isToldOf("authentication-failed", { headEnd, meter, clock })).toBe(true);
});

test(
  "a head-end that may only read sets no clock and no tariff, and switches no relay",
  needs("reader"),
  async ({ meter, headEnd }) => {
    const reader = await headEnd.reader();
    await reader.readRegisters(meter);
    const before = await headEnd.readTariff(meter);
    await expect(reader.setTariff(meter, dailyRates(360))).rejects.toThrow();
    await expect(reader.setClock(meter, 4 * SECOND_MS)).rejects.toThrow();
    await expect(reader.switchRelay(meter, "disconnect")).rejects.toThrow();
    expect(await headEnd.readTariff(meter)).toEqual(before);
    expect(await headEnd.readRelay(meter)).toMatchObject({ state: "connected" });
  },
);

test("whoever fails again and again does not fill the log", async ({ meter, headEnd }) => {
  const failures = async (): Promise<number> =>
    namesOf(await allEvents(headEnd, meter, "security")).filter((name) => name === "authentication-failed")
      .length;
  const before = await failures();
  for (let i = 0; i < 3; i++) {
    const stranger = await headEnd.stranger();
    await expect(stranger.readRegisters(meter)).rejects.toMatchObject({ kind: "identity" });
  }
  expect((await failures()) - before).toBeLessThanOrEqual(1);
});

test("nothing that goes over the line shows whose meter it is", async ({ meter, headEnd, line }) => {
  const { serialNumber } = await headEnd.readNameplate(meter);
  const seen = line.frames.map(({ bytes }) => new TextDecoder("latin1").decode(bytes)).join("\n");
  expect(line.frames.length).toBeGreaterThan(0);
  expect(seen).not.toContain(serialNumber);
});

test("a mains of Europe is measured: 50 Hz, 230 V, and a current that fits the power", async ({
  meter,
  headEnd,
}) => {
  const reading = await headEnd.readRegisters(meter, ["14.7.0", "32.7.0", "31.7.0", IMPORT_POWER]);
  const volts = registerValue(reading, "32.7.0") / 10;
  const amperes = registerValue(reading, "31.7.0") / 1000;
  expect(registerValue(reading, "14.7.0") / 1000).toBeCloseTo(50, 0);
  expect(volts).toBeGreaterThan(207);
  expect(volts).toBeLessThan(253);
  // No power without as much apparent power; the readings of a part are some percent apart in time.
  expect(registerValue(reading, IMPORT_POWER)).toBeLessThan(volts * amperes * 1.05 + 5);
});

test("the register rises as power and time say", lasting(90), async ({ meter, headEnd, clock }) => {
  const powers: number[] = [];
  const first = await headEnd.readRegisters(meter, [IMPORT]);
  const startMs = clock.monotonicMs();
  for (let i = 0; i < 6; i++) {
    powers.push(registerValue(await headEnd.readRegisters(meter, [IMPORT_POWER]), IMPORT_POWER));
    await clock.pass(6 * SECOND_MS);
  }
  const hours = (clock.monotonicMs() - startMs) / SECOND_MS / HOUR_SECONDS;
  const rise =
    registerValue(await headEnd.readRegisters(meter, [IMPORT]), IMPORT) - registerValue(first, IMPORT);
  // A poll and a whole watt-hour at each end.
  expect(rise).toBeGreaterThanOrEqual(Math.min(...powers) * hours * 0.95 - 2);
  expect(rise).toBeLessThanOrEqual(Math.max(...powers) * hours * 1.05 + 2);
});

test("twice the load is twice the energy", lasting(180, "load"), async ({ meter, headEnd, clock }) => {
  const energyAt = async (watts: number): Promise<number> => {
    await meter.load?.set(watts);
    await clock.pass(3 * SECOND_MS);
    const before = registerValue(await headEnd.readRegisters(meter, [IMPORT]), IMPORT);
    await clock.pass(36 * SECOND_MS);
    return registerValue(await headEnd.readRegisters(meter, [IMPORT]), IMPORT) - before;
  };
  const once = await energyAt(2000);
  const twice = await energyAt(4000);
  expect(Math.abs(once - 20)).toBeLessThanOrEqual(3);
  expect(Math.abs(twice - 2 * once)).toBeLessThanOrEqual(4);
});

test(
  "what is fed in counts as export, and not as import",
  lasting(120, "load"),
  async ({ meter, headEnd, clock }) => {
    await meter.load?.set(-2000);
    await clock.pass(3 * SECOND_MS);
    const before = await headEnd.readRegisters(meter, [IMPORT, EXPORT]);
    await clock.pass(36 * SECOND_MS);
    const after = await headEnd.readRegisters(meter, [IMPORT, EXPORT]);
    expect(registerValue(after, IMPORT)).toBe(registerValue(before, IMPORT));
    expect(registerValue(after, EXPORT) - registerValue(before, EXPORT)).toBeGreaterThan(15);
    await meter.load?.set(2000);
  },
);

test(
  "whoever counts bytes on the line does not see what is used",
  lasting(60, "load"),
  async ({ meter, headEnd, clock, line }) => {
    const registers = [IMPORT, EXPORT, IMPORT_POWER];
    await headEnd.readRegisters(meter, registers);
    const lengths: number[] = [];
    for (const watts of [0, 9000, 30]) {
      await meter.load?.set(watts);
      await clock.pass(3 * SECOND_MS);
      const seen = line.frames.length;
      await headEnd.readRegisters(meter, registers);
      const answers = line.frames.slice(seen).filter(({ direction }) => direction === "inbound");
      lengths.push(Math.max(...answers.map(({ bytes }) => bytes.length)));
    }
    expect(new Set(lengths).size).toBe(1);
  },
);

test("a register that no meter has is said to be none, and harms no other", async ({ meter, headEnd }) => {
  const reading = await headEnd.readRegisters(meter, [IMPORT, "1-0:98.98.98*255"]);
  expect(reading.entries.map(({ quality }) => quality)).toEqual(["measured", "not-in-meter"]);
});

test("what one meter was told another does not take", needs("second-meter"), async ({ meters, headEnd }) => {
  const [first, second] = meters;
  if (first === undefined || second === undefined) throw new Error("two meters were asked for");
  await headEnd.readRegisters(first);
  const before = await headEnd.readNameplate(second);
  const told = first.line.frames.filter(({ direction }) => direction === "outbound").slice(-2);
  for (const { bytes } of told) second.line.inject(bytes);
  const after = await headEnd.readNameplate(second);
  expect(after.counters.refusedMessages).toBeGreaterThan(before.counters.refusedMessages);
  await headEnd.readRegisters(second);
});
