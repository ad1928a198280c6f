import { HOUSEHOLD_BILLING, type MeterConfiguration } from "../../firmware/configuration.ts";

/** The plate of a meter in tests. */
export const configuration: MeterConfiguration = {
  ...HOUSEHOLD_BILLING,
  serialNumber: "T-1",
  type: "test",
  block: "B1",
  chargingPolicyId: "policy",
  firmwareVersion: "0.0.0",
  firmwareDigest: new Uint8Array(8),
  firmwareBuiltUtcMs: 0,
  accuracyClass: "B",
  impulsesPerKilowattHour: 1000,
  simulated: true,
};
