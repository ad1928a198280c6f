import { describe, expect, test } from "vitest";
import { fromText, toHex } from "../../../../firmware/protocol/bytes.ts";
import type { CoapEndpoint } from "../../../../firmware/protocol/coap/exchange.ts";
import { CODE, type CoapMessage } from "../../../../firmware/protocol/coap/message.ts";
import { TakenAnswers } from "../../../../firmware/protocol/coap/requests.ts";
import {
  ackTimeoutMs,
  answerWindowMs,
  exchangeLifetimeMs,
} from "../../../../firmware/protocol/coap/timing.ts";
import {
  content,
  decoded,
  empty,
  endpoint,
  eventsOf,
  get,
  hex,
  IP,
  LINE_9600,
  message,
  sentBy,
} from "./helpers.ts";

const NEVER_MS = 1e9;

/** The next datagram, which must be one, with its token as hex. */
function sentMessage(coap: CoapEndpoint): CoapMessage & { tokenHex: string } {
  const sent = decoded(coap.nextDatagram()?.bytes);
  return { ...sent, tokenHex: toHex(sent.token) };
}

/** Wakes when asked to, until nothing is pending; when something was sent. */
function runAlone(coap: CoapEndpoint): number[] {
  const sentAtMs: number[] = [];
  for (let nowMs = coap.nextWakeMs(); nowMs !== undefined; nowMs = coap.nextWakeMs()) {
    coap.wake(nowMs);
    if (coap.nextWakeMs() === nowMs) throw new Error(`asks for ${nowMs} ms again`);
    for (const _ of sentBy(coap)) sentAtMs.push(nowMs);
  }
  return sentAtMs;
}

