// A group of whole meters, from its making to its reads, over somebody who fans requests out.
import { afterEach, describe, expect, test, vi } from "vitest";
import { equal } from "../../../../firmware/protocol/bytes.ts";
import { messageBytes } from "../../../../firmware/protocol/coap/codec.ts";
import { OPTION, withoutOptions } from "../../../../firmware/protocol/coap/message.ts";
import { RegistryError } from "../../../../host-tools/head-end/errors.ts";
import { EPOCH_MS } from "../../../../host-tools/head-end/groups/group.ts";
import { profileQuestion } from "../../../../host-tools/head-end/questions.ts";
import { type BlockOptions, block, storages } from "./block.ts";

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
    const startSeconds = Date.UTC(2026, 10, 24) / 1000 + 900;
    const question = profileQuestion({
      profile: 0,
      register: "1-0:1.8.0*255",
      startSeconds,
      count: 4,
      step: 1,
    });
    const { reports } = await read({ question });
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
    expect((await read({ distribute: "per-meter" })).outcomes).toEqual(ALL);
    expect(dap.requests.map(({ host }) => host)).toEqual(["M1", "M2", "M3"]);
  });
});

describe("a member", () => {
  test("that missed the request is asked once more by the same bytes, and told of as late", async () => {
    const { create, read, dap } = open({ meters: 3 });
    await create("M1", "M2", "M3");
    dap.requests.splice(0);
    dap.options.reaches = (meter) => meter !== "M2" || dap.requests.at(-1)?.host === "M2";
    expect((await read()).outcomes).toEqual({ ...ALL, M2: "late" });
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

describe("the keys of a group", () => {
  test("are other ones once a member has left, who reads nothing by its own any more, nor is asked", async () => {
    const { create, read, manage, dap, groups, refused } = open({ meters: 3 });
    await create("M1", "M2", "M3");
    const before = groups.find("B7")?.epoch;
    const left = await manage((manager) => manager.remove("B7", ["M2"]));
    expect(left).toEqual([
      { id: "M1", outcome: "joined" },
      { id: "M3", outcome: "joined" },
    ]);
    expect(groups.find("B7")?.epoch.gid).not.toEqual(before?.gid);
    // Whoever fans out does not know that it left.
    refused.splice(0);
    expect((await read()).outcomes).toEqual({ M1: "answered", M3: "answered" });
    expect(dap.given.at(-2)?.meter).toBe("M2");
    expect(refused).toEqual([["M2", "unknown-group"]]);
    expect(await manage((manager) => manager.remove("B7", ["M1", "M3"]))).toBeUndefined();
    expect(groups.list()).toEqual([]);
  });

  test("are replaced by the next read once a day is over, over new sessions", async () => {
    const { create, read, clock, groups, sessions } = open({ meters: 2 });
    await create("M1", "M2");
    const before = groups.find("B7")?.epoch;
    clock.advanceBy(EPOCH_MS);
    sessions.splice(0);
    expect((await read()).outcomes).toEqual({ M1: "answered", M2: "answered" });
    expect(groups.find("B7")?.epoch.gid).not.toEqual(before?.gid);
    expect(sessions.sort()).toEqual(["M1", "M2"]);
  });

  test("are other ones once a member was revoked, who is out and was told nothing", async () => {
    const { create, read, registry, groups, dap } = open({ meters: 3 });
    await create("M1", "M2", "M3");
    registry.revoke("M3");
    dap.requests.splice(0);
    const { outcomes } = await read();
    expect(outcomes).toEqual({ M1: "answered", M2: "answered", M3: "refused" });
    expect((await read()).outcomes).toEqual({ M1: "answered", M2: "answered" });
    expect(groups.find("B7")?.members.map(({ id }) => id)).toEqual(["M1", "M2"]);
    expect(dap.requests.map(({ host }) => host)).not.toContain("M3");
  });

  test("are given to a member that has lost them at the next read after it said so", async () => {
    const { create, read, street } = open({ meters: 2 });
    await create("M1", "M2");
    street.powerOff();
    street.powerOn();
    const first = await read();
    expect(first.outcomes).toEqual({ M1: "refused", M2: "refused" });
    expect(first.reports).toMatchObject([{ why: expect.stringMatching(/M1 at udp:dap:5700/) }, {}]);
    expect((await read()).outcomes).toEqual({ M1: "answered", M2: "answered" });
  });

  test("outlive a power cut where meters keep them: each challenges once, alone, and is read all the same", async () => {
    const { create, read, street, sessions, dap } = open({ meters: 2, storage: storages() });
    await create("M1", "M2");
    street.powerOff();
    street.powerOn();
    sessions.splice(0);
    dap.requests.splice(0);
    expect((await read()).outcomes).toEqual({ M1: "answered", M2: "answered" });
    expect(dap.requests.map(({ host }) => host).sort()).toEqual(["B7", "M1", "M1", "M2", "M2"]);
    dap.requests.splice(0);
    await read();
    expect(dap.requests.map(({ host }) => host)).toEqual(["B7"]);
    expect(sessions).toEqual([]);
  });
});

describe("the group manager", () => {
  test("keeps a meter out that is set otherwise, or is of another block, before it has any key", async () => {
    const { create, groups, registry, read } = open({
      meters: 3,
      configurations: { M2: { zone: "CET-1" }, M3: { block: "B8" } },
    });
    expect(await create("M1", "M2", "M3")).toEqual([
      { id: "M1", outcome: "joined" },
      { id: "M2", outcome: "unfit", why: expect.stringMatching(/is set otherwise than B7.*digest/) },
      { id: "M3", outcome: "unfit", why: expect.stringMatching(/is of the block "B8", and B7 is of/) },
    ]);
    expect(groups.find("B7")?.members.map(({ id }) => id)).toEqual(["M1"]);
    expect(registry.find("M3")?.plate).toMatchObject({ block: "B8" });
    expect((await read()).outcomes).toEqual({ M1: "answered" });
  });

  test("leaves no group behind where none could be filled", async () => {
    const { create, groups } = open({ meters: 1 });
    vi.spyOn(groups, "add").mockImplementationOnce(() => {
      throw new RegistryError("The group B7 would have more than 250 members.");
    });
    await expect(create("M1")).rejects.toThrow(/more than 250/);
    expect(groups.list()).toEqual([]);
    expect(await create("M1")).toMatchObject([{ outcome: "joined" }]);
  });

  test("has more meters join, which changes nothing for the others", async () => {
    const { create, read, manage, sessions, groups } = open({ meters: 3 });
    await create("M1", "M2");
    const before = groups.find("B7")?.epoch;
    sessions.splice(0);
    expect(await manage((manager) => manager.add("B7", ["M3"]))).toEqual([{ id: "M3", outcome: "joined" }]);
    expect(sessions).toEqual(["M3"]);
    expect(groups.find("B7")?.epoch.gid).toEqual(before?.gid);
    expect((await read()).outcomes).toEqual(ALL);
  });

  test("refuses meters that are not enrolled, names that are taken, and groups of other head-ends", async () => {
    const { create, manage, groups } = open({ meters: 1 });
    await expect(create("M9")).rejects.toThrow(/M9 is not enrolled/);
    expect(groups.list()).toEqual([]);
    await create("M1");
    await expect(create("M1")).rejects.toThrow(/group B7 already/);
    groups.create({ name: "B8", rule: "configuration", headEnd: Uint8Array.of(1) });
    await expect(manage((manager) => manager.rekey("B8"))).rejects.toThrow(/B8 obeys another head-end/);
    await expect(manage((manager) => manager.rekey("B9"))).rejects.toThrow(/no group B9/);
  });
});
