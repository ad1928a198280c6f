import { describe, expect, test } from "vitest";
import { EnergyRegisters } from "../../../firmware/metrology/energy-registers.ts";

describe("energy registers", () => {
  test("add up what is booked, import and export apart", () => {
    const registers = new EnergyRegisters();
    registers.book(1500, 0);
    registers.book(0, 20);
    registers.book(1, 2);
    expect([registers.importMilliwattHours, registers.exportMilliwattHours]).toEqual([1501, 22]);
  });

  test.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])(
    "refuse %d mWh and stay as they were",
    (milliwattHours) => {
      const registers = new EnergyRegisters();
      registers.book(10, 20);
      expect(() => registers.book(milliwattHours, 1)).toThrow("cannot be booked");
      expect(() => registers.book(1, milliwattHours)).toThrow("cannot be booked");
      expect([registers.importMilliwattHours, registers.exportMilliwattHours]).toEqual([10, 20]);
    },
  );

  test("refuse to run beyond what an integer holds exactly", () => {
    const registers = new EnergyRegisters();
    registers.book(Number.MAX_SAFE_INTEGER, 0);
    expect(() => registers.book(1, 0)).toThrow("cannot be booked");
    expect(registers.importMilliwattHours).toBe(Number.MAX_SAFE_INTEGER);
  });
});
