import { describe, expect, test } from "vitest";
import { concat, fromUint } from "../../../../firmware/protocol/bytes.ts";
import { CODE, findOption, OPTION } from "../../../../firmware/protocol/coap/message.ts";
import { body, figure, linkOf, request, server } from "./support.ts";

/** Sends a body block by block and gives each answer as the RFC's figures write it. */
function put(ask: ReturnType<typeof server>["ask"], whole: Uint8Array, blocks: readonly string[]): string[] {
  return blocks.map((block) => {
    const [, number, size] = /:(\d+)\/\d\/(\d+)/.exec(block) ?? [];
    const start = Number(number) * Number(size);
    const payload = whole.slice(start, start + Number(size));
    return figure(ask(request(CODE.put, { blocks: [block], payload })));
  });
}

describe("the figures of RFC 7959", () => {
  test("2: a GET in three blocks of 128", () => {
    const { ask, served } = server({ answer: body(300), traits: linkOf(128) });
    const asked = [[], ["2:1/0/128"], ["2:2/0/128"]];
    const answers = asked.map((blocks) => ask(request(CODE.get, { blocks })));
    expect(answers.map(figure)).toEqual(["2.05 2:0/1/128", "2.05 2:1/1/128", "2.05 2:2/0/128"]);
    expect(concat(...answers.map(({ payload }) => payload))).toEqual(body(300));
    expect(served).toHaveLength(1);
  });

  test("3: a GET whose first request asks for blocks of 64", () => {
    const { ask } = server({ answer: body(300) });
    const asked = ["2:0/0/64", "2:1/0/64", "2:2/0/64", "2:3/0/64", "2:4/0/64"];
    const answers = asked.map((block) => ask(request(CODE.get, { blocks: [block] })));
    expect(answers.map(figure)).toEqual([
      "2.05 2:0/1/64",
      "2.05 2:1/1/64",
      "2.05 2:2/1/64",
      "2.05 2:3/1/64",
      "2.05 2:4/0/64",
    ]);
    expect(concat(...answers.map(({ payload }) => payload))).toEqual(body(300));
  });

  test("4: a GET whose second request asks for smaller blocks", () => {
    const { ask } = server({ answer: body(300), traits: linkOf(128) });
    const asked = [[], ["2:2/0/64"], ["2:3/0/64"], ["2:4/0/64"]];
    const answers = asked.map((blocks) => ask(request(CODE.get, { blocks })));
    expect(answers.map(figure)).toEqual([
      "2.05 2:0/1/128",
      "2.05 2:2/1/64",
      "2.05 2:3/1/64",
      "2.05 2:4/0/64",
    ]);
    expect(concat(...answers.map(({ payload }) => payload))).toEqual(body(300));
  });

  test("7: a PUT in three blocks of 128", () => {
    const { ask, served } = server();
    expect(put(ask, body(300), ["1:0/1/128", "1:1/1/128", "1:2/0/128"])).toEqual([
      "2.31 1:0/1/128",
      "2.31 1:1/1/128",
      "2.04 1:2/0/128",
    ]);
    expect(served).toEqual([request(CODE.put, { payload: body(300) })]);
  });

  test("9: a PUT whose server asks for smaller blocks", () => {
    const { ask, served } = server({ traits: linkOf(32) });
    expect(put(ask, body(200), ["1:0/1/128", "1:4/1/32", "1:5/1/32", "1:6/0/32"])).toEqual([
      "2.31 1:0/1/32",
      "2.31 1:4/1/32",
      "2.31 1:5/1/32",
      "2.04 1:6/0/32",
    ]);
    expect(served[0]?.payload).toEqual(body(200));
  });

  test("11: a POST in three blocks whose answer comes in four", () => {
    const { ask, served } = server({ answer: body(450, 1), traits: linkOf(128) });
    const post = (block: string, payload = new Uint8Array(0)) =>
      ask(request(CODE.post, { blocks: [block], payload }));
    const whole = body(300);
    expect(figure(post("1:0/1/128", whole.slice(0, 128)))).toBe("2.31 1:0/1/128");
    expect(figure(post("1:1/1/128", whole.slice(128, 256)))).toBe("2.31 1:1/1/128");
    const answers = [post("1:2/0/128", whole.slice(256)), ...[1, 2, 3].map((n) => post(`2:${n}/0/128`))];
    expect(answers.map(figure)).toEqual([
      "2.05 1:2/0/128 2:0/1/128",
      "2.05 2:1/1/128",
      "2.05 2:2/1/128",
      "2.05 2:3/0/128",
    ]);
    expect(concat(...answers.map(({ payload }) => payload))).toEqual(body(450, 1));
    expect(served).toHaveLength(1);
    expect(served[0]?.payload).toEqual(whole);
  });
});

