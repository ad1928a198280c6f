import { describe, expect, test } from "vitest";
import { concat, equal, fromText, toHex } from "../../../firmware/protocol/bytes.ts";
import { decodeMessage, encodeMessage } from "../../../firmware/protocol/coap/codec.ts";
import { CODE, findOption, OPTION } from "../../../firmware/protocol/coap/message.ts";
import { FaultyLink } from "../../../hal/emulated/faulty-link.ts";
import { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { identity, securedLine } from "../../support/secured-line.ts";

const BODY = Uint8Array.of(0x81, 0x00);

function messageOf(datagram: Uint8Array) {
  const message = decodeMessage(datagram);
  if ("error" in message) throw new Error(message.error);
  return message;
}

describe("a head-end and a meter that know each other", () => {
  test("the first ask runs a handshake in two round trips and is answered with the second", () => {
    let datagrams = 0;
    const line = securedLine({ tap: () => datagrams++ });
    expect(line.ask(BODY)).toMatchObject({ kind: "answer", content: { code: CODE.content, payload: BODY } });
    expect(datagrams).toBe(4);
    expect(line.served).toEqual(["H"]);
    expect(line.serverEvents).toMatchObject([{ kind: "session", peer: { id: "H" } }]);
  });

  test("a handshake by one-byte kids takes 48, 53 and 20 bytes of CoAP, and only the first ask needs one", () => {
    const line = securedLine();
    expect(line.ask(BODY)).toMatchObject({
      handshake: { message1Bytes: 48, message2Bytes: 53, message3AddedBytes: 20 },
    });
    expect(line.ask(BODY)).not.toHaveProperty("handshake");
  });

  test("a body is on the line in neither direction, and nor is any name", () => {
    const seen: string[] = [];
    const line = securedLine({ tap: (datagram) => seen.push(toHex(datagram)) });
    const secret = fromText("one very recognisable reading");
    line.ask(secret);
    line.ask(secret);
    expect(seen.length).toBe(6);
    for (const datagram of seen) {
      expect(datagram).not.toContain(toHex(secret));
      expect(datagram).not.toContain(toHex(fromText("M1")));
    }
  });

  test("the same seed gives the same bytes on the line, another seed others", () => {
    const record = (seed: number): string[] => {
      const seen: string[] = [];
      const line = securedLine({ seed, tap: (datagram) => seen.push(toHex(datagram)) });
      line.ask(BODY);
      line.ask(BODY);
      return seen;
    };
    expect(record(7)).toEqual(record(7));
    expect(record(7)).not.toEqual(record(8));
  });

  test("asks made while a handshake is under way wait for it and share its session", () => {
    const line = securedLine();
    const ids = [1, 2, 3, 4, 5].map(() => line.askLater(BODY));
    line.clock.advanceBy(5000);
    expect(line.clientEvents.map((event) => [event.ask, event.kind])).toEqual(
      ids.map((id) => [id, "answer"]),
    );
    expect(line.serverEvents.filter(({ kind }) => kind === "session")).toHaveLength(1);
  });

  test("a hundred asks at once are all answered, though the replay window takes thirty-two", () => {
    const line = securedLine({ traits: { bitsPerSecond: 9600, bitsPerByte: 10 } });
    line.ask(BODY);
    const ids = Array.from({ length: 100 }, () => line.askLater(BODY, 60_000));
    line.clock.advanceBy(60_000);
    const answered = line.clientEvents.filter(({ kind }) => kind === "answer").map(({ ask }) => ask);
    expect(new Set(answered)).toEqual(new Set([1, ...ids]));
    expect(line.serverEvents.filter(({ kind }) => kind === "refused")).toEqual([]);
  });

  test("after the meter lost its memory the next ask begins a new handshake by itself", () => {
    const line = securedLine();
    line.ask(BODY);
    line.restartMeter();
    expect(line.ask(BODY)).toMatchObject({ kind: "answer" });
    expect(line.serverEvents.filter(({ kind }) => kind === "session")).toHaveLength(2);
  });

  test("any number of handshakes by one head-end never runs out of identifiers", () => {
    const meter = identity("meter", "M1");
    for (let run = 0; run < 3; run++) {
      const line = securedLine({ meter, seed: run });
      for (let i = 0; i < 60; i++) {
        // Another expectation is another session to the client, and one more to the meter.
        expect(line.ask(BODY, i % 2 === 0 ? {} : { expect: "M1" })).toMatchObject({ kind: "answer" });
      }
    }
  });
});

describe("a head-end or meter that is not known", () => {
  test("a head-end that the meter does not know is refused without a word, and no handler runs", () => {
    const answers: Uint8Array[] = [];
    const line = securedLine({
      served: [identity("head-end", "another")],
      tap: (datagram, from) => from === "meter" && answers.push(datagram),
    });
    expect(line.ask(BODY)).toMatchObject({ kind: "failed", reason: "refused" });
    expect(line.served).toEqual([]);
    // It tries twice: a meter that lost a handshake with its supply says no more than this either.
    expect(answers).toHaveLength(4);
    const refusal = messageOf(answers[3] as Uint8Array);
    expect(refusal.code).toBe(CODE.badRequest);
    expect(new TextDecoder().decode(refusal.payload)).not.toMatch(/kid|credential|unknown/i);
  });

  test("a head-end with a known name and another key is refused", () => {
    const line = securedLine({
      headEnd: identity("head-end", "H", "thief"),
      served: [identity("head-end", "H")],
    });
    expect(line.ask(BODY)).toMatchObject({ kind: "failed", reason: "refused" });
    expect(line.served).toEqual([]);
  });

  test("a meter that is not enrolled gets no request and no message_3", () => {
    let fromHeadEnd = 0;
    const line = securedLine({
      enrolled: [identity("meter", "another")],
      tap: (_, from) => from === "head-end" && fromHeadEnd++,
    });
    expect(line.ask(BODY)).toMatchObject({ kind: "failed", reason: "not-proved" });
    expect(fromHeadEnd).toBe(1);
  });

  test("a meter that answers in the name of another is not believed", () => {
    const meters = [identity("meter", "M1"), identity("meter", "M2")];
    const line = securedLine({ enrolled: meters });
    expect(line.ask(BODY, { expect: "M2" })).toMatchObject({ kind: "failed", reason: "not-proved" });
    expect(line.ask(BODY, { expect: "M1" })).toMatchObject({ kind: "answer", peer: { id: "M1" } });
  });

  test("nobody there is told as a timeout when the time is up, not before and not much after", () => {
    const line = securedLine({ between: () => [] });
    expect(line.ask(BODY, { withinMs: 8000 })).toMatchObject({ kind: "failed", reason: "timeout" });
    expect(line.clock.monotonicMs()).toBe(8000);
  });
});

describe("somebody in the middle", () => {
  test("a request repeated by the network is answered again byte for byte and served once", () => {
    const answers: string[] = [];
    const line = securedLine({
      between: (datagram, from) => {
        if (from === "meter") answers.push(toHex(datagram));
        return from === "head-end" ? [datagram, datagram] : [datagram];
      },
    });
    line.ask(BODY);
    line.ask(BODY);
    expect(line.served).toHaveLength(2);
    expect(answers).toHaveLength(6);
    expect(answers[0]).toBe(answers[1]);
    expect(answers[4]).toBe(answers[5]);
  });

  test("a recorded request sent again under a new Message ID is refused with 4.01 and not served", () => {
    const requests: Uint8Array[] = [];
    const answers: Uint8Array[] = [];
    let replay: Uint8Array | undefined;
    const line = securedLine({
      between: (datagram, from) => {
        (from === "meter" ? answers : requests).push(datagram);
        const extra = from === "head-end" ? replay : undefined;
        replay = undefined;
        return extra === undefined ? [datagram] : [extra, datagram];
      },
    });
    line.ask(BODY);
    line.ask(BODY);
    line.ask(BODY);
    const recorded = messageOf(requests[2] as Uint8Array);
    replay = encodeMessage({ ...recorded, messageId: (recorded.messageId + 7000) & 0xffff });
    line.ask(BODY);
    expect(line.served).toHaveLength(4);
    expect(messageOf(answers[4] as Uint8Array)).toMatchObject({
      code: CODE.unauthorized,
      payload: new Uint8Array(0),
    });
    expect(line.serverEvents).toContainEqual(expect.objectContaining({ kind: "refused", reason: "replay" }));
  });

  test("answers swapped between two requests are dropped and both asks still end with their own body", () => {
    const held: Uint8Array[] = [];
    const swap = { on: false };
    const line = securedLine({
      between: (datagram, from) => {
        if (!swap.on || from === "head-end") return [datagram];
        held.push(datagram);
        if (held.length < 2) return [];
        const [first, second] = held.splice(0).map(messageOf);
        if (first === undefined || second === undefined) return [];
        swap.on = false;
        return [
          encodeMessage({ ...first, payload: second.payload }),
          encodeMessage({ ...second, payload: first.payload }),
        ];
      },
    });
    line.ask(BODY);
    swap.on = true;
    const bodies = [Uint8Array.of(0x01), Uint8Array.of(0x02)];
    const ids = bodies.map((body) => line.askLater(body));
    line.clock.advanceBy(10_000);
    for (const [i, id] of ids.entries()) {
      const event = line.clientEvents.find(({ ask }) => ask === id);
      expect(event).toMatchObject({ kind: "answer", content: { payload: bodies[i] } });
    }
  });

  test("a forged refusal costs a handshake but never yields an answer or ends an ask with data", () => {
    let forge = false;
    const line = securedLine({
      between: (datagram, from) => {
        if (!forge || from === "head-end") return [datagram];
        forge = false;
        const { messageId, token } = messageOf(datagram);
        const payload = fromText("register 42");
        return [encodeMessage({ type: "ACK", code: CODE.content, messageId, token, options: [], payload })];
      },
    });
    line.ask(BODY);
    forge = true;
    expect(line.ask(BODY)).toMatchObject({ kind: "answer", content: { payload: BODY } });
    expect(line.serverEvents.filter(({ kind }) => kind === "session")).toHaveLength(2);
  });

  test.each([
    ["a bare 4.01", CODE.unauthorized, ""],
    ["a made-up reading", CODE.content, "register 42"],
    ["a made-up message_2", CODE.changed, "no EDHOC at all"],
  ])("%s ahead of each genuine answer delays nothing, and all asks are answered", (_, code, text) => {
    const line = securedLine({
      between: (datagram, from) => {
        if (from === "head-end") return [datagram];
        const { messageId, token } = messageOf(datagram);
        const forged = { type: "ACK" as const, code, messageId, token, options: [], payload: fromText(text) };
        return [encodeMessage(forged), datagram];
      },
    });
    for (let i = 0; i < 5; i++)
      expect(line.ask(BODY)).toMatchObject({ kind: "answer", content: { payload: BODY } });
    expect(line.clock.monotonicMs()).toBeLessThan(10);
    expect(line.serverEvents.filter(({ kind }) => kind === "session")).toHaveLength(1);
  });

  test("a forged refusal is not believed while the genuine answer may still be on its way", () => {
    const line = securedLine({
      between: (datagram, from) => {
        if (from === "head-end") return [datagram];
        const { messageId, token } = messageOf(datagram);
        const [options, payload] = [[], new Uint8Array(0)];
        const forged = { type: "ACK" as const, code: CODE.unauthorized, messageId, token, options, payload };
        // The least time that an acknowledgement is waited for is 100 ms.
        return [encodeMessage(forged), { bytes: datagram, forMs: 80 }];
      },
    });
    for (let i = 0; i < 3; i++) expect(line.ask(BODY)).toMatchObject({ kind: "answer" });
    expect(line.serverEvents.filter(({ kind }) => kind === "session")).toHaveLength(1);
  });

  test("an RST ahead of each genuine answer ends nothing", () => {
    const line = securedLine({
      between: (datagram, from) => {
        if (from === "head-end") return [datagram];
        const { messageId } = messageOf(datagram);
        const empty = new Uint8Array(0);
        return [
          encodeMessage({ type: "RST", code: 0, messageId, token: empty, options: [], payload: empty }),
          datagram,
        ];
      },
    });
    expect(line.ask(BODY)).toMatchObject({ kind: "answer" });
    expect(line.ask(BODY)).toMatchObject({ kind: "answer" });
  });

  test("junk from a stranger between a request and its copy does not push the stored answer out", () => {
    let isLost = false;
    const junk = Array.from({ length: 200 }, (_, i) =>
      encodeMessage({
        type: "CON",
        code: CODE.get,
        messageId: 20_000 + i,
        token: new Uint8Array(0),
        options: [],
        payload: new Uint8Array(0),
      }),
    );
    const line = securedLine({
      between: (datagram, from) => {
        if (from === "head-end" || !isLost)
          return from === "head-end" && isLost ? [datagram, ...junk] : [datagram];
        isLost = false;
        return [];
      },
    });
    line.ask(BODY);
    isLost = true;
    expect(line.ask(BODY)).toMatchObject({ kind: "answer" });
    expect(line.served).toHaveLength(2);
    expect(line.serverEvents.filter(({ kind }) => kind === "session")).toHaveLength(1);
  });

  test("flipped bits all over the four datagrams leave both ends well, and no wrong body is taken", () => {
    const lengths: number[] = [];
    const clean = securedLine({ tap: (datagram) => lengths.push(datagram.length) });
    clean.ask(BODY);
    for (const [number, length] of lengths.entries()) {
      for (let bit = 0; bit < 8 * length; bit += 13) {
        let count = 0;
        const line = securedLine({
          between: (datagram) => {
            if (count++ !== number) return [datagram];
            const damaged = datagram.slice();
            damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
            return [damaged];
          },
        });
        const ended = line.ask(BODY);
        if (ended?.kind === "answer") expect(equal(ended.content.payload, BODY)).toBe(true);
        expect(line.clientEvents).toHaveLength(1);
        expect(line.ask(BODY)).toMatchObject({ kind: "answer" });
      }
    }
  }, 60_000);

  test("a meter's own handshake sent back to it is refused", () => {
    const line = securedLine({
      headEnd: identity("head-end", "M1"),
      served: [identity("meter", "M1")],
    });
    expect(line.ask(BODY)).toMatchObject({ kind: "failed" });
    expect(line.served).toEqual([]);
  });

  test("resources cannot be read without protection, and asking for one that is not there looks the same", () => {
    const answers: Uint8Array[] = [];
    const asked = ["r", "p", "i", "nothing"].map((path, messageId) =>
      encodeMessage({
        type: "CON",
        code: CODE.get,
        messageId,
        token: Uint8Array.of(messageId),
        options: [{ number: OPTION.uriPath, value: fromText(path) }],
        payload: new Uint8Array(0),
      }),
    );
    const line = securedLine({
      tap: (datagram, from) => from === "meter" && answers.push(datagram),
      between: (_, from) => (from === "meter" ? [] : asked.splice(0)),
    });
    line.ask(BODY);
    expect(answers.map((answer) => messageOf(answer).code)).toEqual(Array(4).fill(CODE.unauthorized));
    expect(new Set(answers.map((answer) => answer.length)).size).toBe(1);
    expect(line.served).toEqual([]);
  });

  test("Proxy-Uri and Proxy-Scheme are refused with 5.05: a meter is nobody's proxy", () => {
    const answers: Uint8Array[] = [];
    const asked = [OPTION.proxyUri, OPTION.proxyScheme].map((number, messageId) =>
      encodeMessage({
        type: "CON",
        code: CODE.get,
        messageId,
        token: new Uint8Array(0),
        options: [{ number, value: fromText("coap") }],
        payload: new Uint8Array(0),
      }),
    );
    const line = securedLine({
      tap: (datagram, from) => from === "meter" && answers.push(datagram),
      between: (_, from) => (from === "meter" ? [] : asked.splice(0)),
    });
    line.ask(BODY);
    expect(answers.map((answer) => messageOf(answer).code)).toEqual([0xa5, 0xa5]);
  });

  test("guesses of C_R with a false message_3 do not end a handshake that waits for the genuine one", () => {
    const option = { number: OPTION.uriPath, value: fromText("k") };
    const guess = (id: number, i: number): Uint8Array =>
      encodeMessage({
        type: "NON",
        code: CODE.post,
        messageId: 9000 + i,
        token: new Uint8Array(0),
        options: [option],
        payload: concat(Uint8Array.of(id), Uint8Array.of(0x52), new Uint8Array(18)),
      });
    const ids = Array.from({ length: 48 }, (_, n) => (n < 24 ? n : 0x20 + n - 24));
    let datagrams = 0;
    const line = securedLine({
      between: (datagram, from) => {
        if (from === "meter") return [datagram];
        return ++datagrams === 2 ? [...ids.map(guess), datagram] : [datagram];
      },
    });
    expect(line.ask(BODY)).toMatchObject({ kind: "answer" });
    expect(line.serverEvents.filter(({ kind }) => kind === "refused").length).toBeGreaterThanOrEqual(48);
  });

  test("of a flood of message_1 sixteen are computed and the rest met with silence, and the head-end is served", () => {
    const flood: Uint8Array[] = [];
    let recorded: Uint8Array | undefined;
    const line = securedLine({
      between: (datagram, from) => {
        if (from === "meter") return [datagram];
        recorded ??= datagram;
        return [...flood.splice(0), datagram];
      },
    });
    line.ask(BODY);
    const message = messageOf(recorded as Uint8Array);
    for (let i = 0; i < 200; i++)
      flood.push(encodeMessage({ ...message, messageId: i, token: Uint8Array.of(200) }));
    line.restartMeter();
    expect(line.ask(BODY, { withinMs: 20_000 })).toMatchObject({ kind: "answer" });
    const unmet = line.serverEvents.filter(
      (event) => event.kind === "refused" && event.reason === "handshakes",
    );
    expect(unmet.length).toBeGreaterThan(150);
  });
});

describe("a bad line", () => {
  test("at 20 % loss, repetition and reordering each, 300 asks end exactly once and none with a wrong body", () => {
    let faulty = 0;
    const line = securedLine({
      traits: { bitsPerSecond: 9600, bitsPerByte: 10, roundTripMs: 20 },
      wrap: (link, clock) =>
        new FaultyLink(link, clock, new SeededRandom(`fault ${faulty++}`), {
          lose: 0.2,
          repeat: 0.2,
          reorder: 0.2,
          reorderDelayMs: 50,
        }),
    });
    let answered = 0;
    for (let i = 0; i < 300; i++) {
      const body = Uint8Array.of(0x19, i >> 8, i & 0xff);
      const ended = line.ask(body, { withinMs: 20_000 });
      if (ended?.kind === "answer") {
        expect(ended.content.payload).toEqual(body);
        answered++;
      }
    }
    line.clock.advanceBy(60_000);
    expect(line.clientEvents).toHaveLength(300);
    expect(answered).toBeGreaterThan(290);
  });
});

test("an answer's outer message tells neither its code nor its format", () => {
  const answers: Uint8Array[] = [];
  const line = securedLine({
    tap: (datagram, from) => from === "meter" && answers.push(datagram),
  });
  line.ask(BODY);
  line.ask(concat(BODY, BODY));
  const outer = messageOf(answers[2] as Uint8Array);
  expect(outer.code).toBe(CODE.changed);
  expect(outer.options.map(({ number }) => number)).toEqual([OPTION.oscore]);
  expect(findOption(outer, OPTION.oscore)).toEqual(new Uint8Array(0));
});
