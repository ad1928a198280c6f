import { describe, expect, test } from "vitest";
import type { ClockState } from "../../firmware/clock/clock-state.ts";
import type { MeterConfiguration } from "../../firmware/configuration.ts";
import { EventLog } from "../../firmware/events/event-log.ts";
import { OWNER, READER, type Right } from "../../firmware/identity/trust.ts";
import { Meter, type SavedMeter } from "../../firmware/meter.ts";
import { fromText } from "../../firmware/protocol/bytes.ts";
import { encodeCbor } from "../../firmware/protocol/cbor.ts";
import {
  CODE,
  type CoapContent,
  contentFormat,
  FORMAT,
  OPTION,
  resourceRequest,
  withOptions,
} from "../../firmware/protocol/coap/message.ts";
import { decodeClockReading, encodeClockSet } from "../../firmware/protocol/readings/clock-reading.ts";
import { decodeNameplate } from "../../firmware/protocol/readings/nameplate.ts";
import {
  decodeProfileReading,
  encodeProfileRequest,
  PROFILE_PERIOD_SECONDS,
} from "../../firmware/protocol/readings/profile-reading.ts";
import {
  decodeRegisterReading,
  encodeRegisterRequest,
} from "../../firmware/protocol/readings/register-reading.ts";
import { decodeSenml } from "../../firmware/protocol/readings/senml-reading.ts";
import type { TariffPlan } from "../../firmware/protocol/readings/tariff.ts";
import { encodeTariffPlan } from "../../firmware/protocol/readings/tariff-table.ts";
import { meterResources } from "../../firmware/resources/meter-resources.ts";
import type { MeteringReading } from "../../hal/ports/metering-ic.ts";
import { configuration } from "../support/configuration.ts";
import { HOUSEHOLD } from "../support/tariffs.ts";

const START_SECONDS = Date.UTC(2026, 10, 24) / 1000;
const IMPORT = "1-0:1.8.0*255";

interface Options {
  readonly utcSeconds?: number | undefined;
  readonly tariff?: TariffPlan;
  readonly saved?: SavedMeter;
  readonly billing?: Partial<MeterConfiguration>;
  /** What was logged before. */
  readonly log?: EventLog;
}

function meterAt({
  utcSeconds = START_SECONDS,
  rights = READER,
  tariff,
  saved,
  billing,
  log: before,
}: Options & { readonly rights?: ReadonlySet<Right> } = {}) {
  const now: { utcMs: number | undefined; monotonicMs: number } = {
    utcMs: utcSeconds * 1000,
    monotonicMs: 0,
  };
  const rows: (readonly (number | null)[])[] = [];
  const events: string[] = [];
  const monotonicMs = () => now.monotonicMs;
  const time = () => ({ utcSeconds: now.utcMs && now.utcMs / 1000, clockStatus: 0 });
  const kept = before ?? new EventLog({ time, monotonicMs });
  const log: Pick<EventLog, "record" | "read" | "last" | "acknowledge"> = {
    record(name, details) {
      events.push(name);
      kept.record(name, details);
    },
    read: (...page) => kept.read(...page),
    last: (name) => kept.last(name),
    acknowledge: () => false,
  };
  const clock = {
    utcMs: () => now.utcMs,
    get state(): ClockState {
      if (now.utcMs === undefined) return { kind: "invalid", reason: "lost" };
      return { kind: "synced", source: "board", ageMs: 1000 };
    },
    status: 0,
    driftPpm: -1.5,
    challenge: () => new Uint8Array(8).fill(5),
    propose: () => ({ kind: "refused", reason: "too-far" }) as const,
  };
  const parts = {
    configuration: { ...configuration, ...billing },
    ...{ clock, log, monotonicMs, staleAfterMs: () => 3000 },
    onRow: (_: number, row: readonly (number | null)[]) => void rows.push(row),
  };
  const meter = new Meter(parts, saved);
  if (tariff !== undefined) meter.setTariff(tariff);
  const resources = meterResources({
    ...{
      meter,
      clock,
      log,
      rightsOf: () => rights,
      chip: "bl0942",
      configurationDigest: new Uint8Array(8).fill(7),
      memberships: { join: () => "full", leave: () => "unknown" } as const,
    },
    maxLossWattHours: () => 96,
    statements: undefined,
    counters: () => ({
      meteringReadings: 1,
      meteringFaults: 2,
      receivedDatagrams: 3,
      rejectedFrames: 4,
      refusedMessages: 5,
    }),
    makeDurable: () => "done",
    onAcknowledged: () => {},
  });
  const pass = (seconds: number, importMilliwattHours: number): void => {
    now.monotonicMs += seconds * 1000;
    if (now.utcMs !== undefined) now.utcMs += seconds * 1000;
    meter.take(reading(importMilliwattHours));
  };
  const ask = (content: CoapContent): CoapContent =>
    resources.serve({ peer: { id: "H" }, content, from: "line" });
  const left = (): SavedMeter => ({
    engine: { state: meter.state(), rows: [rows] },
    tariff: meter.tariff,
  });
  return { meter, now, pass, ask, left, events, log: kept, resources };
}