describe("a confirmable request", () => {
  test("that nobody hears is sent five times, each wait twice the one before, and then times out", () => {
    const coap = endpoint();
    const request = coap.request(0, "peer", get(), { untilMs: NEVER_MS });
    const first = sentBy(coap);
    const firstWaitMs = coap.nextWakeMs() ?? 0;
    expect(firstWaitMs).toBeGreaterThanOrEqual(1000);
    expect(firstWaitMs).toBeLessThan(1500);
    expect(first).toHaveLength(1);
    const again = runAlone(coap);
    expect(again).toEqual([1, 3, 7, 15].map((waits) => waits * firstWaitMs));
    expect(eventsOf(coap)).toEqual([{ kind: "ended", request, reason: "timeout" }]);
    expect(coap.counters.retransmissions).toBe(4);
  });

  test("is repeated byte for byte", () => {
    const coap = endpoint();
    coap.request(0, "peer", get(fromText("x")), { untilMs: NEVER_MS });
    const first = sentBy(coap);
    coap.wake(coap.nextWakeMs() ?? 0);
    expect(sentBy(coap)).toEqual(first);
  });

  test("is given up when its time is over, and nothing is sent then or later", () => {
    const coap = endpoint();
    const request = coap.request(0, "peer", get(), { untilMs: 2000 });
    sentBy(coap);
    expect(runAlone(coap)).toHaveLength(1);
    expect(eventsOf(coap)).toEqual([{ kind: "ended", request, reason: "timeout" }]);
    coap.wake(10_000);
    expect(sentBy(coap)).toEqual([]);
  });

  test("is not repeated by a wake-up that comes too early, and once by one that comes late", () => {
    const coap = endpoint();
    coap.request(0, "peer", get(), { untilMs: NEVER_MS });
    sentBy(coap);
    const dueMs = coap.nextWakeMs() ?? 0;
    coap.wake(dueMs - 0.001);
    expect(sentBy(coap)).toEqual([]);
    expect(coap.nextWakeMs()).toBe(dueMs);
    coap.wake(dueMs + 50_000);
    expect(sentBy(coap)).toHaveLength(1);
    expect(coap.nextWakeMs()).toBe(dueMs + 50_000 + 2 * dueMs);
  });

  test("ends with its piggybacked answer", () => {
    const coap = endpoint();
    const request = coap.request(0, "peer", get(), { untilMs: NEVER_MS });
    const { messageId, tokenHex } = sentMessage(coap);
    const answer = message("ACK", messageId, tokenHex, content(fromText("22.3 C")));
    coap.receive(100, "peer", answer);
    expect(eventsOf(coap)).toEqual([
      { kind: "answer", request, from: "peer", message: decoded(answer) },
      { kind: "ended", request, reason: "answered" },
    ]);
    expect(coap.nextWakeMs()).toBeUndefined();
    coap.receive(101, "peer", answer);
    expect(eventsOf(coap)).toEqual([]);
    expect(coap.counters.refused.unknown).toBe(1);
  });

  test("takes a piggybacked answer only with its own Message ID, token and station", () => {
    const coap = endpoint();
    coap.request(0, "peer", get(), { untilMs: NEVER_MS });
    const { messageId, tokenHex } = sentMessage(coap);
    coap.receive(1, "peer", message("ACK", messageId ^ 1, tokenHex, content()));
    coap.receive(1, "peer", message("ACK", messageId, `${tokenHex}00`, content()));
    coap.receive(1, "peer", message("ACK", messageId, "", content()));
    coap.receive(1, "other", message("ACK", messageId, tokenHex, content()));
    expect(eventsOf(coap)).toEqual([]);
    expect(sentBy(coap)).toEqual([]);
    expect(coap.counters.refused.unknown).toBe(4);
    coap.receive(1, "peer", message("ACK", messageId, tokenHex, content()));
    expect(eventsOf(coap)).toHaveLength(2);
  });

  test("waits, after an empty ACK, for the separate answer, and acknowledges each copy of that", () => {
    const coap = endpoint();
    const request = coap.request(0, "peer", get(), { untilMs: 60_000 });
    const { messageId, tokenHex } = sentMessage(coap);
    coap.receive(100, "peer", empty("ACK", messageId));
    expect(coap.nextWakeMs()).toBe(60_000);
    const answer = message("CON", 0xad7b, tokenHex, content(fromText("22.3 C")));
    coap.receive(20_000, "peer", answer);
    expect(eventsOf(coap)).toEqual([
      { kind: "answer", request, from: "peer", message: decoded(answer) },
      { kind: "ended", request, reason: "answered" },
    ]);
    expect(sentBy(coap)).toEqual(["6000ad7b"]);
    coap.receive(22_000, "peer", answer);
    expect(sentBy(coap)).toEqual(["6000ad7b"]);
    expect(eventsOf(coap)).toEqual([]);
    expect(coap.counters).toMatchObject({ duplicates: 1, retransmissions: 0 });
    coap.receive(23_000, "other", answer);
    expect(sentBy(coap)).toEqual(["7000ad7b"]);
    coap.receive(20_000 + exchangeLifetimeMs(IP), "peer", answer);
    expect(sentBy(coap)).toEqual(["7000ad7b"]);
  });

  test("takes a separate answer that overtakes the ACK, confirmable or not", () => {
    for (const type of ["CON", "NON"] as const) {
      const coap = endpoint();
      coap.request(0, "peer", get(), { untilMs: NEVER_MS });
      const { messageId, tokenHex } = sentMessage(coap);
      coap.receive(1, "peer", message(type, 7, tokenHex, content()));
      expect(eventsOf(coap)).toMatchObject([{ kind: "answer" }, { kind: "ended", reason: "answered" }]);
      expect(sentBy(coap)).toEqual(type === "CON" ? ["60000007"] : []);
      coap.receive(2, "peer", empty("ACK", messageId));
      expect(eventsOf(coap)).toEqual([]);
      expect(coap.nextWakeMs()).toBeUndefined();
    }
  });

  test("ends when it is reset, but not after it was acknowledged", () => {
    const coap = endpoint();
    const request = coap.request(0, "peer", get(), { untilMs: NEVER_MS });
    const { messageId } = sentMessage(coap);
    coap.receive(1, "other", empty("RST", messageId));
    expect(eventsOf(coap)).toEqual([]);
    coap.receive(1, "peer", empty("RST", messageId));
    expect(eventsOf(coap)).toEqual([{ kind: "ended", request, reason: "reset" }]);

    coap.request(0, "peer", get(), { untilMs: NEVER_MS });
    const second = sentMessage(coap);
    coap.receive(1, "peer", empty("ACK", second.messageId));
    coap.receive(1, "peer", empty("RST", second.messageId));
    expect(eventsOf(coap)).toEqual([]);
  });

  test("is cancelled once, and a late confirmable answer to it is reset", () => {
    const coap = endpoint();
    const request = coap.request(0, "peer", get(), { untilMs: NEVER_MS }) ?? 0;
    const { tokenHex } = sentMessage(coap);
    coap.cancel(request);
    coap.cancel(request);
    expect(eventsOf(coap)).toEqual([{ kind: "ended", request, reason: "cancelled" }]);
    expect(coap.nextWakeMs()).toBeUndefined();
    coap.receive(1, "peer", message("CON", 0x0102, tokenHex, content()));
    coap.receive(1, "peer", message("NON", 0x0103, tokenHex, content()));
    expect(sentBy(coap)).toEqual(["70000102"]);
    expect(coap.counters.refused.late).toBe(2);
  });

  test("with a code that is none of a request is a bug and throws", () => {
    expect(() => endpoint().request(0, "peer", content(), { untilMs: 1 })).toThrow("2.05 is no request");
    const none = { ...get(), code: CODE.empty };
    expect(() => endpoint().request(0, "peer", none, { untilMs: 1 })).toThrow("0.00 is no request");
  });
});

