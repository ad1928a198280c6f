import { decode, Tagged } from "cborg";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../../../firmware/protocol/bytes.ts";
import { encodeCbor } from "../../../../firmware/protocol/cbor.ts";
import { STATUS } from "../../../../firmware/protocol/readings/answer-fields.ts";
import type {
  RegisterEntry,
  RegisterReading,
} from "../../../../firmware/protocol/readings/register-reading.ts";
import { REGISTERS } from "../../../../firmware/protocol/readings/register-table.ts";
import { decodeSenml, encodeSenmlReading } from "../../../../firmware/protocol/readings/senml-reading.ts";
import { integerBelow, SeededRandom } from "../../../../hal/emulated/seeded-random.ts";

const TIME = 1_795_478_400;
const measured = (register: string, value: number): RegisterEntry => ({
  register,
  quality: "measured",
  value,
});

function pack(entries: readonly RegisterEntry[], more: Partial<RegisterReading> = {}) {
  const reading = { timeSeconds: TIME, status: 0, entries, ...more };
  return decodeSenml(encodeSenmlReading(reading, "1EMB0012345678/"));
}

describe("a pack", () => {
  test("has the meter's name and time once, and each value in a unit that every reader knows", () => {
    const entries = [
      measured("1-0:1.8.0*255", 1_234_567),
      measured("1-0:32.7.0*255", 2301),
      measured("1-0:31.7.0*255", 4),
      measured("1-0:16.7.0*255", -250),
      measured("1-0:14.7.0*255", 50_000),
      measured("1-0:13.7.0*255", 985),
      measured("1-0:3.8.0*255", 2),
      measured("1-0:9.8.0*255", 3),
    ];
    expect(pack(entries)).toEqual([
      { bn: "1EMB0012345678/", bt: TIME, n: "1-0:1.8.0", u: "J", v: 1_234_567 * 3600 },
      { n: "1-0:32.7.0", u: "V", v: 230.1 },
      { n: "1-0:31.7.0", u: "A", v: 0.004 },
      { n: "1-0:16.7.0", u: "W", v: -250 },
      { n: "1-0:14.7.0", u: "Hz", v: 50 },
      { n: "1-0:13.7.0", u: "/", v: 0.985 },
      { n: "1-0:3.8.0", u: "vars", v: 7200 },
      { n: "1-0:9.8.0", u: "VAs", v: 10_800 },
    ]);
  });

  test("is these bytes: labels of RFC 8428 table 4 in order, and a decimal fraction in place of a float", () => {
    const entries = [measured("1-0:1.8.0*255", 1), measured("1-0:32.7.0*255", 2301)];
    const bytes = encodeSenmlReading({ timeSeconds: TIME, status: 0, entries }, "M/");
    const first =
      "a6 00 69 312d303a312e382e30 01 61 4a 02 190e10 21 62 4d2f 22 1a6b04d380 63 706164 46 000000000000";
    const second = "a4 00 6a 312d303a33322e372e30 01 61 56 02 c4 82 20 1908fd 63 706164 43 000000";
    expect(toHex(bytes)).toBe(`82${first}${second}`.replaceAll(" ", ""));
  });

  test("is as long whatever its values and times are", () => {
    const lengths = [0, 1, 2301, 100_000, 0xffffffff].flatMap((value) =>
      [TIME, TIME - 900, TIME - 2_000_000].map((atSeconds) => {
        const maximum: RegisterEntry = { ...measured("1-0:1.6.0*255", value), atSeconds } as RegisterEntry;
        const entries = [measured("1-0:1.8.0*255", value), measured("1-0:32.7.0*255", value), maximum];
        return encodeSenmlReading({ timeSeconds: TIME, status: 0, entries }, "M/").length;
      }),
    );
    expect(new Set(lengths).size).toBe(1);
  });

  test("is read by another decoder of CBOR", () => {
    const entries = [measured("1-0:32.7.0*255", 2301)];
    const bytes = encodeSenmlReading({ timeSeconds: TIME, status: 0, entries }, "M/");
    const tags = Tagged.preserve(4);
    const [record] = decode(bytes, { useMaps: true, tags }) as Map<number, unknown>[];
    expect(record?.get(2)).toMatchObject({ tag: 4, value: [-1, 2301] });
  });

  test("leaves out what is not known and what is of before", () => {
    const entries: RegisterEntry[] = [
      { register: "1-0:1.8.1*255", quality: "unavailable" },
      { register: "1-0:1.8.2*255", quality: "not-in-meter" },
      { register: "1-0:1.8.3*255", quality: "stale", value: 5 },
      { register: "1-0:1.7.0*255", quality: "derived", value: 5 },
    ];
    expect(pack(entries)).toEqual([{ bn: "1EMB0012345678/", bt: TIME, n: "1-0:1.7.0", u: "W", v: 5 }]);
    expect(pack(entries.slice(0, 3))).toEqual([{ bn: "1EMB0012345678/", bt: TIME }]);
  });

  test("tells no time that is not to be trusted, and a maximum's as RFC 8428 4.1 counts it", () => {
    const maximum: RegisterEntry = {
      register: "1-0:1.6.0*12",
      quality: "derived",
      value: 5200,
      atSeconds: TIME - 900,
    };
    expect(pack([maximum])?.[0]).toMatchObject({ n: "1-0:1.6.0_12", bt: TIME, t: -900 });
    for (const untrusted of [{ status: STATUS.clockInvalid }, { timeSeconds: undefined }]) {
      const [record] = pack([maximum], untrusted) ?? [];
      expect(record).not.toHaveProperty("bt");
      expect(record?.t).toBe(TIME - 900);
    }
  });

  test("has names of the letters that SenML allows, whatever the plate says", () => {
    const [record] =
      decodeSenml(encodeSenmlReading({ timeSeconds: TIME, status: 0, entries: [] }, "Zähler 7*/")) ?? [];
    expect(record?.bn).toBe("Z_hler_7_/");
  });

  test("gives each value of each register back exactly (2000 values)", () => {
    const random = new SeededRandom("senml");
    for (let run = 0; run < 2000; run++) {
      const { obis, scaler, unit } = REGISTERS[run % REGISTERS.length] as (typeof REGISTERS)[number];
      const value = integerBelow(random, 0x100000000) - (run % 2) * 0x80000000;
      const [record] = pack([measured(obis, value)]) ?? [];
      const factor = ["Wh", "varh", "VAh"].includes(unit) ? 3600 : 1;
      expect(Math.round((record?.v ?? Number.NaN) * 10 ** -scaler)).toBe(value * factor);
    }
  });
});