function reading(importMilliwattHours: number): MeteringReading {
  return {
    atMs: 0,
    importMilliwattHours,
    exportMilliwattHours: 0,
    energyQuality: "measured",
    frequencyMillihertz: { value: 49_975, quality: "measured" },
    phases: [
      {
        voltageMillivolts: { value: 230_149, quality: "measured" },
        currentMilliamperes: { value: 1234, quality: "measured" },
        activePowerMilliwatts: { value: -250_400, quality: "measured" },
      },
    ],
  };
}

function registers(...names: string[]): CoapContent {
  return resourceRequest(CODE.fetch, "r", encodeRegisterRequest(names));
}

describe("registers", () => {
  test("energy is published in whole watt-hours, rounded down, and instants in their unit and scaler", () => {
    const { pass, ask } = meterAt();
    pass(1, 1_999_999);
    const names = [
      IMPORT,
      "1-0:2.7.0*255",
      "1-0:1.7.0*255",
      "1-0:16.7.0*255",
      "1-0:32.7.0*255",
      "1-0:31.7.0*255",
      "1-0:14.7.0*255",
    ];
    const answer = decodeRegisterReading(ask(registers(...names)).payload, names);
    expect(answer?.entries.map((entry) => ("value" in entry ? entry.value : entry.quality))).toEqual([
      1999, 250, 0, -250, 2301, 1234, 49_975,
    ]);
  });

  test("a silent part's instants become unavailable, never the last value, and its energy stays", () => {
    const { pass, ask, now } = meterAt();
    pass(1, 5000);
    now.monotonicMs += 3001;
    const names = [IMPORT, "1-0:32.7.0*255"];
    const answer = decodeRegisterReading(ask(registers(...names)).payload, names);
    expect(answer?.entries).toMatchObject([{ value: 5, quality: "measured" }, { quality: "unavailable" }]);
  });

  test("a register that the meter has not is told apart from one without a value now", () => {
    const { ask } = meterAt();
    const names = ["1-0:32.7.0*255", "1-0:9.8.0*255", "1-0:96.1.0*255"];
    const answer = decodeRegisterReading(ask(registers(...names)).payload, names);
    expect(answer?.entries.map(({ quality }) => quality)).toEqual([
      "unavailable",
      "not-in-meter",
      "not-in-meter",
    ]);
  });

  test("GET answers the default set, with the meter's time and its state", () => {
    const { pass, ask } = meterAt();
    pass(1, 0);
    const answer = decodeRegisterReading(ask(resourceRequest(CODE.get, "r")).payload, [IMPORT]);
    expect(answer).toMatchObject({ timeSeconds: START_SECONDS + 1, status: 4, entries: [{ value: 0 }] });
  });

  test("before the part has answered once, no register stands at anything", () => {
    const answer = decodeRegisterReading(meterAt().ask(registers(IMPORT)).payload, [IMPORT]);
    expect(answer?.entries).toEqual([{ register: IMPORT, quality: "unavailable" }]);
  });

  test("without a clock readings go on, marked so, and no interval is made", () => {
    const { now, pass, ask } = meterAt();
    now.utcMs = undefined;
    pass(1, 7000);
    const answer = decodeRegisterReading(ask(registers(IMPORT)).payload, [IMPORT]);
    expect(answer).toMatchObject({ timeSeconds: undefined, status: 5, entries: [{ value: 7 }] });
  });
});

