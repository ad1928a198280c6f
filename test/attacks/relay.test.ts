// Somebody who wants a house dark, or its power back: what he has is a line, a head-end, a key, or an old order.
import { describe, expect, test } from "vitest";
import { type Identity, newIdentity } from "../../firmware/identity/identity.ts";
import { fromText } from "../../firmware/protocol/bytes.ts";
import { signSign1 } from "../../firmware/protocol/cose/sign1.ts";
import { encodeSignedOrder, type SignedOrder } from "../../firmware/protocol/readings/relay-reading.ts";
import { ORDER_REFUSALS, signOrder } from "../../firmware/relay/switching.ts";
import { SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import { MemoryStorage } from "../../hal/storage/memory-storage.ts";
import { switchRelay } from "../../host-tools/head-end/switching.ts";
import { type SingleLineOptions, settle } from "../../host-tools/world/single-line.ts";
import { attackedMeter, START_MS } from "./attacked-meter.ts";
import { asNew } from "./village.ts";

const HOUR_MS = 3_600_000;
const OPERATOR = operatorOf("operator");

function operatorOf(id: string): Identity {
  return newIdentity(opensslEngine, new SeededRandom(id), { role: "operator", id, development: true });
}

/** A meter whose relay is switched in mode 4, so that an order to connect would close it at once. */
function switched(options: Partial<SingleLineOptions> = {}) {
  const meter = attackedMeter({ switching: { mode: 4, operators: [OPERATOR.credential] }, ...options });
  const { clock, headEnd, target } = meter;
  const parts = { headEnd, clock, crypto: opensslEngine, operator: OPERATOR };
  const order = async (changes: Partial<SignedOrder> = {}): Promise<SignedOrder> => {
    const { body } = await settle(clock, headEnd.readRelay(target));
    const notAfterSeconds = (body.timeSeconds ?? 0) + 600;
    return {
      ...{ order: { kind: "disconnect" }, meter: "M1", challenge: body.challenge, notAfterSeconds },
      ...changes,
    };
  };
  return {
    ...meter,
    order,
    signed: async (changes?: Partial<SignedOrder>, by = OPERATOR) =>
      signOrder(opensslEngine, by, await order(changes)),
    send: (body: Uint8Array) => settle(clock, headEnd.orderRelay(target, body)),
    switch: (kind: "connect" | "disconnect") => settle(clock, switchRelay(parts, target, { kind })),
    /** Why orders were refused, as the meter's log has it. */
    reasons: () =>
      meter.runtime.log
        .read("security", 0, 100)
        .events.filter(({ code }) => code === 268)
        .map(({ details }) => ORDER_REFUSALS[details[1] ?? -1]),
  };
}

const REFUSED = { kind: "identity", message: expect.stringContaining("4.03 (no operator has signed this") };

describe("an order", () => {
  test("of a head-end with the right, signed by an operator of the meter, is carried out", async () => {
    const meter = switched();
    const off = await meter.switch("disconnect");
    expect(off.body).toMatchObject({
      state: "disconnected",
      position: "open",
      lastOrder: { operator: "operator" },
    });
    expect(meter.relay.contacts).toBe("open");
    expect((await meter.switch("connect")).body).toMatchObject({ state: "connected", position: "closed" });
  });

  test("of a head-end without the right is refused whoever signed it, and it is given no challenge", async () => {
    const meter = switched({ rights: new Set(["read", "clock", "tariff", "update"]) });
    expect((await meter.order()).challenge).toHaveLength(0);
    const body = await meter.signed({ challenge: new Uint8Array(8) });
    await expect(meter.send(body)).rejects.toMatchObject({
      message: expect.stringContaining("the right relay"),
    });
    expect(meter.logged()).toContain("access-refused");
    expect(meter.relay.drives).toBe(0);
  });

  test("to a meter that nobody has set up for it is refused although all its signatures hold", async () => {
    const meter = attackedMeter();
    const { clock, headEnd, target } = meter;
    const { body } = await settle(clock, headEnd.readRelay(target));
    expect(body).toMatchObject({ mode: 0, challenge: new Uint8Array() });
    const order = { order: { kind: "disconnect" }, meter: "M1", notAfterSeconds: 2 ** 31 } as const;
    const forced = signOrder(opensslEngine, OPERATOR, { ...order, challenge: new Uint8Array(8) });
    await expect(settle(clock, headEnd.orderRelay(target, forced))).rejects.toMatchObject({
      message: expect.stringContaining("nothing is switched from afar"),
    });
    expect(meter.relay.drives).toBe(0);
  });

  test.each([
    ["that the head-end signs itself", "not-signed", (m: Switched) => m.signed({}, operatorOf("head-end"))],
    [
      "of an operator whom this meter does not know",
      "not-signed",
      (m: Switched) => m.signed({}, operatorOf("o2")),
    ],
    ["for another meter", "other-meter", (m: Switched) => m.signed({ meter: "M2" })],
    ["whose time is over", "late", (m: Switched) => m.signed({ notAfterSeconds: START_MS / 1000 - 1 })],
    ["with a challenge of its own", "stale", (m: Switched) => m.signed({ challenge: new Uint8Array(8) })],
    ["signed as something else than an order", "not-signed", signedAsStatement],
  ] as const)("%s is refused, logged with its reason, and told no reason", async (_, reason, make) => {
    const meter = switched();
    await expect(meter.send(await make(meter))).rejects.toMatchObject(REFUSED);
    expect(meter.reasons()).toEqual([reason]);
    expect(meter.relay.drives).toBe(0);
  });

  test("is carried out once: the same signature again is stale, also in another session", async () => {
    const meter = switched();
    const body = await meter.signed();
    await meter.send(body);
    await meter.switch("connect");
    await expect(meter.send(body)).rejects.toMatchObject(REFUSED);
    expect(meter.reasons()).toEqual(["stale"]);
    expect(meter.relay.contacts).toBe("closed");
  });

  test("held back for an hour is void, also by a clock that nobody believes", async () => {
    const meter = switched();
    const body = await meter.signed({ notAfterSeconds: 2 ** 31 });
    meter.clock.advanceBy(HOUR_MS);
    await expect(meter.send(body)).rejects.toMatchObject(REFUSED);
    const before = await meter.signed();
    meter.clock.setUtcMs(undefined);
    meter.clock.advanceBy(HOUR_MS);
    await expect(meter.send(before)).rejects.toMatchObject(REFUSED);
    expect(meter.relay.drives).toBe(0);
  });

  test("of before a restart is void after it, and what was carried out before still holds", async () => {
    const storage = new MemoryStorage();
    const before = switched({ storage });
    await before.switch("disconnect");
    const body = await before.signed({ order: { kind: "connect" }, notAfterSeconds: 2 ** 31 });
    const kept = storage.afterCut({ bytes: "none", folder: "none" });
    const after = switched({ storage: kept, relay: { startsAt: "open" }, seed: 2 });
    expect((await after.order()).challenge).toHaveLength(8);
    await expect(after.send(body)).rejects.toMatchObject(REFUSED);
    expect(after.runtime.relay?.state.is).toBe("disconnected");
    expect(after.relay.contacts).toBe("open");
  });

  test("altered in any byte is refused", async () => {
    const meter = switched();
    const body = await meter.signed();
    for (let i = 0; i < body.length; i++) {
      const altered = body.slice();
      altered[i] = (altered[i] ?? 0) ^ 1;
      await expect(meter.send(altered)).rejects.toThrow(/4\.0[03]/);
    }
    expect(meter.relay.drives).toBe(0);
    // None of all that has spent the genuine one.
    await meter.send(body);
    meter.clock.advanceBy(1000);
    expect(meter.relay.contacts).toBe("open");
  });

  test("recorded on the line and played again switches nothing a second time", async () => {
    const meter = switched();
    await meter.switch("disconnect");
    const recorded = [...meter.requests];
    await meter.switch("connect");
    const { drives } = meter.relay;
    for (const datagram of recorded) {
      meter.inject(datagram);
      meter.inject(asNew(datagram));
    }
    expect([meter.relay.drives, meter.relay.contacts]).toEqual([drives, "closed"]);
  });
});

type Switched = ReturnType<typeof switched>;

async function signedAsStatement(meter: Switched): Promise<Uint8Array> {
  const payload = encodeSignedOrder(await meter.order());
  return signSign1(opensslEngine, OPERATOR.signingSecretKey, fromText("meterbench statement"), payload);
}

test("a cut in the middle of an order leaves it undone or done: done once the contacts were driven", async () => {
  const storage = new MemoryStorage();
  const meter = switched({ storage });
  const cuts: { readonly isDriven: boolean; readonly left: MemoryStorage }[] = [];
  storage.watch(() => {
    for (const bytes of ["none", "torn", "all"] as const)
      cuts.push({ isDriven: meter.relay.drives > 0, left: storage.afterCut({ bytes, folder: "none" }) });
  });
  await meter.switch("disconnect");
  const states = cuts.map(({ isDriven, left }) => {
    const { relay, runtime, clock } = switched({ storage: left, relay: { startsAt: "closed" } });
    clock.advanceBy(1000);
    const state = runtime.relay?.state.is;
    expect(relay.contacts).toBe(state === "connected" ? "closed" : "open");
    if (isDriven) expect(state).toBe("disconnected");
    return state;
  });
  expect(new Set(states)).toEqual(new Set(["connected", "disconnected"]));
});

test("an operator's key that asks a meter by itself is nobody's head-end", async () => {
  const meter = switched({ headEnd: { identity: OPERATOR } });
  await expect(meter.order()).rejects.toMatchObject({ kind: "identity" });
  expect(meter.logged()).toContain("authentication-failed");
  expect(meter.relay.drives).toBe(0);
});
