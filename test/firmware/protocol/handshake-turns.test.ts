// Peers that do not answer hold up nobody else: neither handshakes nor requests wait for them.
import { describe, expect, test } from "vitest";
import { type PendingAsk, pendingAsk } from "../../../firmware/protocol/asks.ts";
import { transfersOver } from "../../../firmware/protocol/blockwise/transfer.ts";
import { EMPTY } from "../../../firmware/protocol/bytes.ts";
import { CODE, findOption, OPTION, resourceRequest } from "../../../firmware/protocol/coap/message.ts";
import { HandshakeTurns } from "../../../firmware/protocol/handshake-turns.ts";
import { newWatch } from "../../../firmware/protocol/observe/watches.ts";
import { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import type { LinkTraits } from "../../../hal/ports/link.ts";
import { BODY, HEAD_END, messageOf, meterOf, Village } from "../../attacks/village.ts";
import { securedLine } from "../../support/secured-line.ts";

const NAMES = Array.from({ length: 40 }, (_, i) => `M${i + 1}`);

describe("among forty meters of which one answers", () => {
  const meters = Object.fromEntries(NAMES.map((name) => [name, meterOf(name)]));
  const [living = "", ...dead] = NAMES;

  function street(): Village {
    const village = new Village({ meters });
    village.between = (packet) => (dead.includes(packet.to) ? [] : [packet]);
    return village;
  }

  test("a first question is answered within half a second of those to all the others", () => {
    const village = street();
    for (const name of dead) village.askLater(name, BODY, { expect: name });
    const ask = village.askLater(living, BODY, { expect: living });
    village.clock.advanceBy(500);
    expect(village.events).toMatchObject([{ ask, kind: "answer" }]);
  });

  test("a question in a session waits for none of them", () => {
    const village = street();
    village.ask(living, BODY, { expect: living });
    for (const name of dead) village.askLater(name, BODY, { expect: name });
    const ask = village.askLater(living, BODY, { expect: living });
    village.clock.advanceBy(2);
    expect(village.events.at(-1)).toMatchObject({ ask, kind: "answer" });
  });

  test("no more than sixteen handshakes are begun at once, and each meter is asked in its turn", () => {
    const village = street();
    for (const name of dead) village.askLater(name, BODY, { expect: name });
    const asked = () => new Set(village.sent.map(({ to }) => to)).size;
    expect(asked()).toBe(16);
    village.clock.advanceBy(1000);
    expect(asked()).toBe(dead.length);
  });
});

test("a request without an answer holds up no request but those that the peer's replay window would not take", () => {
  const village = new Village();
  village.ask();
  const lost = village.askLater();
  const token = messageOf(village.sent.at(-1)?.bytes).token[0];
  let isLost = true;
  village.between = (packet) =>
    isLost && packet.to === HEAD_END && messageOf(packet.bytes).token[0] === token ? [] : [packet];
  const later = Array.from({ length: 100 }, () => village.askLater());
  village.clock.advanceBy(50);
  const answered = () => village.events.flatMap((event) => (event.kind === "answer" ? [event.ask] : []));
  expect(answered().slice(1)).toEqual(later.slice(0, 31));
  isLost = false;
  village.clock.advanceBy(1000);
  expect(new Set(answered().slice(1))).toEqual(new Set([lost, ...later]));
  expect(village.refusals()).toEqual([]);
});

describe("turns of handshakes on a line", () => {
  const traits: LinkTraits = {
    ...{ mtuBytes: 512, bitsPerSecond: 9600, bitsPerByte: 10, framingBytes: 5 },
    ...{ roundTripMs: 100, halfDuplex: false, addressing: "station" as const },
  };
  const content = resourceRequest(CODE.get, "r", EMPTY);
  const transfer = transfersOver(traits, new SeededRandom(1));
  const ask = (id: number, isWatch = false): PendingAsk =>
    pendingAsk(
      id,
      { to: `M${id}`, content, untilMs: 1e6 },
      transfer(content),
      isWatch ? newWatch(content, 1) : undefined,
    );

  function full(): HandshakeTurns {
    const turns = new HandshakeTurns(traits, ({ id }) => id !== 5);
    for (const key of ["a", "b"]) {
      expect(turns.admits(0, key, ask(1))).toBe(true);
      turns.begin(0, key);
    }
    expect(turns.admits(0, "c", ask(3, true))).toBe(false);
    return turns;
  }
  const due = (turns: HandshakeTurns, nowMs: number): number[] => [...turns.due(nowMs)].map(({ id }) => id);

  test("are two, and the next one's comes with the end of one", () => {
    const turns = full();
    expect(due(turns, 1)).toEqual([]);
    turns.end("a");
    expect(turns.nextWakeMs()).toBe(0);
    expect(due(turns, 1)).toEqual([3]);
    expect(turns.nextWakeMs()).toBe(Number.POSITIVE_INFINITY);
  });

  test("come too when those before have had the time for an answer twice over", () => {
    const turns = full();
    const atMs = turns.nextWakeMs();
    expect(atMs).toBeGreaterThan(500);
    expect(atMs).toBeLessThan(1500);
    expect(due(turns, atMs - 1)).toEqual([]);
    expect(due(turns, atMs)).toEqual([3]);
  });

  test("go to a question before a watch, to all who ask the same one, and not to who has given up", () => {
    const turns = full();
    for (const id of [4, 5]) expect(turns.admits(0, "d", ask(id))).toBe(false);
    expect(turns.admits(0, "c", ask(6, true))).toBe(false);
    turns.end("a");
    const given: number[] = [];
    for (const { id } of turns.due(1)) {
      given.push(id);
      turns.begin(1, id < 6 ? "d" : "c");
    }
    expect(given).toEqual([4]);
    turns.end("d");
    expect(due(turns, 2)).toEqual([3, 6]);
  });
});

test("a watch that is given up in the middle of its handshake leaves who waits for the same one another", () => {
  let isSilent = true;
  const line = securedLine({
    traits: { roundTripMs: 2 },
    between: (datagram, from) =>
      isSilent && from === "meter" && findOption(messageOf(datagram), OPTION.oscore) ? [] : [datagram],
  });
  line.watch(resourceRequest(CODE.get, "r"), 1000);
  const ask = line.askLater(BODY);
  line.clock.advanceBy(1500);
  expect(line.clientEvents).toMatchObject([{ kind: "failed", reason: "timeout" }]);
  isSilent = false;
  line.clock.advanceBy(1000);
  expect(line.clientEvents.at(-1)).toMatchObject({ kind: "answer", ask });
});
