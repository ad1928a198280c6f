import { expect, test } from "vitest";
import { SOUTH_KINDS } from "../../host-tools/world/south.ts";
import { isInTime, latencyOfReads } from "./reads.ts";

test.each(SOUTH_KINDS)(
  "a hundred reads through a DAP are in time where each tenth datagram is lost: %s",
  async (south) => {
    const figures = await latencyOfReads({ south, reads: 100, loss: 0.1, seed: "short", meters: 10 });
    expect(isInTime(figures), JSON.stringify(figures)).toBe(true);
  },
);

test("a read that is too late or fails is no read in time", () => {
  const seconds = { p50: 1, p95: 2, p99: 3, most: 4 };
  const well = { reads: 100, failed: {}, within15Seconds: 100, seconds };
  expect(isInTime(well)).toBe(true);
  expect(isInTime({ ...well, failed: { timeout: 1 } })).toBe(false);
  expect(isInTime({ ...well, within15Seconds: 98 })).toBe(false);
  expect(isInTime({ ...well, seconds: { ...seconds, most: 30.1 } })).toBe(false);
});
