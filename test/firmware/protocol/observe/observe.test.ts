// Observe (RFC 7641) inside OSCORE, between two whole ends.
import { describe, expect, test } from "vitest";
import { fromUint, toHex, toUint } from "../../../../firmware/protocol/bytes.ts";
import { bodySizes } from "../../../../firmware/protocol/coap/block.ts";
import { decodeMessage, encodeMessage } from "../../../../firmware/protocol/coap/codec.ts";
import {
  answerWith,
  bareAnswer,
  CODE,
  FORMAT,
  findOption,
  OPTION,
  resourceRequest,
  withOptions,
  withoutOptions,
} from "../../../../firmware/protocol/coap/message.ts";
import { emptyMessage } from "../../../../firmware/protocol/coap/outbox.ts";
import type { Observed } from "../../../../firmware/protocol/observe/observers.ts";
import { readOscoreOption } from "../../../../firmware/protocol/oscore/option.ts";
import { FaultyLink } from "../../../../hal/emulated/faulty-link.ts";
import { SeededRandom } from "../../../../hal/emulated/seeded-random.ts";
import { type SecuredLineOptions, securedLine } from "../../../support/secured-line.ts";

const PERIOD_MS = 10_000;
const HOUR_MS = 3_600_000;

function messageOf(datagram: Uint8Array) {
  const message = decodeMessage(datagram);
  if ("error" in message) throw new Error(message.error);
  return message;
}

/** A number that counts the answers, told each 10 s. */
function counting(more: Partial<Observed> = {}) {
  let count = 0;
  return (): Observed => ({
    answer: () => answerWith(CODE.content, FORMAT.cbor, fromUint(count++)),
    hasNews: () => false,
    atLatestMs: PERIOD_MS,
    atSoonestMs: PERIOD_MS,
    ...more,
  });
}

function observed(options: SecuredLineOptions = {}) {
  const line = securedLine({ observe: counting(), ...options });
  /** The numbers that a watch was told, in the order that it was. */
  const told = (id: number): number[] =>
    line.clientEvents.flatMap((event) =>
      event.kind === "notification" && event.ask === id ? [toUint(event.content.payload)] : [],
    );
  return { ...line, told };
}

/** True for a CON of the meter: a notification, as its answers are ACKs here. */
const isNotification = (datagram: Uint8Array): boolean => messageOf(datagram).type === "CON";

describe("a watch on a good line", () => {
  test("is told at once and then at the fixed period, in order, by messages with numbers of their own", () => {
    const numbers: number[] = [];
    const line = observed({
      tap: (datagram, from) => {
        const option = from === "meter" ? readOscoreOption(messageOf(datagram)) : undefined;
        if (option && "partialIv" in option && option.partialIv) numbers.push(toUint(option.partialIv));
      },
    });
    const id = line.watch();
    line.clock.advanceBy(3.5 * PERIOD_MS);
    expect(line.told(id)).toEqual([0, 1, 2, 3]);
    expect(numbers).toEqual([0, 1, 2, 3]);
    expect(line.clientEvents[0]).toMatchObject({ peer: { id: "M1" }, handshake: { proved: { id: "M1" } } });
  });

  test("shows a stranger the same lengths and times whatever it tells", () => {
    const seen: [number, number][] = [];
    const line = observed({
      tap: (datagram, from) => from === "meter" && seen.push([line.clock.monotonicMs(), datagram.length]),
    });
    line.watch();
    line.clock.advanceBy(4.5 * PERIOD_MS);
    const [, , ...later] = seen;
    expect(later).toHaveLength(4);
    expect(new Set(later.map(([, length]) => length)).size).toBe(1);
    expect(later.map(([atMs]) => atMs).map((atMs, i) => Math.round(atMs - i * PERIOD_MS))).toEqual(
      later.map(() => Math.round(later[0]?.[0] ?? 0)),
    );
  });

  test("has an empty Observe inside and one that counts up outside, for proxies", () => {
    const outer: number[] = [];
    const line = observed({
      tap: (datagram, from) => {
        const option = findOption(messageOf(datagram), OPTION.observe);
        if (from === "meter" && option !== undefined) outer.push(toUint(option));
      },
    });
    line.watch();
    line.clock.advanceBy(2.5 * PERIOD_MS);
    expect(outer).toEqual([0, 1, 2]);
    const [first] = line.clientEvents;
    const content = first?.kind === "notification" ? first.content : undefined;
    expect(content && findOption(content, OPTION.observe)).toEqual(new Uint8Array(0));
  });

  test("is told of news sooner than of none, but not sooner than some seconds after the time before", () => {
    let news = 0;
    const line = observed({
      observe: () => ({
        answer: () => answerWith(CODE.content, FORMAT.cbor, fromUint(news--)),
        hasNews: () => news > 0,
        atLatestMs: HOUR_MS,
        atSoonestMs: 5000,
      }),
    });
    const id = line.watch();
    line.clock.advanceBy(60_000);
    expect(line.told(id)).toHaveLength(1);
    news = 3;
    line.ask(Uint8Array.of(0)); // wakes the meter, as a poll does
    line.clock.advanceBy(100);
    expect(line.told(id)).toHaveLength(2);
    line.clock.advanceBy(4000);
    expect(line.told(id)).toHaveLength(2);
    line.clock.advanceBy(60_000);
    expect(line.told(id).slice(1)).toEqual([3, 2, 1]);
  });

  test("ends when it is stopped: the meter is told, and sends nothing more", () => {
    let sent = 0;
    const line = observed({ tap: (_, from) => from === "meter" && sent++ });
    const id = line.watch();
    line.clock.advanceBy(1.5 * PERIOD_MS);
    line.unwatch(id);
    line.clock.advanceBy(1000);
    const before = sent;
    line.clock.advanceBy(HOUR_MS);
    expect(sent).toBe(before);
    expect(line.clientEvents.every(({ kind }) => kind === "notification")).toBe(true);
  });

  test("leaves a line free for other asks", () => {
    const line = observed({ traits: { bitsPerSecond: 9600, bitsPerByte: 10 } });
    const id = line.watch();
    line.clock.advanceBy(PERIOD_MS / 2);
    for (let i = 0; i < 5; i++) expect(line.ask(Uint8Array.of(i))).toMatchObject({ kind: "answer" });
    line.clock.advanceBy(PERIOD_MS);
    expect(line.told(id).length).toBeGreaterThan(1);
  });

  test("goes on for days, as it renews before a registration's 24 hours are over", () => {
    const line = observed({ observe: counting({ atLatestMs: HOUR_MS }) });
    const id = line.watch();
    line.clock.advanceBy(80.5 * HOUR_MS);
    const told = line.told(id);
    expect(told.length).toBeGreaterThanOrEqual(81);
    expect(told).toEqual(told.map((_, i) => i));
    expect(line.clientEvents.filter(({ kind }) => kind !== "notification")).toEqual([]);
  });
});

