// An image says which data it reads, and a board believes it: here is data of each such form, as it was written then.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { DATA_SCHEMA } from "../../firmware/data-schema.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import { MemoryStorage } from "../../hal/storage/memory-storage.ts";
import { parseLoad } from "../../host-tools/loads/index.ts";
import { settle, singleLine } from "../../host-tools/world/single-line.ts";
import { configuration } from "../support/configuration.ts";

const [FROM, TO] = DATA_SCHEMA.reads;
const SCHEMAS = Array.from({ length: TO - FROM + 1 }, (_, index) => FROM + index);
const REGISTER = "1-0:1.8.0*255";
const DAY_SECONDS = Date.UTC(2026, 10, 24) / 1000;
/** The supply was away for half an hour. */
const RETURNED_UTC_MS = Date.UTC(2026, 10, 24, 4);

/** A meter of 1200 W that lived from midnight to half past three, and was read just before the power went. */
function dataOf(schema: number): MemoryStorage {
  const text = readFileSync(`test/vectors/data-schema/schema-${schema}.json`, "utf8");
  const { files } = JSON.parse(text) as { readonly files: Readonly<Record<string, string>> };
  return new MemoryStorage(
    new Map(
      Object.entries(files).map(([name, base64]) => [name, Uint8Array.from(Buffer.from(base64, "base64"))]),
    ),
  );
}

describe("data", () => {
  test.each(SCHEMAS)(
    "of schema %i is read: the register goes on, and the intervals are there",
    async (schema) => {
      const load = parseLoad("watts:0", { annualKilowattHours: 3500 });
      if ("error" in load) throw new Error(load.error);
      const line = {
        ...{ seed: 1, load, startUtcMs: RETURNED_UTC_MS, crypto: opensslEngine, baud: 115_200 },
      };
      const storage = dataOf(schema);
      const { clock, runtime, headEnd, target, stop } = singleLine({
        ...{ ...line, configuration, storage, pollIntervalMs: 1000 },
      });
      expect(runtime.state?.recovery).toMatchObject({ damage: [] });
      const registers = await settle(clock, headEnd.readRegisters(target, [REGISTER]));
      expect(registers.body.entries).toMatchObject([{ register: REGISTER, value: 4199 }]);
      const day = { profile: 0, register: REGISTER, startSeconds: DAY_SECONDS, count: 12, step: 1 } as const;
      const { body } = await settle(clock, headEnd.readProfile(target, day));
      expect(body.map(({ value }) => value)).toEqual([299, ...new Array(11).fill(300)]);
      stop();
    },
  );

  test("is written in a form that this firmware reads, and that is kept here", () => {
    expect(SCHEMAS).toContain(DATA_SCHEMA.writes);
  });
});
