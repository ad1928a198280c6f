import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromText, toHex } from "../../../../firmware/protocol/bytes.ts";
import type { CoapEndpoint } from "../../../../firmware/protocol/coap/exchange.ts";
import { type CoapContent, OPTION } from "../../../../firmware/protocol/coap/message.ts";
import { answerWindowMs } from "../../../../firmware/protocol/coap/timing.ts";
import { content, decoded, empty, endpoint, eventsOf, get, LINE_9600, message, sentBy } from "./helpers.ts";

const RS485 = { ...LINE_9600, mtuBytes: 512, halfDuplex: true, addressing: "uri-host" } as const;
const NEVER_MS = Number.MAX_SAFE_INTEGER;

function to(host: string): CoapContent {
  return {
    ...get(),
    options: [{ number: OPTION.uriHost, value: fromText(host) }, ...get().options],
  };
}

const ask = (coap: CoapEndpoint, host: string, untilMs = NEVER_MS, confirmable = true, nowMs = 0) =>
  coap.request(nowMs, "line", to(host), { untilMs, confirmable }) ?? 0;

/** What is sent now, with its bytes. */
function sent(coap: CoapEndpoint) {
  return sentBy(coap).map((hex) => {
    const bytes = Uint8Array.from(Buffer.from(hex, "hex"));
    const request = decoded(bytes);
    const host = request.options.find(({ number }) => number === OPTION.uriHost)?.value ?? fromText("");
    return { host: new TextDecoder().decode(host), request, bytes };
  });
}

const answerTo = ({ messageId, token }: { messageId: number; token: Uint8Array }) =>
  message("ACK", messageId, toHex(token), content());

interface PlannedAsk {
  readonly atMs: number;
  readonly host: string;
  readonly isDead: boolean;
}

/** Asks as planned, and answers all that are not dead; no request may begin before the line is free. */
function play(inOrder: readonly PlannedAsk[], answersAfterMs: number) {
  const coap = endpoint(RS485);
  const waiting = [...inOrder];
  const copies: number[] = [];
  let firstId: number | undefined;
  let answer: { readonly atMs: number; readonly bytes: Uint8Array } | undefined;
  let freeMs = 0;
  const take = (nowMs: number) => {
    for (const { request, bytes } of sent(coap)) {
      expect(nowMs).toBeGreaterThanOrEqual(freeMs);
      firstId ??= request.messageId;
      const index = (request.messageId - firstId) & 0xffff;
      copies[index] = (copies[index] ?? 0) + 1;
      freeMs = nowMs + answerWindowMs(RS485, bytes.length);
      if (inOrder[index]?.isDead) continue;
      freeMs = nowMs + answersAfterMs;
      answer = { atMs: freeMs, bytes: answerTo(request) };
    }
  };
  for (;;) {
    const dueMs = [waiting[0]?.atMs, answer?.atMs, coap.nextWakeMs()].map((ms) => ms ?? NEVER_MS);
    const nowMs = Math.min(...dueMs);
    if (nowMs === NEVER_MS) break;
    if (answer?.atMs === nowMs) {
      const { bytes } = answer;
      answer = undefined;
      coap.receive(nowMs, "line", bytes);
    } else if (waiting[0]?.atMs === nowMs) ask(coap, waiting.shift()?.host ?? "", NEVER_MS, true, nowMs);
    else coap.wake(nowMs);
    take(nowMs);
  }
  return { copies, ended: eventsOf(coap).filter(({ kind }) => kind === "ended").length };
}

