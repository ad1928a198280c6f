// One meter, asked directly and through whoever forwards for it: one session, by whatever way.
import { expect, test } from "vitest";
import { encodeMessage } from "../../../firmware/protocol/coap/codec.ts";
import { CODE, FORMAT, resourceRequest } from "../../../firmware/protocol/coap/message.ts";
import { DIRECT, twoWays, VIA } from "../../support/two-ways.ts";

const body = (...bytes: number[]) => resourceRequest(CODE.fetch, "r", Uint8Array.from(bytes));

test("direct, through a proxy, direct again: one handshake, and no number twice", () => {
  const { headEnd, nonces, refused, sessions } = twoWays();
  const { ask } = headEnd("H");
  for (const [i, way] of [DIRECT, VIA, DIRECT, VIA].entries()) {
    const payload = Uint8Array.of(0x01, i);
    expect(ask(way, body(0x01, i))).toMatchObject({ kind: "answer", content: { payload } });
  }
  expect({ sessions, refused, replays: nonces.replays }).toEqual({
    sessions: ["H"],
    refused: [],
    replays: 0,
  });
});

test("the next process goes on by the other way, and the one after that by the first", () => {
  const { headEnd, nonces, sessions } = twoWays();
  for (const [i, way] of [VIA, DIRECT, VIA].entries()) {
    const { ask, end } = headEnd(`H${i}`);
    expect(ask(way)).toMatchObject({ kind: "answer" });
    end();
  }
  expect({ sessions, replays: nonces.replays }).toEqual({ sessions: ["H"], replays: 0 });
});

test("who does not say whom he expects goes on with whoever was there last, by the same way", () => {
  const { headEnd, sessions } = twoWays();
  const first = headEnd("H0");
  first.ask({ to: "proxy", host: "M1" });
  first.ask(DIRECT);
  first.ask({ to: "meter" });
  first.end();
  const next = headEnd("H1");
  expect(next.ask({ to: "proxy", host: "M1" })).toMatchObject({ kind: "answer", peer: { id: "M1" } });
  expect(sessions).toEqual(["H", "H"]);
});

/** While message_2 is on its way back. */
const MESSAGE_2_MS = 35;

test("a handshake whose messages come from another port each is completed", () => {
  const { headEnd, clock, proxy, sessions, refused } = twoWays();
  const { ask, begin, events } = headEnd("H");
  begin(VIA);
  clock.advanceBy(MESSAGE_2_MS);
  proxy.changePort();
  expect(ask(VIA)).toMatchObject({ kind: "answer" });
  expect(events).toHaveLength(2);
  expect({ sessions, refused }).toEqual({ sessions: ["H"], refused: [] });
});

test("message_3 guessed from elsewhere, any number of times, does not end a handshake", () => {
  const { headEnd, clock, network, refused } = twoWays();
  const { ask, begin } = headEnd("H");
  begin(VIA);
  clock.advanceBy(MESSAGE_2_MS);
  const stranger = network.link("stranger");
  for (let id = 0; id < 48; id++) {
    const prefix = id < 24 ? id : 0x20 + id - 24;
    const payload = Uint8Array.of(prefix, 0x52, ...new Uint8Array(18).fill(id));
    const guess = resourceRequest(CODE.post, "k", payload, FORMAT.connectionIdAndEdhoc);
    stranger.send("meter", encodeMessage({ ...guess, type: "NON", messageId: id, token: Uint8Array.of(1) }));
  }
  expect(ask(VIA)).toMatchObject({ kind: "answer" });
  expect(new Set(refused)).toEqual(new Set(["no-handshake", "decryption"]));
});

test("a long answer comes block by block, and a long request goes so, though each comes from another port", () => {
  const { headEnd, clock, proxy, refused } = twoWays({ mtuBytes: 128 });
  const { ask, begin, events } = headEnd("H");
  ask(VIA);
  const payload = Uint8Array.from({ length: 700 }, (_, i) => i);
  const id = begin({ ...VIA, content: body(...payload) });
  for (let i = 0; i < 60; i++) {
    clock.advanceBy(20);
    proxy.changePort("is open still");
  }
  clock.advanceBy(5000);
  expect(events.find((event) => event.ask === id)).toMatchObject({ kind: "answer", content: { payload } });
  expect(refused).toEqual([]);
});

test("notifications come through a proxy, and after it has changed its port from the next registration on", () => {
  const { headEnd, clock, proxy, nonces } = twoWays();
  const { watch, events } = headEnd("H");
  const told = () => events.filter(({ kind }) => kind === "notification").length;
  watch(VIA);
  clock.advanceBy(35_000);
  expect(told()).toBe(4);
  proxy.changePort();
  clock.advanceBy(120_000);
  const before = told();
  clock.advanceBy(50_000);
  expect(told() - before).toBe(5);
  expect(events.every(({ kind }) => kind === "notification")).toBe(true);
  expect(nonces.replays).toBe(0);
});