test.each([
  ["nothing", "80"],
  ["no list", "a10001"],
  ["a record that is none", "8101"],
  ["an unknown label", "81a1186300"],
  ["a text label", "81a1616e00"],
  ["padding that is not zero", "81a1637061644101"],
  ["padding that is no string of bytes", "81a16370616400"],
  ["a value that is a text", "81a1026161"],
  ["a name that is a number", "81a10001"],
  ["a time beyond all", "81a1061b0000000100000000"],
  ["a float", "81a102f93c00"],
])("%s is no pack", (_, hex) => {
  expect(decodeSenml(fromHex(hex) as Uint8Array)).toBeUndefined();
});

test("a pack of more records than any request asks for is refused", () => {
  const records = (count: number) => decodeSenml(encodeCbor(Array(count).fill(new Map([[2, 1]]))));
  expect(records(64)).toHaveLength(64);
  expect(records(65)).toBeUndefined();
});

test("no bytes whatever make the decoder throw (20000 damaged packs)", () => {
  const random = new SeededRandom("damaged");
  const good = encodeSenmlReading(
    { timeSeconds: TIME, status: 0, entries: [measured("1-0:32.7.0*255", 2301)] },
    "M/",
  );
  for (let run = 0; run < 20_000; run++) {
    const bytes = good.slice(0, 1 + integerBelow(random, good.length));
    bytes[integerBelow(random, bytes.length)] = integerBelow(random, 256);
    decodeSenml(bytes);
  }
});
