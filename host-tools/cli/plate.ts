import { createHash } from "node:crypto";
import type { MeterConfiguration } from "../../firmware/meter.ts";
import { programDigest, programVersion } from "../../hal/node/installed-program.ts";

/** Of files that stay as they are while this runs; many meters of one process have it. */
let digest: Uint8Array | undefined;

/** The plate of an emulated single-phase meter; its serial number follows from its id, as there is no factory. */
export function emulatedConfiguration(id: string, simulated: boolean): MeterConfiguration {
  digest ??= programDigest();
  return {
    serialNumber: `EMU-${createHash("sha256").update(id).digest("hex").slice(0, 10).toUpperCase()}`,
    type: "meterbench 1-phase",
    block: "",
    chargingPolicyId: "",
    firmwareVersion: programVersion(),
    firmwareDigest: digest,
    accuracyClass: "B",
    impulsesPerKilowattHour: 1000,
    simulated,
  };
}
