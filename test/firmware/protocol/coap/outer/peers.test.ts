// What others send in blocks, written by hand as the figures of RFC 7959 have it, and what bounds it.
import { describe, expect, test } from "vitest";
import { EMPTY, toHex } from "../../../../../firmware/protocol/bytes.ts";
import { encodeMessage } from "../../../../../firmware/protocol/coap/codec.ts";
import {
  CODE,
  type CoapContent,
  type CoapMessage,
  type CoapOption,
  codeText,
  findOption,
  OPTION,
  withOptions,
} from "../../../../../firmware/protocol/coap/message.ts";
import { exchangeLifetimeMs, transmitWaitMs } from "../../../../../firmware/protocol/coap/timing.ts";
import { LINE } from "../../../../../hal/ports/link.ts";
import { block, figure } from "../../blockwise/support.ts";
import { decoded, get, IP, message } from "../helpers.ts";
import { Alone, body, changed, introduction, mtu, sealed } from "./support.ts";

/** A sealed message's block, `1:2/1/64`, of a body. */
function piece(text: string, of: Uint8Array, number = 1, more: readonly CoapOption[] = []): CoapContent {
  const [, which, at, , size] = /^([12]):(\d+)\/([01])\/(\d+)$/.exec(text) ?? [];
  const start = Number(at) * Number(size);
  const payload = which === "1" ? of.slice(start, start + Number(size)) : EMPTY;
  return withOptions(sealed(payload, number), block(text), ...more);
}

/** A server that answers all with `answer`. */
function server(answer: CoapContent = changed(), traits = IP): Alone {
  const alone = new Alone(traits);
  alone.answer = (exchange) => void alone.half.respond(alone.nowMs, exchange, answer);
  return alone;
}

const wholes = ({ whole }: Alone): string[] => whole.map(({ payload }) => toHex(payload));
const LONG = body(200);

