import { afterEach, expect, test } from "vitest";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { registersQuestion } from "../../../host-tools/head-end/questions.ts";
import { Block } from "../../../host-tools/world/block.ts";
import { BlockGroup } from "../../../host-tools/world/block-group.ts";
import { SOUTH_KINDS } from "../../../host-tools/world/south.ts";
import { emptyFolder } from "../../support/command.ts";
import { configuration } from "../../support/configuration.ts";

const METERS = 4;
const TIMEOUT_MS = 60_000;
const ends: (() => void)[] = [];

afterEach(() => {
  for (const end of ends.splice(0)) end();
});

test.each(SOUTH_KINDS)("a block is read as a group in each way through its DAP: %s", async (south) => {
  const folder = emptyFolder();
  const block = new Block({
    ...{ seed: 1, meters: METERS, south, configuration, crypto: opensslEngine },
    startUtcMs: Date.UTC(2026, 10, 24),
  });
  ends.push(() => block.stop(), folder.remove);
  const status = await block.operate(TIMEOUT_MS);
  const group = new BlockGroup(block, `${folder.path}/groups.json`, status);
  const echoRound = await group.join();
  expect(echoRound.requestBytes).toBeLessThan(METERS * 80);
  const question = registersQuestion(["1-0:1.8.0*255"]);
  for (const distribute of ["per-meter", "fan-out"] as const)
    for (const answers of ["forward", "bundle"] as const) {
      const { reports } = await group.read(question, { distribute, answers, collectMs: TIMEOUT_MS });
      const answered = reports.filter(({ outcome }) => outcome === "answered").map(({ meter }) => meter);
      expect(answered.sort(), `${distribute}, ${answers}`).toEqual([...block.ids]);
    }
});
