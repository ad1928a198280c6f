import { EMULATED_WATTS } from "../bench.ts";
import { BenchDap } from "../bench-dap.ts";
import { BLOCK_GROUP, DAP_STATION, EmulatedBlock } from "./block.ts";
import type { EmulatedMeter } from "./meter.ts";
import { type EmulatedMeterMaking, emulatedKey, emulatedMeter } from "./meters.ts";

const DAP_ID = "DAP";

/** An emulated DAP and the meters behind it. */
export function emulatedDap(
  making: EmulatedMeterMaking,
  ids: readonly string[],
): { readonly dap: BenchDap; readonly meters: readonly EmulatedMeter[] } {
  const { wiring, parties } = making;
  const { time, chance, crypto, recorder, ends } = wiring;
  const identity = emulatedKey(wiring, "dap", DAP_ID);
  const block = new EmulatedBlock({
    ...{ meters: ids, dap: identity, headEnd: parties.headEnd },
    ...{ clock: time.clock, random: chance.fork("block"), crypto, recorder },
  });
  ends.push(() => block.stop());
  const keys = [identity, ...ids.map((id) => emulatedKey(wiring, "meter", id))];
  const dap = new BenchDap({
    ...{ wiring, id: DAP_ID, north: block.north, station: DAP_STATION, groupName: BLOCK_GROUP },
    ...{ headEnd: parties.headEnd, operator: parties.operator },
    trusted: keys.map(({ credential }) => credential),
  });
  const meters = ids.map((id) =>
    emulatedMeter(making, {
      ...{ id, watts: EMULATED_WATTS, line: block.south, openLink: () => block.openMeter(id) },
    }),
  );
  dap.meters = meters;
  return { dap, meters };
}