describe("billing", () => {
  const table = (...rates: [minuteOfDay: number, rate: number][]) => ({
    seasons: [{ month: 1, day: 1, weekProfile: 0 }],
    weekProfiles: [[0, 0, 0, 0, 0, 0, 0]],
    dayProfiles: [rates.map(([minuteOfDay, rate]) => ({ minuteOfDay, rate }))],
    specialDays: [],
  });
  const tariff: TariffPlan = { active: table([0, 1], [15, 2]) };
  const names = ["1.8.0", "1.8.1", "1.8.2", "1.8.3", "1.6.0"].map((short) => `1-0:${short}*255`);
  const values = (ask: (content: CoapContent) => CoapContent) =>
    decodeRegisterReading(ask(registers(...names)).payload, names)?.entries.map((entry) =>
      "value" in entry ? entry.value : entry.quality,
    );

  test("energy is on the rate that held while it was used, and the rates add up to the total", () => {
    const { pass, ask } = meterAt({ tariff });
    pass(900, 100_000);
    pass(900, 250_000);
    expect(values(ask)).toEqual([350, 100, 250, 0, 1000]);
  });

  test("a maximum has the end of the period that it is of", () => {
    const { pass, ask } = meterAt();
    pass(900, 100_000);
    pass(900, 50_000);
    const { payload } = ask(registers("1-0:1.6.0*255"));
    expect(decodeRegisterReading(payload, ["1-0:1.6.0*255"])?.entries).toEqual([
      { register: "1-0:1.6.0*255", quality: "measured", value: 400, atSeconds: START_SECONDS + 900 },
    ]);
  });

  test("a meter without a tariff has all on rate 1", () => {
    const { pass, ask } = meterAt();
    pass(900, 100_000);
    expect(values(ask)).toEqual([100, 100, 0, 0, 400]);
  });

  test("rates switch by the clock on the meter's wall", () => {
    const billing = { zone: "CET-1CEST,M3.5.0,M10.5.0/3" };
    const { pass, ask, meter } = meterAt({ tariff: { active: table([0, 1], [75, 2]) }, billing });
    pass(900, 100_000);
    expect(meter.rate).toBe(2);
    pass(900, 250_000);
    expect(values(ask)).toEqual([350, 100, 250, 0, 1000]);
    expect(meter.localTime).toMatchObject({ hour: 1, minute: 30, isDaylight: false });
  });

  test("a passive table takes over at its time, is told, and stays though the clock is set back", () => {
    const passive = { table: table([0, 3]), fromSeconds: START_SECONDS + 900 };
    const { pass, ask, now, meter, events } = meterAt({ tariff: { ...tariff, passive } });
    pass(900, 100_000);
    pass(60, 250_000);
    expect(values(ask)?.slice(0, 4)).toEqual([350, 100, 0, 250]);
    expect(meter.tariff).toEqual({ active: passive.table });
    now.utcMs = START_SECONDS * 1000;
    meter.clockSet(START_SECONDS + 960);
    expect(meter.rate).toBe(3);
    expect(events).toEqual(["passive-tariff-set", "tariff-activated"]);
  });

  test("a tariff that says what holds already changes nothing, also after its passive table took over", () => {
    const passive = { table: table([0, 3]), fromSeconds: START_SECONDS - 900 };
    const { meter, events } = meterAt({ tariff: { ...tariff, passive } });
    meter.setTariff({ ...tariff, passive });
    meter.setTariff({ active: passive.table });
    expect(events).toEqual(["configuration-changed"]);
  });

  test("a meter that starts again has what it had, before its part has answered", () => {
    const before = meterAt({ tariff });
    before.pass(900, 100_000);
    const { ask, meter } = meterAt({ utcSeconds: START_SECONDS + 1800, saved: before.left() });
    expect(values(ask)).toEqual([100, 100, 0, 0, 400]);
    expect(meter.tariff).toEqual(tariff);
  });

  test("the LED has a pulse for each Wh at 1000 imp/kWh", () => {
    const { meter, pass } = meterAt();
    pass(1, 1_999_999);
    expect(meter.pulses).toBe(1999);
  });

  test("a clock that was set is flagged on the interval that it lands in", () => {
    const { meter, now, pass, ask } = meterAt();
    pass(60, 1000);
    now.utcMs = (START_SECONDS + 300) * 1000;
    meter.clockSet(START_SECONDS + 60);
    pass(600, 1000);
    const request = { profile: 0, register: IMPORT, startSeconds: START_SECONDS, count: 1, step: 1 };
    const { payload } = ask(resourceRequest(CODE.fetch, "p", encodeProfileRequest(request)));
    expect(decodeProfileReading(payload, request)?.intervals).toEqual([{ value: 2, flags: 0x20 }]);
  });

  test("a meter has the profiles that it is set to, by their numbers on the wire, and no others", () => {
    const { pass, ask } = meterAt({ billing: { profilePeriodsSeconds: [300, 3600] } });
    for (let i = 0; i < 12; i++) pass(300, 10_000);
    const asked = PROFILE_PERIOD_SECONDS.map((_, profile) => {
      const request = { profile, register: IMPORT, startSeconds: START_SECONDS, count: 1, step: 1 };
      const { payload } = ask(resourceRequest(CODE.fetch, "p", encodeProfileRequest(request)));
      return decodeProfileReading(payload, request)?.intervals[0]?.value;
    });
    expect(asked).toEqual([undefined, 10, undefined, 120]);
  });
});

