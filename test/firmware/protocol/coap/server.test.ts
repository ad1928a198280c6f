import { describe, expect, test } from "vitest";
import { fromText, toHex } from "../../../../firmware/protocol/bytes.ts";
import { type Exchange, Exchanges } from "../../../../firmware/protocol/coap/duplicates.ts";
import { USUAL_SETTINGS } from "../../../../firmware/protocol/coap/settings.ts";
import { exchangeLifetimeMs, processingDelayMs } from "../../../../firmware/protocol/coap/timing.ts";
import {
  content,
  decoded,
  empty,
  endpoint,
  eventsOf,
  exchangeOf,
  get,
  hex,
  IP,
  LINE_9600,
  message,
  sentBy,
} from "./helpers.ts";

const REQUEST = message("CON", 0x7d34, "20", get());
const ANSWER = "61457d3420" + "ff32322e332043"; // 2.05 of "22.3 C" within the ACK

describe("a confirmable request", () => {
  test("is told once and answered within the ACK, again for each copy", () => {
    const coap = endpoint();
    coap.receive(0, "client", REQUEST);
    const [event, ...more] = eventsOf(coap);
    expect(event).toEqual({ kind: "request", from: "client", exchange: 1, message: decoded(REQUEST) });
    expect(more).toEqual([]);
    expect(coap.respond(10, 1, content(fromText("22.3 C")))).toBe(true);
    expect(sentBy(coap)).toEqual([ANSWER]);
    for (const nowMs of [1000, 3000]) {
      coap.receive(nowMs, "client", REQUEST.slice());
      expect(sentBy(coap)).toEqual([ANSWER]);
    }
    expect(eventsOf(coap)).toEqual([]);
    expect(coap.counters.duplicates).toBe(2);
    expect(coap.nextWakeMs()).toBeUndefined();
  });

  test("that is still with the handler is neither told nor answered again", () => {
    const coap = endpoint();
    coap.receive(0, "client", REQUEST);
    exchangeOf(coap);
    coap.receive(1, "client", REQUEST);
    expect(eventsOf(coap)).toEqual([]);
    expect(sentBy(coap)).toEqual([]);
  });

  test("from another station, or other bytes with the same Message ID, is a new one", () => {
    const coap = endpoint();
    coap.receive(0, "client", REQUEST);
    coap.receive(0, "other client", REQUEST);
    coap.receive(0, "client", message("CON", 0x7d34, "21", get()));
    coap.receive(0, "client", message("CON", 0x7d34, "20", get(fromText("after a restart"))));
    expect(eventsOf(coap).map((event) => event.kind)).toEqual(["request", "request", "request", "request"]);
    expect(coap.counters.duplicates).toBe(0);
  });

  test("acknowledged by the handler is answered in a message of its own, until acknowledged", () => {
    const coap = endpoint();
    coap.receive(0, "client", REQUEST);
    const exchange = exchangeOf(coap);
    coap.acknowledge(exchange);
    coap.acknowledge(exchange);
    expect(sentBy(coap)).toEqual(["60007d34"]);
    coap.receive(1000, "client", REQUEST);
    expect(sentBy(coap)).toEqual(["60007d34"]);
    coap.respond(5000, exchange, content(fromText("22.3 C")));
    const [answer] = sentBy(coap);
    const { messageId } = decoded(hex(answer ?? ""));
    expect(answer).toBe(toHex(message("CON", messageId, "20", content(fromText("22.3 C")))));
    coap.wake(coap.nextWakeMs() ?? 0);
    expect(sentBy(coap)).toEqual([answer]);
    coap.receive(9000, "client", REQUEST);
    expect(sentBy(coap)).toEqual(["60007d34"]);
    coap.receive(9000, "other", empty("ACK", messageId));
    expect(coap.counters.refused.unknown).toBe(1);
    expect(coap.nextWakeMs()).toBeDefined();
    coap.receive(9000, "client", empty("ACK", messageId));
    expect(coap.nextWakeMs()).toBeUndefined();
    expect(eventsOf(coap)).toEqual([]);
  });

  test("has its separate answer given up after four repetitions, or at once when that is reset", () => {
    for (const ending of ["silence", "reset"] as const) {
      const coap = endpoint();
      coap.receive(0, "client", REQUEST);
      const exchange = exchangeOf(coap);
      coap.acknowledge(exchange);
      coap.respond(10, exchange, content());
      const { messageId } = decoded(hex(sentBy(coap)[1] ?? ""));
      if (ending === "reset") coap.receive(20, "client", empty("RST", messageId));
      for (let wakes = 0; wakes < 5; wakes++) coap.wake(coap.nextWakeMs() ?? 20);
      expect(coap.nextWakeMs()).toBeUndefined();
      expect(sentBy(coap)).toHaveLength(ending === "reset" ? 0 : 4);
      expect(() => coap.respond(99_999, exchange, content())).toThrow("has its answer");
    }
  });

  test("that the handler keeps is acknowledged by itself before the client repeats it", () => {
    const coap = endpoint();
    coap.receive(100, "client", REQUEST);
    const exchange = exchangeOf(coap);
    const dueMs = 100 + processingDelayMs(IP);
    expect(coap.nextWakeMs()).toBe(dueMs);
    coap.wake(dueMs - 1);
    expect(sentBy(coap)).toEqual([]);
    coap.wake(dueMs);
    expect(sentBy(coap)).toEqual(["60007d34"]);
    coap.respond(60_000, exchange, content());
    expect(decoded(hex(sentBy(coap)[0] ?? "")).type).toBe("CON");
  });

  test("left in silence gets no sign, nor do its copies", () => {
    const coap = endpoint(LINE_9600);
    coap.receive(0, "line", REQUEST);
    coap.silence(exchangeOf(coap));
    expect(coap.nextWakeMs()).toBeUndefined();
    coap.receive(1000, "line", REQUEST);
    coap.wake(5000);
    expect(sentBy(coap)).toEqual([]);
    expect(eventsOf(coap)).toEqual([]);
  });

  test("is forgotten after the exchange lifetime, but not while its answer is still to come", () => {
    const lifetimeMs = exchangeLifetimeMs(IP);
    const coap = endpoint();
    coap.receive(0, "client", REQUEST);
    coap.respond(0, exchangeOf(coap), content());
    coap.receive(lifetimeMs - 1, "client", REQUEST);
    expect(eventsOf(coap)).toEqual([]);
    coap.receive(lifetimeMs, "client", REQUEST);
    const again = exchangeOf(coap);
    coap.receive(3 * lifetimeMs, "client", REQUEST);
    expect(eventsOf(coap)).toEqual([]);
    expect(coap.respond(3 * lifetimeMs, again, content())).toBe(true);
  });

  test("is answered once, with a response: anything else is a bug and throws", () => {
    const coap = endpoint();
    coap.receive(0, "client", REQUEST);
    const exchange = exchangeOf(coap);
    expect(() => coap.respond(0, exchange, get())).toThrow("0.01 is no response");
    coap.respond(0, exchange, content());
    expect(() => coap.respond(0, exchange, content())).toThrow("has its answer");
  });
});

