// The relay, and meters behind a DAP.
import { allEvents, expect, lasting, namesOf, needs, registerValue, test } from "../index.ts";

const IMPORT = "1.8.0";
const IMPORT_POWER = "1.7.0";
const SECOND_MS = 1000;
const MINUTE_MS = 60_000;

test(
  "a relay opens and closes as it was ordered, and says so",
  lasting(120, "relay"),
  async ({ meter, headEnd }) => {
    const before = await allEvents(headEnd, meter, "disconnector");
    await headEnd.switchRelay(meter, "disconnect");
    expect(await headEnd.readRelay(meter)).toMatchObject({ state: "disconnected" });
    await headEnd.switchRelay(meter, "connect");
    const last = before.at(-1)?.sequence ?? 0;
    const events = (await allEvents(headEnd, meter, "disconnector")).filter(
      ({ sequence }) => sequence > last,
    );
    expect(namesOf(events)[0]).toBe("remote-disconnection");
    expect(namesOf(events)).toHaveLength(2);
  },
);

test(
  "behind an open relay nothing is drawn",
  lasting(120, "relay", "load"),
  async ({ meter, headEnd, clock }) => {
    await meter.load?.set(3000);
    await headEnd.switchRelay(meter, "disconnect");
    await clock.pass(3 * SECOND_MS);
    expect(
      registerValue(await headEnd.readRegisters(meter, [IMPORT_POWER]), IMPORT_POWER),
    ).toBeLessThanOrEqual(1);
    await headEnd.switchRelay(meter, "connect");
    await clock.pass(3 * SECOND_MS);
    expect(registerValue(await headEnd.readRegisters(meter, [IMPORT_POWER]), IMPORT_POWER)).toBeGreaterThan(
      2900,
    );
  },
);

test(
  "a relay that was opened stays open over a power cut",
  lasting(180, "relay", "power"),
  async ({ meter, headEnd, power }) => {
    await headEnd.switchRelay(meter, "disconnect");
    await power.cut();
    await meter.ready();
    expect(await headEnd.readRelay(meter)).toMatchObject({ state: "disconnected", position: "open" });
    await headEnd.switchRelay(meter, "connect");
  },
);

test(
  "an order to the relay that somebody recorded does not open it again",
  lasting(120, "relay"),
  async ({ meter, headEnd, line, clock }) => {
    const seen = line.frames.length;
    await headEnd.switchRelay(meter, "disconnect");
    const heard = line.frames.slice(seen).filter(({ direction }) => direction === "outbound");
    await headEnd.switchRelay(meter, "connect");
    for (const { bytes } of heard) {
      line.inject(bytes);
      await clock.pass(SECOND_MS / 2);
    }
    expect(await headEnd.readRelay(meter)).toMatchObject({ state: "connected" });
  },
);

test(
  "each meter behind a DAP answers through it, and by its own name",
  lasting(240, "dap"),
  async ({ dap }) => {
    for (const meter of dap.meters) {
      await meter.ready();
      await dap.headEnd.readRegisters(meter, [IMPORT]);
    }
    const plates = [];
    for (const meter of dap.meters) plates.push(await dap.headEnd.readNameplate(meter));
    expect(new Set(plates.map(({ serialNumber }) => serialNumber)).size).toBe(dap.meters.length);
  },
);

test("a DAP shows meters to nobody whom they do not know", lasting(120, "dap"), async ({ dap }) => {
  const [meter] = dap.meters;
  if (meter === undefined) throw new Error("a DAP of a bench has a meter");
  const stranger = await dap.headEnd.stranger();
  await expect(stranger.readRegisters(meter)).rejects.toMatchObject({ kind: "identity" });
});

test("a group is read by one question", lasting(240, "dap", "group"), async ({ dap }) => {
  for (const meter of dap.meters) await meter.ready();
  const reports = await dap.readGroup([IMPORT]);
  expect(reports.map(({ meter, outcome }) => [meter, outcome])).toEqual(
    dap.meters.map(({ id }) => [id, "answered"]),
  );
});

test(
  "a question to a group that somebody recorded is refused by each of its meters, however late",
  lasting(600, "dap", "group"),
  async ({ dap, clock }) => {
    const [first] = dap.meters;
    if (first === undefined) throw new Error("a DAP of a bench has a meter");
    for (const meter of dap.meters) await meter.ready();
    await dap.readGroup([IMPORT]);
    const seen = first.line.frames.length;
    await dap.readGroup([IMPORT]);
    const heard = first.line.frames.slice(seen).filter(({ direction }) => direction === "outbound");
    // The last question of a member is answered alike to whoever repeats it, and CoAP remembers for four minutes.
    await dap.readGroup([IMPORT_POWER]);
    await clock.pass(5 * MINUTE_MS);
    const refusals = async (): Promise<number[]> => {
      const plates = [];
      for (const meter of dap.meters) plates.push(await dap.headEnd.readNameplate(meter));
      return plates.map(({ counters }) => counters.refusedMessages);
    };
    const before = await refusals();
    for (const { bytes } of heard) {
      first.line.inject(bytes);
      await clock.pass(SECOND_MS);
    }
    const after = await refusals();
    expect(after.map((count, i) => count > (before[i] ?? count))).toEqual(dap.meters.map(() => true));
  },
);

test(
  "a group read names the meter that is missing, and reads the others",
  needs("dap", "group", "time"),
  async ({ dap }) => {
    for (const meter of dap.meters) await meter.ready();
    await dap.readGroup([IMPORT]);
    const missing = dap.meters.at(-1);
    await missing?.power?.off();
    const reports = await dap.readGroup([IMPORT]);
    expect(reports.map(({ meter, outcome }) => [meter, outcome])).toEqual(
      dap.meters.map((meter) => [meter.id, meter === missing ? "missing" : "answered"]),
    );
  },
);