describe("profile", () => {
  const request = (count: number, step = 1) => ({
    profile: 0,
    register: IMPORT,
    startSeconds: START_SECONDS,
    count,
    step,
  });
  const intervals = (ask: (content: CoapContent) => CoapContent, count: number, step = 1) => {
    const wanted = request(count, step);
    const answer = ask(resourceRequest(CODE.fetch, "p", encodeProfileRequest(wanted)));
    return { answer, reading: decodeProfileReading(answer.payload, wanted) };
  };

  test("intervals sum to the register in every step", () => {
    const { meter, pass, ask } = meterAt();
    for (let i = 0; i < 96; i++) pass(900, 123_456 + 7919 * i);
    for (const step of [1, 10, 100, 1000]) {
      const sum = intervals(ask, 96, step).reading?.intervals.reduce(
        (total, { value = 0 }) => total + value,
        0,
      );
      expect(sum).toBe(Math.floor(meter.importWattHours / step));
    }
  });

  test("a day that compresses badly raises the padding for thirty days, not only its own answer", () => {
    const { pass, ask, now } = meterAt();
    const nasty = (i: number): number => (i % 2 === 0 ? 0 : 1_000_000_000);
    for (let i = 0; i < 96; i++) pass(900, nasty(i));
    const raised = intervals(ask, 96).answer.payload.length;
    const sameLater = (): number => intervals(ask, 96).answer.payload.length;
    expect(raised).toBeGreaterThan(152);
    const later = meterAt();
    for (let i = 0; i < 96; i++) later.pass(900, 1000);
    expect(intervals(later.ask, 96).answer.payload.length).toBe(152);
    expect(sameLater()).toBe(raised);
    const quiet = { ...request(96), startSeconds: START_SECONDS + 96 * 900 };
    for (let i = 0; i < 96; i++) pass(900, 1000);
    const answer = (): number =>
      ask(resourceRequest(CODE.fetch, "p", encodeProfileRequest(quiet))).payload.length;
    expect(answer()).toBe(raised);
    now.utcMs = (START_SECONDS + 31 * 86_400 + 86_400) * 1000;
    expect(answer()).toBe(152);
  });

  test("a raised padding stays over a restart, which has the log from before", () => {
    const { pass, ask, log, now, left } = meterAt();
    for (let i = 0; i < 96; i++) pass(900, i % 2 === 0 ? 0 : 1_000_000_000);
    const raised = intervals(ask, 96).answer.payload.length;
    const again = meterAt({ saved: left(), log, utcSeconds: (now.utcMs ?? 0) / 1000 });
    for (let i = 0; i < 96; i++) again.pass(900, 1000);
    const quiet = { ...request(96), startSeconds: START_SECONDS + 96 * 900 };
    const answer = again.ask(resourceRequest(CODE.fetch, "p", encodeProfileRequest(quiet)));
    expect(answer.payload).toHaveLength(raised);
  });

  test("a kind of house has its own padding from the start, whatever is in the block", () => {
    const lengths = ([14, 21, 41] as const).map((profilePaddingTenths) => {
      const { pass, ask, events } = meterAt({ billing: { profilePaddingTenths } });
      for (let i = 0; i < 96; i++) pass(900, i < 10 ? 2_750_000 : 0);
      return [intervals(ask, 96).answer.payload.length, events.length];
    });
    expect(lengths).toEqual([
      [152, 0],
      [216, 0],
      [409, 0],
    ]);
  });

  test("a register without a profile is 4.04", () => {
    const { ask } = meterAt();
    const wanted = { ...request(1), register: "1-0:9.8.0*255" };
    expect(ask(resourceRequest(CODE.fetch, "p", encodeProfileRequest(wanted))).code).toBe(CODE.notFound);
  });
});

