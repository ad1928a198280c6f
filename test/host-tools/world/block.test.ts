import { expect, test } from "vitest";
import { toHex } from "../../../firmware/protocol/bytes.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { Block } from "../../../host-tools/world/block.ts";
import { settle } from "../../../host-tools/world/single-line.ts";
import { SOUTH_KINDS, type SouthKind } from "../../../host-tools/world/south.ts";
import { configuration } from "../../support/configuration.ts";

const METERS = 3;
const START_MS = Date.UTC(2026, 10, 24);
const HOUR_MS = 3_600_000;

/** What goes between head-end and DAP as all meters are read after an hour, and what they say. */
async function hourOf(seed: number, south: SouthKind) {
  const north: string[] = [];
  const block = new Block({
    ...{ seed, south, meters: METERS, configuration, crypto: opensslEngine, startUtcMs: START_MS },
    onNorth: ({ bytes }) => north.push(toHex(bytes)),
  });
  block.play(HOUR_MS);
  const reads = block.ids.map((id) => block.headEnd.readRegisters(block.target(id, 60_000)));
  const answers = await settle(block.clock, Promise.all(reads));
  block.stop();
  return { north, answers };
}

test.each(SOUTH_KINDS)("a head-end reads each meter of a block through its DAP: %s", async (south) => {
  const { answers } = await hourOf(1, south);
  expect(answers.map(({ meter }) => meter)).toEqual(["M1", "M2", "M3"]);
  for (const { body } of answers) {
    const [entry] = body.entries;
    expect(entry).toMatchObject({ register: "1-0:1.8.0*255", quality: "measured" });
    expect(entry && "value" in entry && entry.value).toBeGreaterThan(0);
  }
});

test("the same seed gives the same bytes beyond the DAP, and another seed others", async () => {
  const { north } = await hourOf(7, "rs485");
  expect(await hourOf(7, "rs485")).toMatchObject({ north });
  expect((await hourOf(8, "rs485")).north).not.toEqual(north);
});