describe("a non-confirmable request", () => {
  test("is sent once and waits for its answer until its time is over", () => {
    const coap = endpoint();
    const request = coap.request(0, "peer", get(), { confirmable: false, untilMs: 5000 });
    expect(sentMessage(coap).type).toBe("NON");
    expect(coap.nextWakeMs()).toBe(5000);
    expect(runAlone(coap)).toEqual([]);
    expect(eventsOf(coap)).toEqual([{ kind: "ended", request, reason: "timeout" }]);
  });

  test("is answered or reset like any other", () => {
    const coap = endpoint();
    coap.request(0, "peer", get(), { confirmable: false, untilMs: 5000 });
    coap.receive(1, "peer", message("NON", 9, sentMessage(coap).tokenHex, content()));
    expect(eventsOf(coap)).toMatchObject([{ kind: "answer" }, { kind: "ended", reason: "answered" }]);
    coap.request(0, "peer", get(), { confirmable: false, untilMs: 5000 });
    coap.receive(1, "peer", empty("RST", sentMessage(coap).messageId));
    expect(eventsOf(coap)).toMatchObject([{ kind: "ended", reason: "reset" }]);
  });
});

describe("a request for many answers", () => {
  test("tells each answer once, acknowledges each copy, and ends when its time is over", () => {
    const coap = endpoint();
    const request = coap.request(0, "dap", get(), { answers: "many", untilMs: 30_000 });
    const { messageId, tokenHex } = sentMessage(coap);
    coap.receive(10, "dap", empty("ACK", messageId));
    for (const id of [1, 2, 2, 3, 1]) {
      coap.receive(100, "dap", message("CON", id, tokenHex, content(Uint8Array.of(id))));
    }
    coap.receive(100, "dap", message("NON", 4, tokenHex, content(Uint8Array.of(4))));
    coap.receive(100, "dap", message("NON", 4, tokenHex, content(Uint8Array.of(4))));
    expect(sentBy(coap)).toEqual(["60000001", "60000002", "60000002", "60000003", "60000001"]);
    const answers = eventsOf(coap).map((event) => event.kind === "answer" && event.message.messageId);
    expect(answers).toEqual([1, 2, 3, 4]);
    expect(coap.nextWakeMs()).toBe(30_000);
    coap.wake(30_000);
    expect(eventsOf(coap)).toEqual([{ kind: "ended", request, reason: "answered" }]);
  });

  test("takes a piggybacked answer as the first of them, once", () => {
    const coap = endpoint();
    coap.request(0, "dap", get(), { answers: "many", untilMs: 30_000 });
    const { messageId, tokenHex } = sentMessage(coap);
    coap.receive(10, "dap", message("ACK", messageId, tokenHex, content(Uint8Array.of(1))));
    coap.receive(11, "dap", message("ACK", messageId, tokenHex, content(Uint8Array.of(1))));
    coap.receive(12, "dap", message("NON", 1, tokenHex, content(Uint8Array.of(2))));
    expect(eventsOf(coap)).toMatchObject([{ kind: "answer" }, { kind: "answer" }]);
    expect(coap.nextWakeMs()).toBe(30_000);
  });

  test("that nobody answers times out", () => {
    const coap = endpoint();
    const request = coap.request(0, "dap", get(), { answers: "many", untilMs: 30_000 });
    coap.receive(10, "dap", empty("ACK", sentMessage(coap).messageId));
    coap.wake(30_000);
    expect(eventsOf(coap)).toEqual([{ kind: "ended", request, reason: "timeout" }]);
  });

  test("takes a restarted peer's answer that has an old one's Message ID", () => {
    const coap = endpoint();
    for (const _ of [1, 2]) {
      coap.request(0, "peer", get(), { untilMs: NEVER_MS });
      coap.receive(1, "peer", message("CON", 77, sentMessage(coap).tokenHex, content()));
      expect(eventsOf(coap)).toHaveLength(2);
      expect(sentBy(coap)).toEqual(["6000004d"]);
    }
  });
});

test("of the answers taken, the last 256 are remembered", () => {
  const taken = new TakenAnswers(1000, 256);
  const answer = (id: number) => decoded(message("CON", id, "01", content()));
  for (let id = 0; id < 1000; id++) taken.add(0, "peer", answer(id));
  const known = Array.from({ length: 1000 }, (_, id) => id).filter((id) => taken.has(0, "peer", answer(id)));
  expect(known).toEqual(Array.from({ length: 256 }, (_, i) => 744 + i));
});