test("the nameplate tells chip, configuration digest and counters; meters set alike have one digest", () => {
  const plate = (): ReturnType<typeof decodeNameplate> =>
    decodeNameplate(meterAt().ask(resourceRequest(CODE.get, "i")).payload);
  expect(plate()).toMatchObject({
    serialNumber: "T-1",
    chip: "bl0942",
    clockStatus: 4,
    counters: { rejectedFrames: 4 },
  });
  expect(plate()?.configurationDigest).toEqual(plate()?.configurationDigest);
});

describe("an answer in SenML", () => {
  const accept = { number: OPTION.accept, value: Uint8Array.of(FORMAT.senmlCbor) };
  const inSenml = (content: CoapContent): CoapContent => withOptions(content, accept);

  test("has the same registers as one in CBOR, under the serial number", () => {
    const { pass, ask } = meterAt();
    pass(1, 1_999_999);
    const answer = ask(inSenml(registers(IMPORT, "1-0:32.7.0*255")));
    expect(answer.options).toEqual([contentFormat(FORMAT.senmlCbor)]);
    expect(decodeSenml(answer.payload)).toEqual([
      { bn: "T-1/", bt: START_SECONDS + 1, n: "1-0:1.8.0", u: "J", v: 1999 * 3600 },
      { n: "1-0:32.7.0", u: "V", v: 230.1 },
    ]);
    expect(decodeSenml(ask(inSenml(resourceRequest(CODE.get, "r"))).payload)).toHaveLength(1);
  });

  test("is there for registers alone, and its requests are CBOR like all others", () => {
    const { ask } = meterAt();
    for (const path of ["c", "t", "i"]) {
      expect(ask(inSenml(resourceRequest(CODE.get, path))).code).toBe(CODE.notAcceptable);
    }
    expect(ask(inSenml(resourceRequest(CODE.fetch, "r", encodeCbor(1)))).code).toBe(CODE.badRequest);
    const otherBody = resourceRequest(CODE.fetch, "r", encodeCbor([0]), FORMAT.senmlCbor);
    expect(ask(inSenml(otherBody)).code).toBe(CODE.unsupportedContentFormat);
  });
});

test.each([
  ["a serial number of 65 bytes", { serialNumber: "9".repeat(65) }],
  ["a block that starts with a byte order mark", { block: "\ufeffB1" }],
  ["a digest of 7 bytes", { firmwareDigest: new Uint8Array(7) }],
])("%s is no plate, and refused as the meter is made", (_, plate) => {
  expect(() => meterAt({ billing: plate })).toThrow("nameplate");
});