describe("a non-confirmable request", () => {
  test("is answered by a NON of its own Message ID, the same again for a copy, and never acknowledged", () => {
    const coap = endpoint();
    const request = message("NON", 0x7d40, "75", get());
    coap.receive(0, "client", request);
    const exchange = exchangeOf(coap);
    coap.acknowledge(exchange);
    expect(coap.nextWakeMs()).toBeUndefined();
    coap.respond(100_000, exchange, content(fromText("22.3 C")));
    const [answer] = sentBy(coap);
    const { messageId } = decoded(hex(answer ?? ""));
    expect(answer).toBe(toHex(message("NON", messageId, "75", content(fromText("22.3 C")))));
    coap.receive(100_001, "client", request);
    expect(sentBy(coap)).toEqual([answer]);
    expect(eventsOf(coap)).toEqual([]);
  });
});

describe("what has no place", () => {
  test("a ping is answered by an RST", () => {
    const coap = endpoint();
    coap.receive(0, "client", empty("CON", 0x0102));
    expect(sentBy(coap)).toEqual(["70000102"]);
    expect(coap.counters.pings).toBe(1);
  });

  test("a malformed CON is rejected, any other malformed message ignored, each counted by kind", () => {
    const coap = endpoint();
    const kinds = {
      "too-short": "40",
      version: "80010001",
      token: "4f010001",
      option: "400100010f",
    } as const;
    for (const bytes of Object.values(kinds)) coap.receive(0, "client", hex(bytes));
    coap.receive(0, "client", hex("40010002ff"));
    coap.receive(0, "client", hex("4000000300"));
    coap.receive(0, "client", hex("50010004ff"));
    expect(sentBy(coap)).toEqual(["70000001", "70000001", "70000002", "70000003"]);
    const refused = { "too-short": 1, version: 1, token: 1, option: 1, payload: 2, empty: 1, code: 0 };
    expect(coap.counters.refused).toMatchObject(refused);
  });

  test.each([
    ["an empty NON", "50000001", []],
    ["a request in an ACK", "60010001", []],
    ["an RST with a code", "70450001", []],
    ["a reserved class in a NON", "50200001", []],
    ["a reserved class in a CON", "40200001", ["70000001"]],
    ["a signalling code in a CON", "40e10001", ["70000001"]],
  ])("%s is counted as a wrong code", (_, bytes, replies) => {
    const coap = endpoint();
    coap.receive(0, "client", hex(bytes));
    expect(sentBy(coap)).toEqual(replies);
    expect(coap.counters.refused.code).toBe(1);
    expect(eventsOf(coap)).toEqual([]);
  });

  test("no more than 16 RSTs leave in a second", () => {
    const coap = endpoint();
    let resets = 0;
    for (let ms = 0; ms < 3000; ms++) {
      coap.receive(ms, "client", empty("CON", ms));
      resets += sentBy(coap).length;
    }
    expect(resets).toBe(48);
    expect(coap.counters.pings).toBe(3000);
  });

  test("whoever takes nothing out gets nothing more in, and all is well when it does", () => {
    const coap = endpoint();
    for (let i = 0; i < 5000; i++) coap.receive(0, "client", message("CON", i, "01", get()));
    expect(coap.counters.refused.overload).toBe(5000 - 1024);
    expect(eventsOf(coap)).toHaveLength(1024);
    coap.receive(0, "client", REQUEST);
    expect(coap.respond(0, exchangeOf(coap), content())).toBe(true);
  });
});