describe("a watch that gets no notifications", () => {
  test("of what cannot be observed ends with the plain answer", () => {
    const line = observed({ observe: () => undefined });
    line.watch();
    line.clock.advanceBy(1000);
    expect(line.clientEvents).toMatchObject([{ kind: "answer", content: { code: CODE.content } }]);
  });

  test("gets the Max-Age that its resource gave the plain answer", () => {
    const answer = answerWith(CODE.content, FORMAT.cbor, Uint8Array.of(7));
    const aged = withOptions(answer, { number: OPTION.maxAge, value: fromUint(5) });
    const line = observed({ serve: () => aged, observe: () => undefined });
    line.watch();
    line.clock.advanceBy(1000);
    expect(line.clientEvents).toMatchObject([{ kind: "answer", content: aged }]);
  });

  test("ends with the error that its resource gives later on", () => {
    let isBroken = false;
    const line = observed({
      observe: () => ({
        ...counting()(),
        answer: () => (isBroken ? bareAnswer(CODE.serviceUnavailable) : bareAnswer(CODE.content)),
      }),
    });
    line.watch();
    line.clock.advanceBy(1000);
    isBroken = true;
    line.clock.advanceBy(3 * PERIOD_MS);
    expect(line.clientEvents).toMatchObject([
      { kind: "notification" },
      { kind: "answer", content: { code: CODE.serviceUnavailable } },
    ]);
  });

  test("ends by an error where what there is to tell became too long for one message", () => {
    let length = 1;
    const answer = () => answerWith(CODE.content, FORMAT.cbor, new Uint8Array(length));
    const line = observed({ observe: () => ({ ...counting()(), answer }) });
    line.watch();
    line.clock.advanceBy(1000);
    length = bodySizes({ mtuBytes: 1152 } as never).wholeBytesMax + 1;
    line.clock.advanceBy(2 * PERIOD_MS);
    expect(line.clientEvents.at(-1)).toMatchObject({ content: { code: CODE.internalServerError } });
  });

  test("ends by a timeout where nobody is there any more", () => {
    let isCut = false;
    const line = observed({ between: (datagram) => (isCut ? [] : [datagram]) });
    const id = line.watch();
    line.clock.advanceBy(1.5 * PERIOD_MS);
    isCut = true;
    line.clock.advanceBy(120_000);
    expect(line.told(id)).toEqual([0, 1]);
    expect(line.clientEvents.at(-1)).toEqual({ kind: "failed", ask: id, reason: "timeout" });
  });

  test("where a proxy took the outer Observe away is answered once", () => {
    const line = observed({
      between: (datagram) => {
        const message = messageOf(datagram);
        return [encodeMessage({ ...message, ...withoutOptions(message, OPTION.observe) })];
      },
    });
    line.watch();
    line.clock.advanceBy(HOUR_MS);
    expect(line.clientEvents).toMatchObject([{ kind: "answer" }]);
  });
});