describe("a request in blocks", () => {
  test("is handled once, whole and without the options of its blocks, at its last one", () => {
    const alone = server();
    const size = [{ number: OPTION.size1, value: Uint8Array.of(200) }];
    expect(alone.send(piece("1:0/1/64", LONG, 1, size))).toEqual(["2.31 1:0/1/64"]);
    expect(alone.send(piece("1:1/1/64", LONG))).toEqual(["2.31 1:1/1/64"]);
    expect(alone.send(piece("1:2/1/64", LONG))).toEqual(["2.31 1:2/1/64"]);
    expect(alone.send(piece("1:3/0/64", LONG), LINE, "abcd")).toEqual(["2.04 1:3/0/64"]);
    expect(wholes(alone)).toEqual([toHex(LONG)]);
    expect(alone.whole[0]).toMatchObject({ options: sealed(LONG).options, token: Uint8Array.of(0xab, 0xcd) });
  });

  test("that has one block only is handled at once", () => {
    const alone = server();
    expect(alone.send(piece("1:0/0/64", body(20)))).toEqual(["2.04 1:0/0/64"]);
    expect(wholes(alone)).toEqual([toHex(body(20))]);
  });

  test("of which a block is missing gets 4.08, and goes on where it was", () => {
    const alone = server();
    alone.send(piece("1:0/1/64", LONG));
    expect(alone.send(piece("1:2/1/64", LONG))).toEqual(["4.08"]);
    expect(alone.send(piece("1:9/0/16", LONG))).toEqual(["4.08"]);
    expect(alone.whole).toEqual([]);
    expect(alone.send(piece("1:1/1/64", LONG))).toEqual(["2.31 1:1/1/64"]);
    expect(server().send(piece("1:1/0/64", LONG))).toEqual(["4.08"]);
  });

  test("may repeat any block, and change the size of its blocks where no byte is missing", () => {
    const alone = server();
    const figures = ["1:0/1/64", "1:0/1/64", "1:4/1/16", "1:1/1/64", "1:0/1/64", "1:4/1/32", "1:10/1/16"];
    // Blocks 1 of 64 and 4 of 16 begin at the same byte: the longer one does not agree with what came.
    expect(figures.map((text) => alone.send(piece(text, LONG))[0])).toEqual([
      ...["2.31 1:0/1/64", "2.31 1:0/1/64", "2.31 1:4/1/16", "4.08", "2.31 1:0/1/64", "4.08", "4.08"],
    ]);
    for (const text of ["1:5/1/16", "1:3/1/32", "1:2/1/64"]) alone.send(piece(text, LONG));
    expect(alone.send(piece("1:12/0/16", LONG))).toEqual(["2.04 1:12/0/16"]);
    expect(wholes(alone)).toEqual([toHex(LONG)]);
  });

  test("begins anew with another first block; a later block of other bytes gets 4.08", () => {
    const alone = server();
    alone.send(piece("1:0/1/64", LONG));
    expect(alone.send(piece("1:0/1/64", body(200, 1)))).toEqual(["2.31 1:0/1/64"]);
    alone.send(piece("1:1/1/64", body(200, 1)));
    expect(alone.send(piece("1:1/1/64", LONG))).toEqual(["4.08"]);
    alone.send(piece("1:2/1/64", body(200, 1)));
    alone.send(piece("1:3/0/64", body(200, 1)));
    expect(wholes(alone)).toEqual([toHex(body(200, 1))]);
  });

  test("is not mixed with one of another OSCORE option, Request-Tag, or station", () => {
    const alone = server();
    const tag = [{ number: OPTION.requestTag, value: Uint8Array.of(1) }];
    alone.send(piece("1:0/1/64", body(90)));
    expect(alone.send(piece("1:1/0/64", body(90), 2))).toEqual(["4.08"]);
    expect(alone.send(piece("1:1/0/64", body(90), 1, tag))).toEqual(["4.08"]);
    expect(alone.send(piece("1:1/0/64", body(90)), "elsewhere")).toEqual(["4.08"]);
    expect(alone.send(piece("1:1/0/64", body(90)))).toEqual(["2.04 1:1/0/64"]);
  });

  test.each([
    ["of another length than it says", piece("1:0/1/64", body(63)), "4.00"],
    [
      "of SZX 7",
      withOptions(sealed(body(16)), { number: OPTION.block1, value: Uint8Array.of(0x0f) }),
      "4.00",
    ],
    ["told twice", withOptions(piece("1:0/1/16", LONG), block("1:0/1/16")), "4.02"],
    ["beyond what is put together", piece("1:2/1/1024", body(3072)), "4.13"],
  ])("with a block %s gets an answer without a word more, and nothing is kept", (_, content, code) => {
    const alone = server();
    const [answer] = alone.exchange(content);
    expect(codeText(answer?.code ?? 0)).toBe(code);
    expect(answer?.payload.length).toBe(0);
    expect(alone.whole).toEqual([]);
  });

  test("that tells of more than is put together gets 4.13 with how much is, at its first block", () => {
    const size = [{ number: OPTION.size1, value: Uint8Array.of(0x08, 0x01) }];
    const [answer] = server().exchange(piece("1:0/1/64", LONG, 1, size));
    expect(answer?.code).toBe(CODE.entityTooLarge);
    expect(findOption(answer as CoapMessage, OPTION.size1)).toEqual(Uint8Array.of(0x08, 0x00));
  });

  test("is forgotten when no block comes for as long as a client waits, and at the latest after an exchange's life", () => {
    const [idleMs, lifeMs] = [transmitWaitMs(IP), exchangeLifetimeMs(IP)];
    const alone = server();
    alone.send(piece("1:0/1/64", LONG));
    alone.nowMs = idleMs - 1;
    expect(alone.send(piece("1:1/1/64", LONG))).toEqual(["2.31 1:1/1/64"]);
    alone.nowMs += idleMs;
    expect(alone.send(piece("1:2/1/64", LONG))).toEqual(["4.08"]);
    const slow = server();
    const long = body(2000);
    let code = slow.send(piece("1:0/1/16", long))[0];
    for (let i = 1; code?.startsWith("2.31"); i++) {
      slow.nowMs += idleMs / 2;
      code = slow.send(piece(`1:${i}/1/16`, long))[0];
    }
    expect(slow.nowMs).toBeGreaterThanOrEqual(lifeMs);
    expect(slow.nowMs).toBeLessThan(lifeMs + idleMs);
  });

  test("takes no room any more once it has its answer, and its last block is new to a server then", () => {
    const alone = server();
    for (let i = 0; i < 8; i++) {
      alone.send(piece("1:0/1/64", body(90)), `station ${i}`);
      expect(alone.send(piece("1:1/0/64", body(90)), `station ${i}`)).toEqual(["2.04 1:1/0/64"]);
    }
    expect(alone.send(piece("1:0/1/64", body(90)), "station 8")).toEqual(["2.31 1:0/1/64"]);
    expect(alone.send(piece("1:1/0/64", body(90)), "station 0")).toEqual(["4.08"]);
    expect(alone.whole).toHaveLength(8);
  });

  test("that is refused is refused again at a copy of its last block, not told that blocks are missing", () => {
    const alone = new Alone();
    alone.answer = (exchange) =>
      alone.half.refuse(0, exchange, { code: CODE.unauthorized, options: [], payload: EMPTY });
    alone.send(piece("1:0/1/64", body(90)));
    expect(alone.send(piece("1:1/0/64", body(90)))).toEqual(["4.01"]);
    expect(alone.send(piece("1:1/0/64", body(90)))).toEqual(["4.01"]);
  });
});

