import { describe, expect, test } from "vitest";
import { EnergyRegisters } from "../../../firmware/metrology/energy-registers.ts";
import { energyAddress, energyOf } from "../../../firmware/metrology/quantities.ts";

function stand(registers: EnergyRegisters, short: string): number | undefined {
  const address = energyAddress(`1-0:${short}*255`);
  return address && registers.read(address);
}

const stands = (registers: EnergyRegisters, ...shorts: string[]) =>
  shorts.map((short) => stand(registers, short));

describe("energy registers", () => {
  test("add up what is booked, import and export apart", () => {
    const registers = new EnergyRegisters();
    registers.book({ activeImport: 1500, activeExport: 0 });
    registers.book({ activeExport: 20 });
    registers.book({ activeImport: 1, activeExport: 2 });
    expect(stands(registers, "1.8.0", "2.8.0")).toEqual([1501, 22]);
  });

  test("what a part does not measure is not there, not 0", () => {
    const registers = new EnergyRegisters();
    registers.book({ activeImport: 1 });
    const others = ["3.8.0", "5.8.0", "9.8.0", "21.8.0", "62.8.0", "1.8.1", "10.8.0", "1.7.0", "1.8.9"];
    expect(stands(registers, ...others)).toEqual(others.map(() => undefined));
    expect(stands(registers, "1.8.0", "2.8.0")).toEqual([1, 0]);
  });

  test("+R is quadrants I and II, -R is III and IV", () => {
    const registers = new EnergyRegisters();
    registers.book({
      reactiveQuadrant1: 1,
      reactiveQuadrant2: 20,
      reactiveQuadrant3: 300,
      reactiveQuadrant4: 4000,
    });
    const names = ["5.8.0", "6.8.0", "7.8.0", "8.8.0", "3.8.0", "4.8.0"];
    expect(stands(registers, ...names)).toEqual([1, 20, 300, 4000, 21, 4300]);
  });

  test("energy is booked on the total and on one rate; rates of the tariff are there before that", () => {
    const registers = new EnergyRegisters(2);
    registers.book({ activeImport: 5, phase2Export: 7 }, 1);
    registers.book({ activeImport: 6 }, 1);
    expect(stands(registers, "1.8.0", "1.8.1", "1.8.2", "1.8.3")).toEqual([11, 11, 0, undefined]);
    expect(stands(registers, "42.8.0", "42.8.1", "42.8.2")).toEqual([7, 7, 0]);
  });

  test("a reading of a three-phase part is booked whole", () => {
    const registers = new EnergyRegisters();
    const phase = (importMilliwattHours: number) => ({ importMilliwattHours, exportMilliwattHours: 0 });
    registers.book(
      energyOf({
        atMs: 0,
        importMilliwattHours: 60,
        exportMilliwattHours: 1,
        energyQuality: "measured",
        reactiveMillivarHours: [1, 2, 3, 4],
        apparentMillivoltampereHours: 70,
        phases: [phase(10), phase(20), phase(30)],
      }),
    );
    const names = ["1.8.0", "2.8.0", "8.8.0", "9.8.0", "21.8.0", "41.8.0", "61.8.0", "22.8.0"];
    expect(stands(registers, ...names)).toEqual([60, 1, 4, 70, 10, 20, 30, 0]);
  });

  test.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])(
    "refuse %d mWh and stay as they were",
    (energy) => {
      const registers = new EnergyRegisters();
      registers.book({ activeImport: 10, activeExport: 20 });
      expect(() => registers.book({ activeImport: energy, activeExport: 1 })).toThrow("cannot be booked");
      expect(() => registers.book({ activeImport: 1, activeExport: energy })).toThrow("cannot be booked");
      expect(stands(registers, "1.8.0", "2.8.0")).toEqual([10, 20]);
    },
  );

  test("refuse to run beyond what an integer holds exactly", () => {
    const registers = new EnergyRegisters();
    registers.book({ activeImport: Number.MAX_SAFE_INTEGER });
    expect(() => registers.book({ activeImport: 1 })).toThrow("cannot be booked");
    expect(stand(registers, "1.8.0")).toBe(Number.MAX_SAFE_INTEGER);
  });

  test.each([0, 3, 9, 1.5])("refuse rate %d", (rate) => {
    expect(() => new EnergyRegisters(2).book({ activeImport: 1 }, rate)).toThrow("no rate");
  });
});
