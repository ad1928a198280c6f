// A group of whole meters, from its making to its reads, over somebody who fans requests out.
import { afterEach, describe, expect, test } from "vitest";
import { equal } from "../../../../firmware/protocol/bytes.ts";
import { messageBytes } from "../../../../firmware/protocol/coap/codec.ts";
import { CODE, OPTION, withoutOptions } from "../../../../firmware/protocol/coap/message.ts";
import { EPOCH_MS } from "../../../../host-tools/head-end/groups/group.ts";
import { profileQuestion } from "../../../../host-tools/head-end/questions.ts";
import { type BlockOptions, block } from "./block.ts";

const worlds: ReturnType<typeof block>[] = [];

afterEach(() => {
  for (const world of worlds.splice(0)) world.close();
});

function open(options: BlockOptions) {
  const world = block(options);
  worlds.push(world);
  return world;
}

const ALL = { M1: "answered", M2: "answered", M3: "answered" };

describe("a group", () => {
  test("is made of meters that are set alike, and read by one request of which each gets the same bytes", async () => {
    const { create, read, dap, groups } = open({ meters: 3 });
    const joinings = await create("M1", "M2", "M3");
    expect(joinings.map(({ outcome }) => outcome)).toEqual(["joined", "joined", "joined"]);
    expect(groups.find("B7")?.members.map(({ state }) => state)).toEqual(["joined", "joined", "joined"]);
    dap.given.splice(0);
    dap.requests.splice(0);
    const { outcomes, reports, traffic } = await read();
    expect(outcomes).toEqual(ALL);
    for (const report of reports)
      expect(report).toMatchObject({ body: { entries: [{ register: "1-0:1.8.0*255" }] } });
    expect(dap.requests.map(({ host }) => host)).toEqual(["B7"]);
    const sealed = dap.given.map(({ message }) => withoutOptions(message, OPTION.uriHost));
    expect(sealed).toHaveLength(3);
    for (const { payload, options } of sealed) {
      expect(equal(payload, sealed[0]?.payload as Uint8Array)).toBe(true);
      expect(options).toEqual(sealed[0]?.options);
    }
    // wire.md's figure, with the alias of the group in it.
    expect(messageBytes(dap.requests[0]?.message ?? expect.fail(), 1)).toBeLessThanOrEqual(93);
    expect(traffic.requestBytes).toBeLessThanOrEqual(93);
  });

  test("gives its profiles too", async () => {
    const { create, read, clock } = open({ meters: 2 });
    await create("M1", "M2");
    clock.advanceBy(2 * 3_600_000);
    const startSeconds = Date.UTC(2026, 10, 24) / 1000;
    const question = profileQuestion({
      profile: 0,
      register: "1-0:1.8.0*255",
      startSeconds,
      count: 4,
      step: 1,
    });
    const { reports } = await read("fan-out", question);
    expect(reports).toMatchObject([
      { outcome: "answered", body: [{ value: 250 }, { value: 250 }, { value: 250 }, { value: 250 }] },
      { outcome: "answered", body: [{ value: 250 }, { value: 250 }, { value: 250 }, { value: 250 }] },
    ]);
  });

  test("goes on in another process, with numbers that were not used before and without new handshakes", async () => {
    const { create, read, dap, restartHeadEnd, sessions } = open({ meters: 3 });
    await create("M1", "M2", "M3");
    await read();
    const before = sessions.length;
    restartHeadEnd();
    dap.requests.splice(0);
    const first = await read();
    const second = await read();
    expect([first.outcomes, second.outcomes]).toEqual([ALL, ALL]);
    const options = dap.requests.map(({ message }) =>
      String(message.options.find(({ number }) => number === OPTION.oscore)?.value),
    );
    expect(new Set(options).size).toBe(2);
    expect(sessions.length).toBe(before);
  });

  test("is read member by member over their own sessions where that is wanted, without a request to all", async () => {
    const { create, read, dap } = open({ meters: 3 });
    await create("M1", "M2", "M3");
    dap.requests.splice(0);
    expect((await read("per-meter")).outcomes).toEqual(ALL);
    expect(dap.requests.map(({ host }) => host)).toEqual(["M1", "M2", "M3"]);
  });
});

describe("a member", () => {
  test("that missed the request is asked once more by the same bytes, and told of as late", async () => {
    let isCut = false;
    const { create, read, dap } = open({ meters: 3, reaches: (meter) => meter !== "M2" || !isCut });
    await create("M1", "M2", "M3");
    isCut = true;
    dap.requests.splice(0);
    const reading = read();
    dap.options.reaches = () => dap.requests.some(({ host }) => host === "M2") || false;
    dap.options.reaches = (meter) => meter !== "M2" || dap.requests.at(-1)?.host === "M2";
    expect((await reading).outcomes).toEqual({ ...ALL, M2: "late" });
    const [all, again] = dap.requests;
    expect([all?.host, again?.host]).toEqual(["B7", "M2"]);
    expect(again?.message.payload).toEqual(all?.message.payload);
  });

  test("whose answer was lost repeats it byte for byte when it is asked once more", async () => {
    const answers: Uint8Array[] = [];
    let losses = 0;
    const { create, read } = open({
      meters: 2,
      between: (answer, meter) => {
        if (meter === "M2") answers.push(answer.payload);
        return meter === "M2" && losses-- > 0 ? [] : [answer];
      },
    });
    await create("M1", "M2");
    answers.splice(0);
    losses = 1;
    const { outcomes } = await read();
    expect(outcomes).toEqual({ M1: "answered", M2: "late" });
    expect(answers).toHaveLength(2);
    expect(answers[1]).toEqual(answers[0]);
  });

  test("that is not there is missing, and never zero; the others are read", async () => {
    const { create, read, dap } = open({ meters: 3 });
    await create("M1", "M2", "M3");
    dap.options.reaches = (meter) => meter !== "M3";
    const { outcomes, reports } = await read();
    expect(outcomes).toEqual({ ...ALL, M3: "missing" });
    expect(reports.find(({ meter }) => meter === "M3")).toEqual({
      meter: "M3",
      outcome: "missing",
      why: expect.stringMatching(/Nobody at udp:dap:5700 answered/),
    });
  });

  test("that could not be reached as the group was made is missing, joins with the next read, and is read then", async () => {
    const { create, read, dap } = open({ meters: 3, reaches: (meter) => meter !== "M2" });
    const joinings = await create("M1", "M2", "M3");
    expect(joinings.map(({ id, outcome }) => [id, outcome])).toEqual([
      ["M1", "joined"],
      ["M2", "waiting"],
      ["M3", "joined"],
    ]);
    expect((await read()).outcomes).toEqual({ ...ALL, M2: "missing" });
    dap.options.reaches = () => true;
    expect((await read()).outcomes).toEqual(ALL);
  });
});