describe("a flood of first blocks", () => {
  const flood = (alone: Alone, stations: number, each = 1): string[] =>
    Array.from({ length: stations * each }, (_, i) =>
      alone.send(piece("1:0/1/1024", body(1024), i & 0xff), `stranger ${i % stations}`),
    ).flat();

  test("of many stations is taken up to eight, the rest gets 5.03, and who was there goes on", () => {
    const alone = server();
    alone.send(piece("1:0/1/64", LONG), "honest");
    const codes = flood(alone, 100);
    expect(codes.filter((code) => code.startsWith("2.31"))).toHaveLength(7);
    expect(codes.filter((code) => code === "5.03")).toHaveLength(93);
    for (const text of ["1:1/1/64", "1:2/1/64", "1:3/0/64"]) alone.send(piece(text, LONG), "honest");
    expect(wholes(alone)).toEqual([toHex(LONG)]);
  });

  test("of one station costs two places, its own", () => {
    const alone = server();
    alone.send(piece("1:0/1/64", LONG), "honest");
    flood(alone, 1, 100);
    const others = Array.from({ length: 6 }, (_, i) => alone.send(piece("1:0/1/64", LONG), `other ${i}`)[0]);
    expect(others.filter((code) => code?.startsWith("2.31"))).toHaveLength(5);
    for (const text of ["1:1/1/64", "1:2/1/64", "1:3/0/64"]) alone.send(piece(text, LONG), "honest");
    expect(alone.whole).toHaveLength(1);
  });

  test("takes no room from a station that has proved itself", () => {
    const alone = server();
    alone.half.proved("head-end");
    flood(alone, 100);
    expect(alone.send(piece("1:0/1/64", LONG), "head-end")).toEqual(["2.31 1:0/1/64"]);
    alone.nowMs += 60_000;
    flood(alone, 100);
    expect(alone.send(piece("1:0/1/64", LONG), "stranger 1000")).toEqual(["5.03"]);
  });

  test("pushes out nothing of what is remembered for copies of others' requests", () => {
    const alone = server();
    const request = message("CON", 7, "01", sealed(body(20)));
    const answers = [1, 2].map(() => {
      alone.half.receive(0, "honest", request);
      for (let event = alone.half.nextEvent(); event !== undefined; event = alone.half.nextEvent())
        if (event.kind === "request") alone.answer(event.exchange, event.message);
      const [answer] = alone.sent();
      flood(alone, 100);
      return answer && toHex(encodeMessage(answer));
    });
    expect(answers[1]).toBe(answers[0]);
    expect(alone.half.counters.duplicates).toBe(1);
  });

  test("makes room when it goes on no more", () => {
    const alone = server();
    flood(alone, 100);
    alone.nowMs += 10_000;
    expect(alone.send(piece("1:0/1/64", LONG), "honest")).toEqual(["2.31 1:0/1/64"]);
  });
});

