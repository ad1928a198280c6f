// A head-end that reads events, clock and tariff from a resource of the same name.
import { expect, test } from "vitest";
import { TrustList } from "../../../firmware/identity/trust.ts";
import {
  answerWith,
  CODE,
  type CoapContent,
  FORMAT,
  pathOf,
} from "../../../firmware/protocol/coap/message.ts";
import { signSign1 } from "../../../firmware/protocol/cose/sign1.ts";
import { Drive } from "../../../firmware/protocol/drive.ts";
import { type ClockReading, encodeClockReading } from "../../../firmware/protocol/readings/clock-reading.ts";
import {
  decodeEventRequest,
  type EventReading,
  type EventRequest,
  encodeEventReading,
} from "../../../firmware/protocol/readings/event-reading.ts";
import {
  encodeStatement,
  STATEMENT_CONTEXT,
  type StatedEntry,
  type Statement,
} from "../../../firmware/protocol/readings/statement.ts";
import type { StatedMonth } from "../../../firmware/protocol/readings/statement-request.ts";
import { encodeTariffPlan } from "../../../firmware/protocol/readings/tariff-table.ts";
import { SecureServer } from "../../../firmware/protocol/secure-server.ts";
import { linkPair } from "../../../hal/emulated/link-pair.ts";
import { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { VirtualClock } from "../../../hal/emulated/virtual-clock.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { LINE } from "../../../hal/ports/link.ts";
import { HeadEnd, type Target } from "../../../host-tools/head-end/client.ts";
import { settle } from "../../../host-tools/world/single-line.ts";
import { identity } from "../../support/secured-line.ts";
import { HOUSEHOLD, LARGEST } from "../../support/tariffs.ts";

const target: Target = { station: LINE, name: "pty:./meter1", timeoutMs: 8000 };

/** A head-end, and a meter whose resources `serve` plays. */
function line(serve: (content: CoapContent) => Uint8Array) {
  const clock = new VirtualClock({ utcMs: Date.UTC(2026, 10, 24) });
  const [near, far] = linkPair(clock, {});
  const [meter, head] = [identity("meter", "M1"), identity("head-end", "H")];
  const parts = { crypto: opensslEngine, random: new SeededRandom(1) };
  const server = new SecureServer({
    ...parts,
    traits: far.traits,
    identity: meter,
    trust: new TrustList([head.credential]),
    resources: {
      links: [],
      serve: ({ content }) => answerWith(CODE.content, FORMAT.cbor, serve(content)),
    },
  });
  new Drive(server, far, clock, () => {});
  const headEnd = new HeadEnd({
    ...parts,
    link: near,
    clock,
    identity: head,
    trust: new TrustList([meter.credential]),
  });
  return { headEnd, settle: <Result>(asked: Promise<Result>) => settle(clock, asked) };
}

test("a statement is taken that answers this question: its challenge, its registers, its month", async () => {
  const request = { challenge: new Uint8Array(8).fill(1), registers: ["1-0:1.8.0*255"] };
  const good = {
    ...{
      serialNumber: "T-1",
      id: "M1",
      sequence: 1,
      previous: new Uint8Array(),
      challenge: request.challenge,
    },
    ...{ timeSeconds: 1_795_478_400, status: 0, clockStatus: 0, month: undefined },
    entries: [{ register: "1-0:1.8.0*255", quality: "measured", value: 7, unit: "Wh", scaler: 0 } as const],
  };
  const seen = { endSeconds: 1_793_491_200, beforeSeconds: 1_793_491_140, afterSeconds: 1_793_491_200 };
  const october = { ...{ year: 2026, month: 10, flags: 0, clockStatus: 0 }, ...seen };
  let told: Statement = good;
  const { signingSecretKey } = identity("meter", "M1");
  const sign = (payload: Uint8Array) =>
    signSign1(opensslEngine, signingSecretKey, STATEMENT_CONTEXT, payload);
  const { headEnd, settle: settled } = line(() => sign(encodeStatement(told)));
  const ask = (month?: StatedMonth) =>
    settled(headEnd.readStatement(target, { ...request, ...(month !== undefined && { month }) }));
  expect((await ask()).body.statement).toEqual(good);
  await expect(ask({ year: 2026, month: 10 })).rejects.toThrow("form");
  told = { ...good, month: october };
  expect((await ask({ year: 2026, month: 10 })).body.statement.month).toEqual(october);
  await expect(ask({ year: 2026, month: 9 })).rejects.toThrow("form");
  await expect(ask()).rejects.toThrow("form");
  told = { ...good, challenge: new Uint8Array(8) };
  await expect(ask()).rejects.toThrow("form");
  told = { ...good, entries: [{ ...good.entries[0], register: "1-0:2.8.0*255" } as StatedEntry] };
  await expect(ask()).rejects.toThrow("form");
});

test("events are asked for by FETCH of e, and answer that request alone", async () => {
  const request: EventRequest = { log: "fraud", from: 5, count: 32 };
  const reading: EventReading = {
    timeSeconds: 1_764_000_000,
    status: 0,
    oldest: 3,
    next: 7,
    events: [
      { sequence: 5, code: 42, utcSeconds: 1_763_000_000, clockStatus: 0, details: [] },
      { sequence: 6, code: 91, utcSeconds: undefined, clockStatus: 1, details: [10] },
    ],
  };
  const asked: unknown[] = [];
  const { headEnd, settle } = line((content) => {
    asked.push([content.code, pathOf(content), decodeEventRequest(content.payload)]);
    return encodeEventReading(reading, request);
  });
  const { meter, body, size } = await settle(headEnd.readEvents(target, request));
  expect({ meter, body }).toEqual({ meter: "M1", body: reading });
  expect(size.responseBytes).toBeGreaterThan(20);
  expect(asked).toEqual([[CODE.fetch, "e", request]]);
  await expect(settle(headEnd.readEvents(target, { ...request, from: 6 }))).rejects.toThrow(
    "The meter at pty:./meter1 answered in a form that this version does not know: compare versions.",
  );
});

test("the clock is asked for by GET of c", async () => {
  const reading: ClockReading = {
    timeSeconds: 1_764_000_000,
    status: 4,
    clockStatus: 0x80,
    source: "head-end",
    ageSeconds: 60,
    driftPartsPerBillion: -1500,
    zone: "CET-1CEST,M3.5.0,M10.5.0/3",
    challenge: new Uint8Array(8).fill(7),
  };
  const asked: unknown[] = [];
  const { headEnd, settle } = line((content) => {
    asked.push([content.code, pathOf(content)]);
    return encodeClockReading(reading);
  });
  expect((await settle(headEnd.readClock(target))).body).toEqual(reading);
  expect(asked).toEqual([[CODE.get, "c"]]);
});

test("the tariff is asked for by GET of t, also where it is as large as can be", async () => {
  const plans = [
    { active: HOUSEHOLD },
    { active: LARGEST, passive: { table: LARGEST, fromSeconds: 1_764_000_000 } },
  ];
  for (const plan of plans) {
    const asked: unknown[] = [];
    const { headEnd, settle } = line((content) => {
      asked.push([content.code, pathOf(content)]);
      return encodeTariffPlan(plan);
    });
    expect((await settle(headEnd.readTariff(target))).body).toEqual(plan);
    expect(asked).toEqual([[CODE.get, "t"]]);
  }
});
