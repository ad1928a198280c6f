import { describe, expect, test } from "vitest";
import { Transfer } from "../../../../firmware/protocol/blockwise/transfer.ts";
import { fromUint, toHex } from "../../../../firmware/protocol/bytes.ts";
import { bodySizes } from "../../../../firmware/protocol/coap/block.ts";
import {
  bareAnswer,
  CODE,
  type CoapContent,
  findOption,
  OPTION,
  withOptions,
} from "../../../../firmware/protocol/coap/message.ts";
import { integerBelow, SeededRandom } from "../../../../hal/emulated/seeded-random.ts";
import type { LinkTraits } from "../../../../hal/ports/link.ts";
import { IP } from "../coap/helpers.ts";
import { block, body, figure, linkOf, request, server } from "./support.ts";

function transfer(content: CoapContent, traits: LinkTraits = IP): Transfer {
  let tag = 0;
  return new Transfer(content, bodySizes(traits), () => fromUint(tag++));
}

/** Lets a transfer talk with whoever answers, and gives its whole answer and what was said. */
function talk(of: Transfer, answerOf: (message: CoapContent, n: number) => CoapContent) {
  const said: string[] = [];
  for (let n = 0; n < 5000; n++) {
    const message = of.next();
    const answer = answerOf(message, n);
    said.push(`${figure(message)} -> ${figure(answer)}`);
    const step = of.take(answer);
    if (step === "again") of.restart("start");
    if (typeof step === "object") return { whole: step.whole, said };
  }
  throw new Error(`no end: ${said.slice(0, 20).join(", ")}`);
}