describe("a request's body in blocks", () => {
  test("that begins in the middle, or leaves a block out, gets 4.08 and serves nothing", () => {
    const { ask, served } = server();
    expect(put(ask, body(300), ["1:1/1/128"])).toEqual(["4.08"]);
    expect(put(ask, body(600), ["1:0/1/128", "1:2/1/128", "1:3/1/128"]).slice(1)).toEqual(["4.08", "4.08"]);
    expect(served).toEqual([]);
  });

  test("goes on after a block out of turn: a copy from the network ends nothing", () => {
    const { ask, served } = server();
    expect(put(ask, body(300), ["1:0/1/128", "1:2/0/128", "1:1/1/128", "1:2/0/128"])).toEqual([
      "2.31 1:0/1/128",
      "4.08",
      "2.31 1:1/1/128",
      "2.04 1:2/0/128",
    ]);
    expect(served[0]?.payload).toEqual(body(300));
  });

  test("takes its newest block twice where the answer to it was lost, but no other content in its place", () => {
    const { ask, served } = server();
    put(ask, body(300), ["1:0/1/128", "1:1/1/128"]);
    expect(put(ask, body(300), ["1:1/1/128"])).toEqual(["2.31 1:1/1/128"]);
    expect(put(ask, body(300, 9), ["1:1/1/128"])).toEqual(["4.08"]);
    put(ask, body(300), ["1:2/0/128"]);
    expect(served.map(({ payload }) => payload)).toEqual([body(300)]);
  });

  test("begins anew with its first block, whatever came before", () => {
    const { ask, served } = server();
    put(ask, body(300, 1), ["1:0/1/128", "1:1/1/128"]);
    put(ask, body(300, 2), ["1:0/1/128", "1:1/1/128", "1:2/0/128"]);
    expect(served.map(({ payload }) => payload)).toEqual([body(300, 2)]);
  });

  test("may become smaller in block size on the way, or larger, as long as no byte is missing", () => {
    const { ask, served } = server();
    expect(put(ask, body(300), ["1:0/1/128", "1:4/1/32", "1:5/1/32", "1:3/1/64", "1:2/0/128"])).toEqual([
      "2.31 1:0/1/128",
      "2.31 1:4/1/32",
      "2.31 1:5/1/32",
      "2.31 1:3/1/64",
      "2.04 1:2/0/128",
    ]);
    expect(served[0]?.payload).toEqual(body(300));
  });

  test("longer than the server takes gets 4.13 with the limit, at the block that passes it or at once where it is announced", () => {
    const { ask, served } = server({ bodyBytesMax: 256 });
    expect(put(ask, body(512), ["1:0/1/128", "1:1/1/128", "1:2/1/128", "1:3/0/128"])).toEqual([
      "2.31 1:0/1/128",
      "2.31 1:1/1/128",
      "4.13",
      "4.13",
    ]);
    const size = { number: OPTION.size1, value: fromUint(257) };
    const payload = body(128);
    const refused = ask(request(CODE.put, { blocks: ["1:0/1/128"], payload, options: [size] }));
    expect(figure(refused)).toBe("4.13");
    expect(findOption(refused, OPTION.size1)).toEqual(fromUint(256));
    expect(served).toEqual([]);
  });

  test.each([
    ["longer than its size", "1:0/0/64", 65],
    ["shorter than its size though more follow", "1:0/1/64", 63],
    ["without a byte though more follow", "1:0/1/64", 0],
  ])("with a block %s gets 4.00", (_, block, length) => {
    const { ask, served } = server();
    const answer = ask(request(CODE.put, { blocks: [block], payload: body(length) }));
    expect(answer.code).toBe(CODE.badRequest);
    expect(served).toEqual([]);
  });

  test("is never put together of blocks of two senders, paths, formats, methods or Request-Tags", () => {
    const [one, two] = [body(300, 1), body(300, 2)];
    const tag = (value: number) => ({ number: OPTION.requestTag, value: Uint8Array.of(value) });
    const format = (value: number) => ({ number: OPTION.contentFormat, value: Uint8Array.of(value) });
    const others = [
      { owner: {} },
      { path: "c" },
      { code: CODE.post },
      { options: [tag(2)] },
      { options: [tag(1), tag(1)] },
      { options: [] },
      { options: [tag(1), format(61)] },
    ];
    for (const { owner, code = CODE.put, path = "t", options = [tag(1)] } of others) {
      const { ask, served } = server();
      const first = { blocks: ["1:0/1/128"], payload: one.slice(0, 128), options: [tag(1)] };
      expect(figure(ask(request(CODE.put, first)))).toBe("2.31 1:0/1/128");
      const second = { blocks: ["1:1/1/128"], payload: two.slice(128, 256), path, options };
      const answer = ask(request(code, second), owner === undefined ? {} : { owner });
      expect(figure(answer)).toBe("4.08");
      expect(served).toEqual([]);
    }
  });

  test("belongs together whatever a proxy did to its address or its hops on the way", () => {
    const { ask, served } = server();
    const hop = (value: number) => ({ number: OPTION.hopLimit, value: Uint8Array.of(value) });
    const host = (name: number) => ({ number: OPTION.uriHost, value: Uint8Array.of(name) });
    ask(request(CODE.put, { blocks: ["1:0/1/16"], payload: body(16), options: [hop(16), host(1)] }));
    ask(request(CODE.put, { blocks: ["1:1/0/16"], payload: body(8), options: [hop(9), host(2)] }));
    expect(served).toHaveLength(1);
  });

  test("is dropped when no block came for as long as a client tries, and begun anew then", () => {
    const { ask, served } = server();
    const send = (n: number, more: 0 | 1, nowMs: number) =>
      figure(ask(request(CODE.put, { blocks: [`1:${n}/${more}/16`], payload: body(16) }), { nowMs }));
    expect(send(0, 1, 0)).toBe("2.31 1:0/1/16");
    expect(send(1, 1, 46_000)).toBe("2.31 1:1/1/16");
    expect(send(2, 0, 93_000)).toBe("4.08");
    expect(served).toEqual([]);
  });

  test("is one of at most four under way: a fifth pushes out the one that was not heard of for longest", () => {
    const { ask } = server();
    const owners = Array.from({ length: 5 }, () => ({}));
    const send = (n: number, owner: object) =>
      figure(ask(request(CODE.put, { blocks: [`1:${n}/1/16`], payload: body(16) }), { owner }));
    for (const owner of owners) expect(send(0, owner)).toBe("2.31 1:0/1/16");
    expect(owners.map((owner) => send(1, owner))).toEqual(["4.08", ...Array(4).fill("2.31 1:1/1/16")]);
  });
});