describe("rights", () => {
  const set = resourceRequest(
    CODE.put,
    "c",
    encodeClockSet({ utcMs: START_SECONDS * 1000, challenge: new Uint8Array(8) }),
  );
  const plan = resourceRequest(CODE.put, "t", encodeTariffPlan({ active: HOUSEHOLD }));

  test("who may only read gets no challenge, sets nothing, and each try is logged", () => {
    const { ask, events, meter } = meterAt();
    const before = meter.tariff;
    expect(decodeClockReading(ask(resourceRequest(CODE.get, "c")).payload)?.challenge).toHaveLength(0);
    expect([ask(set).code, ask(plan).code]).toEqual([CODE.forbidden, CODE.forbidden]);
    expect(events).toEqual(["access-refused", "access-refused"]);
    expect(meter.tariff).toBe(before);
  });

  test("each right is for itself", () => {
    const { ask } = meterAt({ rights: new Set(["read", "tariff"]) });
    expect([ask(set).code, ask(plan).code]).toEqual([CODE.forbidden, CODE.changed]);
    const blind = meterAt({ rights: new Set(["clock"]) });
    expect(blind.ask(resourceRequest(CODE.get, "r")).code).toBe(CODE.forbidden);
  });

  test("who may sets a tariff, and learns by which rule a time was refused", () => {
    const { ask, meter } = meterAt({ rights: OWNER });
    expect(decodeClockReading(ask(resourceRequest(CODE.get, "c")).payload)?.challenge).toHaveLength(8);
    expect(ask(plan).code).toBe(CODE.changed);
    expect(meter.tariff).toEqual({ active: HOUSEHOLD });
    const refused = ask(set);
    expect([refused.code, new TextDecoder().decode(refused.payload)]).toEqual([CODE.conflict, "too-far"]);
    expect(ask(resourceRequest(CODE.put, "t", encodeCbor([1]))).code).toBe(CODE.badRequest);
    expect(ask(resourceRequest(CODE.put, "c", encodeCbor([1]))).code).toBe(CODE.badRequest);
  });
});

describe("requests that are not right", () => {
  const body = encodeCbor([0]);
  const path = { number: OPTION.uriPath, value: fromText("r") };
  test.each([
    ["an unknown path", resourceRequest(CODE.get, "x"), CODE.notFound],
    ["a path that JavaScript knows", resourceRequest(CODE.get, "constructor"), CODE.notFound],
    ["a path below a resource", { ...resourceRequest(CODE.get, "r"), options: [path, path] }, CODE.notFound],
    ["a method that the resource has not", resourceRequest(CODE.delete, "r"), CODE.methodNotAllowed],
    ["FETCH with no body", resourceRequest(CODE.fetch, "r"), CODE.badRequest],
    ["FETCH with a body that is no list", resourceRequest(CODE.fetch, "r", encodeCbor(1)), CODE.badRequest],
    [
      "FETCH of seventeen registers",
      resourceRequest(CODE.fetch, "r", encodeCbor(Array(17).fill(0))),
      CODE.badRequest,
    ],
    [
      "a profile request of 97 intervals",
      resourceRequest(CODE.fetch, "p", encodeCbor([0, 0, START_SECONDS, 97, 1])),
      CODE.badRequest,
    ],
    [
      "a body without a format",
      { code: CODE.fetch, options: [path], payload: body },
      CODE.unsupportedContentFormat,
    ],
    ["a body in JSON", resourceRequest(CODE.fetch, "r", body, 50), CODE.unsupportedContentFormat],
    [
      "an answer wanted in JSON",
      {
        code: CODE.get,
        options: [path, { number: OPTION.accept, value: Uint8Array.of(50) }],
        payload: new Uint8Array(0),
      },
      CODE.notAcceptable,
    ],
    [
      "a critical option that is not known",
      {
        code: CODE.get,
        options: [path, { number: 65001, value: Uint8Array.of(1) }],
        payload: new Uint8Array(0),
      },
      CODE.badOption,
    ],
  ])("%s", (_, content, code) => {
    const answer = meterAt().ask(content);
    expect(answer.code).toBe(code);
  });

  test("an elective option that is not known is ignored", () => {
    const options = [path, { number: 65000, value: Uint8Array.of(1) }];
    expect(meterAt().ask({ code: CODE.get, options, payload: new Uint8Array(0) }).code).toBe(CODE.content);
  });

  test("Accept of CBOR is served", () => {
    const options = [path, { ...contentFormat(FORMAT.cbor), number: OPTION.accept }];
    expect(meterAt().ask({ code: CODE.get, options, payload: new Uint8Array(0) }).code).toBe(CODE.content);
  });
});