describe("a transfer", () => {
  test("of what fits is one message without any option of its own", () => {
    const content = request(CODE.put, { payload: body(1000) });
    const { said, whole } = talk(transfer(content), () => bareAnswer(CODE.changed));
    expect(transfer(content).next()).toEqual(content);
    expect(said).toEqual(["0.03 -> 2.04"]);
    expect(whole).toEqual(bareAnswer(CODE.changed));
  });

  test("sends a long body in blocks with a Request-Tag, and its length with the first", () => {
    const { ask, served } = server({ traits: linkOf(128) });
    const seen: CoapContent[] = [];
    const { said } = talk(transfer(request(CODE.put, { payload: body(300) }), linkOf(128)), (message) => {
      seen.push(message);
      return ask(message);
    });
    expect(said).toEqual([
      "0.03 1:0/1/128 -> 2.31 1:0/1/128",
      "0.03 1:1/1/128 -> 2.31 1:1/1/128",
      "0.03 1:2/0/128 -> 2.04 1:2/0/128",
    ]);
    expect(seen.map((message) => findOption(message, OPTION.requestTag))).toEqual(
      Array(3).fill(Uint8Array.of(0)),
    );
    expect(seen.map((message) => findOption(message, OPTION.size1))).toEqual([
      fromUint(300),
      undefined,
      undefined,
    ]);
    expect(served[0]?.payload).toEqual(body(300));
  });

  test("takes a new Request-Tag when it begins anew, so that no old block is taken for one of its own", () => {
    const of = transfer(request(CODE.put, { payload: body(300) }), linkOf(128));
    const tagNow = () => findOption(of.next(), OPTION.requestTag);
    const first = tagNow();
    expect(tagNow()).toEqual(first);
    of.restart("start");
    expect(tagNow()).not.toEqual(first);
  });

  test("goes over to smaller blocks where a 2.31 or a 4.13 asks for them", () => {
    const small = server({ traits: linkOf(32) });
    const put = request(CODE.put, { payload: body(200) });
    expect(talk(transfer(put, linkOf(128)), (message) => small.ask(message)).said).toEqual([
      "0.03 1:0/1/128 -> 2.31 1:0/1/32",
      "0.03 1:4/1/32 -> 2.31 1:4/1/32",
      "0.03 1:5/1/32 -> 2.31 1:5/1/32",
      "0.03 1:6/0/32 -> 2.04 1:6/0/32",
    ]);
    const tooLarge = withOptions(bareAnswer(CODE.entityTooLarge), block("1:0/0/64"));
    const refusing = server();
    const { said } = talk(transfer(put), (message, n) => (n === 0 ? tooLarge : refusing.ask(message)));
    expect(said.slice(0, 2)).toEqual(["0.03 -> 4.13 1:0/0/64", "0.03 1:0/1/64 -> 2.31 1:0/1/64"]);
    expect(refusing.served[0]?.payload).toEqual(body(200));
  });

  test("ends with a 4.13 that offers nothing smaller, and with any other refusal on its way", () => {
    const put = request(CODE.put, { payload: body(200) });
    const { ask } = server({ bodyBytesMax: 100 });
    expect(talk(transfer(put, linkOf(32)), (message) => ask(message)).whole.code).toBe(CODE.entityTooLarge);
    const forbidden = (_: CoapContent, n: number) =>
      n === 0 ? { ...bareAnswer(CODE.continue), options: [block("1:0/1/32")] } : bareAnswer(CODE.forbidden);
    expect(talk(transfer(put, linkOf(32)), forbidden).whole.code).toBe(CODE.forbidden);
    const same = withOptions(bareAnswer(CODE.entityTooLarge), block("1:0/0/32"));
    expect(talk(transfer(put, linkOf(32)), () => same).whole.code).toBe(CODE.entityTooLarge);
  });

  test("repeats an Echo with the message that it was asked for, and not with later ones", () => {
    const echo = { number: OPTION.echo, value: Uint8Array.of(1, 2, 3) };
    const challenge = withOptions(bareAnswer(CODE.unauthorized), echo);
    const { ask } = server({ traits: linkOf(128) });
    const echoes: boolean[] = [];
    const put = transfer(request(CODE.put, { payload: body(300) }), linkOf(128));
    talk(put, (message, n) => {
      echoes.push(findOption(message, OPTION.echo) !== undefined);
      return n === 0 ? challenge : ask(message);
    });
    expect(echoes).toEqual([false, true, false, false]);
  });

  test.each(["start", "last message"] as const)(
    "repeats no Echo of before when it goes on from the %s: whoever asked for it may have started anew",
    (from) => {
      const of = transfer(request(CODE.get));
      const challenge = {
        ...bareAnswer(CODE.unauthorized),
        options: [{ number: OPTION.echo, value: body(8) }],
      };
      expect(of.take(challenge)).toBe("repeat");
      expect(findOption(of.next(), OPTION.echo)).toEqual(body(8));
      of.restart(from);
      expect(of.next()).toEqual(request(CODE.get));
    },
  );

  test("never puts blocks of two answers together: it begins anew", () => {
    const changing = server({ answer: body(300, 1), traits: linkOf(128) });
    const { whole } = talk(transfer(request(CODE.get)), (message, n) => {
      if (n !== 1) return changing.ask(message);
      // Somebody else's answer in between, as after a restart of the server.
      changing.resource.answer = body(300, 2);
      changing.ask(request(CODE.get));
      return changing.ask(message);
    });
    expect(whole.payload).toEqual(body(300, 2));
    expect(whole.options.map(({ number }) => number)).toEqual([OPTION.etag]);
  });

  test.each([
    ["an answer that begins in its middle", ["2:1/1/64"], 64],
    ["a block shorter than it says", ["2:0/1/64"], 63],
    ["a reserved block size", ["2:0/1/2048"], 64],
  ])("takes %s for none", (_, blocks, length) => {
    const answer = { code: CODE.content, options: blocks.map(block), payload: body(length) };
    expect(transfer(request(CODE.get)).take(answer)).toBe("again");
  });

  test("does not follow an answer that never ends", () => {
    const of = transfer(request(CODE.get));
    const step = (n: number) =>
      of.take({ code: CODE.content, options: [block(`2:${n}/1/1024`)], payload: body(1024) });
    for (let n = 0; n < 64; n++) expect(step(n)).toBe("next");
    expect(step(64)).toBe("again");
  });

  test("of any length, between links of any two block sizes, arrives whole in both directions (200 seeds)", () => {
    const random = new SeededRandom("transfers");
    for (let run = 0; run < 200; run++) {
      const [ours, theirs] = [0, 1].map(() => linkOf(16 << integerBelow(random, 7))) as [
        LinkTraits,
        LinkTraits,
      ];
      const sent = random.bytes(integerBelow(random, 3000));
      const answer = random.bytes(1 + integerBelow(random, 3000));
      const { ask, served } = server({ answer, traits: theirs });
      const { whole } = talk(transfer(request(CODE.put, { payload: sent }), ours), (message) => ask(message));
      expect(served.map(({ payload }) => toHex(payload))).toEqual([toHex(sent)]);
      expect(toHex(whole.payload)).toBe(toHex(answer));
    }
  });

  test("takes any answer whatever without throwing, and comes to an end or asks on (5000 answers)", () => {
    const random = new SeededRandom("answers");
    const codes = [CODE.content, CODE.continue, CODE.requestEntityIncomplete, CODE.entityTooLarge, 0xff];
    const numbers = [OPTION.block1, OPTION.block2, OPTION.etag, OPTION.echo, OPTION.size1];
    for (let run = 0; run < 500; run++) {
      const of = transfer(request(CODE.fetch, { payload: random.bytes(integerBelow(random, 2500)) }));
      for (let n = 0; n < 10; n++) {
        const options = numbers
          .filter(() => integerBelow(random, 2) === 0)
          .map((number) => ({ number, value: random.bytes(integerBelow(random, 5)) }));
        const code = codes[integerBelow(random, codes.length)] as number;
        const step = of.take({ code, options, payload: random.bytes(16 << integerBelow(random, 7)) });
        if (step === "again") of.restart("start");
        expect(of.next().payload.length).toBeLessThanOrEqual(1056);
      }
    }
  });
});

test("a server takes any request whatever without throwing, and keeps to its bounds (5000 requests)", () => {
  const random = new SeededRandom("requests");
  const { ask, served } = server({ answer: body(5000), bodyBytesMax: 4096 });
  const numbers = [OPTION.block1, OPTION.block1, OPTION.block2, OPTION.size1, OPTION.requestTag];
  const owners = [{}, {}];
  for (let run = 0; run < 5000; run++) {
    const options = numbers
      .filter(() => integerBelow(random, 3) === 0)
      .map((number) => ({ number, value: random.bytes(integerBelow(random, 5)) }));
    const message = request(1 + integerBelow(random, 5), {
      options,
      payload: random.bytes(16 << integerBelow(random, 7)),
    });
    const answer = ask(message, { nowMs: run, owner: owners[run % 2] as object });
    expect(answer.payload.length).toBeLessThanOrEqual(1056);
  }
  expect(Math.max(...served.map(({ payload }) => payload.length))).toBeLessThanOrEqual(4096);
});
