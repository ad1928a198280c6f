// A project's own tests, by the kit of meterbench: the same on an emulated bench and on a real one.
import { expect, needs, registerValue, test } from "meterbench/hil";

test("a meter measures what is drawn", needs("load"), async ({ meter, headEnd, clock }) => {
  await meter.load?.set(1200);
  await clock.pass(10_000);
  const reading = await headEnd.readRegisters(meter, ["1-0:1.7.0*255"]);
  expect(registerValue(reading, "1.7.0")).toBeGreaterThan(1140);
  expect(registerValue(reading, "1.7.0")).toBeLessThan(1260);
});

test("what was read is there after a power cut", needs("power"), async ({ meter, headEnd, power, clock }) => {
  const importWattHours = async (): Promise<number> =>
    registerValue(await headEnd.readRegisters(meter, ["1-0:1.8.0*255"]), "1.8.0");
  await clock.pass(60_000);
  const before = await importWattHours();
  await power.cut({ offMs: 1000, at: "any-write" });
  await meter.ready();
  expect(await importWattHours()).toBeGreaterThanOrEqual(before);
});

test("a DAP tells of each meter of its group", needs("group"), async ({ dap }) => {
  const reports = await dap.readGroup(["1-0:1.8.0*255"]);
  expect(reports).toHaveLength(dap.meters.length);
});