describe("a registration at the meter", () => {
  test("ends when nobody acknowledges: after the last copy the meter is silent", () => {
    let isCut = false;
    let sent = 0;
    const line = observed({
      tap: (_, from) => from === "meter" && sent++,
      between: (datagram, from) => (isCut && from === "head-end" ? [] : [datagram]),
    });
    line.watch();
    line.clock.advanceBy(1000);
    isCut = true;
    const before = sent;
    line.clock.advanceBy(HOUR_MS);
    // One notification and its four copies.
    expect(sent - before).toBe(5);
  });

  test("that nobody acknowledges holds up no other (obgm/libcoap#1907)", () => {
    let silent: string | undefined;
    const line = observed({
      between(datagram, from) {
        const token = toHex(messageOf(datagram).token);
        if (from === "meter" && isNotification(datagram)) silent ??= token;
        return token === silent ? [] : [datagram];
      },
    });
    line.watch();
    line.clock.advanceBy(2000);
    const heard = line.watch();
    line.clock.advanceBy(PERIOD_MS + 500);
    // While copies of the first one's are still being sent.
    expect(silent).toBeDefined();
    expect(line.told(heard)).toHaveLength(2);
  });

  test("ends when the head-end has forgotten it, by the RST to the next notification", () => {
    let sent = 0;
    const line = observed({ tap: (_, from) => from === "meter" && sent++ });
    line.watch();
    line.clock.advanceBy(1000);
    line.restartHeadEnd();
    const before = sent;
    line.clock.advanceBy(HOUR_MS);
    expect(sent - before).toBe(1);
  });

  test("ends with its session: a fifth one of its head-end pushes the oldest out", () => {
    let sent = 0;
    const line = observed({ tap: (_, from) => from === "meter" && sent++ });
    line.watch();
    line.clock.advanceBy(1000);
    for (let i = 0; i < 4; i++) {
      line.restartHeadEnd();
      line.askLater(Uint8Array.of(i));
      line.clock.advanceBy(1000);
    }
    const before = sent;
    line.clock.advanceBy(HOUR_MS);
    expect(sent - before).toBe(0);
  });

  test("is one of at most eight of a session: the ninth is answered once, and the others go on", () => {
    const line = observed();
    const ids = Array.from({ length: 9 }, () => line.watch());
    line.clock.advanceBy(2.5 * PERIOD_MS);
    expect(ids.map((id) => line.told(id).length)).toEqual([3, 3, 3, 3, 3, 3, 3, 3, 0]);
    expect(line.clientEvents.filter(({ kind }) => kind === "answer")).toMatchObject([{ ask: ids[8] }]);
  });

  test("is one of at most sixteen of a head-end, whatever sessions it has", () => {
    // With this seed no token of one start is one of another, which would take the place of its registration.
    const line = observed({ seed: 3 });
    for (let session = 0; session < 3; session++) {
      if (session > 0) line.restartHeadEnd();
      for (let i = 0; i < 8; i++) line.watch();
      line.clock.advanceBy(1000);
    }
    const count = (wanted: string) => line.clientEvents.filter(({ kind }) => kind === wanted).length;
    expect([count("notification"), count("answer")]).toEqual([16, 8]);
  });

  test("gives its place to another one when it ends", () => {
    const line = observed();
    const ids = Array.from({ length: 8 }, () => line.watch());
    line.clock.advanceBy(1000);
    line.unwatch(ids[3] as number);
    line.clock.advanceBy(1000);
    const next = line.watch();
    line.clock.advanceBy(1.5 * PERIOD_MS);
    expect(line.told(next).length).toBe(2);
  });
});

describe("whoever loses its memory", () => {
  test("a meter that starts anew is watched on, after a new handshake", () => {
    const line = observed();
    const id = line.watch();
    line.clock.advanceBy(2.5 * PERIOD_MS);
    line.restartMeter();
    line.clock.advanceBy(5 * PERIOD_MS);
    expect(line.told(id).length).toBeGreaterThan(4);
    expect(line.serverEvents.filter(({ kind }) => kind === "session")).toHaveLength(2);
    expect(line.clientEvents.every(({ kind }) => kind === "notification")).toBe(true);
  });

  test("a head-end that starts anew watches anew, and no old notification disturbs it", () => {
    const line = observed();
    line.watch();
    line.clock.advanceBy(1.5 * PERIOD_MS);
    line.restartHeadEnd();
    const before = line.clientEvents.length;
    line.watch();
    line.clock.advanceBy(3.5 * PERIOD_MS);
    const events = line.clientEvents.slice(before);
    expect(events).toHaveLength(4);
    expect(events.every(({ kind }) => kind === "notification")).toBe(true);
  });
});