describe("tokens and Message IDs", () => {
  test("a token is one byte and does not come round again within 256 requests", () => {
    const coap = endpoint();
    const tokens: string[] = [];
    for (let i = 0; i < 256; i++) {
      const request = coap.request(i, "peer", get(), { untilMs: NEVER_MS }) ?? 0;
      tokens.push(sentMessage(coap).tokenHex);
      coap.cancel(request);
    }
    expect(new Set(tokens).size).toBe(256);
    expect(tokens.every((token) => token.length === 2)).toBe(true);
  });

  test("a token passes over those of requests that are still open", () => {
    const coap = endpoint();
    coap.request(0, "peer", get(), { untilMs: NEVER_MS });
    const held = sentMessage(coap).tokenHex;
    for (let i = 0; i < 600; i++) {
      const request = coap.request(0, "peer", get(), { untilMs: NEVER_MS }) ?? 0;
      expect(sentMessage(coap).tokenHex).not.toBe(held);
      coap.cancel(request);
    }
  });

  test("256 open requests differ in token and Message ID, and one more is refused as busy", () => {
    const coap = endpoint();
    const ids: (number | undefined)[] = [];
    const seen = new Set<string>();
    const messageIds = new Set<number>();
    for (let i = 0; i < 256; i++) {
      ids.push(coap.request(0, "peer", get(), { untilMs: NEVER_MS }));
      const sent = sentMessage(coap);
      seen.add(sent.tokenHex);
      messageIds.add(sent.messageId);
    }
    expect([new Set(ids).size, seen.size, messageIds.size]).toEqual([256, 256, 256]);
    expect(coap.request(0, "peer", get(), { untilMs: NEVER_MS })).toBeUndefined();
    expect(sentBy(coap)).toEqual([]);
    coap.cancel(ids[0] ?? 0);
    expect(coap.request(0, "peer", get(), { untilMs: NEVER_MS })).toBeDefined();
  });

  test("with many requests open longer tokens keep a short one from coming back soon", () => {
    const coap = endpoint();
    for (let i = 0; i < 200; i++) coap.request(0, "peer", get(), { untilMs: NEVER_MS });
    sentBy(coap);
    const tokens = new Set<string>();
    for (let i = 0; i < 1000; i++) {
      const request = coap.request(0, "peer", get(), { untilMs: NEVER_MS }) ?? 0;
      tokens.add(sentMessage(coap).tokenHex);
      coap.cancel(request);
      eventsOf(coap);
    }
    expect(tokens.size).toBe(1000);
  });

  test("a token has the length that is asked for", () => {
    const coap = endpoint();
    for (const tokenBytes of [1, 2, 3, 4] as const) {
      coap.request(0, "peer", get(), { tokenBytes, untilMs: NEVER_MS });
      expect(sentMessage(coap).token).toHaveLength(tokenBytes);
    }
  });

  test("start anywhere, by the endpoint's own chance", () => {
    const first = (seed: number) => {
      const coap = endpoint(IP, seed);
      coap.request(0, "peer", get(), { untilMs: NEVER_MS });
      return sentBy(coap)[0];
    };
    expect(new Set(Array.from({ length: 20 }, (_, seed) => first(seed))).size).toBe(20);
    expect(first(3)).toBe(first(3));
  });

  test("a Message ID goes from 65535 to 0", () => {
    const coap = endpoint();
    let previous: number | undefined;
    for (let i = 0; i < 0x10001; i++) {
      coap.cancel(coap.request(0, "peer", get(), { untilMs: NEVER_MS }) ?? 0);
      coap.nextEvent();
      const { bytes } = coap.nextDatagram() ?? { bytes: hex("") };
      const messageId = ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
      if (previous !== undefined && messageId !== (previous + 1) % 0x10000) throw new Error(`${messageId}`);
      previous = messageId;
    }
  });
});

describe("on a half-duplex line", () => {
  const RS485 = { ...LINE_9600, mtuBytes: 1024, halfDuplex: true };

  test("nothing is repeated while the longest answer could still be on the line", () => {
    const coap = endpoint(RS485);
    coap.request(0, "meter", get(), { untilMs: NEVER_MS });
    const bytes = hex(sentBy(coap)[0] ?? "").length;
    expect(ackTimeoutMs(RS485, bytes) * 1.5).toBeLessThan(answerWindowMs(RS485, bytes));
    const [firstAgainMs] = runAlone(coap);
    expect(firstAgainMs).toBe(answerWindowMs(RS485, bytes));
  });

  test("repetitions of several requests keep clear of each other's answers", () => {
    const coap = endpoint(RS485);
    for (const meter of ["a", "b", "c"]) coap.request(0, meter, get(), { untilMs: NEVER_MS });
    const bytes = hex(sentBy(coap)[0] ?? "").length;
    const sentAtMs = runAlone(coap);
    expect(sentAtMs).toHaveLength(12);
    for (let i = 1; i < sentAtMs.length; i++) {
      const apartMs = (sentAtMs[i] ?? 0) - (sentAtMs[i - 1] ?? 0);
      expect(apartMs).toBeGreaterThanOrEqual(answerWindowMs(RS485, bytes) - 1e-6);
    }
  });
});