describe("an answer in blocks", () => {
  test("is in one piece where it fits the link and nobody asked for blocks", () => {
    const { ask } = server({ answer: body(1056) });
    expect(figure(ask(request(CODE.get)))).toBe("2.05");
    expect(figure(ask(request(CODE.get, { blocks: ["2:0/0/1024"] })))).toBe("2.05 2:0/1/1024");
  });

  test("says so where it fits the block that was asked for", () => {
    const { ask } = server({ answer: body(20) });
    expect(figure(ask(request(CODE.get, { blocks: ["2:0/0/32"] })))).toBe("2.05 2:0/0/32");
  });

  test("is the one that was begun, though the resource has another by now, and each answer has its own ETag", () => {
    const { ask, resource } = server({ answer: body(300, 1), traits: linkOf(128) });
    const first = ask(request(CODE.get));
    resource.answer = body(300, 2);
    const second = ask(request(CODE.get, { blocks: ["2:1/0/128"] }));
    expect(second.payload).toEqual(body(300, 1).slice(128, 256));
    expect(findOption(second, OPTION.etag)).toEqual(findOption(first, OPTION.etag));
    const anew = ask(request(CODE.get));
    expect(findOption(anew, OPTION.etag)).not.toEqual(findOption(first, OPTION.etag));
  });

  test("is not to be had by another sender, path, method or body, nor after its time", () => {
    const { ask } = server({ answer: body(300), traits: linkOf(128) });
    ask(request(CODE.fetch, { payload: body(5) }));
    const next = { blocks: ["2:1/0/128"] };
    expect(figure(ask(request(CODE.fetch, next), { owner: {} }))).toBe("4.08");
    expect(figure(ask(request(CODE.fetch, { ...next, path: "c" })))).toBe("4.08");
    expect(figure(ask(request(CODE.get, next)))).toBe("4.08");
    expect(figure(ask(request(CODE.fetch, { ...next, payload: body(6) })))).toBe("4.08");
    expect(figure(ask(request(CODE.fetch, { ...next, payload: body(5) })))).toBe("2.05 2:1/1/128");
    expect(figure(ask(request(CODE.fetch, next)))).toBe("2.05 2:1/1/128");
    expect(figure(ask(request(CODE.fetch, next), { nowMs: 47_000 }))).toBe("4.08");
  });

  test("has no block beyond its end: 4.00", () => {
    const { ask } = server({ answer: body(256), traits: linkOf(128) });
    ask(request(CODE.get));
    expect(figure(ask(request(CODE.get, { blocks: ["2:2/0/128"] })))).toBe("4.00");
    expect(figure(ask(request(CODE.get, { blocks: ["2:1048575/0/1024"] })))).toBe("4.00");
  });

  test("comes in blocks of the link's size where larger ones are asked for", () => {
    const { ask } = server({ answer: body(300), traits: linkOf(64) });
    ask(request(CODE.get));
    expect(figure(ask(request(CODE.get, { blocks: ["2:1/0/128"] })))).toBe("2.05 2:2/1/64");
  });
});