describe("whoever stands in the middle", () => {
  test("a notification that is sent again, under its own Message ID or another, is told once", () => {
    let messageId = 0x7000;
    const line = observed({
      between: (datagram, from) => {
        if (from !== "meter" || !isNotification(datagram)) return [datagram];
        const again = encodeMessage({ ...messageOf(datagram), messageId: messageId++ });
        return [datagram, datagram, again, { bytes: again, forMs: 3 * PERIOD_MS }];
      },
    });
    const id = line.watch();
    line.clock.advanceBy(6.5 * PERIOD_MS);
    expect(line.told(id)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  test("one that is held until a newer one was told is dropped, though its acknowledgement was forged", () => {
    let isHeld = false;
    const line = observed({
      observe: counting({ hasNews: () => true, atLatestMs: HOUR_MS, atSoonestMs: 5000 }),
      between: (datagram, from) => {
        if (from !== "meter" || isHeld || !isNotification(datagram)) return [datagram];
        isHeld = true;
        const acknowledgement = emptyMessage("ACK", messageOf(datagram).messageId);
        line.clock.after(1, () => line.inject(acknowledgement));
        return [{ bytes: datagram, forMs: 7500 }];
      },
    });
    const id = line.watch();
    line.clock.advanceBy(22_500);
    expect(line.told(id)).toEqual([0, 2, 3, 4]);
  });

  test("a forged RST does not end what the head-end acknowledges, and nor does a forged notification", () => {
    const line = observed({
      between: (datagram, from) => {
        const { type, messageId, token } = messageOf(datagram);
        const forged = { messageId, token, options: [], payload: new Uint8Array(0) };
        if (from === "head-end" && type === "ACK") {
          const reset = { ...forged, type: "RST" as const, code: CODE.empty, token: forged.payload };
          return [encodeMessage(reset), datagram];
        }
        if (from === "meter" && type === "CON") {
          const lie = {
            ...forged,
            type: "NON" as const,
            messageId: messageId ^ 0x5555,
            code: CODE.unauthorized,
          };
          return [encodeMessage(lie), datagram];
        }
        return [datagram];
      },
    });
    const id = line.watch();
    line.clock.advanceBy(4.5 * PERIOD_MS);
    expect(line.told(id)).toEqual([0, 1, 2, 3, 4]);
  });

  test("a registration that is sent again registers nobody", () => {
    let registration: Uint8Array | undefined;
    let sent = 0;
    const line = observed({
      tap: (_, from) => from === "meter" && sent++,
      between: (datagram, from) => {
        const isFirst = from === "head-end" && findOption(messageOf(datagram), OPTION.observe) !== undefined;
        if (isFirst) registration ??= datagram;
        return [datagram];
      },
    });
    const id = line.watch();
    line.clock.advanceBy(1000);
    line.unwatch(id);
    line.clock.advanceBy(1000);
    const copy = messageOf(registration ?? new Uint8Array(0));
    sent = 0;
    line.inject(encodeMessage({ ...copy, messageId: copy.messageId ^ 0x0f0f }));
    line.clock.advanceBy(HOUR_MS);
    expect(sent).toBe(1);
    expect(line.serverEvents.at(-1)).toMatchObject({ kind: "refused" });
  });
});

describe("on lines that lose, double and reorder", () => {
  const runs = Array.from({ length: 12 }, (_, seed) => seed);

  test("what is told is in order and never twice, and the watch ends only by stopping it", () => {
    for (const seed of runs) {
      const random = new SeededRandom(`observe ${seed}`);
      const line = observed({
        seed,
        traits: { bitsPerSecond: 9600, bitsPerByte: 10 },
        wrap: (link, clock) =>
          new FaultyLink(link, clock, random.fork("line"), {
            lose: 0.1,
            repeat: 0.1,
            reorder: 0.1,
            reorderDelayMs: 700,
          }),
      });
      const id = line.watch(resourceRequest(CODE.get, "r"), 60_000);
      line.clock.advanceBy(60 * PERIOD_MS);
      const told = line.told(id);
      expect(told).toEqual([...new Set(told)].sort((a, b) => a - b));
      expect(told.length).toBeGreaterThan(40);
      expect(line.clientEvents.filter(({ kind }) => kind !== "notification")).toEqual([]);
    }
  });
});
