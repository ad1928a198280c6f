// Metering ICs on their own, each in a process on a PTY, read by another process.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { emptyFolder, meterbench, type Running, startMeterbench, stopAll } from "../../support/command.ts";
import { until } from "../../support/real-time.ts";

let folder: ReturnType<typeof emptyFolder>;
let cwd: string;

beforeAll(() => {
  folder = emptyFolder();
  cwd = folder.path;
});
afterEach(stopAll);
afterAll(() => folder.remove());

/** Puts an emulated part on a PTY of its own; `chip` is `PART@ADDRESS`. */
async function emulate(part: string, load: string): Promise<{ chip: string; emulator: Running }> {
  const at = `pty:./${part}`;
  const emulator = await startMeterbench(["ic", "emulate", part, "--at", at, "--load", load], { cwd });
  expect(emulator.ready).toEqual({ ready: true, part, address: at });
  return { chip: `${part}@serial:./${part}`, emulator };
}

/** All lines that a program has printed, each a document of its own. */
function documents({ output }: Running): Record<string, unknown>[] {
  const lines = output.stdout.slice(0, output.stdout.lastIndexOf("\n") + 1).split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe("ic read", () => {
  test.each(["bl0942", "cse7766", "hlw8032"])(
    "%s: one reading, all values with their quality",
    async (part) => {
      const { chip } = await emulate(part, "watts:1150");
      const { code, stdout, stderr } = await meterbench(["ic", "read", chip, "--json"], { cwd });
      expect([code, stderr]).toEqual([0, ""]);
      const reading = JSON.parse(stdout);
      expect(reading).toMatchObject({
        importMilliwattHours: 0,
        exportMilliwattHours: 0,
        energyQuality: "measured",
      });
      const [phase] = reading.phases;
      expect(phase).toMatchObject({
        voltageMillivolts: { quality: "measured" },
        currentMilliamperes: { quality: "measured" },
        activePowerMilliwatts: { quality: "measured" },
        apparentPowerMillivoltamperes: { quality: "derived" },
      });
      expect(phase.voltageMillivolts.value / 230_000).toBeCloseTo(1, 2);
      expect(phase.activePowerMilliwatts.value / 1_150_000).toBeCloseTo(1, 2);
      expect(reading.frequencyMillihertz?.value).toBe(part === "bl0942" ? 50_000 : undefined);
    },
  );

  test("for a person, a value a line with its unit", async () => {
    const { chip } = await emulate("cse7766", "watts:1150");
    const { code, stdout } = await meterbench(["ic", "read", chip], { cwd });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^voltage +2(29|30)\.\d+ V$/m);
    expect(stdout).toMatch(/^power +11(49|50)(\.\d+)? W$/m);
    expect(stdout).toMatch(/^apparent power +\d+\.\d+ VA \(derived\)$/m);
    expect(stdout).toMatch(/^frequency +unavailable$/m);
  });

  test("a line with no part at its end is exit 3 in time", async () => {
    const { chip } = await emulate("cse7766", "watts:0");
    const { code, stdout, stderr } = await meterbench(
      ["ic", "read", chip.replace("cse7766@", "bl0942@"), "--timeout", "1.5"],
      { cwd },
    );
    expect([code, stdout]).toEqual([3, ""]);
    expect(stderr).toMatch(/^No reading of bl0942@[^\n]*\.\n$/);
  });

  test.each([
    ["a part that is not known", "sdm630@serial:./x"],
    ["an address that is none", "bl0942@nowhere"],
    ["an address of no serial bytes", "bl0942@udp:127.0.0.1:5"],
    ["a line set to what the part does not talk", "cse7766@serial:./cse7766?parity=none"],
    ["a port that is not there", "cse7766@serial:./nothing-here"],
  ])("%s is one clear sentence and exit 2", async (_, chip) => {
    const { code, stdout, stderr } = await meterbench(["ic", "read", chip], { cwd });
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^[A-Z][^\n]*\.\n$/);
  });
});

describe("ic watch", () => {
  test.each(["bl0942", "cse7766"])("%s: a document for each reading, until it is ended", async (part) => {
    const { chip } = await emulate(part, "watts:2300");
    const watch = await startMeterbench(["ic", "watch", chip, "--interval", "0.5"], { cwd });
    expect(await until(() => documents(watch).length >= 5, 15_000)).toBe(true);
    expect(await watch.stop()).toBe(0);
    const readings = documents(watch).filter((line) => !("fault" in line));
    expect(readings[0]).toMatchObject({ importMilliwattHours: 0 });
    const later = readings.slice(1);
    const milliwattHours = later.reduce((sum, line) => sum + Number(line["importMilliwattHours"]), 0);
    const perReading = milliwattHours / later.length;
    expect(perReading).toBeGreaterThan(2300 / 7.2 / 2);
    for (const { time } of readings) expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  test("a line that goes down is told, and the readings go on when it is back", async () => {
    const { chip, emulator } = await emulate("cse7766", "watts:2300");
    const watch = await startMeterbench(["ic", "watch", chip, "--interval", "0.3"], { cwd });
    expect(await emulator.stop()).toBe(0);
    expect(await until(() => documents(watch).some((line) => line["fault"] === "line-down"), 15_000)).toBe(
      true,
    );
    await emulate("cse7766", "watts:2300");
    const before = documents(watch).length;
    const isBack = () =>
      documents(watch)
        .slice(before)
        .some((line) => "phases" in line);
    expect(await until(isBack, 15_000)).toBe(true);
  });
});

describe("a meter on a streaming chip", () => {
  test("serves what the chip in another process measures", async () => {
    const { chip } = await emulate("cse7766", "watts:1150");
    await startMeterbench(["serve", "--id", "M7", "--chip", chip, "--at", "pty:./meter"], { cwd });
    const isMeasured = async () => {
      const { stdout } = await meterbench(["read", "pty:./meter", "1.7.0", "32.7.0", "--json"], { cwd });
      return JSON.parse(stdout).registers;
    };
    expect(await isMeasured()).toMatchObject([{ quality: "measured" }, { quality: "measured" }]);
  });
});