describe("an answer in blocks", () => {
  const answer = changed(body(900, 5));
  const ask = sealed(body(20));

  test("is told block by block by its own request's options, with or without its payload, in the size that is asked for", () => {
    const alone = server(answer, mtu(300));
    expect(alone.send(ask)).toEqual(["2.04 2:0/1/256"]);
    expect(alone.send(piece("2:1/0/256", EMPTY))).toEqual(["2.04 2:1/1/256"]);
    expect(alone.send(withOptions(ask, block("2:1/0/256")))).toEqual(["2.04 2:1/1/256"]);
    expect(alone.send(piece("2:8/0/64", EMPTY))).toEqual(["2.04 2:8/1/64"]);
    expect(alone.send(piece("2:0/0/1024", EMPTY, 3))).toEqual(["2.04 2:0/1/256"]);
    expect(alone.send(piece("2:56/0/16", EMPTY))).toEqual(["2.04 2:56/0/16"]);
    expect(alone.whole).toHaveLength(2);
  });

  test("comes in as small blocks as its request asks for, though the link would take it whole", () => {
    expect(server(answer).send(withOptions(ask, block("2:0/0/64")))).toEqual(["2.04 2:0/1/64"]);
    expect(server(changed(body(60))).send(withOptions(ask, block("2:0/0/64")))).toEqual(["2.04"]);
  });

  test("is for nobody else: another option, another payload or another station gets 4.08, beyond its end 4.00", () => {
    const alone = server(answer, mtu(300));
    alone.send(ask);
    expect(alone.send(piece("2:1/0/256", EMPTY, 2))).toEqual(["4.08"]);
    expect(alone.send(withOptions(sealed(body(20, 1)), block("2:1/0/256")))).toEqual(["4.08"]);
    expect(alone.send(piece("2:1/0/256", EMPTY), "elsewhere")).toEqual(["4.08"]);
    expect(alone.send(piece("2:4/0/256", EMPTY))).toEqual(["4.00"]);
    alone.nowMs = exchangeLifetimeMs(IP);
    expect(alone.send(piece("2:1/0/256", EMPTY))).toEqual(["4.08"]);
  });

  test("to a GET is its server's to cut", () => {
    const alone = server();
    alone.answer = () => {};
    alone.exchange(withOptions(get(), block("2:3/0/64")));
    alone.exchange(withOptions(get(), block("2:0/0/64")));
    expect(alone.whole.map(figure)).toEqual(["0.01 2:3/0/64", "0.01 2:0/0/64"]);
  });

  test("to a stranger is never more than three times what asks for it, whatever the size that is asked for", () => {
    const alone = new Alone();
    alone.answer = (exchange) => void alone.half.greet(0, exchange, changed(body(300)));
    const asks = [introduction(body(37)), introduction(EMPTY)].flatMap((content) =>
      ["2:0/0/1024", "2:1/0/16", "2:1/0/128", "2:2/0/64", "2:18/0/16"].map((text) =>
        withOptions(content, block(text)),
      ),
    );
    for (const content of [introduction(body(37)), ...asks])
      for (const answer of alone.exchange(content)) {
        const asked = encodeMessage({ ...content, type: "CON", messageId: 1, token: Uint8Array.of(1) });
        expect(encodeMessage(answer).length, figure(content)).toBeLessThanOrEqual(3 * asked.length);
      }
  });
});

