import { createHash } from "node:crypto";
import type { MeterConfiguration } from "../../firmware/meter.ts";
import { programDigest, programVersion } from "../../hal/node/installed-program.ts";

/** The plate of an emulated single-phase meter; its serial number follows from its id, as there is no factory. */
export function emulatedConfiguration(id: string, simulated: boolean): MeterConfiguration {
  return {
    serialNumber: `EMU-${createHash("sha256").update(id).digest("hex").slice(0, 10).toUpperCase()}`,
    type: "meterbench 1-phase",
    block: "",
    chargingPolicyId: "",
    firmwareVersion: programVersion(),
    firmwareDigest: programDigest(),
    accuracyClass: "B",
    impulsesPerKilowattHour: 1000,
    simulated,
  };
}
