import { createHash } from "node:crypto";
import { HOUSEHOLD_BILLING, type MeterConfiguration } from "../../firmware/configuration.ts";
import { programDigest, programReleasedUtcMs, programVersion } from "../../hal/node/installed-program.ts";
import type { ServedBilling } from "./billing.ts";

/** Of files that stay as they are while this runs; many meters of one process have it. */
let digest: Uint8Array | undefined;

/** The plate of an emulated single-phase meter; its serial number follows from its id, as there is no factory. */
export function emulatedConfiguration(
  id: string,
  simulated: boolean,
  billing: Partial<ServedBilling> = {},
): MeterConfiguration {
  digest ??= programDigest();
  return {
    ...HOUSEHOLD_BILLING,
    ...{ block: "", chargingPolicyId: "" },
    ...billing,
    serialNumber: `EMU-${createHash("sha256").update(id).digest("hex").slice(0, 10).toUpperCase()}`,
    type: "meterbench 1-phase",
    firmwareVersion: programVersion(),
    firmwareDigest: digest,
    // Played time may be of any year.
    firmwareBuiltUtcMs: simulated ? 0 : programReleasedUtcMs(),
    accuracyClass: "B",
    impulsesPerKilowattHour: 1000,
    simulated,
  };
}