describe("a client that is answered in blocks", () => {
  /** Asks, and gives the request as it went out, and how to answer whatever went out last. */
  function asking(payload = body(200, 5)) {
    const alone = new Alone();
    const isGenuine = (answer: CoapContent): boolean => toHex(answer.payload) === toHex(payload);
    alone.half.request(0, LINE, sealed(body(20)), { untilMs: 300_000, isGenuine });
    const [first] = alone.sent();
    if (first === undefined) throw new Error("nothing went out");
    const reply = (to: CoapMessage, text: string, of = payload, etag = 1): CoapMessage[] => {
      const [, , at, , size] = /^(2):(\d+)\/([01])\/(\d+)$/.exec(text) ?? [];
      const start = Number(at) * Number(size);
      const options = [block(text), { number: OPTION.etag, value: Uint8Array.of(etag) }];
      const content = withOptions(changed(of.slice(start, start + Number(size))), ...options);
      const { messageId, token } = to;
      alone.half.receive(alone.nowMs, LINE, encodeMessage({ ...content, type: "ACK", messageId, token }));
      return alone.sent();
    };
    const told = (): string[] => {
      const events: string[] = [];
      for (let event = alone.half.nextEvent(); event; event = alone.half.nextEvent()) events.push(event.kind);
      return events;
    };
    const wake = (nowMs: number): CoapMessage[] => {
      alone.nowMs = nowMs;
      alone.half.wake(nowMs);
      return alone.sent();
    };
    return { first, reply, told, wake };
  }

  test("asks for the rest with the same OSCORE option and no payload, then judges the whole", () => {
    const { first, reply, told } = asking();
    const [second] = reply(first, "2:0/1/128");
    expect(figure(second as CoapMessage)).toBe("0.02 2:1/0/128");
    expect(second).toMatchObject({ payload: EMPTY });
    expect(findOption(second as CoapMessage, OPTION.oscore)).toEqual(findOption(first, OPTION.oscore));
    reply(second as CoapMessage, "2:1/0/128");
    expect(told()).toEqual(["answer", "ended"]);
  });

  test("goes on in smaller blocks where those come", () => {
    const { first, reply, told } = asking();
    const [second] = reply(first, "2:0/1/128");
    const [third] = reply(second as CoapMessage, "2:4/1/32");
    expect(figure(third as CoapMessage)).toBe("0.02 2:5/0/32");
    const [fourth] = reply(third as CoapMessage, "2:5/1/32");
    reply(fourth as CoapMessage, "2:6/0/32");
    expect(told()).toEqual(["answer", "ended"]);
  });

  test("takes no block of another answer or another place: it goes on asking", () => {
    const { first, reply, told, wake } = asking();
    const [second] = reply(first, "2:0/1/128") as [CoapMessage];
    expect(reply(second, "2:1/0/128", body(200, 6), 2)).toEqual([]);
    expect(reply(second, "2:3/0/64")).toEqual([]);
    expect(reply(second, "2:0/1/128")).toEqual([]);
    expect(told()).toEqual([]);
    const again = wake(2000);
    expect(again.map(figure)).toContain("0.02 2:1/0/128");
    reply(second, "2:1/0/128");
    expect(told()).toEqual(["answer", "ended"]);
  });

  test("that was given a forged first block asks anew and takes the genuine one", () => {
    const { first, reply, told, wake } = asking();
    const [forged] = reply(first, "2:0/1/128", body(200, 9), 7) as [CoapMessage];
    expect(figure(forged)).toBe("0.02 2:1/0/128");
    const [second] = reply(first, "2:0/1/128") as [CoapMessage];
    reply(second, "2:1/0/128");
    expect(told()).toEqual(["answer", "ended"]);
    expect(wake(400_000)).toEqual([]);
  });

  test("that was given a forged later block doubts the whole and asks anew until its time is up", () => {
    const { first, reply, told, wake } = asking();
    const [second] = reply(first, "2:0/1/128") as [CoapMessage];
    reply(second, "2:1/0/128", body(200, 6));
    expect(told()).toEqual(["doubt"]);
    expect(wake(3000).map(figure)).toEqual(["0.02"]);
    const [third] = reply(first, "2:0/1/128") as [CoapMessage];
    reply(third, "2:1/0/128");
    expect(told()).toEqual(["answer", "ended"]);
  });

  test("listens to no more than 2048 bytes, and to no more than eight beginnings", () => {
    const long = asking(body(4096));
    let asked: CoapMessage = long.first;
    let blocks = 0;
    for (; blocks < 9; blocks++) {
      const [next] = long.reply(asked, `2:${blocks}/1/512`, body(4096));
      if (next === undefined) break;
      asked = next;
    }
    expect(blocks).toBe(4);
    const { first, reply } = asking();
    const begun = Array.from({ length: 20 }, (_, i) => reply(first, "2:0/1/64", body(200, i + 9), i));
    expect(begun.filter((sent) => sent.length > 0)).toHaveLength(8);
  });
});