describe("on a line that all share", () => {
  test("one asks at a time, in the order of asking, and the next at once when the answer came", () => {
    const coap = endpoint(RS485);
    for (const host of ["a", "b", "c"]) ask(coap, host);
    for (const [i, host] of ["a", "b", "c"].entries()) {
      const [only, ...more] = sent(coap);
      expect([only?.host, more]).toEqual([host, []]);
      if (only !== undefined) coap.receive(10 * i, "line", answerTo(only.request));
    }
    expect(coap.stationRecords).toEqual([]);
  });

  test("after silence the next asks when the longest answer could have come, and the copy waits for its turn", () => {
    const coap = endpoint(RS485);
    ask(coap, "a");
    ask(coap, "b");
    const [first] = sent(coap);
    const windowMs = answerWindowMs(RS485, first?.bytes.length ?? 0);
    expect(coap.nextWakeMs()).toBe(windowMs);
    coap.wake(windowMs);
    expect(sent(coap).map(({ host }) => host)).toEqual(["b"]);
    coap.wake(2 * windowMs);
    expect(sent(coap).map(({ host }) => host)).toEqual(["a"]);
    expect(coap.stationRecords).toEqual([
      { host: "a", unasked: 0, unanswered: 1 },
      { host: "b", unasked: 0, unanswered: 1 },
    ]);
  });

  test("a NON that nobody answers leaves the line after its window", () => {
    const coap = endpoint(RS485);
    ask(coap, "a", NEVER_MS, false);
    ask(coap, "b");
    const [first] = sent(coap);
    expect(first?.request.type).toBe("NON");
    coap.wake(answerWindowMs(RS485, first?.bytes.length ?? 0));
    expect(sent(coap).map(({ host }) => host)).toEqual(["b"]);
  });

  test("whoever is given up while it waits is not sent, and whoever is given up on the line keeps its window", () => {
    const coap = endpoint(RS485);
    const [a, b] = [ask(coap, "a"), ask(coap, "b")];
    ask(coap, "c");
    const [first] = sent(coap);
    coap.cancel(a);
    coap.cancel(b);
    expect(sent(coap)).toEqual([]);
    coap.wake(answerWindowMs(RS485, first?.bytes.length ?? 0));
    expect(sent(coap).map(({ host }) => host)).toEqual(["c"]);
  });

  test("a request whose time is over while it waits ends without having been sent", () => {
    const coap = endpoint(RS485);
    ask(coap, "a");
    const b = ask(coap, "b", 50);
    sent(coap);
    coap.wake(50);
    expect(eventsOf(coap)).toEqual([{ kind: "ended", request: b, reason: "timeout" }]);
    expect(sent(coap)).toEqual([]);
  });

  test("nothing that comes unasked gets a sign, and it is counted for whoever its token was for", () => {
    const coap = endpoint(RS485);
    ask(coap, "a");
    const [{ request } = { request: decoded(empty("ACK", 0)) }] = sent(coap);
    coap.receive(1, "line", answerTo(request));
    eventsOf(coap);
    coap.receive(2, "line", answerTo(request));
    coap.receive(3, "line", message("CON", 77, toHex(request.token), content()));
    coap.receive(4, "line", message("CON", 78, "ff", content()));
    coap.receive(5, "line", empty("CON", 79));
    expect(sentBy(coap)).toEqual([]);
    expect(coap.stationRecords).toEqual([
      { host: "a", unasked: 2, unanswered: 0 },
      { host: undefined, unasked: 2, unanswered: 0 },
    ]);
  });

  test("a request is acknowledged by its answer alone, however late that is", () => {
    const coap = endpoint(RS485);
    coap.receive(0, "line", message("CON", 5, "0102", to("a")));
    const [event] = eventsOf(coap);
    expect(coap.nextWakeMs()).toBeUndefined();
    coap.wake(60_000);
    expect(sentBy(coap)).toEqual([]);
    if (event?.kind === "request") coap.respond(60_000, event.exchange, content());
    expect(sentBy(coap)).toEqual([toHex(message("ACK", 5, "0102", content()))]);
  });

  test("no two are ever on the line together, whoever answers, and each is asked as often as it should be", () => {
    const asks = fc.array(
      fc.record({ atMs: fc.nat(5000), host: fc.constantFrom("a", "b", "c"), isDead: fc.boolean() }),
      { minLength: 1, maxLength: 12 },
    );
    fc.assert(
      fc.property(asks, fc.integer({ min: 1, max: 400 }), (all, answersAfterMs) => {
        const inOrder = all.toSorted((one, other) => one.atMs - other.atMs);
        const { copies, ended } = play(inOrder, answersAfterMs);
        expect(copies).toEqual(inOrder.map(({ isDead }) => (isDead ? 5 : 1)));
        expect(ended).toBe(all.length);
      }),
      { seed: 6, numRuns: 200 },
    );
  });
});