describe("the memory for copies", () => {
  test("holds 64 exchanges and 64 KiB, drops settled ones first, and never the newest", () => {
    const left: Exchange[] = [];
    const added: Exchange[] = [];
    const exchanges = new Exchanges(1000, USUAL_SETTINGS, (exchange) => left.push(exchange));
    const kept = () => added.filter((exchange) => exchanges.get(exchange.id) !== undefined);
    const stored = () => {
      let bytes = 0;
      for (const { datagram, reply } of kept()) bytes += datagram.length + (reply?.length ?? 0);
      return { count: kept().length, bytes };
    };
    for (let i = 0; i < 2000; i++) {
      const datagram = message("CON", i & 0xffff, "01", get(new Uint8Array((i * 37) % 2000)));
      const phase = { kind: "pending" } as const;
      const exchange = exchanges.add({
        from: `s${i}`,
        header: decoded(datagram),
        datagram,
        receivedMs: i,
        phase,
      });
      added.push(exchange);
      if (i % 3 > 0) {
        exchange.phase = { kind: "done" };
        exchanges.setReply(exchange, new Uint8Array((i * 53) % 1500));
      }
      expect(exchanges.get(exchange.id)).toBe(exchange);
      expect(stored().count).toBeLessThanOrEqual(64);
      expect(stored().bytes).toBeLessThanOrEqual(65536);
    }
    for (let i = 0; i < 64; i++) {
      const phase = { kind: "pending" } as const;
      const header = decoded(REQUEST);
      added.push(exchanges.add({ from: "late", header, datagram: REQUEST, receivedMs: 10_000, phase }));
    }
    expect(kept().every(({ from }) => from === "late")).toBe(true);
    expect(left).toHaveLength(2000);
    expect(stored()).toEqual({ count: 64, bytes: 64 * REQUEST.length });
  });

  test("keeps what is unanswered while there are answered ones to drop", () => {
    const coap = endpoint();
    coap.receive(0, "slow", REQUEST);
    const slow = exchangeOf(coap);
    for (let i = 0; i < 200; i++) {
      coap.receive(1, `s${i}`, REQUEST);
      coap.respond(1, exchangeOf(coap), content());
    }
    expect(coap.respond(2, slow, content())).toBe(true);
  });

  test("lets 10,000 unanswered requests of 10,000 stations pass, and serves an honest one after them", () => {
    const coap = endpoint();
    const exchanges: number[] = [];
    for (let i = 0; i < 10_000; i++) {
      coap.receive(i / 1000, `s${i}`, message("CON", i, "01", get(new Uint8Array(900))));
      exchanges.push(exchangeOf(coap));
    }
    coap.receive(10, "honest", REQUEST);
    expect(coap.respond(10, exchangeOf(coap), content(fromText("22.3 C")))).toBe(true);
    expect(sentBy(coap)).toEqual([ANSWER]);
    const alive = exchanges.filter((exchange) => coap.respond(10, exchange, content()));
    expect(alive.length).toBeLessThanOrEqual(63);
    expect(alive).toEqual(exchanges.slice(-alive.length));
    expect(sentBy(coap)).toHaveLength(alive.length);
  });
});