test("a long request whose server loses it is sent anew twice, and then doubted", () => {
  const alone = new Alone(mtu(128));
  alone.half.request(0, LINE, sealed(body(200)), { untilMs: 300_000, isGenuine: () => false });
  const firsts: string[] = [];
  const kinds: string[] = [];
  for (let i = 0; i < 5; i++) {
    const [sent] = alone.sent();
    if (sent === undefined) break;
    firsts.push(figure(sent));
    const answer = { code: CODE.requestEntityIncomplete, options: [], payload: EMPTY };
    const { messageId, token } = sent;
    alone.half.receive(0, LINE, encodeMessage({ ...answer, type: "ACK", messageId, token }));
    for (let event = alone.half.nextEvent(); event; event = alone.half.nextEvent()) kinds.push(event.kind);
  }
  expect(firsts).toEqual(Array(3).fill("0.02 1:0/1/64"));
  expect(kinds).toEqual(["doubt"]);
});

test("a long request whose server turns its blocks down as too large is sent anew in such as it names", () => {
  const alone = new Alone(mtu(128));
  alone.half.request(0, LINE, sealed(body(200)), { untilMs: 300_000, isGenuine: () => false });
  const turnDown = (size: number): string[] => {
    const [sent] = alone.sent();
    const { messageId, token } = sent as CoapMessage;
    const answer = withOptions(
      { code: CODE.entityTooLarge, options: [], payload: EMPTY },
      block(`1:0/0/${size}`),
    );
    alone.half.receive(0, LINE, encodeMessage({ ...answer, type: "ACK", messageId, token }));
    const told: string[] = [figure(sent as CoapMessage)];
    for (let event = alone.half.nextEvent(); event; event = alone.half.nextEvent()) told.push(event.kind);
    return told;
  };
  expect(turnDown(32)).toEqual(["0.02 1:0/1/64"]);
  expect(turnDown(16)).toEqual(["0.02 1:0/1/32"]);
  expect(turnDown(16)).toEqual(["0.02 1:0/1/16", "doubt"]);
});

test("a long request is given up by its first name, and tells its end once", () => {
  const alone = new Alone(mtu(128));
  const id = alone.half.request(0, LINE, sealed(body(200)), { untilMs: 300_000 }) ?? 0;
  const [sent] = alone.sent();
  const { messageId, token } = decoded(encodeMessage(sent as CoapMessage));
  const go = withOptions({ code: CODE.continue, options: [], payload: EMPTY }, block("1:0/1/64"));
  alone.half.receive(0, LINE, encodeMessage({ ...go, type: "ACK", messageId, token }));
  expect(alone.sent().map(figure)).toEqual(["0.02 1:1/1/64"]);
  alone.half.cancel(id);
  expect(alone.half.nextEvent()).toEqual({ kind: "ended", request: id, reason: "cancelled" });
  expect(alone.half.nextEvent()).toBeUndefined();
  alone.half.wake(400_000);
  expect(alone.sent()).toEqual([]);
});
